/*
 * intake: the slave's end of the stream from its master.
 *
 * One stream at a time, whoever of the masters the map names spoke last; every
 * other one is refused.  Requests arrive on any worker and are taken in one
 * after the other under a lock: entries of the log are appended and applied as
 * they come, in order, whatever is here.
 *
 *     hello -> GREETED -> resume ----------------------> FLOWING
 *                  +----> rewind -> REWINDING -- all --> FLOWING
 *                  +----> full: emptied, position set -> FLOWING (and a dump)
 */
#ifndef FLARE_FLARED_INTAKE_H
#define FLARE_FLARED_INTAKE_H

#include "base/buf.h"
#include "flared/flared.h"
#include "proto/request.h"

struct intake *intake_new(struct flared *node);
void intake_free(struct intake *intake); /* NULL is fine */

/* Called on a worker, quickly, when a stream flows; NULL: nobody any more. */
void intake_subscribe(struct intake *intake, void (*flows)(void *arg),
                      void *arg);

/* Control thread, before anybody uses the map: whom to listen to. */
void intake_set_view(struct intake *intake, struct cluster_view *view);

/*
 * One request of a stream, from the session of this number; the answer, with
 * its line end, goes to *out.  False: memory is out.  Any thread.
 */
bool intake_take(struct intake *intake, uint64_t session,
                 const struct request *req, struct buf *out);

/* What the stream has done for a node that is being built. */
enum intake_stage {
    INTAKE_NOTHING, /* the master has not decided yet */
    INTAKE_FLOWS,   /* the data was here: nothing is to be copied */
    INTAKE_COPY,    /* it was emptied and is fed: copy with dump */
};
enum intake_stage intake_stage(struct intake *intake, const char *master);

/*
 * What is here cannot be completed: when the master comes again, begin with an
 * empty store.
 */
void intake_start_over(struct intake *intake);

/*
 * Store what a dump brings, as store_apply().  A touch that came by the stream
 * before its record did is not forgotten.
 */
void intake_apply_dump(struct intake *intake, struct change *change,
                       struct wall now, struct buf *scratch,
                       struct outcome *out);

/* What a dump brought is complete. */
void intake_built(struct intake *intake);

/* Reads are to be answered by the master: what is here is being put right. */
static inline bool
node_is_rewinding(const struct flared *node)
{
    return atomic_load_explicit(&node->rewinding, memory_order_relaxed);
}

struct intake_status {
    char master[NODE_KEY_MAX + 1]; /* "": no stream */
    uint64_t epoch, seq;
    uint64_t rewound; /* entries given up, ever */
    uint64_t resumed, rewinds, fulls;
    uint64_t entries; /* taken in since the process began */
};
void intake_status(struct intake *intake, struct intake_status *out);

/* "POSITION ..." and END, for the index. */
bool intake_put_position(struct flared *node, struct buf *out);

#endif
