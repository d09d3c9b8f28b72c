/* nodes-with-dir, masters-with-dir: who is on this disk? */
#include "flare-admin/admin.h"
#include "flare-admin/commands.h"
#include "flare-admin/folders.h"

static int
list(struct tool *tool, int nwords, char **words, bool masters)
{
    static const struct table_column columns[] = {
        TABLE_COL_TEXT("node"),
        TABLE_COL_NUMBER("partition"),
        TABLE_COL_TEXT("role"),
        TABLE_COL_TEXT("folder"),
    };
    struct table table = {.columns = columns, .ncolumns = 4, .fit = true};
    struct folders folders;

    if (nwords < 1 || nwords > 2) {
        return tool_misuse(tool);
    }
    if (!tool_open_index(tool, 0, NULL) ||
        !folders_take(&folders, tool, nwords > 1 ? words[0] : NULL,
                      words[nwords - 1])) {
        return STATUS_NG;
    }
    for (size_t i = 0; i < folders.n; i++) {
        const struct folder_of *f = &folders.all[i];

        if (!masters || f->role == NODE_MASTER) {
            table_cell(&table, "%s", f->key);
            table_cell(&table, f->partition < 0 ? "-" : "%d", f->partition);
            table_cell(&table, "%s", node_role_name(f->role));
            table_cell(&table, "%s", f->path);
        }
    }
    tool_put_table(tool, &table, "  ", TOOL_DIRECT);
    folders_fini(&folders);
    return STATUS_OK;
}

static int
run_nodes(struct tool *tool, int nwords, char **words)
{
    return list(tool, nwords, words, false);
}

static int
run_masters(struct tool *tool, int nwords, char **words)
{
    return list(tool, nwords, words, true);
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
};
/* clang-format on */

const struct subcommand cmd_nodes_with_dir = {
    .name = "nodes-with-dir",
    .usage = "[hostname] folder",
    .summary = "show the nodes whose data is in a folder.",
    .about =
        "The nodes of the host, or of all, whose data-dir is the folder or "
        "below it: all that a bad disk takes with it.",
    .example = "flare-admin nodes-with-dir node3 /disk2",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_nodes,
};

const struct subcommand cmd_masters_with_dir = {
    .name = "masters-with-dir",
    .usage = "[hostname] folder",
    .summary = "show the masters whose data is in a folder.",
    .about = "As nodes-with-dir, the masters only.",
    .example = "flare-admin masters-with-dir node3 /disk2",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_masters,
};
