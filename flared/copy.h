/*
 * copy: one connection that feeds one copy from the update log.
 *
 *     RUNNING --- error answer, broken connection ---> SETTLING
 *        ^                                                |
 *        |                               nothing in flight any more
 *        |                                                v
 *        +-------- pause over: resend from acked ------ PAUSED
 *
 *     any of them --- the log has lost what comes next ---> LOST
 *
 * Entries go out in the order of the log; answers come back in that order, so
 * `acked` is one number.  A slave of this version gets the log itself (feed.h);
 * anybody else flare's commands, and what is sent twice does no harm there: the
 * copy compares versions.  All on the replication thread.
 */
#ifndef FLARE_FLARED_COPY_H
#define FLARE_FLARED_COPY_H

#include "base/list.h"
#include "flared/feed.h"
#include "flared/flared.h"
#include "net/timer.h"
#include "peer/peer.h"
#include "repl/fanout.h"
#include "storage/ulog.h"

enum {
    COPY_WINDOW = 8192,          /* entries in flight */
    COPY_WINDOW_BYTES = 4 << 20, /* their keys and values; one is always let */
    COPY_RING = COPY_WINDOW + 1, /* one entry may take two requests */
    COPY_TURN = 4096,            /* entries looked at in one turn */
};

enum copy_state { COPY_RUNNING, COPY_SETTLING, COPY_PAUSED, COPY_LOST };

enum flight_kind {
    FLIGHT_ENTRY, /* flare: a command */
    FLIGHT_MARK,
    FLIGHT_HELLO, /* the stream */
    FLIGHT_START, /* resume or rewind */
    FLIGHT_RECORDS,
    FLIGHT_FULL,
    FLIGHT_BATCH,
};

/* Something on its way. */
struct flight {
    struct peer_call call;
    struct copy *copy;
    enum flight_kind kind;
    uint64_t seq; /* what its answer acknowledges */
    size_t bytes;
    struct mono sent;
};

struct copy {
    struct list link; /* the replicator's */
    struct loop *loop;
    struct flared *node;
    struct loop_item *progress; /* run at turn end when something happened */
    struct node target;
    enum fanout_scope scope;
    bool counts;               /* the gate waits for it, as the map says */
    bool joined;               /* and because it has asked for it */
    struct cluster_view *view; /* which keys it gets; a reference */
    uint64_t drain_until;      /* last entry it gets; UINT64_MAX: no end */
    bool draining;

    struct feed feed;
    bool begun;     /* `acked` is where the copy is, not where it may be */
    uint64_t start; /* flare: it gets what comes after this */

    struct peer *peer;
    struct ulog_reader *reader;
    enum copy_state state;
    uint64_t read;  /* last entry taken from the log */
    uint64_t acked; /* everything up to here that concerns it has arrived */
    struct flight *flight; /* a ring of COPY_RING */
    unsigned head, inflight;
    size_t bytes;       /* in flight */
    struct buf scratch; /* a record, to go before a touch of it */

    struct timer pause;
    int64_t pause_ms;
    unsigned refusals; /* error answers in a row */
    bool troubled;     /* said so in the log; say when it is over */
    bool closing;
    bool knows_no_marks; /* flare: ERROR to mark, on this connection */
};

/*
 * Feed `target` every entry above `after` that scope and view give it.  A
 * reference to view is taken.
 */
struct copy *copy_new(struct flared *node, struct loop *loop,
                      struct loop_item *progress,
                      const struct fanout_target *target,
                      struct cluster_view *view, uint64_t after);
void copy_free(struct copy *copy); /* not from within a peer's callback */

/* The same copy under a new map. */
void copy_set_view(struct copy *copy, const struct fanout_target *target,
                   struct cluster_view *view);

/* Send what the window lets; at turn end. */
enum copy_pump copy_pump(struct copy *copy);

/* Everything up to `seq` is there; a lost copy never gets there. */
static inline bool
copy_has(const struct copy *copy, uint64_t seq)
{
    return copy->acked >= seq;
}

/* --- for feed.c -------------------------------------------------------------
 */

/* What was appended to peer_out() is a request. */
void copy_sent(struct copy *copy, enum flight_kind kind, uint64_t seq,
               size_t bytes, enum reply_expect expect);

/* Stop sending; when nothing is in flight any more, pause and begin anew. */
void copy_settle(struct copy *copy, const char *why);

/* Say nothing for a while, for no fault of its. */
void copy_rest(struct copy *copy, int64_t ms);

/* An error answer: pause; too many in a row: it is lost. */
void copy_refused(struct copy *copy, const struct reply *reply);

/* It can not be kept up: the index is asked to take it out. */
void copy_lost(struct copy *copy, const char *why);

/* Feed it flare's commands on this connection. */
void copy_begin_flare(struct copy *copy);

/* It has everything up to seq: go on behind it. */
void copy_goes_on(struct copy *copy, uint64_t seq);

void copy_acknowledge(struct copy *copy, uint64_t seq);
bool copy_window_full(const struct copy *copy);

#endif
