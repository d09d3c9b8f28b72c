/*
 * loop: a thread with an event base, a mailbox, and work for the end of a turn.
 *
 * One turn: wait for events, run their callbacks, then the turn-end items in
 * the order they were added (which may add more).  Whatever output a turn
 * produced leaves in its end, so replies and forwards are batched.
 */
#ifndef FLARE_NET_LOOP_H
#define FLARE_NET_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "net/mailbox.h"

enum {
    LOOP_SCRATCH = 65536,  /* bytes */
    LOOP_BUF = 16384,      /* bytes of a buffer that is lent to a connection */
    LOOP_UNSENT_MAX = 16,  /* answers kept for the end of a turn */
    LOOP_SPARES_MAX = 256, /* how many of them are kept for the next one */
};

struct loop_spare;
struct resolver;

struct loop {
    struct event_base *base;
    struct mailbox mailbox;
    struct list turn_end; /* of struct loop_item */
    struct mono now;      /* at the start of this turn */
    struct wall wall;     /* likewise */
    bool awake;           /* now and wall are this turn's */
    unsigned unsent;      /* answers of this turn that wait for its end */
    char *scratch;        /* LOOP_SCRATCH bytes for reading; nobody keeps it */
    struct loop_spare *spare; /* LOOP_BUF bytes each */
    unsigned spares;
    struct resolver *resolver; /* NULL until a name was looked up */
    atomic_bool stopping;
    pthread_t thread;
    bool started;
};

/* Embedded in what wants to run at the end of the turn; zeroed is ready. */
struct loop_item {
    struct list link;
    bool queued;
    void (*run)(struct loop_item *item);
};

/* ERR_NOMEM or ERR_IO; nothing is left behind then. */
int loop_init(struct loop *loop, struct err *err);

/*
 * Delivers the mail and runs the turn-end items that are left (so what was
 * closed after the last turn is freed), then releases everything.
 */
void loop_fini(struct loop *loop);

/* Run turns on the calling thread until loop_stop(). */
void loop_run(struct loop *loop);

/* One turn, waiting for an event or not.  For tests and for start-up. */
void loop_turn(struct loop *loop, bool wait);

/* Run turns on a thread of its own, named `name` (15 characters). */
int loop_start(struct loop *loop, const char *name, struct err *err);

/*
 * Any thread, a callback or a signal handler: the loop leaves after the current
 * turn, having delivered all mail posted before.
 */
void loop_stop(struct loop *loop);

/* Wait for the thread of loop_start() to end; it must have been stopped. */
void loop_join(struct loop *loop);

/* Loop's own thread.  An item already queued stays where it is. */
void loop_at_turn_end(struct loop *loop, struct loop_item *item);

/* Set now and wall to the time. */
void loop_refresh(struct loop *loop);

/*
 * First thing in every libevent callback, so that the first of a turn finds
 * out what time it is.  The modules of net do it for theirs.
 */
static inline void
loop_woke(struct loop *loop)
{
    if (!loop->awake) {
        loop_refresh(loop);
    }
}

/*
 * Give an empty buf LOOP_BUF bytes, and take any buf's memory back, so that a
 * busy connection needs no malloc() for a request and an idle one holds
 * nothing.  Without memory the buf stays as it is.
 */
void loop_lend(struct loop *loop, struct buf *buf);
void loop_take_back(struct loop *loop, struct buf *buf);

#endif
