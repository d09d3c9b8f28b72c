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
 * `acked` is one number.  What is sent twice does no harm: the copy compares
 * versions.  All on the replication thread.
 */
#ifndef FLARE_FLARED_COPY_H
#define FLARE_FLARED_COPY_H

#include "base/list.h"
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

struct copy;

/* An entry on its way. */
struct flight {
    struct peer_call call;
    struct copy *copy;
    uint64_t seq;
    size_t bytes;
    bool is_mark;
};

struct copy {
    struct list link; /* the replicator's */
    struct loop *loop;
    struct flared *node;
    struct loop_item *progress; /* run at turn end when something happened */
    struct node target;
    enum fanout_scope scope;
    bool counts;               /* the gate waits for it */
    struct cluster_view *view; /* which keys it gets; a reference */
    uint64_t drain_until;      /* last entry it gets; UINT64_MAX: no end */
    bool draining;

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

enum copy_pump {
    COPY_IDLE, /* at the end of the log */
    COPY_BUSY, /* waits for answers or for its pause */
    COPY_MORE, /* its share of this turn is used up */
};

/* Send what the window lets; at turn end. */
enum copy_pump copy_pump(struct copy *copy);

/* Everything up to `seq` is there; a lost copy never gets there. */
static inline bool
copy_has(const struct copy *copy, uint64_t seq)
{
    return copy->acked >= seq;
}

#endif
