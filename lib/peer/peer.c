#include "peer/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "net/sock.h"
#include "peer/dial.h"

enum {
    PAUSE_MIN_MS = 50,
    PAUSE_MAX_MS = 2000,
};

struct peer {
    struct loop *loop;
    char *name; /* "host:port" */
    struct peer_options options;
    struct dial dial;

    struct conn *conn; /* NULL: none, or its name is being looked up */
    struct buf early;  /* requests made meanwhile */
    struct list calls; /* in flight, in order */
    struct list gone;  /* failed, being told */
    size_t inflight;

    /* Positions count the bytes of all requests since the peer was made. */
    uint64_t base;     /* where the first byte of `conn` is */
    uint64_t answered; /* behind the last request that was answered */

    struct timer timer;   /* connect_ms, then answer_ms */
    struct mono progress; /* the oldest request's, or its answer's */
    uint64_t seen_out;    /* conn->bytes_out when the timer last looked */
    bool sending;         /* the oldest request was not all out then */

    int64_t pause_ms; /* the next one */
    struct mono retry_at;
    struct mono down_at; /* the last connection ended, or the first look */
    int last_error;
    bool up;      /* connected */
    bool replied; /* on this connection */
    bool paused;  /* by peer_pause() */
    bool note;    /* the caller's, see peer_note() */
    bool dead;
    struct loop_item reap;
};

static bool connect_next(struct peer *peer);

static struct buf *
pending(struct peer *peer)
{
    return peer->conn != NULL ? conn_out(peer->conn) : &peer->early;
}

static uint64_t
sent_position(const struct peer *peer)
{
    return peer->base + (peer->conn != NULL ? peer->conn->bytes_out : 0);
}

static bool
is_busy(const struct peer *peer)
{
    return peer->conn != NULL || peer->dial.resolving != NULL;
}

static void
moved(struct peer *peer)
{
    if (peer->options.moved != NULL && !peer->dead) {
        peer->options.moved(peer->options.arg);
    }
}

/* Let go of the connection, or of the attempt to make one. */
static void
drop_conn(struct peer *peer)
{
    if (peer->up) {
        peer->down_at = peer->loop->now;
    }
    peer->base = sent_position(peer);
    if (peer->conn != NULL) {
        conn_close(peer->conn);
        peer->conn = NULL;
    }
    dial_cancel(&peer->dial);
    buf_fini(&peer->early);
    timer_stop(&peer->timer);
    peer->up = false;
    peer->replied = false;
    peer->note = false;
}

/* Take all calls out of flight, each with its result. */
static void
collect_gone(struct peer *peer)
{
    uint64_t sent = sent_position(peer), begin = peer->answered;
    struct list *link;

    while ((link = list_first(&peer->calls)) != NULL) {
        struct peer_call *call = LIST_ENTRY(link, struct peer_call, link);

        call->unsent = sent <= begin;
        begin = call->sent_until;
        list_remove(link);
        list_append(&peer->gone, link);
    }
    peer->inflight = 0;
}

/* The callee may free the call, use the peer again, or free it. */
static void
tell_gone(struct peer *peer)
{
    struct list *link;

    while ((link = list_first(&peer->gone)) != NULL) {
        struct peer_call *call = LIST_ENTRY(link, struct peer_call, link);

        list_remove(link);
        call->done(call, call->unsent ? PEER_UNSENT : PEER_UNKNOWN, NULL);
    }
}

static void
lengthen_pause(struct peer *peer)
{
    int64_t ms = peer->pause_ms > 0 ? peer->pause_ms : PAUSE_MIN_MS;

    peer->retry_at = mono_after_ms(peer->loop->now, ms);
    peer->pause_ms = 2 * ms < PAUSE_MAX_MS ? 2 * ms : PAUSE_MAX_MS;
}

/* The connection, or the attempt, is over: pause if that is becoming usual. */
static void
fail(struct peer *peer, int error)
{
    peer->last_error = error;
    if (!peer->replied || error == ETIMEDOUT) {
        lengthen_pause(peer);
    }
    collect_gone(peer);
    drop_conn(peer);
    peer->answered = peer->base;
    moved(peer);
    tell_gone(peer);
}

/*
 * The peer hung up.  If nothing is out that it could have answered, that was
 * its right, and what waits to be sent may go to a new connection, unless this
 * one was good for nothing either.
 */
static void
hung_up(struct peer *peer, int error)
{
    bool asked = sent_position(peer) != peer->answered;
    struct buf rest;

    if (asked || (peer->inflight > 0 && !peer->replied)) {
        fail(peer, error);
        return;
    }
    rest = peer->conn->out;
    peer->conn->out = (struct buf){NULL, 0, 0, 0};
    drop_conn(peer);
    if (peer->inflight == 0) {
        buf_fini(&rest);
        return;
    }
    peer->early = rest;
    dial_again(&peer->dial);
    if (!connect_next(peer)) {
        fail(peer, peer->dial.error);
    }
}

