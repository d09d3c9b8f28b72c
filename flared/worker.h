/*
 * worker: one thread with its connections, its peers and its view of the map.
 */
#ifndef FLARE_FLARED_WORKER_H
#define FLARE_FLARED_WORKER_H

#include "base/spares.h"
#include "flared/flared.h"
#include "flared/hold.h"
#include "flared/latency.h"
#include "net/timer.h"
#include "peer/pool.h"
#include "stats/metric.h"

struct worker {
    struct loop loop;
    struct flared *node;
    unsigned index;
    struct cluster_view *view; /* NULL before the first map */
    struct pool pool;
    struct metrics metrics;
    struct latency latency;
    struct rand rand;
    struct buf scratch;   /* for store_get() and store_apply() */
    struct spares spares; /* memory of calls */
    struct list sessions;
    struct list graves; /* memory to free at the end of the turn */
    struct loop_item burial;
    uint64_t next_id;
    unsigned ticks;
    struct partition_table *table; /* for dump; made when first needed */
    atomic_uint nsessions;
    struct gate_queue gate_queue;
    struct hold hold;
    struct mono view_at;   /* when the view came */
    struct timer tick;     /* every 100 ms: deadlines, idle connections */
    struct mono ticked[2]; /* when the last two ticks were */
};

/* Start all workers.  On failure none is left running. */
int workers_start(struct flared *node, struct err *err);

/* Wait for the threads to end; nothing is applied or answered from then on. */
void workers_stop(struct flared *node);

/* Then: close all connections. */
void workers_free(struct flared *node);

/*
 * Control thread: give every worker this view (each takes a reference of its
 * own).  `done` runs on the control thread when the last one uses it.
 */
void workers_set_view(struct flared *node, struct cluster_view *view,
                      void (*done)(void *arg), void *arg);

/* Free memory at the end of the turn: a callback up the stack may use it. */
void worker_bury(struct worker *worker, void *memory);

/*
 * A time at which this thread is known to have run, before whatever arrives now
 * was sent: what arrives may have waited while the process was stopped.
 */
struct mono worker_alive_at(const struct worker *worker);

/* Unique over the workers; its remainder by their number is the worker. */
uint64_t worker_next_session_id(struct worker *worker);

/* Sum over the workers; any thread. */
uint64_t workers_metric(const struct flared *node, enum metric id);

#endif
