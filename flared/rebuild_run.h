/*
 * rebuild_run: building this node's data from others (spec: data-plane 5).
 *
 * Carries out what repl/rebuild.h decides, on the replication thread's loop:
 * wait until each source knows this node, read its dump, store what is newer,
 * then report to the index.  Every end is a stated one: built (active or
 * ready), or failed and reported as proxy, with the reason in the log.
 */
#ifndef FLARE_FLARED_REBUILD_RUN_H
#define FLARE_FLARED_REBUILD_RUN_H

#include "cluster/diff.h"
#include "flared/flared.h"

struct rebuilder *rebuilder_new(struct flared *node, struct loop *loop);

/*
 * Stops what runs, without a report.  Waits for the loop, which must be
 * running: before replicator_free().  NULL is fine.
 */
void rebuilder_free(struct rebuilder *rebuilder);

/*
 * Begin as `kind` says (DIFF_BUILD_SLAVE, DIFF_BUILD_MASTER) from the masters
 * of this view; one that runs is cancelled first.  Any thread.
 */
void rebuilder_begin(struct rebuilder *rebuilder, enum diff_kind kind,
                     struct cluster_view *view);

/*
 * A map in which this node's role is as it was: does the rebuild that runs, if
 * one does, still have its sources?  Any thread.
 */
void rebuilder_set_view(struct rebuilder *rebuilder, struct cluster_view *view);

/* The node's role is another now: stop without a report.  Any thread. */
void rebuilder_cancel(struct rebuilder *rebuilder);

/* Built, or promoted: stop remembering every deletion.  Any thread. */
void rebuilder_settled(struct rebuilder *rebuilder);

struct rebuild_status {
    bool running;
    uint64_t records, bytes;
    char source[NODE_KEY_MAX + 1];
};
void rebuilder_status(struct rebuilder *rebuilder, struct rebuild_status *out);

#endif
