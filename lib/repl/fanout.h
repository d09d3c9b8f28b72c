/*
 * fanout: who is fed by this node, with what, as one map says (spec:
 * data-plane 4.1, 4.2, 5.3).
 *
 * The master of a partition feeds its slaves, active or preparing, with every
 * change of the partition's keys.  Each master also feeds the master of the
 * partition that is being prepared with the keys that move there; that one
 * feeds its own slaves.  Pure.
 */
#ifndef FLARE_REPL_FANOUT_H
#define FLARE_REPL_FANOUT_H

#include "cluster/view.h"

enum fanout_scope {
    FANOUT_PARTITION, /* every key of my partition; flush_all too */
    FANOUT_MOVING,    /* only keys that move to the partition in preparation */
};

struct fanout_target {
    const struct node *node; /* in the view's map */
    enum fanout_scope scope;
    bool counts; /* a change that waits for copies waits for this one */
};

struct fanout {
    unsigned n;
    struct fanout_target target[];
};

/* Whom `view` makes this node feed.  NULL: no memory.  free() it. */
struct fanout *fanout_new(const struct cluster_view *view);

/* The target with this key, or NULL. */
const struct fanout_target *fanout_find(const struct fanout *fanout,
                                        struct slice key);

/* True when a change of a key with this hash is for that scope. */
bool fanout_wants(const struct cluster_view *view, enum fanout_scope scope,
                  uint32_t hash);

/* What becomes of a copy that is fed now when `after` replaces `before`. */
enum fanout_fate {
    FANOUT_KEEP,  /* it goes on where it is */
    FANOUT_DRAIN, /* it gets what was logged under the old map, no more */
    FANOUT_DROP,  /* nothing more */
    FANOUT_RENEW, /* it is fed with something else from now on: begin anew */
};
enum fanout_fate fanout_fate(enum fanout_scope scope, struct slice key,
                             const struct cluster_view *before,
                             const struct cluster_view *after,
                             const struct fanout *targets);

/* True while a copy that is drained can still be there. */
bool fanout_lives(const struct cluster_view *view, struct slice key);

/*
 * True when `after` makes this node the master of copies that were fed by
 * somebody else under `before` (NULL: no map yet): they may lack what their
 * old master sent to us but not yet to them.
 */
bool fanout_inherits(const struct cluster_view *before,
                     const struct cluster_view *after);

/* True when this node was a master and is none any more. */
bool fanout_resigns(const struct cluster_view *before,
                    const struct cluster_view *after);

#endif
