/*
 * worker: one thread with its connections, its peers and its view of the map.
 */
#ifndef FLARE_FLARED_WORKER_H
#define FLARE_FLARED_WORKER_H

#include "flared/flared.h"
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
    struct rand rand;
    struct buf scratch; /* for store_get() and store_apply() */
    struct list sessions;
    atomic_uint nsessions;
    struct gate_queue gate_queue;
    struct timer tick; /* every 100 ms: deadlines, idle connections */
};

/* Start all workers.  On failure none is left running. */
int workers_start(struct flared *node, struct err *err);

/* Close all connections and wait for the threads. */
void workers_stop(struct flared *node);

/*
 * Control thread: give every worker this view (each takes a reference of its
 * own).  `done` runs on the control thread when the last one uses it.
 */
void workers_set_view(struct flared *node, struct cluster_view *view,
                      void (*done)(void *arg), void *arg);

/* Sum over the workers; any thread. */
uint64_t workers_metric(const struct flared *node, enum metric id);

#endif
