/*
 * replicate: feeding the copies from the update log.
 *
 * One thread.  Each copy (an active or preparing slave of my partition, or the
 * master of the partition being prepared) has one pipelined connection and a
 * position in the log; it gets every entry after that position in order, so
 * per-key order on the copy is the master's.  A broken connection resumes at
 * the last acknowledged entry: versions make sending twice harmless.
 */
#ifndef FLARE_FLARED_REPLICATE_H
#define FLARE_FLARED_REPLICATE_H

#include "base/buf.h"
#include "flared/flared.h"

struct replicator *replicator_new(struct flared *node, struct err *err);

/*
 * Stops the thread after giving copies up to `drain_ms` to catch up.  The
 * rebuilder must be gone, nobody may append to the log any more, and the
 * workers must still be there (the gate moves until the end).
 */
void replicator_free(struct replicator *replicator, int64_t drain_ms);

/*
 * Any thread: from now on feed whom this view names.  A reference of its own
 * is taken.  `done` runs on the control thread when every copy's position is
 * fixed: what is logged after that reaches it.
 */
void replicator_set_view(struct replicator *replicator,
                         struct cluster_view *view, void (*done)(void *arg),
                         void *arg);

/*
 * Any thread: every worker uses the view of the last replicator_set_view().
 * Whoever was fed under the one before and is not any more gets what has been
 * logged up to now, then no more.
 */
void replicator_settle(struct replicator *replicator);

/* The replication thread's loop, which the rebuilder shares. */
struct loop *replicator_loop(struct replicator *replicator);

/* One copy, as stats show it. */
struct copy_status {
    char key[NODE_KEY_MAX + 1];
    int thread_type;
    bool connected;
    uint64_t acked;    /* last sequence acknowledged */
    uint64_t behind;   /* entries logged and not acknowledged */
    int64_t behind_ms; /* age of the oldest of those */
};

/* Up to max copies as of the last turn; returns how many.  Any thread. */
unsigned replicator_status(struct replicator *replicator,
                           struct copy_status *out, unsigned max);

#endif
