#include "flared/cmd.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "flared/forward.h"
#include "proto/reply.h"

enum {
    SLICE_RECORDS = 256,   /* looked at before others have their turn */
    SLICE_BYTES = 262144,  /* likewise */
    PACE_MIN_US = 2000,    /* shorter debts are carried on, not slept off */
    PACE_MAX_US = 1000000, /* longer ones are slept off in pieces */
};

/*
 * One dump or dump_key in progress.  It writes to the connection itself, slice
 * by slice, while it is the first call of its session and there is room.
 */
struct dump {
    struct call call;
    struct timer timer; /* the next slice, or the end of a pause */
    struct store_cursor *cursor;
    bool keys_only;
    bool begun;
    bool busy; /* in step() or end(): do not free it from under them */
    const uint16_t *row; /* slot -> partition; NULL: everything */
    unsigned slots;
    int partition;
    enum keyhash_kind hash;
    uint64_t wait_us;
    uint64_t bwlimit; /* bytes a second, 0: none */
    struct mono start;
    uint64_t since; /* the log's end when it began */
    uint64_t records,
        bytes; /* sent of what was there then: pace counts these */
};

static void
destroy(struct call *call)
{
    struct dump *dump = LIST_ENTRY(call, struct dump, call);

    store_cursor_close(dump->cursor);
    timer_fini(&dump->timer);
    free(dump);
}

static bool
wanted(const struct dump *dump, struct slice key, const struct item *item)
{
    if (!dump->keys_only && item_expired(item, dump->call.worker->loop.wall)) {
        return false;
    }
    return dump->row == NULL ||
           dump->row[keyhash(dump->hash, key) % dump->slots] == dump->partition;
}

static bool
put_record(const struct dump *dump, struct buf *out, struct slice key,
           const struct item *item)
{
    if (dump->keys_only) {
        return buf_put(out, "KEY ", 4) && buf_put_slice(out, key) &&
               buf_put(out, "\r\n", 2);
    }
    return reply_dump(out, key, item->flags, item->value, item->version,
                      item->expire);
}

static void
end(struct dump *dump, const char *line)
{
    struct session *session = dump->call.session;

    dump->busy = true;
    if (session != NULL) {
        session->exclusive = false;
    }
    timer_stop(&dump->timer);
    if (session != NULL && line != NULL &&
        !reply_line(conn_out(session->conn), line)) {
        session_fail(session, "out of memory");
    }
    call_done(&dump->call);
}

/* How long to pause so that neither limit is exceeded. */
static int64_t
pace_us(const struct dump *dump)
{
    int64_t elapsed = (clock_mono().ns - dump->start.ns) / 1000;
    uint64_t due = dump->records * dump->wait_us;

    if (dump->bwlimit > 0) {
        uint64_t by_bytes =
            (uint64_t)((double)dump->bytes * 1e6 / (double)dump->bwlimit);

        due = by_bytes > due ? by_bytes : due;
    }
    return (int64_t)due - elapsed;
}

/*
 * A record written since the dump began may be met, even more than once.  It
 * costs no pause: writers faster than the pace would keep the dump from ever
 * coming to its end.
 */
static void
count(struct dump *dump, const struct item *item, size_t bytes)
{
    if (item->version <= dump->since) {
        dump->records++;
        dump->bytes += bytes;
    }
}

enum slice_end { SLICE_MORE, SLICE_FULL, SLICE_DONE, SLICE_FAILED };

static enum slice_end
run_slice(struct dump *dump)
{
    struct session *session = dump->call.session;
    struct buf *out = conn_out(session->conn);
    uint64_t sent = 0;

    for (unsigned i = 0; i < SLICE_RECORDS && sent < SLICE_BYTES; i++) {
        struct slice key;
        struct item item;
        size_t before = buf_len(out);
        enum store_status status = store_cursor_next(dump->cursor, &key, &item);

        if (status != STORE_OK) {
            return status == STORE_MISS ? SLICE_DONE : SLICE_FAILED;
        }
        if (!wanted(dump, key, &item)) {
            continue;
        }
        if (!put_record(dump, out, key, &item)) {
            return SLICE_FAILED;
        }
        sent += buf_len(out) - before;
        count(dump, &item, buf_len(out) - before);
        if (conn_is_backed_up(session->conn)) {
            return SLICE_FULL;
        }
        if (pace_us(dump) >= PACE_MIN_US) {
            break;
        }
    }
    return SLICE_MORE;
}

