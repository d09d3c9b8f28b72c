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

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "net/mailbox.h"

enum { LOOP_SCRATCH = 65536 }; /* bytes */

struct loop {
    struct event_base *base;
    struct mailbox mailbox;
    struct list turn_end; /* of struct loop_item */
    struct mono now;      /* at the start of this turn */
    struct wall wall;     /* likewise */
    char *scratch;        /* LOOP_SCRATCH bytes for reading; nobody keeps it */
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
void loop_fini(struct loop *loop);

/* Run turns on the calling thread until loop_stop(). */
void loop_run(struct loop *loop);

/* Run turns on a thread of its own, named `name` (15 characters). */
int loop_start(struct loop *loop, const char *name, struct err *err);

/* Any thread, or a callback: the loop leaves after the current turn. */
void loop_stop(struct loop *loop);

/* Wait for the thread of loop_start() to end; it must have been stopped. */
void loop_join(struct loop *loop);

/* Loop's own thread.  An item already queued stays where it is. */
void loop_at_turn_end(struct loop *loop, struct loop_item *item);

#endif
