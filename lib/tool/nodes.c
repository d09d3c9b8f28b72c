#include "tool/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "tool/target.h"
#include "tool/tool.h"

struct gathering {
    struct node *nodes;
    size_t n, room;
    struct tool *tool;
};

static struct node *
node_of(struct gathering *g, struct slice key)
{
    struct node node = {.partition = NODE_NO_PARTITION};
    struct slice host = key;
    uint64_t port;

    for (size_t i = g->n; i > 0; i--) {
        if (slice_eq(node_key(&g->nodes[i - 1]), key)) {
            return &g->nodes[i - 1];
        }
    }
    while (host.n > 0 && host.p[host.n - 1] != ':') {
        host.n--;
    }
    if (host.n == 0 ||
        !slice_u64((struct slice){key.p + host.n, key.n - host.n}, 65535,
                   &port) ||
        !node_set_name(&node, (struct slice){host.p, host.n - 1}, port)) {
        return NULL;
    }
    if (g->n == g->room) {
        g->room = g->room > 0 ? 2 * g->room : 16;
        g->nodes = xreallocarray(g->nodes, g->room, sizeof(*g->nodes));
    }
    g->nodes[g->n] = node;
    return &g->nodes[g->n++];
}

static bool
set_number(struct slice value, int *out)
{
    int64_t number;

    if (!slice_i64(value, -1, INT32_MAX, &number)) {
        return false;
    }
    *out = (int)number;
    return true;
}

static bool
set_field(struct node *node, struct slice field, struct slice value)
{
    if (slice_eq(field, SLICE("role"))) {
        return node_role_parse(value, &node->role);
    }
    if (slice_eq(field, SLICE("state"))) {
        return node_state_parse(value, &node->state);
    }
    if (slice_eq(field, SLICE("partition"))) {
        return set_number(value, &node->partition);
    }
    if (slice_eq(field, SLICE("balance"))) {
        return set_number(value, &node->balance);
    }
    if (slice_eq(field, SLICE("thread_type"))) {
        return set_number(value, &node->thread_type);
    }
    return true; /* something newer than this tool */
}

/* host:port:field */
static bool
take_stat(void *arg, struct slice name, struct slice value)
{
    struct gathering *g = arg;
    struct slice key = name;
    struct node *node = NULL;

    while (key.n > 0 && key.p[key.n - 1] != ':') {
        key.n--;
    }
    if (key.n > 1) {
        struct slice field = {name.p + key.n, name.n - key.n};

        node = node_of(g, (struct slice){key.p, key.n - 1});
        if (node != NULL && set_field(node, field, value)) {
            return true;
        }
    }
    output_error(&g->tool->out, "cannot read \"%s %s\" in the answer",
                 log_text(name).text, log_text(value).text);
    return false;
}

struct cluster_map *
nodes_fetch(struct server *server)
{
    struct gathering g = {.tool = server->tool};
    struct cluster_map *map = NULL;

    if (server_stats(server, "stats nodes", take_stat, &g)) {
        map = cluster_map_new(g.n);
    }
    for (size_t i = 0; map != NULL && i < g.n; i++) {
        (void)cluster_map_put(map, &g.nodes[i]);
        if (g.nodes[i].thread_type >= map->next_thread_type) {
            map->next_thread_type = g.nodes[i].thread_type + 1;
        }
    }
    free(g.nodes);
    return map;
}

static int
compare(const void *va, const void *vb)
{
    const struct node *a = *(const struct node *const *)va;
    const struct node *b = *(const struct node *const *)vb;
    unsigned pa = (unsigned)a->partition; /* none comes last */
    unsigned pb = (unsigned)b->partition;
    int by_role;

    if (pa != pb) {
        return pa < pb ? -1 : 1;
    }
    by_role = strcmp(node_role_name(a->role), node_role_name(b->role));
    return by_role != 0 ? by_role : strcmp(a->key, b->key);
}

const struct node **
nodes_in_order(const struct cluster_map *map)
{
    const struct node **nodes = xcalloc(map->nnodes + 1, sizeof(const void *));

    for (size_t i = 0; i < map->nnodes; i++) {
        nodes[i] = &map->node[i];
    }
    qsort(nodes, map->nnodes, sizeof(const void *), compare);
    return nodes;
}

static void
put_row(struct table *table, const struct node *node, bool numeric)
{
    if (numeric) {
        char host[NODE_HOST_MAX + 1];
        char address[NODE_HOST_MAX + 1];

        (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len,
                       node->key);
        target_address(host, address, sizeof(address));
        table_cell(table, "%s:%u", address, (unsigned)node->port);
    } else {
        table_cell(table, "%s", node->key);
    }
    if (node->partition == NODE_NO_PARTITION) {
        table_cell(table, "-");
    } else {
        table_cell(table, "%d", node->partition);
    }
    table_cell(table, "%s", node_role_name(node->role));
    table_cell(table, "%s", node_state_name(node->state));
    table_cell(table, "%d", node->balance);
}

struct table
nodes_table(const struct node *const *nodes, size_t n, bool numeric)
{
    static const struct table_column columns[] = {
        {"node", false, 32, NULL, TABLE_TEXT},
        {"partition", true, 9, NULL, TABLE_NUMBER},
        {"role", true, 6, NULL, TABLE_TEXT},
        {"state", true, 6, NULL, TABLE_STATE},
        {"balance", true, 7, NULL, TABLE_NUMBER},
    };
    struct table table = {.columns = columns,
                          .ncolumns = sizeof(columns) / sizeof(columns[0])};

    for (size_t i = 0; i < n; i++) {
        if (nodes[i] != NULL) {
            put_row(&table, nodes[i], numeric);
        }
    }
    return table;
}