static void
step(struct dump *dump)
{
    struct session *session = dump->call.session;
    int64_t pause_us;

    dump->busy = true;
    enum slice_end how = run_slice(dump);
    dump->busy = false;

    conn_flush_later(session->conn);
    switch (how) {
    case SLICE_DONE:
        end(dump, "END");
        return;
    case SLICE_FAILED:
        end(dump, "SERVER_ERROR iteration canceled");
        return;
    case SLICE_FULL:
        return; /* resume() comes when there is room */
    case SLICE_MORE:
        break;
    }
    pause_us = pace_us(dump);
    if (pause_us < PACE_MIN_US) {
        pause_us = 0;
    }
    pause_us = pause_us < PACE_MAX_US ? pause_us : PACE_MAX_US;
    timer_once(&dump->timer, pause_us / 1000);
}

static void
on_timer(struct timer *timer)
{
    struct dump *dump = LIST_ENTRY(timer, struct dump, timer);

    if (!conn_is_backed_up(dump->call.session->conn)) {
        step(dump);
    }
}

/* First in line, room for output, or nobody listens any more. */
static void
resume(struct call *call)
{
    struct dump *dump = LIST_ENTRY(call, struct dump, call);

    if (call->session == NULL) {
        if (!dump->busy) {
            end(dump, NULL);
        }
        return;
    }
    if (!dump->begun) {
        dump->begun = true;
        dump->start = clock_mono();
    }
    if (!dump->timer.armed) {
        timer_once(&dump->timer, 0);
    }
}

/* The row for this number of partitions, from the worker's own table. */
static bool
find_row(struct dump *dump, struct worker *worker, int partitions)
{
    const struct cluster_meta *meta = &worker->node->meta;

    if (!atomic_load(&worker->node->has_meta)) {
        return false;
    }
    if (worker->table == NULL) {
        worker->table =
            partition_table_new(meta->partition_size, meta->hint, meta->slots);
    }
    if (worker->table == NULL) {
        return false;
    }
    dump->row = partition_table_row(worker->table, (unsigned)partitions);
    dump->slots = meta->slots;
    dump->hash = meta->hash;
    return dump->row != NULL;
}

void
cmd_dump(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    struct dump *dump = xcalloc(1, sizeof(*dump));

    if (req->dump.partition >= 0 &&
        !find_row(dump, worker, req->dump.partition_size)) {
        free(dump);
        session_line(session, req,
                     "CLIENT_ERROR partition size is not below the cluster's "
                     "partition-size");
        return;
    }
    dump->cursor = store_cursor_open(worker->node->store);
    if (dump->cursor == NULL) {
        free(dump);
        session_line(session, req, "SERVER_ERROR out of memory");
        return;
    }
    dump->since = ulog_last(store_log(worker->node->store));
    dump->keys_only = req->command == COMMAND_DUMP_KEY;
    dump->partition = req->dump.partition;
    dump->wait_us = req->dump.wait_us;
    dump->bwlimit = req->dump.bwlimit * 1024;
    timer_init(&dump->timer, &worker->loop, on_timer);
    call_init(&dump->call, session, destroy);
    dump->call.resume = resume;
    session->exclusive = true; /* what follows may change what is dumped */
    if (call_is_first(&dump->call)) {
        resume(&dump->call);
    }
}

/* --- keys ------------------------------------------------------------------
 */

/* keys PREFIX+ LIMIT: each prefix is routed as if it were a key. */
static void
list_keys(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    struct buf *out = session_answer(session);
    size_t mark = buf_len(out);
    struct slice prefixes = req->keys;
    struct slice prefix = request_key(&prefixes);

    while (prefix.n > 0) {
        struct route route = cmd_route_read(session, req, prefix);

        if (route.kind == ROUTE_FORWARD && !cmd_goes_round(session, req)) {
            buf_truncate(out, mark);
            forward_keys(session, req, route.to);
            return;
        }
        if (route.kind != ROUTE_LOCAL) {
            buf_truncate(out, mark);
            cmd_refuse_route(session, req, route.kind);
            return;
        }
        if (store_prefix(worker->node->store, prefix, req->number, out) !=
            STORE_OK) {
            buf_truncate(out, mark);
            session_line(session, req,
                         "SERVER_ERROR not available on current storage type");
            return;
        }
        prefix = request_key(&prefixes);
    }
    session_line(session, req, "END");
}

void
cmd_keys(struct session *session, const struct request *req)
{
    list_keys(session, req);
    if (!session->held.waits) {
        metric_add(&session->worker->metrics, METRIC_CMD_GET, req->nkeys);
    }
}
