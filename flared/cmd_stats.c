#include "flared/cmd.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cluster/map_text.h"
#include "flared/maintain.h"
#include "flared/rebuild_run.h"
#include "flared/replicate.h"
#include "flared/server.h"
#include "flared/stats_put.h"
#include "flared/tour.h"
#include "proto/reply.h"

enum { COPIES_MAX = 64 };

static void
answer(struct session *session, bool ok)
{
    if (!ok) {
        session_fail(session, "out of memory");
    }
}

/* --- stats ---------------------------------------------------------------- */

static bool
put_rebuild(struct buf *out, const struct flared *node)
{
    struct rebuild_status status;

    rebuilder_status(node->rebuilder, &status);
    return reply_stat(out, "reconstruction", "%s",
                      status.running ? "running" : "none") &&
           reply_stat(out, "reconstruction_records", "%ju",
                      (uintmax_t)status.records) &&
           reply_stat(out, "reconstruction_bytes", "%ju",
                      (uintmax_t)status.bytes);
}

/*
 * Counting the records may take a while (storage/store.h), so the call goes by
 * the maintenance thread.
 */
struct counted {
    struct call call;
    struct mail mail;
    uint64_t count;
    bool (*put)(struct buf *out, const struct flared *node, uint64_t count);
};

static void
destroy_counted(struct call *call)
{
    free(LIST_ENTRY(call, struct counted, call));
}

static bool
put_general(struct buf *out, const struct flared *node, uint64_t count)
{
    bool ok = stats_put_general(out, node, count);

    for (unsigned i = 0; ok && i < METRIC_COUNT; i++) {
        uint64_t value = workers_metric(node, (enum metric)i);

        if (i == METRIC_REJECTED_CONNECTIONS) {
            value += atomic_load(&node->rejected);
        }
        ok = reply_stat(out, metric_name[i], "%ju", (uintmax_t)value);
    }
    return ok && put_rebuild(out, node) &&
           reply_stat(out, "node_map_version", "%ju",
                      (uintmax_t)atomic_load(&node->map_version));
}

static void
on_counted(struct mail *mail)
{
    struct counted *c = LIST_ENTRY(mail, struct counted, mail);
    struct buf *out = &c->call.out;

    if ((!c->put(out, c->call.worker->node, c->count) ||
         !reply_line(out, "END")) &&
        c->call.session != NULL) {
        session_fail(c->call.session, "out of memory");
    }
    call_done(&c->call);
}

static void
on_count(struct mail *mail)
{
    struct counted *c = LIST_ENTRY(mail, struct counted, mail);

    c->count = store_count(c->call.worker->node->store);
    mail->deliver = on_counted;
    mailbox_post(&c->call.worker->loop.mailbox, mail);
}

static void
count_and_put(struct session *session,
              bool (*put)(struct buf *out, const struct flared *node,
                          uint64_t count))
{
    struct counted *c = xcalloc(1, sizeof(*c));

    call_init(&c->call, session, destroy_counted);
    c->put = put;
    c->mail.deliver = on_count;
    mailbox_post(maintain_mailbox(session->worker->node), &c->mail);
}

static void
stats_general(struct session *session, const struct request *req)
{
    (void)req;
    count_and_put(session, put_general);
}

static void
stats_items(struct session *session, const struct request *req)
{
    (void)req;
    count_and_put(session, stats_put_items);
}

static void
stats_slabs(struct session *session, const struct request *req)
{
    (void)req;
    count_and_put(session, stats_put_slabs);
}

static void
stats_nodes(struct session *session, const struct request *req)
{
    const struct cluster_view *view = session->worker->view;
    struct buf *out = session_answer(session);

    (void)req;
    answer(session, (view == NULL || map_text_put_stats(out, view->map)) &&
                        reply_line(out, "END"));
}

static void
stats_settings(struct session *session, const struct request *req)
{
    struct buf *out = session_answer(session);

    (void)req;
    answer(session, stats_put_settings(out, session->worker->node) &&
                        reply_line(out, "END"));
}

/* No histogram of sizes is kept. */
static void
stats_sizes(struct session *session, const struct request *req)
{
    struct buf *out = session_answer(session);

    (void)req;
    answer(session, reply_stat(out, "sizes_status", "disabled") &&
                        reply_line(out, "END"));
}

/* Nothing is counted by key prefix, but who asks is answered. */
static void
stats_detail(struct session *session, const struct request *req)
{
    struct slice rest = req->words;
    struct slice word;

    (void)slice_word(&rest);
    word = slice_word(&rest);
    if (slice_eq(word, SLICE("dump"))) {
        session_line(session, req, "END");
    } else if (slice_eq(word, SLICE("on")) || slice_eq(word, SLICE("off"))) {
        session_line(session, req, "OK");
    } else {
        session_line(session, req,
                     "CLIENT_ERROR usage: stats detail on|off|dump");
    }
}

/* --- what each worker says of itself
 * ------------------------------------------
 */

/* What "stats threads" says of a connection or of a copy being fed. */
struct thread_row {
    uint64_t id, queue;
    int type;
    const char *peer, *op, *state;
    int64_t uptime, behind_ms;
};

static bool
put_thread(struct buf *out, const struct thread_row *row)
{
    uintmax_t id = row->id;

    return buf_printf(out,
                      "STAT %ju:type %d\r\nSTAT %ju:peer %s\r\n"
                      "STAT %ju:op %s\r\nSTAT %ju:uptime %jd\r\n"
                      "STAT %ju:state %s\r\nSTAT %ju:info \r\n"
                      "STAT %ju:queue %ju\r\nSTAT %ju:behind %jd\r\n",
                      id, row->type, id, row->peer, id, row->op, id,
                      (intmax_t)row->uptime, id, row->state, id, id,
                      (uintmax_t)row->queue, id,
                      (intmax_t)(row->behind_ms / 1000));
}

