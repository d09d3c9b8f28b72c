#include "tool/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/prompt.h"
#include "tool/nodes.h"
#include "tool/sample.h"
#include "tool/target.h"
#include "tool/tool.h"

void
stats_uptime(uint64_t seconds, char *out, size_t size)
{
    static const struct {
        uint64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;

    while (i < 3 && seconds < units[i].seconds) {
        i++;
    }
    (void)snprintf(out, size, "%ju%c", (uintmax_t)(seconds / units[i].seconds),
                   units[i].unit);
}

static void
put_rate(struct table *table, const struct sample *now,
         const struct sample *before, uint64_t difference)
{
    double seconds = (double)(now->when.ns - before->when.ns) / 1e9;

    if (!now->alive || !before->alive || difference == 0 || seconds <= 0) {
        table_cell(table, "-");
    } else {
        table_cell(table, "%.1f", (double)difference / seconds);
    }
}

static uint64_t
growth(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0; /* it may have been restarted */
}

static void
put_rates(struct table *table, const struct sample *now,
          const struct sample *before)
{
    put_rate(
        table, now, before,
        growth(now->cmd_get + now->cmd_set, before->cmd_get + before->cmd_set));
    put_rate(table, now, before, growth(now->cmd_get, before->cmd_get));
    put_rate(table, now, before, growth(now->cmd_set, before->cmd_set));
}

static void
put_numbers(struct table *table, const struct sample *s)
{
    char uptime[32];

    if (s->cmd_get > 0) {
        table_cell(table, "%.0f",
                   100.0 * (double)s->get_hits / (double)s->cmd_get);
    } else {
        table_cell(table, "-");
    }
    if (s->bytes > 0) {
        table_cell(table, "%ju", (uintmax_t)(s->bytes >> 30));
    } else {
        table_cell(table, "-");
    }
    stats_uptime(s->uptime, uptime, sizeof(uptime));
    table_cell(table, "%s", uptime);
    table_cell(table, "%s", s->version);
}

static void
put_row(struct table *table, const struct node *node, const struct sample *s)
{
    table_cell(table, "%s", node->key);
    table_cell(table, "%s", node_state_name(node->state));
    table_cell(table, "%s", node_role_name(node->role));
    table_cell(table, "%d", node->partition);
    table_cell(table, "%d", node->balance);
    if (s->alive) {
        table_cell(table, "%ju", (uintmax_t)s->items);
        table_cell(table, "%ju", (uintmax_t)s->connections);
    } else {
        table_cell(table, "%s", "");
        table_cell(table, "%s", "");
    }
    table_cell(table, "%s", s->behind);
    if (s->alive) {
        put_numbers(table, s);
    } else {
        for (int i = 0; i < 4; i++) {
            table_cell(table, "%s", "");
        }
    }
}

static void
print(struct tool *tool, const struct round *now, const struct round *before)
{
    static const struct table_column columns[] = {
        {"hostname:port", false, 0, "node", TABLE_TEXT},
        TABLE_COL_STATE("state"),
        TABLE_COL_TEXT("role"),
        TABLE_COL_NUMBER("partition"),
        TABLE_COL_NUMBER("balance"),
        TABLE_COL_NUMBER("items"),
        TABLE_COL_NUMBER("conn"),
        TABLE_COL_NUMBER("behind"),
        TABLE_COL_NUMBER("hit"),
        {"size", true, 0, "size_gb", TABLE_NUMBER},
        {"uptime", true, 0, NULL, TABLE_TEXT},
        {"version", true, 0, NULL, TABLE_TEXT},
        TABLE_COL_NUMBER("qps"),
        {"qps-r", true, 0, "qps_r", TABLE_NUMBER},
        {"qps-w", true, 0, "qps_w", TABLE_NUMBER},
    };
    bool qps = tool->options.qps;
    struct table table = {
        .columns = columns, .ncolumns = qps ? 15 : 12, .fit = true};

    for (size_t i = 0; i < now->n; i++) {
        struct sample none = {.alive = false};
        const struct sample *old = round_find(before, now->nodes[i]->key);

        put_row(&table, now->nodes[i], &now->samples[i]);
        if (qps) {
            put_rates(&table, &now->samples[i], old != NULL ? old : &none);
        }
    }
    tool_put_table(tool, &table, tool->options.delimiter, TOOL_LOG);
}

bool
stats_check_words(struct tool *tool, int nwords, char **words)
{
    for (int i = 0; i < nwords; i++) {
        struct target target;

        if (target_parse(words[i], &target) != TARGET_OK ||
            target.nfields != 2) {
            output_error(&tool->out, "invalid argument '%s'.", words[i]);
            return false;
        }
    }
    return true;
}

static int
run_stats(struct tool *tool, int nwords, char **words)
{
    struct round rounds[2] = {{.n = 0}, {.n = 0}};
    bool ok = stats_check_words(tool, nwords, words) &&
              tool_open_index(tool, nwords, words);

    for (uint64_t i = 0; ok && i < tool->options.count; i++) {
        struct round *now = &rounds[i % 2];

        if (i > 0 && !prompt_pause((int64_t)tool->options.interval * 1000)) {
            output_error(&tool->out, "INTERRUPTED");
            break;
        }
        round_fini(now);
        ok = round_take(now, tool, nwords, words);
        if (ok) {
            print(tool, now, &rounds[(i + 1) % 2]);
        }
    }
    round_fini(&rounds[0]);
    round_fini(&rounds[1]);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_STATS_ROWS,
};
/* clang-format on */

const struct subcommand tool_stats = {
    .name = "stats",
    .usage = "[hostname:port] ...",
    .summary = "show the statistics of a flare cluster.",
    .about = "Numbers of all nodes, or of the named ones, once or --count "
             "times; see flare-stats(1). A node that does not answer has "
             "empty cells.",
    .example = "flare-admin stats --qps --count=10",
    .complete = "node",
    .flags = SUB_CLASSIC,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_stats,
};
