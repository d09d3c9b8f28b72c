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
    struct buf text = {0};

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
    nodes_put_table(nodes, map->nnodes, tool->options.numeric_hosts, &text);
    output_text(buf_slice(&text));
    buf_fini(&text);
    free(nodes);
    cluster_map_unref(map);
    return STATUS_OK;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_FLAG("numeric-hosts", 0, numeric_hosts,
              "show node servers with their addresses"),
};
/* clang-format on */

const struct subcommand cmd_list = {
    .name = "list",
    .usage = "",
    .summary = "show the list of nodes in a cluster.",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_list,
};
