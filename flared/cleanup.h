/*
 * cleanup: removing records that another partition serves now.
 *
 * When a partition is added its keys are copied to the new nodes; the nodes
 * they came from keep them until this has walked the store.  It waits until
 * every partition has had a living master, and the map its number of
 * partitions, for moved-keep seconds, and stops as soon as that is not so.
 *
 * On the maintenance thread's loop.
 */
#ifndef FLARE_FLARED_CLEANUP_H
#define FLARE_FLARED_CLEANUP_H

#include "flared/flared.h"

struct cleanup;

struct cleanup *cleanup_new(struct flared *node, struct loop *loop);
void cleanup_free(struct cleanup *cleanup); /* NULL is fine */

/* A new view is in use; a reference is taken.  The loop's own thread. */
void cleanup_set_view(struct cleanup *cleanup, struct cluster_view *view);

#endif
