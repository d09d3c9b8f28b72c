/*
 * rebuild: how a node gets its data from others, decided (spec: data-plane 5,
 * control-plane 3.7, 3.8).
 *
 * A slave copies its partition from the partition's master; the master of a
 * new partition copies what will be its own from every active master.  For
 * each source:
 *
 *     ASKING --- it knows me (or 10 s are over) ---> COPYING --- END ---> DONE
 *       ^ |                                            |  |
 *       | +- cannot be reached, refuses: again, so     |  +- lost half way
 *       |    many times, then the rebuild fails        |         |
 *       +-----------------refused----------------------+         v
 *                                                              LOST
 *
 * Lost half way: the index may name another master any moment, so wait for
 * that; then everything is copied anew, a few times at most.  The wait before
 * the copy makes sure that the source passes on every change made after the
 * record was read.  Pure: told what happened and when, says what to do.
 */
#ifndef FLARE_REPL_REBUILD_H
#define FLARE_REPL_REBUILD_H

#include "base/clock.h"
#include "cluster/view.h"

enum rebuild_phase {
    REBUILD_ASKING,
    REBUILD_COPYING,
    REBUILD_LOST,
    REBUILD_DONE,
};

struct rebuild_source {
    char key[NODE_KEY_MAX + 1];
    uint16_t host_len;
    uint16_t port;
    int partition; /* it is the master of */
    enum rebuild_phase phase;
    unsigned tries;    /* failures in a row */
    struct mono began; /* asking since */
};

struct rebuild {
    enum node_role role; /* what this node is to be */
    int partition;       /* of which keys are copied ... */
    int size;            /* ... of so many partitions */
    bool waits;          /* for the master to be ready; no sources yet */
    unsigned restarts;   /* so far */
    unsigned nsources;
    struct rebuild_source *source;
};

/* True when `view` has this node in prepare. */
bool rebuild_wanted(const struct cluster_view *view);

/*
 * What `view`, which wants it, says about this node's rebuild.  False, with
 * *why a constant sentence: it cannot be done.  `out` is zeroed storage or an
 * earlier plan, which is replaced (restarts survive).
 */
bool rebuild_plan(struct rebuild *out, const struct cluster_view *view,
                  const char **why);
void rebuild_fini(struct rebuild *rebuild);

/* Its host, borrowed from it. */
struct slice rebuild_host(const struct rebuild_source *source);

/*
 * True when a record with this hash is the source's to give.  A master may
 * still hold what moved to other partitions long ago; of that it knows neither
 * changes nor deletions.
 */
bool rebuild_accepts(const struct rebuild *rebuild,
                     const struct rebuild_source *source,
                     const struct cluster_view *view, uint32_t hash);

/* What happened with a source. */
enum rebuild_event {
    REBUILD_START,     /* the rebuild begins */
    REBUILD_KNOWN,     /* the source lists this node in its role */
    REBUILD_UNKNOWN,   /* the source does not yet */
    REBUILD_UNREACHED, /* no connection, or none any more, before the copy */
    REBUILD_REFUSED,   /* an error instead of the first record */
    REBUILD_BROKEN,    /* connection lost, error or nonsense half way */
    REBUILD_TIMEOUT,   /* the wait that an AWAIT began is over */
    REBUILD_END,       /* all records are here */
};

enum rebuild_action {
    REBUILD_ASK,     /* after `after_ms`: ask whether it knows this node */
    REBUILD_COPY,    /* begin to copy now */
    REBUILD_AWAIT,   /* wait for a new map, at most `after_ms` */
    REBUILD_NOTHING, /* this source is done, others are not */
    REBUILD_FINISH,  /* all is copied: report */
    REBUILD_RESTART, /* begin anew with an empty store and rebuild_plan() */
    REBUILD_FAIL,    /* give up and report; see why */
    REBUILD_STOP,    /* the map wants it no more: leave without a report */
};

struct rebuild_step {
    enum rebuild_action action;
    int64_t after_ms;
    const char *why; /* constant; what the log should say, or NULL */
};

struct rebuild_step rebuild_next(struct rebuild *rebuild,
                                 struct rebuild_source *source,
                                 enum rebuild_event event, struct mono now);

/*
 * A new map while this runs: NOTHING (go on), RESTART (also when it waited for
 * the master to be ready), STOP or FAIL.
 */
struct rebuild_step rebuild_on_view(struct rebuild *rebuild,
                                    const struct cluster_view *view);

#endif
