/* summary: a line about the whole cluster. */
#include <stdio.h>

#include "flare-admin/admin.h"
#include "flare-admin/commands.h"
#include "tool/sample.h"

struct sums {
    int partitions, nodes, masters, slaves;
    uint64_t size, items;
    bool complete; /* every master answered */
};

static struct sums
sum_up(const struct round *round)
{
    struct sums s = {.complete = true};

    for (size_t i = 0; i < round->n; i++) {
        const struct node *node = round->nodes[i];
        const struct sample *sample = &round->samples[i];

        s.nodes++;
        s.slaves += node->role == NODE_SLAVE;
        if (node->role != NODE_MASTER) {
            continue;
        }
        s.masters++;
        s.partitions = node->partition + 1 > s.partitions ? node->partition + 1
                                                          : s.partitions;
        s.size += sample->bytes;
        s.items += sample->items;
        s.complete = s.complete && sample->alive;
    }
    return s;
}

static void
print(struct tool *tool, const struct sums *s)
{
    static const struct table_column columns[] = {
        {"#cluster", false, 30, "cluster", TABLE_TEXT},
        {"part", true, 6, NULL, TABLE_NUMBER},
        {"node", true, 6, NULL, TABLE_NUMBER},
        {"master", true, 7, NULL, TABLE_NUMBER},
        {"slave", true, 6, NULL, TABLE_NUMBER},
        {"size", true, 16, NULL, TABLE_NUMBER},
        {"items", true, 13, NULL, TABLE_NUMBER},
    };
    struct table table = {.columns = columns, .ncolumns = 7};
    char name[NODE_KEY_MAX + 1];

    (void)snprintf(name, sizeof(name), "%s:%u", tool->index.host,
                   (unsigned)tool->index.port);
    table_cell(&table, tool_for_programs(tool) ? "%s" : "%.30s", name);
    table_cell(&table, "%d", s->partitions);
    table_cell(&table, "%d", s->nodes);
    table_cell(&table, "%d", s->masters);
    table_cell(&table, "%d", s->slaves);
    table_cell(&table, "%ju", (uintmax_t)s->size);
    table_cell(&table, "%ju", (uintmax_t)s->items);
    tool_put_table(tool, &table, "", TOOL_LOG);
}

static int
run_summary(struct tool *tool, int nwords, char **words)
{
    struct round round = {.n = 0};
    struct sums sums = {.complete = false};

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_NG;
    }
    if (tool_open_index(tool, 0, NULL) && round_take(&round, tool, 0, NULL)) {
        sums = sum_up(&round);
        print(tool, &sums);
    }
    round_fini(&round);
    return sums.complete ? STATUS_OK : STATUS_NG;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
};
/* clang-format on */

const struct subcommand cmd_summary = {
    .name = "summary",
    .usage = "",
    .summary = "show a summary of a flare cluster.",
    .about = "Partitions, nodes, masters and slaves; size in bytes and number "
             "of items as the masters have them.",
    .example = "flare-admin summary",
    .status = "it failed, or a master does not answer and is missing in the "
              "sums",
    .flags = SUB_CLASSIC,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_summary,
};
