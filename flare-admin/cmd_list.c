/* list: the whole cluster as a table. */
#include <stdlib.h>

#include "flare-admin/admin.h"
#include "flare-admin/commands.h"
#include "tool/nodes.h"

static int
run_list(struct tool *tool, int nwords, char **words)
{
    struct cluster_map *map;
    const struct node **nodes;
    struct table table;

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_NG;
    }
    if (!tool_open_index(tool, 0, NULL)) {
        return STATUS_NG;
    }
    map = admin_map(tool);
    if (map == NULL) {
        return STATUS_NG;
    }
    nodes = nodes_in_order(map);
    table = nodes_table(nodes, map->nnodes, tool->options.numeric_hosts);
    tool_put_table(tool, &table, " ", TOOL_DIRECT);
    free(nodes);
    cluster_map_unref(map);
    return STATUS_OK;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_FLAG("numeric-hosts", 0, numeric_hosts,
              "show node servers with their addresses"),
};
/* clang-format on */

const struct subcommand cmd_list = {
    .name = "list",
    .usage = "",
    .summary = "show the list of nodes in a cluster.",
    .about = "All nodes with partition, role, state and balance, proxies "
             "last. JSON and CSV have null or nothing as a proxy's "
             "partition.",
    .example = "flare-admin list\n"
               "flare-admin list -o json",
    .flags = SUB_CLASSIC,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_list,
};
