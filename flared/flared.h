/*
 * flared: one node, wired together.
 *
 * Threads: control (the main thread: listeners, index traffic, signals,
 * timers), N workers (connections and their peers), one replication thread
 * (feeding copies, building oneself), one maintenance thread (checkpoints,
 * expiry).  They talk by mailbox; what they share is listed here.  Locks are
 * only inside storage/ (key lock, then log lock).
 */
#ifndef FLARE_FLARED_FLARED_H
#define FLARE_FLARED_FLARED_H

#include <stdatomic.h>

#include "cluster/view.h"
#include "conf/conf.h"
#include "flared/access.h"
#include "flared/gate.h"
#include "flared/guard.h"
#include "flared/options.h"
#include "flared/standing.h"
#include "net/loop.h"
#include "storage/store.h"

struct worker;
struct replicator;
struct rebuilder;
struct intake;
struct index_link;
struct membership;
struct server;
struct maintain;

/* What the index said with "meta"; set once before the first map. */
struct cluster_meta {
    unsigned partition_size, hint, slots; /* slots: partition-modular-virtual */
    enum keyhash_kind hash;
    struct partition_table *table; /* control thread only */
};

struct flared {
    /*
     * What does not change at a reload may be read by any thread; the rest is
     * the control thread's, and others read the copies below.
     */
    struct flared_options options;
    struct conf *conf;           /* of those options; control thread */
    char self[NODE_KEY_MAX + 1]; /* "server-name:server-port" */
    struct wall started;
    struct store *store;
    struct loop control;
    struct gate gate;
    struct guard guard;
    struct standing standing;
    struct intake *intake;
    atomic_bool rewinding;     /* reads are the master's to answer */
    atomic_bool index_is_ours; /* it is of this version, not flare's */
    struct cluster_meta meta;
    atomic_bool has_meta;             /* meta's numbers may be read */
    atomic_uint_fast64_t map_version; /* of the map in effect, for stats */
    atomic_uint_fast64_t old_life; /* log entries up to here precede its data */
    atomic_uint flushes; /* how often the store was emptied on request */
    _Atomic(uint64_t) reconstruction_interval; /* us per record; reloadable */
    _Atomic(uint64_t) reconstruction_bwlimit;  /* KiB/s; reloadable */
    atomic_bool replicate_sync;      /* replication-type; reloadable */
    _Atomic(uint64_t) sync_timeout;  /* ms; reloadable */
    _Atomic(uint64_t) failover_wait; /* ms; reloadable */
    _Atomic(uint64_t) min_in_sync;   /* copies; reloadable */
    atomic_uint writes_held; /* own data is not to be changed, see hold.h */
    _Atomic(uint64_t) slowlog_us;  /* 0: off; reloadable */
    atomic_uint slowlog_len;       /* entries shown; reloadable */
    atomic_uint_fast64_t slow_ids; /* the next entry's number */
    struct access access;          /* when keys were asked for last */
    unsigned nworkers;
    struct worker *workers;
    struct server *server;
    struct maintain *maintain;
    atomic_uint rejected; /* connections refused before a worker had them */
    struct replicator *replicator;
    struct rebuilder *rebuilder;
    struct index_link *index_link;
    struct membership *membership;
};

/* As store_flush_all(); a rebuild that runs then begins anew. */
static inline bool
node_flush_all(struct flared *node, uint64_t *seq)
{
    bool ok;

    atomic_fetch_add(&node->flushes, 1); /* seen by what begins meanwhile */
    ok = store_flush_all(node->store, seq);
    atomic_fetch_add(&node->flushes, 1); /* and by what ends */
    return ok;
}

#endif
