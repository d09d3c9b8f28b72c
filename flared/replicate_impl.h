/*
 * replicate_impl: what the replicator's files share.  Its own thread, except
 * for what the lock guards.
 */
#ifndef FLARE_FLARED_REPLICATE_IMPL_H
#define FLARE_FLARED_REPLICATE_IMPL_H

#include "flared/copy.h"
#include "flared/replicate.h"

enum { HISTORY = 256 }; /* ticks remembered */

/* Where the log was at a time. */
struct mark {
    struct mono at;
    uint64_t last;
};

struct replicator {
    struct flared *node;
    struct loop loop;
    struct list copies;        /* of struct copy */
    struct cluster_view *view; /* NULL before the first */
    struct mail wake;          /* from the log */
    struct mail again;         /* there is more to do in the next turn */
    bool again_posted;
    bool woken; /* the log will not wake us before ulog_rearm() */
    struct loop_item turn;
    struct timer tick;
    uint64_t gate;
    bool has_flare; /* among the copies that count */
    bool frozen; /* the gate: workers may not know yet that we are no master */
    struct list awaits; /* of struct replicator_join */

    bool stopping;
    uint64_t stop_at; /* copies that have this need not be waited for */
    struct timer stop_timer;

    pthread_mutex_t lock; /* guards what follows */
    struct mark history[HISTORY];
    unsigned nhistory;
    struct copy_status *status;
    unsigned nstatus, status_room;
};

/* The copy with this key that is no leftover of an earlier map, or NULL. */
struct copy *replicator_find(struct replicator *r, struct slice key);

void replicator_set_gate(struct replicator *r);

/* Answer the questions about copies that can be, and all of them. */
void replicator_check_awaits(struct replicator *r);
void replicator_end_awaits(struct replicator *r);

/* For replicator_status(). */
void replicator_take_snapshot(struct replicator *r);

#endif
