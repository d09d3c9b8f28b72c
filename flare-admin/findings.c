#include "flare-admin/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/links.h"
#include "tool/nodes.h"
#include "tool/sample.h"

enum { BEHIND_MAX = 10000 }; /* changes; more is worth a word */

struct looking {
    struct findings *findings;
    struct tool *tool;
    struct round round;
    struct links links;
    int partitions;
};

static struct finding *add(struct looking *l, enum finding_level level,
                           const char *node, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static struct finding *
add(struct looking *l, enum finding_level level, const char *node,
    const char *fmt, ...)
{
    struct findings *f = l->findings;
    struct finding *new;
    va_list ap;

    f->all = xreallocarray(f->all, f->n + 1, sizeof(*f->all));
    new = &f->all[f->n++];
    *new = (struct finding){.level = level, .partition = -1};
    f->errors += level == FINDING_ERROR;
    (void)snprintf(new->node, sizeof(new->node), "%s", node);
    va_start(ap, fmt);
    (void)vsnprintf(new->text, sizeof(new->text), fmt, ap);
    va_end(ap);
    return new;
}

static void advise(struct finding *finding, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
advise(struct finding *finding, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(finding->advice, sizeof(finding->advice), fmt, ap);
    va_end(ap);
}

static bool
alive(const struct looking *l, const struct node *node)
{
    const struct sample *sample = round_find(&l->round, node->key);

    return sample != NULL && sample->alive;
}

/* --- nodes -----------------------------------------------------------------
 */

static void
look_at_down(struct looking *l, const struct node *node)
{
    struct finding *f;

    if (alive(l, node)) {
        f = add(l, FINDING_ERROR, node->key,
                "it is down in the map, but it answers");
        f->remedy = REMEDY_ACTIVATE;
        advise(f, "flare-admin activate %s", node->key);
    } else {
        f = add(l, FINDING_ERROR, node->key, "it is down and does not answer");
        advise(f, "start flared there, or flare-admin remove %s", node->key);
    }
    f->partition = node->partition;
}

static void
look_at_node(struct looking *l, const struct node *node)
{
    struct finding *f;

    if (node->state == NODE_DOWN) {
        look_at_down(l, node);
    } else if (!alive(l, node)) {
        f = add(l, FINDING_ERROR, node->key,
                "it is %s in the map, but does not answer",
                node_state_name(node->state));
        advise(f, "see whether flared runs there and can be reached");
    } else if (node->state == NODE_READY) {
        f = add(l, FINDING_WARNING, node->key,
                "it is ready, but its partition is not in use");
        f->remedy = REMEDY_ACTIVATE;
        advise(f, "flare-admin activate %s", node->key);
    } else if (node->state == NODE_PREPARE) {
        f = add(l, FINDING_WARNING, node->key, "it is being built");
        advise(f, "wait; flare-admin tree shows how far it is");
    }
}

/* The map as the node has it, against the index's. */
static bool
same_map(const struct cluster_map *a, const struct cluster_map *b)
{
    if (a->nnodes != b->nnodes) {
        return false;
    }
    for (size_t i = 0; i < a->nnodes; i++) {
        const struct node *x = &a->node[i];
        const struct node *y = &b->node[i];

        if (strcmp(x->key, y->key) != 0 || x->role != y->role ||
            x->state != y->state || x->partition != y->partition ||
            x->balance != y->balance) {
            return false;
        }
    }
    return true;
}

static void
look_at_map_of(struct looking *l, const struct node *node)
{
    struct server server;
    struct cluster_map *map = NULL;
    char host[NODE_HOST_MAX + 1];

    if (!alive(l, node)) {
        return;
    }
    (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len, node->key);
    if (server_open_quietly(&server, l->tool, host, node->port)) {
        map = nodes_fetch(&server);
    }
    server_close(&server);
    if (map == NULL || !same_map(map, l->round.map)) {
        advise(add(l, FINDING_ERROR, node->key,
                   "its map is not the index server's"),
               "see its log; it may not reach the index server");
    }
    cluster_map_unref(map);
}

static void
look_at_versions(struct looking *l)
{
    const char *first = NULL;

    for (size_t i = 0; i < l->round.n; i++) {
        const struct sample *s = &l->round.samples[i];

        if (!s->alive) {
            continue;
        }
        first = first != NULL ? first : s->version;
        if (strcmp(s->version, first) != 0) {
            advise(add(l, FINDING_WARNING, l->round.nodes[i]->key,
                       "it runs version %s, others %s", s->version, first),
                   "finish the upgrade");
        }
    }
}

/* --- partitions ------------------------------------------------------------
 */

/* Has it been proposed for another partition? */
static bool
is_taken(const struct looking *l, const struct node *node)
{
    const struct findings *f = l->findings;

    for (size_t i = 0; i < f->n; i++) {
        if (f->all[i].remedy == REMEDY_SLAVE &&
            strcmp(f->all[i].node, node->key) == 0) {
            return true;
        }
    }
    return false;
}

/* A spare proxy, on a host without a copy of the partition if there is one. */
static const struct node *
spare_for(const struct looking *l, int partition)
{
    const struct cluster_map *map = l->round.map;
    const struct node *best = NULL;

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];
        bool shared = false;

        if (node->role != NODE_PROXY || node->state != NODE_ACTIVE ||
            !alive(l, node) || is_taken(l, node)) {
            continue;
        }
        for (size_t j = 0; j < map->nnodes; j++) {
            shared =
                shared || (map->node[j].partition == partition &&
                           slice_eq(node_host(&map->node[j]), node_host(node)));
        }
        if (!shared) {
            return node;
        }
        best = best != NULL ? best : node;
    }
    return best;
}

