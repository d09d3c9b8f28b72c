#include "flared/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flared/ahead.h"
#include "flared/cmd.h"
#include "flared/handover.h"
#include "flared/server.h"

enum { CALLS_MAX = 512 }; /* of one session, waiting at a time */

static const struct conn_limits *
conn_limits(const struct worker *worker)
{
    return server_conn_limits(worker->node->server);
}

static void
destroy_text(struct call *call)
{
    spares_give(&call->worker->spares, call, sizeof(*call));
}

struct buf *
session_out(struct session *session)
{
    return session->dialect == DIALECT_BINARY ? &session->binary.text
                                              : conn_out(session->conn);
}

struct buf *
session_answer(struct session *session)
{
    struct call *call;

    if (list_empty(&session->calls)) {
        return session_out(session);
    }
    call = LIST_ENTRY(session->calls.prev, struct call, link);
    if (!call->done || call->destroy != destroy_text) {
        call = spares_take(&session->worker->spares, sizeof(*call));
        call_append(call, session, destroy_text);
        call->done = true;
    }
    return &call->out;
}

void
session_line(struct session *session, const struct request *req,
             const char *line)
{
    struct buf *out;

    if (req->noreply) {
        return;
    }
    out = session_answer(session);
    if (!buf_put_str(out, line) || !buf_put(out, "\r\n", 2)) {
        session_fail(session, "out of memory");
    }
}

void
session_count_bytes(struct session *session)
{
    struct metrics *m = &session->worker->metrics;
    const struct conn *conn = session->conn;

    metric_add(m, METRIC_BYTES_READ, conn->bytes_in - session->counted_in);
    metric_add(m, METRIC_BYTES_WRITTEN, conn->bytes_out - session->counted_out);
    session->counted_in = conn->bytes_in;
    session->counted_out = conn->bytes_out;
}

void
session_close(struct session *session)
{
    struct worker *worker = session->worker;

    session_count_bytes(session);
    session->closing = true;
    hold_release(session);
    handover_hang_up(session);
    calls_orphan(session);
    list_remove(&session->link);
    atomic_fetch_sub(&worker->nsessions, 1);
    server_session_closed(worker->node->server);
    conn_close(session->conn);
    binary_fini(&session->binary);
    /*
     * The connection's memory lives to the end of the turn and its callbacks
     * no longer come, so nobody reaches the session from there.
     */
    session->conn = NULL;
    worker_bury(worker, session);
}

void
session_fail(struct session *session, const char *why)
{
    if (!session->closing) {
        log_warn("closing connection of %s: %s", session->peer, why);
        session_close(session);
    }
}

void
session_end(struct session *session)
{
    if (session->dialect == DIALECT_BINARY) {
        binary_translate(session);
    }
    if (session->conn == NULL) {
        return; /* that failed */
    }
    session->closing = true;
    if (list_empty(&session->calls)) {
        conn_close_after_flush(session->conn);
    }
}

void
session_interrupt(struct session *session)
{
    struct conn *conn = session->conn;

    calls_orphan(session);
    session->closing = true;
    if (session->dialect == DIALECT_BINARY ||
        !buf_put_str(conn_out(conn),
                     "SERVER_ERROR operation interrupted\r\n")) {
        session_close(session);
        return;
    }
    conn_close_after_flush(conn);
}

static bool
is_full(const struct session *session)
{
    const struct flared_options *o = &session->worker->node->options;

    return session->exclusive || session->ncalls >= CALLS_MAX ||
           session->pending >= o->pipeline_max ||
           conn_is_backed_up(session->conn);
}

void
session_moved(struct session *session)
{
    if (session->dialect == DIALECT_BINARY) {
        binary_translate(session);
    }
    if (session->conn == NULL) {
        return;
    }
    conn_flush_later(session->conn);
    if (session->closing) {
        if (list_empty(&session->calls)) {
            conn_close_after_flush(session->conn);
        }
    } else if (session->conn->paused && !is_full(session)) {
        conn_resume(session->conn);
    }
}

/* The bytes of refused data that are here; the rest is still to come. */
static size_t
drop(struct session *session, size_t have)
{
    size_t n = have < session->skip ? have : (size_t)session->skip;

    session->skip -= n;
    return n;
}

static void
refuse(struct session *session, const struct parse *parse)
{
    struct buf *out;

    session->skip = parse->skip;
    if (parse->why == NULL) {
        return;
    }
    out = session_answer(session);
    if (!buf_put_str(out, parse->why) || !buf_put(out, "\r\n", 2)) {
        session_fail(session, "out of memory");
    }
}

/*
 * Beyond max-connection a connection is kept only for those who keep the
 * cluster together, so that clients cannot lock them out.
 */
static bool
may_stay(const struct session *session, const struct request *req)
{
    return !session->reserved || req->from_peer ||
           req->command == COMMAND_PING || req->command == COMMAND_NODE ||
           req->command == COMMAND_STATS || req->command == COMMAND_VERSION ||
           req->command == COMMAND_KILL || req->command == COMMAND_DUMP ||
           req->command == COMMAND_REPL;
}

void
session_run(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    uint64_t begun;

    if (!may_stay(session, req)) {
        static const struct request loud;

        metric_add(&worker->metrics, METRIC_REJECTED_CONNECTIONS, 1);
        session_line(session, &loud, "ERROR Too many open connections");
        session_end(session);
        return;
    }
    session->op = req->command;
    if (!session->trusted && guard_refuses(session, req)) {
        return;
    }
    latency_begin(session, req);
    begun = worker->latency.begun;
    cmd_run(session, req);
    latency_end(session, req, begun);
}