/* Could not connect to one address: try the next, if there is one. */
static void
attempt_failed(struct peer *peer, int error)
{
    dial_note(&peer->dial, error);
    if (peer->conn != NULL) {
        peer->early = peer->conn->out;
        peer->conn->out = (struct buf){NULL, 0, 0, 0};
        conn_close(peer->conn);
        peer->conn = NULL;
    }
    if (!connect_next(peer)) {
        fail(peer, peer->dial.error);
    }
}

static size_t
out_of_turn(struct peer *peer, size_t used)
{
    fail(peer, EPROTO);
    return used;
}

static size_t
on_input(struct conn *conn, struct slice in)
{
    struct peer *peer = conn->owner;
    const struct peer_options *options = &peer->options;
    size_t used = 0;

    peer->progress = peer->loop->now;
    while (used < in.n && !peer->paused) {
        struct list *first = list_first(&peer->calls);
        struct slice rest = {in.p + used, in.n - used};
        struct peer_call *call;
        struct reply reply;
        enum reply_status status;
        size_t n = 0;

        if (first == NULL) {
            return out_of_turn(peer, in.n);
        }
        call = LIST_ENTRY(first, struct peer_call, link);
        status = reply_parse(rest, call->expect, options->line_max,
                             options->value_max, &reply, &n);
        if (status == REPLY_MORE) {
            break;
        }
        if (status == REPLY_BAD) {
            return out_of_turn(peer, in.n);
        }
        used += n;
        peer->replied = true;
        peer->pause_ms = 0;
        peer->last_error = 0;
        if (reply.last) {
            list_remove(first);
            peer->inflight--;
            peer->answered = call->sent_until;
        }
        call->done(call, PEER_REPLY, &reply);
        if (conn->dead) {
            break;
        }
    }
    return used;
}

static void
on_closed(struct conn *conn, int error)
{
    struct peer *peer = conn->owner;

    assert(peer->conn == conn);
    if (peer->up) {
        hung_up(peer, error != 0 ? error : ECONNRESET);
    } else {
        attempt_failed(peer, error);
    }
}

static void
on_eof(struct conn *conn)
{
    hung_up(conn->owner, ECONNRESET);
}

static void
on_connected(struct conn *conn)
{
    struct peer *peer = conn->owner;

    peer->up = true;
    peer->progress = peer->loop->now;
    peer->sending = false;
    timer_once(&peer->timer, peer->options.answer_ms);
    moved(peer);
}

static const struct conn_ops peer_conn_ops = {
    .on_input = on_input,
    .on_closed = on_closed,
    .on_connected = on_connected,
    .on_eof = on_eof,
};

/* Begin to connect to the next address; keeps `early`. */
static bool
connect_next(struct peer *peer)
{
    struct conn *conn;
    int fd = dial_next(&peer->dial);

    if (fd < 0) {
        return false;
    }
    conn = conn_new(peer->loop, fd, true, &peer->options.limits, &peer_conn_ops,
                    peer);
    if (conn == NULL) {
        dial_note(&peer->dial, ENOMEM);
        return false;
    }
    conn->out = peer->early;
    peer->early = (struct buf){NULL, 0, 0, 0};
    peer->conn = conn;
    if (peer->paused) {
        conn_pause(conn);
    }
    timer_once(&peer->timer, peer->options.connect_ms);
    return true;
}

static void
on_dial_ready(struct dial *dial)
{
    struct peer *peer = LIST_ENTRY(dial, struct peer, dial);

    if (!connect_next(peer)) {
        fail(peer, dial->error);
    }
}

/* Have a connection, or be on the way to one. */
static bool
begin(struct peer *peer)
{
    switch (dial_begin(&peer->dial)) {
    case DIAL_READY:
        return connect_next(peer);
    case DIAL_WAIT:
        timer_once(&peer->timer, peer->options.connect_ms);
        return true;
    case DIAL_FAILED:
        break;
    }
    return false;
}

/* What is left until the connection counts as broken; 0: now. */
static int64_t
patience_left(struct peer *peer)
{
    struct list *first = list_first(&peer->calls);
    struct mono late = mono_after_ms(peer->progress, peer->options.answer_ms);
    const struct peer_call *call;

    if (first == NULL || peer->paused) {
        return INT64_MAX;
    }
    call = LIST_ENTRY(first, struct peer_call, link);
    if (call->deadline.ns > late.ns) {
        late = call->deadline;
    }
    if (mono_reached(late, peer->loop->now)) {
        return 0;
    }
    return mono_ms_between(peer->loop->now, late) + 1;
}

/*
 * A request that is still leaving is progress too, and when the last of it has
 * left the wait for the answer begins.
 */
static void
look_at_sending(struct peer *peer)
{
    struct list *first = list_first(&peer->calls);
    uint64_t out = peer->conn->bytes_out;
    bool sending = false;

    if (first != NULL) {
        sending = LIST_ENTRY(first, struct peer_call, link)->sent_until >
                  peer->base + out;
    }
    if (sending ? out != peer->seen_out : peer->sending) {
        peer->progress = peer->loop->now;
    }
    peer->sending = sending;
    peer->seen_out = out;
}

