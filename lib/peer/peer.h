/*
 * peer: one pipelined connection to another daemon.
 *
 * Requests are appended to peer_out() and announced with peer_expect(); all of
 * one loop turn leave in one write.  Answers are matched by order.  When the
 * connection fails, every request in flight is told so, in order; nothing is
 * sent twice.  The connection is made when it is first needed and again after
 * a failure, with a growing pause.
 *
 * All calls on the loop's own thread.
 */
#ifndef FLARE_PEER_PEER_H
#define FLARE_PEER_PEER_H

#include "base/list.h"
#include "net/conn.h"
#include "proto/reply_parse.h"

struct peer;

enum peer_result {
    PEER_REPLY,   /* reply is the next piece; reply->last: the whole is here */
    PEER_UNSENT,  /* it failed, and no byte of the request went out */
    PEER_UNKNOWN, /* it failed after sending: nobody knows what happened */
};

/* Embedded in what waits for the answer. */
struct peer_call {
    struct list link;
    enum reply_expect expect;
    uint64_t sent_until; /* stream position behind the request */
    struct mono deadline;
    bool unsent; /* while being told: which result */
    /*
     * Called for each piece; reply is NULL unless PEER_REPLY, and its slices
     * live until the call returns.  After the last piece, or another result,
     * the call is the caller's again, and done may reuse or free it.
     */
    void (*done)(struct peer_call *call, enum peer_result result,
                 const struct reply *reply);
};

struct peer_options {
    int64_t connect_ms; /* give up connecting after this */
    int64_t answer_ms;  /* an answer takes longer: the connection is broken */
    size_t line_max;
    uint64_t value_max;
    struct conn_limits limits;
    /*
     * A connection was made or has ended; NULL if nobody wants to know.  It
     * must not ask or free peers: act at the end of the turn.
     */
    void (*moved)(void *arg);
    void *arg;
};

/* host and options are copied.  Does not connect yet. */
struct peer *peer_new(struct loop *loop, const char *host, uint16_t port,
                      const struct peer_options *options);

/*
 * Every request in flight is told PEER_UNKNOWN or PEER_UNSENT, then it is gone.
 * NULL is fine; so is calling it from within `done`.
 */
void peer_free(struct peer *peer);

/*
 * Where to append a request; NULL while the peer is in its pause after a
 * failure (answer with an error) or memory is out.  Begins to connect if
 * needed.  Ask for it anew for each request: it moves with the connection.
 * When memory ends half way through a request, cut it off again.
 */
struct buf *peer_out(struct peer *peer);

/*
 * The bytes appended since the last call are one request; await its answer.
 * The connection is broken, and counts as failed, when nothing of the oldest
 * answer comes for answer_ms; a long answer may take as long as it keeps
 * coming.
 */
void peer_expect(struct peer *peer, struct peer_call *call,
                 enum reply_expect expect,
                 void (*done)(struct peer_call *call, enum peer_result result,
                              const struct reply *reply));

/* Requests in flight; bytes not yet taken by the socket. */
size_t peer_inflight(const struct peer *peer);
size_t peer_backlog(const struct peer *peer);

bool peer_is_connected(const struct peer *peer);

/* The address of the other end; false: it is not connected. */
bool peer_address(const struct peer *peer, struct sock_addr *out);

/* For how long it has not been connected, in ms; 0: it is. */
int64_t peer_down_ms(const struct peer *peer);

/* In the pause after a failure; the next attempt may be made after it. */
bool peer_is_failing(const struct peer *peer, struct mono now);
const char *peer_name(const struct peer *peer); /* "host:port" */

/*
 * Break what is there and tell the requests in flight; the next request
 * connects anew, without a pause.
 */
void peer_reset(struct peer *peer);

/*
 * Why it last failed, as an errno; 0: it did not, or has answered since.
 * EPROTO: what came was no answer; ENXIO: nobody knows its name; ECONNRESET:
 * it hung up on a request.
 */
int peer_last_error(const struct peer *peer);

/*
 * What the caller has found out about whoever is at the other end; false again
 * after the connection has ended.
 */
bool *peer_note(struct peer *peer);

/* Stop and go on reading answers (a receiver that cannot keep up). */
void peer_pause(struct peer *peer);
void peer_resume(struct peer *peer);

#endif
