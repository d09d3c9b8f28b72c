/*
 * rebuild_join: the last step of a slave that has everything.
 *
 * It asks its master to be waited for from now on, and has caught up when its
 * own log has what the master's had then: from that moment on no write can be
 * confirmed without it, so that it may be made active, and master.
 * Replication thread.
 */
#ifndef FLARE_FLARED_REBUILD_JOIN_H
#define FLARE_FLARED_REBUILD_JOIN_H

#include "flared/flared.h"

struct joiner;

/* Begins at once.  `done` is told NULL, or why it is in vain (constant). */
struct joiner *joiner_new(struct flared *node, struct loop *loop,
                          struct slice host, uint16_t port,
                          void (*done)(void *arg, const char *why), void *arg);

/* Not from within `done`.  NULL is fine. */
void joiner_free(struct joiner *joiner);

#endif
