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

/*
 * A question about one copy, answered by mail.  Fill in key, reply_to and done;
 * `last` is the last entry of the log, or `why` an error line.
 */
struct replicator_join {
    struct mail mail; /* done() gets it back */
    struct list link;
    struct replicator *replicator;
    char key[NODE_KEY_MAX + 1];
    struct mailbox *reply_to;
    void (*done)(struct mail *mail);
    uint64_t last;
    const char *why;
    struct mono asked, deadline;
};

/*
 * Any thread: from now on the gate waits for this copy, whatever the map says.
 * It has to have everything up to `last` before others may rely on it.
 */
void replicator_join(struct replicator *replicator,
                     struct replicator_join *join);

/*
 * Any thread: answered when this copy has all that is in the log now and has
 * answered something that was sent since, or, with an empty key, when every
 * one that counts has it; with `why` set when that takes too long.
 */
void replicator_await(struct replicator *replicator,
                      struct replicator_join *join);

/* One copy, as stats show it. */
struct copy_status {
    char key[NODE_KEY_MAX + 1];
    int thread_type;
    bool connected;
    bool counts;                      /* the gate waits for it */
    bool streams;                     /* it is fed with the log itself */
    unsigned resumed, rewound, fulls; /* how its streams began */
    uint64_t acked;                   /* last sequence acknowledged */
    uint64_t behind;                  /* entries logged and not acknowledged */
    int64_t behind_ms;                /* age of the oldest of those */
};

/* Up to max copies as of the last turn; returns how many.  Any thread. */
unsigned replicator_status(struct replicator *replicator,
                           struct copy_status *out, unsigned max);

#endif
