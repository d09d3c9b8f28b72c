/* call: the same command on every node. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flare-admin/admin.h"
#include "flare-admin/commands.h"
#include "tool/nodes.h"

/* Commands with a data block would hang; those that stay connected, too. */
static bool
can_be_called(struct tool *tool, const char *command)
{
    static const char *const not_these[] = {
        "set", "add",  "replace",  "append", "prepend",  "cas",
        "ms",  "dump", "dump_key", "quit",   "shutdown",
    };

    for (size_t i = 0; i < sizeof(not_these) / sizeof(not_these[0]); i++) {
        if (strcmp(command, not_these[i]) == 0) {
            output_error(&tool->out, "%s cannot be called.", command);
            return false;
        }
    }
    return true;
}

static enum reply_expect
answer_of(const char *command)
{
    if (strcmp(command, "get") == 0 || strcmp(command, "gets") == 0) {
        return EXPECT_VALUES;
    }
    if (strcmp(command, "stats") == 0 || strcmp(command, "meta") == 0 ||
        strcmp(command, "keys") == 0) {
        return EXPECT_LINES;
    }
    return EXPECT_LINE;
}

static void
put_line(struct table *table, const struct node *node, struct slice line)
{
    table_cell(table, "%s", node->key);
    table_cell(table, "%s", log_text(line).text);
}

static bool
call_one(struct tool *tool, const struct node *node, struct slice line,
         enum reply_expect expect, struct table *table)
{
    struct server server;
    struct reply reply = {.last = false};
    char host[NODE_HOST_MAX + 1];
    bool ok;

    (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len, node->key);
    ok = server_open(&server, tool, host, node->port, false) &&
         server_send(&server, line);
    while (ok && !reply.last) {
        ok = server_next(&server, expect, &reply) == SERVER_PIECE;
        if (!ok) {
            break;
        }
        put_line(table, node,
                 reply.kind == REPLY_VALUE ? reply.data : reply.line);
    }
    ok = ok && !reply_is_error(&reply);
    server_close(&server);
    return ok;
}

static bool
is_meant(const struct tool *tool, const struct node *node)
{
    if (tool->options.masters) {
        return node->role == NODE_MASTER;
    }
    return !tool->options.slaves || node->role == NODE_SLAVE;
}

static int
call_all(struct tool *tool, const struct cluster_map *map, struct slice line,
         enum reply_expect expect)
{
    static const struct table_column columns[] = {
        TABLE_COL_TEXT("node"),
        TABLE_COL_TEXT("answer"),
    };
    struct table table = {.columns = columns, .ncolumns = 2, .fit = true};
    const struct node **nodes = nodes_in_order(map);
    bool ok = true;

    for (size_t i = 0; i < map->nnodes && !prompt_interrupted(); i++) {
        if (is_meant(tool, nodes[i])) {
            ok = call_one(tool, nodes[i], line, expect, &table) && ok;
        }
    }
    tool_put_table(tool, &table, "  ", TOOL_DIRECT);
    free(nodes);
    return ok ? STATUS_OK : STATUS_NG;
}

static int
run_call(struct tool *tool, int nwords, char **words)
{
    struct cluster_map *map = NULL;
    struct buf line = {0};
    int status = STATUS_NG;

    if (nwords == 0) {
        return tool_misuse(tool);
    }
    if (!can_be_called(tool, words[0])) {
        return STATUS_USAGE;
    }
    for (int i = 0; i < nwords; i++) {
        (void)buf_printf(&line, "%s%s", i > 0 ? " " : "", words[i]);
    }
    (void)buf_put_str(&line, "\r\n");
    if (tool_open_index(tool, 0, NULL)) {
        map = nodes_fetch(&tool->index);
    }
    if (map != NULL &&
        (tool->options.force ||
         admin_confirm(tool, "send \"%.*s\" to the nodes (y/n): ",
                       (int)buf_len(&line) - 2,
                       buf_slice(&line).p) == PROMPT_YES)) {
        status = call_all(tool, map, buf_slice(&line), answer_of(words[0]));
    }
    cluster_map_unref(map);
    buf_fini(&line);
    return status;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_FORCE,
    TOOL_FLAG("masters", 0, masters, "only the masters"),
    TOOL_FLAG("slaves", 0, slaves, "only the slaves"),
};
/* clang-format on */

const struct subcommand cmd_call = {
    .name = "call",
    .usage = "command [word] ...",
    .summary = "send a command to every node.",
    .about = "The words are sent as one line to each node, or to the masters "
             "or slaves; the answers are shown. It asks first, as the command "
             "may be flush_all. Commands that carry data cannot be called.",
    .example = "flare-admin call --yes verbosity 1\n"
               "flare-admin call -y --masters -o csv stats",
    .status = "a node did not answer, or with an error",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_call,
};
