/*
 * diff: what a new map changes for one node.
 */
#ifndef FLARE_CLUSTER_DIFF_H
#define FLARE_CLUSTER_DIFF_H

#include "cluster/map.h"

enum diff_kind {
    DIFF_NOTHING,      /* same role, state and partition, or not in the map */
    DIFF_STATE,        /* only the state is another */
    DIFF_BUILD_SLAVE,  /* became a slave that has yet to copy its master */
    DIFF_BUILD_MASTER, /* became a master in prepare */
    DIFF_PROMOTED,     /* slave to master, or straight to an active master */
    DIFF_DEMOTED,      /* now a proxy */
};

/* Either map may be NULL (none yet).  A first map triggers no building. */
enum diff_kind cluster_diff(const struct cluster_map *before,
                            const struct cluster_map *after, struct slice self);

#endif