static bool
visit_sessions(struct buf *out, struct worker *worker)
{
    bool ok = true;
    struct list *at = worker->sessions.next;

    for (; ok && at != &worker->sessions; at = at->next) {
        const struct session *s = LIST_ENTRY(at, struct session, link);
        const struct thread_row row = {
            .id = s->id,
            .type = 1,
            .peer = s->peer,
            .op = s->op < COMMAND_COUNT ? command_name(s->op) : "",
            .uptime = worker->loop.wall.s - s->since.s,
            .state = s->ncalls > 0 ? "execute" : "wait",
            .queue = s->ncalls,
        };

        ok = put_thread(out, &row);
    }
    return ok;
}

/* The copies this node feeds, as flare shows its proxy threads. */
static bool
put_copies(struct buf *out, const struct worker *worker)
{
    struct copy_status copies[COPIES_MAX];
    unsigned n =
        replicator_status(worker->node->replicator, copies, COPIES_MAX);
    bool ok = true;

    for (unsigned i = 0; ok && i < n; i++) {
        const struct thread_row row = {
            .id = 1 + i,
            .type = copies[i].thread_type,
            .peer = copies[i].key,
            .op = "proxy_write",
            .uptime = worker->loop.wall.s - worker->node->started.s,
            .state = copies[i].connected ? "execute" : "connect",
            .queue = copies[i].behind,
            .behind_ms = copies[i].behind_ms,
        };

        ok = put_thread(out, &row);
    }
    return ok;
}

static bool
visit_threads(struct buf *out, struct worker *worker)
{
    return visit_sessions(out, worker) &&
           (worker->index != 0 || put_copies(out, worker));
}

static void
stats_queue(struct session *session)
{
    struct copy_status copies[COPIES_MAX];
    unsigned n = replicator_status(session->worker->node->replicator, copies,
                                   COPIES_MAX);
    struct buf *out = session_answer(session);
    uint64_t sum = 0;

    for (unsigned i = 0; i < n; i++) {
        sum += copies[i].behind;
    }
    answer(session,
           reply_stat(out, "total_thread_queue", "%ju", (uintmax_t)sum) &&
               reply_line(out, "END"));
}

static void
stats_threads(struct session *session, const struct request *req)
{
    struct slice rest = req->words;
    struct slice which;

    (void)slice_word(&rest);
    which = slice_word(&rest);
    if (which.n == 0) {
        tour_begin(session, "END", visit_threads, NULL);
    } else if (slice_eq(which, SLICE("request"))) {
        tour_begin(session, "END", visit_sessions, NULL);
    } else if (slice_eq(which, SLICE("slave"))) {
        struct buf *out = session_answer(session);

        answer(session,
               put_copies(out, session->worker) && reply_line(out, "END"));
    } else if (slice_eq(which, SLICE("queue"))) {
        stats_queue(session);
    } else {
        session_line(session, req, "ERROR");
    }
}

static bool
visit_conns(struct buf *out, struct worker *worker)
{
    bool ok = true;
    struct list *at = worker->sessions.next;

    for (; ok && at != &worker->sessions; at = at->next) {
        const struct session *s = LIST_ENTRY(at, struct session, link);
        const bool is_unix = strcmp(s->peer, "unix") == 0;

        ok = buf_printf(
            out,
            "STAT %ju:addr %s%s\r\n"
            "STAT %ju:state %s\r\n"
            "STAT %ju:secs_since_last_cmd %jd\r\n",
            (uintmax_t)s->id, is_unix ? "unix:" : "tcp:",
            is_unix ? worker->node->options.server_socket : s->peer,
            (uintmax_t)s->id, s->ncalls > 0 ? "conn_waiting" : "conn_read",
            (uintmax_t)s->id,
            (intmax_t)(mono_ms_between(s->conn->active, worker->loop.now) /
                       1000));
    }
    return ok;
}

static void
stats_conns(struct session *session, const struct request *req)
{
    (void)req;
    tour_begin(session, "END", visit_conns, NULL);
}

static bool
visit_reset(struct buf *out, struct worker *worker)
{
    (void)out;
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        atomic_store_explicit(&worker->metrics.value[i], 0,
                              memory_order_relaxed);
    }
    latency_reset(worker);
    return true;
}

static void
stats_reset(struct session *session, const struct request *req)
{
    (void)req;
    atomic_store(&session->worker->node->rejected, 0);
    tour_begin(session, "RESET", visit_reset, NULL);
}

static const struct {
    const char *word;
    void (*run)(struct session *session, const struct request *req);
} kinds[] = {
    {"", stats_general},          {"nodes", stats_nodes},
    {"threads", stats_threads},   {"replication", cmd_stats_repl},
    {"settings", stats_settings}, {"conns", stats_conns},
    {"reset", stats_reset},       {"items", stats_items},
    {"slabs", stats_slabs},       {"sizes", stats_sizes},
    {"detail", stats_detail},     {"latency", cmd_stats_latency},
    {"slowlog", cmd_stats_slow},  {"hotkeys", cmd_stats_hot},
};

void
cmd_stats(struct session *session, const struct request *req)
{
    struct slice rest = req->words;
    struct slice word = slice_word(&rest);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (slice_eq(word, slice_str(kinds[i].word))) {
            kinds[i].run(session, req);
            return;
        }
    }
    session_line(session, req, "ERROR");
}