/* One request off the front of `in`; 0: it is not complete yet. */
static size_t
take_text(struct session *session, struct slice in)
{
    const struct proto_limits *limits =
        server_proto_limits(session->worker->node->server);
    struct request req;
    struct parse parse;

    switch (parse_request(in, limits, &req, &parse)) {
    case PARSE_OK:
        session_run(session, &req);
        return session->held.waits ? 0 : parse.consumed;
    case PARSE_MORE:
        if (parse.need > 0) {
            conn_need(session->conn, parse.need);
        }
        return 0;
    case PARSE_TOO_LARGE:
        cmd_too_large(session, &req);
        if (session->held.waits) {
            return 0;
        }
        refuse(session, &parse);
        return parse.consumed;
    case PARSE_BAD:
        refuse(session, &parse);
        return parse.consumed;
    case PARSE_CLOSE:
        refuse(session, &parse);
        if (!session->closing) {
            session_end(session);
        }
        return in.n;
    }
    return 0;
}

/* The first byte says what a connection speaks, to its end. */
static size_t
take(struct session *session, struct slice in)
{
    size_t n;

    if (session->dialect == DIALECT_UNKNOWN) {
        session->dialect = (unsigned char)*in.p == BINARY_REQUEST
                               ? DIALECT_BINARY
                               : DIALECT_TEXT;
    }
    if (session->dialect == DIALECT_TEXT) {
        return take_text(session, in);
    }
    n = binary_take(session, in);
    binary_translate(session);
    return n;
}

/*
 * The process may have been stopped for long since these requests were looked
 * at, and another be the master by now: then nothing was confirmed.
 */
static void
check_lease(struct session *session)
{
    session->leased = false;
    if (!standing_may_answer(&session->worker->node->standing, clock_mono())) {
        session_fail(session, "the lease of this master ended meanwhile");
    }
}

static size_t
on_input(struct conn *conn, struct slice in)
{
    struct session *session = conn->owner;
    size_t used = 0, ahead = 0;

    hold_release(session);
    latency_input(session->worker);
    while (used < in.n && !session->closing) {
        size_t n;

        if (session->skip > 0) {
            used += drop(session, in.n - used);
            continue;
        }
        if (is_full(session)) {
            conn_pause(conn);
            break;
        }
        if (used >= ahead && session->dialect == DIALECT_TEXT) {
            ahead = used + ahead_of(session->worker,
                                    (struct slice){in.p + used, in.n - used});
        }
        n = take(session, (struct slice){in.p + used, in.n - used});
        if (session->held.waits) {
            conn_pause(conn);
        }
        if (n == 0) {
            break;
        }
        session->held.begun = false;
        used += n;
        if (!list_empty(&session->calls)) {
            call_weigh(LIST_ENTRY(session->calls.prev, struct call, link), n);
        }
    }
    if (session->leased) {
        check_lease(session);
    }
    if (session->closing) {
        used = in.n; /* what follows a quit is dropped */
    }
    if (session->conn != NULL) {
        session_count_bytes(session);
        conn_flush_later(conn);
    }
    return used;
}

static void
on_drained(struct conn *conn)
{
    struct session *session = conn->owner;
    struct list *first = list_first(&session->calls);
    struct call *call;

    if (first != NULL) {
        call = LIST_ENTRY(first, struct call, link);
        if (!call->done) {
            call_resume(call);
        }
    }
    session_moved(session);
}

static void
on_closed(struct conn *conn, int error)
{
    struct session *session = conn->owner;

    if (error != 0 && sock_classify(error) == SOCK_BROKEN &&
        error != ETIMEDOUT) {
        log_warn("connection of %s broke: %s", session->peer, strerror(error));
    }
    session_close(session);
}

/* Half closed: answer what was asked, then go. */
static void
on_eof(struct conn *conn)
{
    session_end(conn->owner);
}

static const struct conn_ops ops = {
    .on_input = on_input,
    .on_eof = on_eof,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

void
session_open(struct worker *worker, int fd, const struct sock_addr *from,
             bool reserved)
{
    struct session *session = xcalloc(1, sizeof(*session));

    session->worker = worker;
    list_init(&session->calls);
    list_append(&worker->sessions, &session->link);
    session->since = worker->loop.wall;
    session->op = COMMAND_COUNT;
    session->reserved = reserved;
    session->trusted = guard_trusts(&worker->node->guard, from, fd);
    session->id = worker_next_session_id(worker);
    sock_format(from, session->peer, sizeof(session->peer));
    atomic_fetch_add(&worker->nsessions, 1);
    metric_add(&worker->metrics, METRIC_TOTAL_CONNECTIONS, 1);
    session->conn =
        conn_new(&worker->loop, fd, false, conn_limits(worker), &ops, session);
    if (session->conn == NULL) {
        log_warn("connection of %s refused: out of memory", session->peer);
        list_remove(&session->link);
        atomic_fetch_sub(&worker->nsessions, 1);
        server_session_closed(worker->node->server);
        free(session);
        return;
    }
    conn_set_idle(session->conn, server_idle_ms(worker->node->server));
    conn_answer_soon(session->conn);
}
