/*
 * engine_front_impl: what engine_front.c and engine_front_drain.c share.
 *
 * Lock order: drain_lock, then a shard's lock, then what the engine behind
 * locks.  Whoever holds drain_lock is the only one who carries entries over, so
 * they arrive in the order of their shard.
 */
#ifndef FLARE_STORAGE_ENGINE_FRONT_IMPL_H
#define FLARE_STORAGE_ENGINE_FRONT_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "storage/digest.h"
#include "storage/engine_front.h"
#include "storage/front_table.h"

struct front {
    struct engine base;
    const struct engine_ops *ops; /* of the engine behind */
    struct engine *behind;
    struct front_table table;
    pthread_mutex_t drain_lock;
    pthread_t thread;
    pthread_mutex_t lock; /* wake, stop, hurry */
    pthread_cond_t wake;
    bool stop;
    bool running;
    _Atomic bool hurry;    /* carry over everything, now */
    _Atomic bool failed;   /* the engine behind refused an entry */
    _Atomic bool lost;     /* and could not take back what it had begun */
    int64_t again_at;      /* try it again then (front_now_ms) */
    struct digest *digest; /* this and what follows: under drain_lock */
    bool digests;          /* it counts, and is being kept up */
    struct buf old;
    int64_t survey_at;       /* not before that (front_now_ms) */
    _Atomic unsigned wanted; /* others want drain_lock now */
};

/* Take drain_lock; whoever computes the digest anew gives way. */
void front_lock(struct front *f);

/* Under drain_lock: around changes behind, and one of them. */
bool front_begin(struct front *f);
bool front_carry(struct front *f, struct slice key, struct slice record,
                 bool removes);
bool front_commit(struct front *f);

/* Begin failed: it is tried again later. */
void front_put_off(struct front *f);

/* Instead of commit: nobody knows what the engine has now. */
void front_abort(struct front *f);

/* Carry over what is due of one shard.  How much; -1: the engine failed. */
int front_drain_once(struct front *f, struct front_shard *shard,
                     int64_t older_than);

/* Everything of every shard that is older; false: the engine failed. */
bool front_drain_all(struct front *f, int64_t older_than);

/* For front_table_clear(): a record that will not be carried over. */
void front_on_gone(void *arg, struct slice key, size_t n);

/* Have the thread look; `hurry`: at everything. */
void front_wake(struct front *f, bool hurry);

/* The thread. */
void *front_run(void *arg);

#endif