static void
on_timer(struct timer *timer)
{
    struct peer *peer = LIST_ENTRY(timer, struct peer, timer);
    int64_t left;

    if (!peer->up && peer->dial.resolving == NULL) {
        attempt_failed(peer, ETIMEDOUT);
        return;
    }
    if (!peer->up) {
        fail(peer, ETIMEDOUT);
        return;
    }
    look_at_sending(peer);
    left = patience_left(peer);
    if (left == 0) {
        fail(peer, ETIMEDOUT);
    } else if (left != INT64_MAX) {
        timer_once(timer, left);
    }
}

struct peer *
peer_new(struct loop *loop, const char *host, uint16_t port,
         const struct peer_options *options)
{
    struct peer *peer = xcalloc(1, sizeof(*peer));
    bool bare6 = sock_is_numeric(host) && strchr(host, ':') != NULL;

    peer->loop = loop;
    peer->down_at = loop->now;
    peer->name = xasprintf(bare6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
    peer->options = *options;
    dial_init(&peer->dial, loop, host, port, on_dial_ready);
    list_init(&peer->calls);
    list_init(&peer->gone);
    timer_init(&peer->timer, loop, on_timer);
    return peer;
}

static void
on_reap(struct loop_item *item)
{
    struct peer *peer = LIST_ENTRY(item, struct peer, reap);

    timer_fini(&peer->timer);
    dial_fini(&peer->dial);
    free(peer->name);
    free(peer);
}

void
peer_free(struct peer *peer)
{
    if (peer == NULL || peer->dead) {
        return;
    }
    peer->dead = true; /* its callees may still ask it for things */
    collect_gone(peer);
    drop_conn(peer);
    tell_gone(peer);
    peer->reap.run = on_reap;
    loop_at_turn_end(peer->loop, &peer->reap);
}

struct buf *
peer_out(struct peer *peer)
{
    if (is_busy(peer)) {
        return pending(peer);
    }
    if (peer->dead || !mono_reached(peer->retry_at, peer->loop->now)) {
        return NULL;
    }
    if (!begin(peer)) {
        peer->last_error = peer->dial.error;
        lengthen_pause(peer);
        return NULL;
    }
    return pending(peer);
}

void
peer_expect(struct peer *peer, struct peer_call *call, enum reply_expect expect,
            void (*done)(struct peer_call *call, enum peer_result result,
                         const struct reply *reply))
{
    struct loop *loop = peer->loop;

    assert(is_busy(peer));
    call->expect = expect;
    call->done = done;
    call->sent_until = sent_position(peer) + buf_len(pending(peer));
    call->deadline = mono_after_ms(loop->now, peer->options.answer_ms);
    list_append(&peer->calls, &call->link);
    peer->inflight++;
    if (peer->up && !peer->timer.armed) {
        peer->seen_out = peer->conn->bytes_out;
        timer_once(&peer->timer, peer->options.answer_ms);
    }
    if (peer->conn != NULL) {
        conn_flush_later(peer->conn);
    }
}

size_t
peer_inflight(const struct peer *peer)
{
    return peer->inflight;
}

size_t
peer_backlog(const struct peer *peer)
{
    return buf_len(peer->conn != NULL ? &peer->conn->out : &peer->early);
}

bool
peer_is_connected(const struct peer *peer)
{
    return peer->up;
}

bool
peer_address(const struct peer *peer, struct sock_addr *out)
{
    return peer->up && sock_peer(peer->conn->fd, out);
}

int64_t
peer_down_ms(const struct peer *peer)
{
    return peer->up ? 0 : mono_ms_between(peer->down_at, peer->loop->now);
}

bool
peer_is_failing(const struct peer *peer, struct mono now)
{
    return !is_busy(peer) && !mono_reached(peer->retry_at, now);
}

const char *
peer_name(const struct peer *peer)
{
    return peer->name;
}

void
peer_reset(struct peer *peer)
{
    collect_gone(peer);
    drop_conn(peer);
    peer->answered = peer->base;
    peer->pause_ms = 0;
    peer->retry_at = (struct mono){0};
    tell_gone(peer);
}

int
peer_last_error(const struct peer *peer)
{
    return peer->last_error;
}

bool *
peer_note(struct peer *peer)
{
    return &peer->note;
}

void
peer_pause(struct peer *peer)
{
    peer->paused = true;
    if (peer->conn != NULL) {
        conn_pause(peer->conn);
    }
}

void
peer_resume(struct peer *peer)
{
    if (!peer->paused) {
        return;
    }
    peer->paused = false;
    peer->progress = peer->loop->now; /* the wait was ours */
    if (peer->conn != NULL) {
        conn_resume(peer->conn);
    }
    if (peer->up && !peer->timer.armed) {
        timer_once(&peer->timer, peer->options.answer_ms);
    }
}
