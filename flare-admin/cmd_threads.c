/* threads: what a daemon's threads are doing. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/admin.h"
#include "flare-admin/commands.h"

struct thread_row {
    uint64_t id;
    char *peer, *op, *type, *queue;
};

struct threads {
    struct thread_row *rows;
    size_t n;
};

static void
set_text(char **to, struct slice value)
{
    free(*to);
    *to = xstrndup(value.p, value.n);
}

static struct thread_row *
row_of(struct threads *threads, uint64_t id)
{
    struct thread_row *row;

    if (threads->n > 0 && threads->rows[threads->n - 1].id == id) {
        return &threads->rows[threads->n - 1];
    }
    threads->rows = xreallocarray(threads->rows, threads->n + 1, sizeof(*row));
    row = &threads->rows[threads->n++];
    *row = (struct thread_row){id, xstrdup(""), xstrdup(""), xstrdup(""),
                               xstrdup("")};
    return row;
}

/* id:field */
static bool
take_stat(void *arg, struct slice name, struct slice value)
{
    struct slice field = name;
    struct slice number = slice_until(&field, ':');
    struct thread_row *row;
    uint64_t id;

    if (!slice_u64(number, UINT64_MAX, &id)) {
        return true;
    }
    row = row_of(arg, id);
    if (slice_eq(field, SLICE("peer"))) {
        set_text(&row->peer, value);
    } else if (slice_eq(field, SLICE("op"))) {
        set_text(&row->op, value);
    } else if (slice_eq(field, SLICE("type"))) {
        set_text(&row->type, value);
    } else if (slice_eq(field, SLICE("queue"))) {
        set_text(&row->queue, value);
    }
    return true;
}

static int
compare(const void *va, const void *vb)
{
    const struct thread_row *a = va;
    const struct thread_row *b = vb;
    int by_peer = strcmp(a->peer, b->peer);

    if (by_peer != 0) {
        return by_peer;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

static void
print(struct tool *tool, struct threads *threads)
{
    static const struct table_column columns[] = {
        {"id", true, 5, NULL, TABLE_NUMBER},
        {"peer", false, 32, NULL, TABLE_TEXT},
        {"operation", false, 13, NULL, TABLE_TEXT},
        {"type", true, 4, NULL, TABLE_NUMBER},
        {"queue", true, 8, NULL, TABLE_NUMBER},
    };
    struct table table = {.columns = columns, .ncolumns = 5};

    qsort(threads->rows, threads->n, sizeof(*threads->rows), compare);
    for (size_t i = 0; i < threads->n; i++) {
        const struct thread_row *row = &threads->rows[i];

        table_cell(&table, "%ju", (uintmax_t)row->id);
        table_cell(&table, "%s", row->peer);
        table_cell(&table, "%s", row->op[0] != '\0' ? row->op : "-");
        table_cell(&table, "%s", row->type);
        table_cell(&table, "%s", row->queue);
    }
    tool_put_table(tool, &table, " ", TOOL_LOG);
}

static void
threads_fini(struct threads *threads)
{
    for (size_t i = 0; i < threads->n; i++) {
        free(threads->rows[i].peer);
        free(threads->rows[i].op);
        free(threads->rows[i].type);
        free(threads->rows[i].queue);
    }
    free(threads->rows);
}

static int
show(struct tool *tool, struct server *server)
{
    struct threads threads = {NULL, 0};
    bool ok = server_stats(server, "stats threads", take_stat, &threads);

    if (ok) {
        print(tool, &threads);
    }
    threads_fini(&threads);
    return ok ? STATUS_OK : STATUS_NG;
}

static int
run_threads(struct tool *tool, int nwords, char **words)
{
    struct target target;
    struct server server;
    int status;

    if (nwords > 1) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_NG;
    }
    if (nwords == 0) {
        return tool_open_index(tool, 0, NULL) ? show(tool, &tool->index)
                                              : STATUS_NG;
    }
    if (target_parse(words[0], &target) != TARGET_OK || target.nfields != 2) {
        output_error(&tool->out, "invalid nodekey: %s", words[0]);
        return STATUS_NG;
    }
    if (!server_open(&server, tool, target.host, target.port, false)) {
        return STATUS_NG;
    }
    status = show(tool, &server);
    server_close(&server);
    return status;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
};
/* clang-format on */

const struct subcommand cmd_threads = {
    .name = "threads",
    .usage = "[hostname:port]",
    .summary = "show the list of threads in a flare cluster.",
    .about = "What the threads of the index server or of a node are doing.",
    .example = "flare-admin threads node1:12121",
    .complete = "node",
    .flags = SUB_CLASSIC,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_threads,
};
