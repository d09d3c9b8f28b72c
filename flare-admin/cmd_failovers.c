/* failover-list: what failed, who stands alone, who is back. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "flare-admin/admin.h"
#include "flare-admin/commands.h"
#include "flare-admin/history.h"

/* One row; NULL text and negative numbers are not known. */
struct row {
    const char *kind, *node, *cause, *to;
    int partition;
    int64_t time, took_ms;
    uint64_t epoch, seq, to_epoch, to_seq;
};

static void
put_time(struct table *table, int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[32] = "-";

    if (seconds > 0 && gmtime_r(&t, &tm) != NULL) {
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    table_cell(table, "%s", text);
}

static void
put_position(struct table *table, uint64_t epoch, uint64_t seq)
{
    if (epoch == 0 && seq == 0) {
        table_cell(table, "-");
    } else {
        table_cell(table, "%ju/%ju", (uintmax_t)epoch, (uintmax_t)seq);
    }
}

static void
put_row(struct table *table, const struct row *row)
{
    table_cell(table, "%s", row->kind);
    table_cell(table, "%s", row->node);
    table_cell(table, row->partition < 0 ? "-" : "%d", row->partition);
    put_time(table, row->time);
    table_cell(table, "%s", row->cause != NULL ? row->cause : "-");
    table_cell(table, row->took_ms < 0 ? "-" : "%jd", (intmax_t)row->took_ms);
    put_position(table, row->epoch, row->seq);
    table_cell(table, "%s", row->to != NULL ? row->to : "-");
    put_position(table, row->to_epoch, row->to_seq);
}

static void
put_history(struct table *table, const struct history *history)
{
    for (size_t i = 0; i < history->n; i++) {
        const struct failover *f = &history->all[i];
        char cause[64];

        (void)snprintf(cause, sizeof(cause), "%s%s%s", f->cause,
                       strcmp(f->evidence, "-") != 0 ? ": " : "",
                       strcmp(f->evidence, "-") != 0 ? f->evidence : "");
        put_row(table,
                &(struct row){"failover", f->from, cause, f->to, f->partition,
                              f->time, f->took_ms, f->from_epoch, f->from_seq,
                              f->to_epoch, f->to_seq});
    }
}

static bool
has_slave(const struct cluster_map *map, int partition)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        if (map->node[i].role == NODE_SLAVE &&
            map->node[i].state == NODE_ACTIVE &&
            map->node[i].partition == partition) {
            return true;
        }
    }
    return false;
}

static void
put_now(struct table *table, const struct cluster_map *map,
        const struct history *history)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];
        int had = history_partition_of(history, node->key);
        struct row row = {.node = node->key, .took_ms = -1};

        if (node->role == NODE_MASTER && !has_slave(map, node->partition)) {
            row.kind = node->state == NODE_DOWN ? "dead" : "alone";
            row.partition = node->partition;
            put_row(table, &row);
        } else if (node->role == NODE_PROXY && had >= 0) {
            row.kind = node->state == NODE_ACTIVE ? "returned" : "missing";
            row.partition = had;
            put_row(table, &row);
        }
    }
}

static int
run_list(struct tool *tool, int nwords, char **words)
{
    static const struct table_column columns[] = {
        TABLE_COL_TEXT("kind"),        TABLE_COL_TEXT("node"),
        TABLE_COL_NUMBER("partition"), TABLE_COL_TEXT("time"),
        TABLE_COL_TEXT("cause"),       TABLE_COL_NUMBER("took_ms"),
        TABLE_COL_TEXT("position"),    TABLE_COL_TEXT("to"),
        TABLE_COL_TEXT("to_position"),
    };
    struct table table = {.columns = columns, .ncolumns = 9, .fit = true};
    struct cluster_map *map = NULL;
    struct history history = {NULL, 0};
    int status = STATUS_NG;

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_USAGE;
    }
    if (tool_open_index(tool, 0, NULL)) {
        map = admin_map(tool);
    }
    if (map != NULL && history_fetch(&history, tool)) {
        put_history(&table, &history);
        put_now(&table, map, &history);
        tool_put_table(tool, &table, "  ", TOOL_DIRECT);
        status = STATUS_OK;
    }
    history_fini(&history);
    cluster_map_unref(map);
    return status;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
};
/* clang-format on */

const struct subcommand cmd_failover_list = {
    .name = "failover-list",
    .usage = "",
    .summary = "show what failed over, who is alone and who is back.",
    .about = "Kinds: failover, a change of masters that the index server "
             "remembers (when, why, how long it took, from whom to whom, and "
             "how far the data of both went, as epoch/sequence); alone, a "
             "master without an active slave; dead, a master that is down "
             "with nobody to take over; returned, a former master that is an "
             "active proxy (see failback); missing, one that is down.",
    .example = "flare-admin failover-list -o json",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_list,
};
