/*
 * rebuild_source: the conversation with one source of a rebuild.
 *
 * Asks whether the source knows this node, then reads its dump; what each
 * event means is repl/rebuild.h's to say.  Replication thread.
 */
#ifndef FLARE_FLARED_REBUILD_SOURCE_H
#define FLARE_FLARED_REBUILD_SOURCE_H

#include "flared/flared.h"
#include "net/timer.h"
#include "peer/peer.h"
#include "repl/rebuild.h"

struct source_run;

/* The rebuild's side of it. */
struct source_owner {
    struct flared *node;
    struct loop *loop;
    struct rebuild *plan;
    uint64_t bwlimit; /* KiB/s for each source, 0: none */

    /*
     * Records will follow.  With `streams` this slave's store is the stream's
     * to empty (flared/intake.h), which it has done.  False: as below.
     */
    bool (*on_copy)(struct source_owner *owner, bool streams);

    /* One record; false: it cannot be kept, the rebuild has failed. */
    bool (*on_record)(struct source_owner *owner,
                      const struct rebuild_source *source,
                      const struct reply *record);

    /* FINISH, RESTART or FAIL; or NOTHING: this source is done.  Called from
     * within callbacks: act at the end of the turn. */
    void (*on_step)(struct source_owner *owner, struct source_run *run,
                    struct rebuild_step step);
};

/* Begins at once. */
struct source_run *source_run_new(struct source_owner *owner,
                                  struct rebuild_source *source);

/* Hangs up.  Not from within on_record or on_step.  NULL is fine. */
void source_run_free(struct source_run *run);

/* The stream to this slave has begun: see whether anything is to be copied. */
void source_run_stream(struct source_run *run);

/* The source feeds this node with its log. */
bool source_run_streams(const struct source_run *run);

const char *source_run_name(const struct source_run *run);

#endif
