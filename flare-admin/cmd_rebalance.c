/* rebalance: read weights that load all hosts equally. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"
#include "flare-admin/weights.h"
#include "tool/nodes.h"

struct balancing {
    struct tool *tool;
    const struct node **nodes; /* the active copies */
    struct weight_copy *now, *then;
    size_t n;
};

static void
gather(struct balancing *b, const struct cluster_map *map)
{
    int partitions = cluster_map_partitions(map);
    const struct node **all = nodes_in_order(map);

    b->nodes = xcalloc(map->nnodes + 1, sizeof(const void *));
    b->now = xcalloc(map->nnodes + 1, sizeof(*b->now));
    b->then = xcalloc(map->nnodes + 1, sizeof(*b->then));
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = all[i];

        if (node->role == NODE_PROXY || node->state != NODE_ACTIVE) {
            continue;
        }
        b->now[b->n] = b->then[b->n] =
            (struct weight_copy){.host = node_host(node),
                                 .partition = node->partition,
                                 .weight = node->balance};
        b->nodes[b->n++] = node;
    }
    free(all);
    weights_shares(b->now, b->n, partitions);
    weights_even(b->then, b->n, partitions);
}

static void
show(const struct balancing *b)
{
    static const struct table_column columns[] = {
        TABLE_COL_TEXT("node"),
        TABLE_COL_NUMBER("partition"),
        TABLE_COL_NUMBER("balance"),
        TABLE_COL_NUMBER("share"),
        {"new balance", true, 0, "new_balance", TABLE_NUMBER},
        {"new share", true, 0, "new_share", TABLE_NUMBER},
    };
    struct table table = {.columns = columns, .ncolumns = 6, .fit = true};

    for (size_t i = 0; i < b->n; i++) {
        table_cell(&table, "%s", b->nodes[i]->key);
        table_cell(&table, "%d", b->nodes[i]->partition);
        table_cell(&table, "%d", b->now[i].weight);
        table_cell(&table, "%.3f", b->now[i].share);
        table_cell(&table, "%d", b->then[i].weight);
        table_cell(&table, "%.3f", b->then[i].share);
    }
    tool_put_table(b->tool, &table, "  ", TOOL_DIRECT);
}

static bool
apply(const struct balancing *b)
{
    bool ok = true;

    for (size_t i = 0; ok && i < b->n; i++) {
        struct target target;

        if (b->now[i].weight != b->then[i].weight) {
            (void)target_parse(b->nodes[i]->key, &target);
            ok = change_role(b->tool, &target, b->nodes[i]->role,
                             b->then[i].weight, b->nodes[i]->partition);
        }
    }
    return ok;
}

static bool
rebalance(struct balancing *b)
{
    struct tool *tool = b->tool;
    double before = weights_deviation(b->now, b->n);
    double after = weights_deviation(b->then, b->n);

    if (before <= (double)tool->options.threshold || after >= before) {
        output_info(&tool->out,
                    "No need: a host's share of the reads is at most %.1f %% "
                    "off (threshold %ju %%, best %.1f %%).",
                    before, (uintmax_t)tool->options.threshold, after);
        return true;
    }
    show(b);
    output_info(&tool->out,
                "A host's share of the reads is up to %.1f %% off now, then "
                "%.1f %%.",
                before, after);
    if (tool->options.simulate) {
        return true;
    }
    switch (admin_confirm(tool, "set these balances (y/n): ")) {
    case PROMPT_YES:
        return apply(b);
    case PROMPT_NO:
    case PROMPT_END:
        break;
    }
    output_error(&tool->out, "Nothing was changed.");
    return false;
}

static int
run_rebalance(struct tool *tool, int nwords, char **words)
{
    struct balancing b = {.tool = tool};
    struct cluster_map *map = NULL;
    int status = STATUS_NG;

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_USAGE;
    }
    if (tool_open_index(tool, 0, NULL)) {
        map = admin_map(tool);
    }
    if (map != NULL) {
        gather(&b, map);
        status = rebalance(&b) ? STATUS_OK : STATUS_NG;
    }
    if (status == STATUS_OK && tool->options.dry_run) {
        status = admin_finish(tool, NULL, false) ? STATUS_OK : STATUS_NG;
    }
    free(b.nodes);
    free(b.now);
    free(b.then);
    cluster_map_unref(map);
    return status;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_FLAG("simulate", 0, simulate, "show what it would set, no more"),
    TOOL_UINT("threshold", 0, threshold, 1000, "2", "PERCENT",
              "leave it when no host is further off(default:2)"),
};
/* clang-format on */

const struct subcommand cmd_rebalance = {
    .name = "rebalance",
    .usage = "",
    .summary = "set read weights that load all hosts equally.",
    .about = "Every partition is taken to get as many reads as any other; the "
             "balances of its copies are set so that each host has the same "
             "share of all reads, as far as the copies allow it.",
    .example = "flare-admin rebalance --simulate\n"
               "flare-admin rebalance --threshold=10 --yes",
    .flags = SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_rebalance,
};
