/*
 * nodes: the map of the cluster as the index tells it, and as a table.
 */
#ifndef FLARE_TOOL_NODES_H
#define FLARE_TOOL_NODES_H

#include "cli/table.h"
#include "cluster/map.h"
#include "tool/server.h"

/* Ask with "stats nodes".  NULL: it failed and that was said. */
struct cluster_map *nodes_fetch(struct server *server);

/*
 * The nodes in the order of `list`: by partition with proxies last, by role's
 * name, by key.  To be freed by the caller.
 */
const struct node **nodes_in_order(const struct cluster_map *map)
    __attribute__((malloc));

/*
 * A table of these nodes; NULL entries are left out.  numeric: hosts as
 * addresses.
 */
struct table nodes_table(const struct node *const *nodes, size_t n,
                         bool numeric);

#endif