static void
say_no_slave(struct looking *l, int partition)
{
    const struct node *spare = spare_for(l, partition);
    struct finding *f = add(l, FINDING_WARNING, spare != NULL ? spare->key : "",
                            "partition %d has one copy only", partition);

    f->partition = partition;
    if (spare != NULL) {
        f->remedy = REMEDY_SLAVE;
        advise(f, "flare-admin slave %s:1:%d", spare->key, partition);
    } else {
        advise(f, "start another flared and flare-admin add-slave it");
    }
}

struct counted {
    int slaves; /* active ones */
    int64_t balance;
    bool one_host;
};

static struct counted
count_partition(const struct cluster_map *map, int partition)
{
    struct counted c = {.slaves = 0};

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (node->partition != partition || node->state != NODE_ACTIVE) {
            continue;
        }
        c.slaves += node->role == NODE_SLAVE;
        c.balance += node->balance;
        for (size_t j = 0; j < i; j++) {
            c.one_host = c.one_host ||
                         (map->node[j].partition == partition &&
                          map->node[j].state == NODE_ACTIVE &&
                          slice_eq(node_host(&map->node[j]), node_host(node)));
        }
    }
    return c;
}

static void
look_at_partition(struct looking *l, int partition)
{
    const struct node *master = cluster_map_master(l->round.map, partition);
    struct counted c = count_partition(l->round.map, partition);
    struct finding *f;

    if (master == NULL || master->state != NODE_ACTIVE) {
        f = add(l, FINDING_ERROR, master != NULL ? master->key : "",
                "partition %d has no active master: its keys are not served",
                partition);
        f->partition = partition;
        advise(f,
               "start %s again; or, giving up its data, flare-admin master "
               "--force HOST:PORT:1:%d",
               master != NULL ? master->key : "its master", partition);
        return;
    }
    if (c.slaves == 0) {
        say_no_slave(l, partition);
    }
    if (c.balance == 0) {
        f = add(l, FINDING_ERROR, master->key,
                "nobody answers reads of partition %d", partition);
        f->remedy = REMEDY_BALANCE;
        advise(f, "flare-admin balance %s:1", master->key);
    }
    if (c.one_host) {
        f = add(l, FINDING_WARNING, master->key,
                "partition %d has two copies on one host", partition);
        f->partition = partition;
        advise(f, "move one of them to another host");
    }
}

static void
look_at_copy(struct looking *l, const struct node *slave)
{
    const struct link_state *link = links_find(&l->links, slave->key);
    const struct node *master =
        cluster_map_master(l->round.map, slave->partition);

    if (slave->state != NODE_ACTIVE || !alive(l, slave) || master == NULL ||
        master->state != NODE_ACTIVE || !alive(l, master)) {
        return;
    }
    if (strcmp(links_word(link), "down") == 0) {
        advise(add(l, FINDING_ERROR, slave->key,
                   "its master %s is not connected to it", master->key),
               "see the logs of both");
    } else if (link->behind > BEHIND_MAX) {
        advise(add(l, FINDING_WARNING, slave->key,
                   "it is %ju changes behind its master",
                   (uintmax_t)link->behind),
               "see flare-admin tree");
    }
}

bool
findings_take(struct findings *findings, struct tool *tool)
{
    struct looking l = {.findings = findings, .tool = tool};
    bool ok;

    *findings = (struct findings){NULL, 0, 0};
    tool->quiet_rounds = true;
    ok = round_take(&l.round, tool, 0, NULL);
    tool->quiet_rounds = false;
    if (ok) {
        links_take(&l.links, tool, l.round.map);
        l.partitions = cluster_map_partitions(l.round.map);
    }
    for (size_t i = 0; ok && i < l.round.n; i++) {
        look_at_node(&l, l.round.nodes[i]);
        look_at_map_of(&l, l.round.nodes[i]);
        if (l.round.nodes[i]->role == NODE_SLAVE) {
            look_at_copy(&l, l.round.nodes[i]);
        }
    }
    for (int p = 0; ok && p < l.partitions; p++) {
        look_at_partition(&l, p);
    }
    if (ok && l.partitions == 0) {
        advise(add(&l, FINDING_ERROR, "", "the cluster has no partition"),
               "flare-admin create");
    }
    look_at_versions(&l);
    links_fini(&l.links);
    round_fini(&l.round);
    return ok;
}

void
findings_fini(struct findings *findings)
{
    free(findings->all);
}
