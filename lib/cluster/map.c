#include "cluster/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct cluster_map *
cluster_map_new(size_t n)
{
    struct cluster_map *map;

    if (n > (SIZE_MAX - sizeof(*map)) / sizeof(map->node[0])) {
        return NULL;
    }
    map = calloc(1, sizeof(*map) + n * sizeof(map->node[0]));
    if (map != NULL) {
        atomic_init(&map->refs, 1);
        map->room = n;
        map->next_thread_type = NODE_THREAD_TYPE_MIN;
    }
    return map;
}

struct cluster_map *
cluster_map_copy(const struct cluster_map *map, size_t extra)
{
    struct cluster_map *copy = cluster_map_new(map->nnodes + extra);

    if (copy != NULL) {
        copy->version = map->version;
        copy->next_thread_type = map->next_thread_type;
        copy->nnodes = map->nnodes;
        memcpy(copy->node, map->node, map->nnodes * sizeof(map->node[0]));
    }
    return copy;
}

struct cluster_map *
cluster_map_ref(struct cluster_map *map)
{
    atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
    return map;
}

void
cluster_map_unref(struct cluster_map *map)
{
    if (map != NULL &&
        atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel) == 1) {
        free(map);
    }
}

/* Where this key is, or belongs. */
static size_t
position(const struct cluster_map *map, struct slice key, bool *found)
{
    size_t low = 0;
    size_t high = map->nnodes;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_cmp(node_key(&map->node[middle]), key);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct node *
cluster_map_put(struct cluster_map *map, const struct node *node)
{
    bool found;
    size_t at = position(map, node_key(node), &found);

    if (!found) {
        assert(map->nnodes < map->room);
        memmove(&map->node[at + 1], &map->node[at],
                (map->nnodes - at) * sizeof(map->node[0]));
        map->nnodes++;
    }
    map->node[at] = *node;
    return &map->node[at];
}

void
cluster_map_remove(struct cluster_map *map, struct node *node)
{
    size_t at = (size_t)(node - map->node);

    map->nnodes--;
    memmove(&map->node[at], &map->node[at + 1],
            (map->nnodes - at) * sizeof(map->node[0]));
}

/* The map's owner may write to what it finds, a reader of a shared one not. */
static struct node *
writable(const struct node *node)
{
    union {
        const struct node *in;
        struct node *out;
    } u = {node};

    return u.out;
}

struct node *
cluster_map_find(const struct cluster_map *map, struct slice key)
{
    bool found;
    size_t at = position(map, key, &found);

    return found ? writable(&map->node[at]) : NULL;
}

struct node *
cluster_map_master(const struct cluster_map *map, int partition)
{
    const struct node *preserved = NULL;

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (node->role != NODE_MASTER || node->partition != partition) {
            continue;
        }
        if (node->state == NODE_ACTIVE) {
            return writable(node);
        }
        if (node->state == NODE_DOWN && preserved == NULL) {
            preserved = node;
        }
    }
    return writable(preserved);
}

/* An active master, or one that is down and whose partition is preserved. */
static bool
holds_partition(const struct node *node)
{
    return node->role == NODE_MASTER &&
           (node->state == NODE_ACTIVE || node->state == NODE_DOWN);
}

static bool
prepares_partition(const struct node *node)
{
    return node->role == NODE_MASTER &&
           (node->state == NODE_PREPARE || node->state == NODE_READY);
}

int
cluster_map_partitions(const struct cluster_map *map)
{
    int n = 0;

    for (size_t i = 0; i < map->nnodes; i++) {
        if (holds_partition(&map->node[i]) && map->node[i].partition >= n) {
            n = map->node[i].partition + 1;
        }
    }
    return n;
}

struct node *
cluster_map_preparing(const struct cluster_map *map)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        if (prepares_partition(&map->node[i])) {
            return writable(&map->node[i]);
        }
    }
    return NULL;
}

/* Each partition that somebody holds counts once, so none is left out. */
static const char *
gap(const struct cluster_map *map, int partitions)
{
    unsigned char *seen;
    int distinct = 0;

    if (partitions == 0) {
        return NULL;
    }
    if ((size_t)partitions > map->nnodes) {
        return "the partitions have a gap";
    }
    seen = calloc((size_t)partitions, 1);
    if (seen == NULL) {
        return "out of memory";
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (holds_partition(node)) {
            distinct += seen[node->partition] == 0;
            seen[node->partition] = 1;
        }
    }
    free(seen);
    return distinct < partitions ? "the partitions have a gap" : NULL;
}

/* A preserved master may stand beside the living one that took its place. */
static const char *
two_masters(const struct cluster_map *map)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (node->role != NODE_MASTER) {
            continue;
        }
        if (node->partition < 0) {
            return "a master has no partition";
        }
        if (node->state == NODE_ACTIVE &&
            cluster_map_master(map, node->partition) != node) {
            return "a partition has two masters";
        }
    }
    return NULL;
}

const char *
cluster_map_unroutable(const struct cluster_map *map)
{
    int partitions = cluster_map_partitions(map);
    const char *why = two_masters(map);
    int preparing = 0;

    for (size_t i = 0; i < map->nnodes; i++) {
        if (!prepares_partition(&map->node[i])) {
            continue;
        }
        if (++preparing > 1) {
            return "two partitions are being prepared";
        }
        if (map->node[i].partition != partitions) {
            return "the partition being prepared is not the next one";
        }
    }
    return why != NULL ? why : gap(map, partitions);
}

static const char *
node_broken(const struct node *node)
{
    if (node->role > NODE_PROXY || node->state > NODE_READY) {
        return "a role or state code is unknown";
    }
    if ((node->role == NODE_PROXY) != (node->partition == NODE_NO_PARTITION)) {
        return "exactly the masters and slaves have a partition";
    }
    if (node->partition < NODE_NO_PARTITION) {
        return "a partition number is negative";
    }
    if (node->balance < 0) {
        return "a balance is negative";
    }
    if (node->thread_type < NODE_THREAD_TYPE_MIN) {
        return "a thread type is below 16";
    }
    return NULL;
}

/* Every slave that is not down belongs to a partition that is there. */
static bool
is_orphan(const struct cluster_map *map, const struct node *node,
          int partitions)
{
    const struct node *preparing;

    if (node->role != NODE_SLAVE || node->state == NODE_DOWN ||
        node->partition < partitions) {
        return false;
    }
    preparing = cluster_map_preparing(map);
    return preparing == NULL || preparing->partition != node->partition;
}

static bool
shares_thread_type(const struct cluster_map *map, size_t i)
{
    for (size_t j = i + 1; j < map->nnodes; j++) {
        if (map->node[j].thread_type == map->node[i].thread_type) {
            return true;
        }
    }
    return false;
}

const char *
cluster_map_broken(const struct cluster_map *map)
{
    int partitions = cluster_map_partitions(map);

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];
        const char *why = node_broken(node);

        if (why != NULL) {
            return why;
        }
        if (i > 0 &&
            slice_cmp(node_key(&map->node[i - 1]), node_key(node)) >= 0) {
            return "the nodes are out of order";
        }
        if (is_orphan(map, node, partitions)) {
            return "a slave has no partition to belong to";
        }
        if (shares_thread_type(map, i)) {
            return "two nodes have the same thread type";
        }
        if (node->thread_type >= map->next_thread_type) {
            return "a thread type is not below the next one";
        }
    }
    return cluster_map_unroutable(map);
}
