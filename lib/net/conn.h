/*
 * conn: a non-blocking byte stream on a loop.
 *
 * Input: on_input gets what has arrived and says how much of it it has used;
 * the rest is kept and comes back with more.  A connection that holds no
 * unused input and no unsent output holds no buffers.  Output: append to
 * conn_out() and call conn_flush_later(); it leaves in one write at the end of
 * the turn, and what the socket does not take leaves when it can.  Reading is
 * limited per turn, so that one connection cannot starve the others.
 *
 * All calls on the loop's own thread.
 */
#ifndef FLARE_NET_CONN_H
#define FLARE_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/loop.h"
#include "net/sock.h"
#include "net/timer.h"

struct conn;

struct conn_ops {
    /*
     * Bytes have arrived (or conn_resume() was called with some left).  Returns
     * how many were used.  May pause, append output or close the connection.
     */
    size_t (*on_input)(struct conn *conn, struct slice in);

    /* Output fell to the low mark after conn_is_backed_up(); may be NULL. */
    void (*on_drained)(struct conn *conn);

    /*
     * The connection is over: closed or reset by the peer (error 0 or errno),
     * a deadline passed (ETIMEDOUT), a connect failed, memory is out (ENOMEM).
     * Called once, never from within conn_close(), and always at the end of a
     * turn.  The callee calls conn_close() or lets go by then.
     */
    void (*on_closed)(struct conn *conn, int error);

    /* An outgoing connection is up; NULL for accepted ones. */
    void (*on_connected)(struct conn *conn);

    /*
     * The peer has said all it will say and every complete request was offered;
     * it may still be waiting for answers.  The callee calls
     * conn_close_after_flush() when the last of them is in conn_out(), at once
     * or later.  NULL: as if it did so at once.
     */
    void (*on_eof)(struct conn *conn);
};

struct conn_limits {
    size_t in_turn;  /* bytes read from one connection in one turn */
    size_t out_high; /* backed up from here on ... */
    size_t out_low;  /* ... until down to here */
};

struct conn {
    struct loop *loop;
    int fd;
    const struct conn_ops *ops;
    void *owner;
    struct buf in;
    struct buf out;
    size_t need; /* do not call on_input before `in` holds this much */
    const struct conn_limits *limits;
    struct event *event;    /* EV_READ */
    struct event *ev_write; /* NULL until the socket was full once */
    struct loop_item flush;
    int64_t idle_ms; /* 0: no limit */
    struct mono active;
    int error;
    uint64_t bytes_in, bytes_out; /* since it began */
    unsigned short watching;      /* libevent's EV_READ, EV_WRITE */
    bool connecting, paused, backed_up, closing, dead, eof;
    bool soon;  /* conn_answer_soon() */
    bool full;  /* the socket took less than it was given */
    bool offer; /* on_input is due for what is in `in` */
    bool over;  /* on_closed is due, with `error` */
};

/*
 * Take over fd (accepted, or being connected by sock_connect()).  NULL: no
 * memory, fd is closed.  `limits` is shared and outlives the connection.
 */
struct conn *conn_new(struct loop *loop, int fd, bool connecting,
                      const struct conn_limits *limits,
                      const struct conn_ops *ops, void *owner);

/*
 * Let go at once: no further callback; the memory goes at the end of the turn.
 * Unsent output is dropped.
 */
void conn_close(struct conn *conn);

/* Send what is there, then on_closed with error 0; input is ignored. */
void conn_close_after_flush(struct conn *conn);

static inline struct buf *
conn_out(struct conn *conn)
{
    if (conn->out.base == NULL) {
        loop_lend(conn->loop, &conn->out);
    }
    return &conn->out;
}

/* Send what is in conn_out() at the end of this turn. */
void conn_flush_later(struct conn *conn);

/*
 * From now on, in a turn that has served LOOP_UNSENT_MAX such connections, or
 * when it is long, what on_input appends leaves when it has returned, not at
 * the end of the turn; everything else stays.  For those whose answers are
 * mostly ready then.  A few short answers sent together wake their readers
 * once; many, or long ones, would be written to as many buffers before the
 * first is sent.
 */
void conn_answer_soon(struct conn *conn);

/* More output waits than limits->out_high: produce no more until on_drained. */
bool conn_is_backed_up(const struct conn *conn);

/*
 * Stop reading; conn_resume() first offers what is already there, at the end of
 * the turn.
 */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

/*
 * For on_input: do not come back before `bytes` of input are there, counted
 * from the first unused one; once.  Not needed for correctness, but it keeps a
 * large value from being parsed again with each piece that arrives.
 */
void conn_need(struct conn *conn, size_t bytes);

/*
 * Close with ETIMEDOUT when nothing was read or written for ms; 0: never.
 * Checked by conn_expire(), called by the owner's timer, so that 10,000
 * connections need no timer each.
 */
void conn_set_idle(struct conn *conn, int64_t ms);
bool conn_expire(struct conn *conn, struct mono now);

#endif
