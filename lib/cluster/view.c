#include "cluster/view.h"

#include <stdlib.h>
#include <string.h>

static void
partition_fini(struct view_partition *p)
{
    free(p->readers);
    free(p->reader_sum);
    free(p->members);
}

static void
view_free(struct cluster_view *view)
{
    for (int i = 0; view->partition != NULL && i < view->npartitions; i++) {
        partition_fini(&view->partition[i]);
    }
    if (view->preparing != NULL) {
        partition_fini(view->preparing);
    }
    free(view->partition);
    free(view->preparing);
    cluster_map_unref(view->map);
    free(view);
}

/* The partition a node works for, or NULL: proxies, down nodes, orphans. */
static struct view_partition *
partition_of(const struct cluster_view *view, const struct node *node)
{
    if (node->role == NODE_PROXY || node->state == NODE_DOWN ||
        node->partition < 0) {
        return NULL;
    }
    if (node->partition < view->npartitions) {
        return &view->partition[node->partition];
    }
    return node->partition == view->npartitions ? view->preparing : NULL;
}

static bool
answers_reads(const struct node *node)
{
    return node->state == NODE_ACTIVE && node->balance > 0;
}

/* How many members and readers each partition has, before there is room. */
static void
count_nodes(struct cluster_view *view)
{
    for (size_t i = 0; i < view->map->nnodes; i++) {
        const struct node *node = &view->map->node[i];
        struct view_partition *p = partition_of(view, node);

        if (p == NULL) {
            continue;
        }
        p->nmembers++;
        p->nreaders += answers_reads(node);
        if (node->role == NODE_MASTER) {
            p->master = node;
        }
    }
}

/* One reader at least: a master alone answers whatever its balance. */
static bool
make_room(struct view_partition *p)
{
    size_t readers = p->nreaders > 0 ? p->nreaders : 1;

    p->readers = calloc(readers, sizeof(const struct node *));
    p->reader_sum = calloc(readers, sizeof(p->reader_sum[0]));
    p->members = calloc(p->nmembers + 1, sizeof(const struct node *));
    p->nreaders = 0;
    p->nmembers = 0;
    if (p->members == NULL || p->readers == NULL || p->reader_sum == NULL) {
        return false;
    }
    if (p->master != NULL) {
        p->members[p->nmembers++] = p->master;
    }
    return true;
}

static void
add_reader(struct view_partition *p, const struct node *node, int balance)
{
    unsigned before = p->nreaders > 0 ? p->reader_sum[p->nreaders - 1] : 0;

    p->readers[p->nreaders] = node;
    p->reader_sum[p->nreaders] = before + (unsigned)balance;
    p->nreaders++;
}

static void
place_nodes(struct cluster_view *view)
{
    for (size_t i = 0; i < view->map->nnodes; i++) {
        const struct node *node = &view->map->node[i];
        struct view_partition *p = partition_of(view, node);

        if (p == NULL) {
            continue;
        }
        if (node != p->master) {
            p->members[p->nmembers++] = node;
        }
        if (answers_reads(node)) {
            add_reader(p, node,
                       node->balance < NODE_BALANCE_MAX ? node->balance
                                                        : NODE_BALANCE_MAX);
        }
        if (node == view->self) {
            p->mine_member = true;
            p->mine_master = node == p->master;
            p->mine_read = p->mine_master || answers_reads(node);
        }
    }
}

static bool
build(struct cluster_view *view)
{
    count_nodes(view);
    for (int i = 0; i < view->npartitions; i++) {
        if (!make_room(&view->partition[i])) {
            return false;
        }
    }
    if (view->preparing != NULL && !make_room(view->preparing)) {
        return false;
    }
    place_nodes(view);
    for (int i = 0; i < view->npartitions; i++) {
        struct view_partition *p = &view->partition[i];

        if (p->nreaders == 0 && p->master != NULL) {
            add_reader(p, p->master, 1);
        }
    }
    return true;
}

/* Rows and room for the partitions; NULL, or why not. */
static const char *
lay_out(struct cluster_view *view, struct partition_table *table)
{
    const struct node *preparing = cluster_map_preparing(view->map);
    const char *why = cluster_map_unroutable(view->map);
    unsigned n;

    if (why != NULL) {
        return why;
    }
    n = (unsigned)cluster_map_partitions(view->map);
    if (n + (preparing != NULL) >= partition_table_size(table)) {
        return "the map has more partitions than partition-size allows";
    }
    view->npartitions = (int)n;
    view->slots = partition_table_slots(table);
    view->partition = calloc(n + 1, sizeof(view->partition[0]));
    if (view->partition == NULL) {
        return "out of memory";
    }
    if (n > 0) {
        view->row = partition_table_row(table, n);
    }
    if (preparing != NULL) {
        view->next_row = partition_table_row(table, n + 1);
        view->preparing = calloc(1, sizeof(*view->preparing));
    }
    if ((n > 0 && view->row == NULL) ||
        (preparing != NULL &&
         (view->next_row == NULL || view->preparing == NULL))) {
        return "out of memory";
    }
    return build(view) ? NULL : "out of memory";
}

struct cluster_view *
cluster_view_new(struct cluster_map *map, struct slice self,
                 struct partition_table *table, enum keyhash_kind hash,
                 const char **why)
{
    struct cluster_view *view = calloc(1, sizeof(*view));

    if (view == NULL) {
        cluster_map_unref(map);
        *why = "out of memory";
        return NULL;
    }
    atomic_init(&view->refs, 1);
    view->map = map;
    view->hash = hash;
    view->self = cluster_map_find(map, self);
    *why = lay_out(view, table);
    if (*why != NULL) {
        view_free(view);
        return NULL;
    }
    return view;
}

struct cluster_view *
cluster_view_ref(struct cluster_view *view)
{
    atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
    return view;
}

void
cluster_view_unref(struct cluster_view *view)
{
    if (view != NULL &&
        atomic_fetch_sub_explicit(&view->refs, 1, memory_order_acq_rel) == 1) {
        view_free(view);
    }
}
