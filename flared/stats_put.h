/*
 * stats_put: the parts of "stats" that memcached's users and exporters read.
 *
 * What memcached has and a node has not (evictions, listening that stops) is
 * given as zero, so that who adds it up finds it.  One size class, 1, holds
 * everything.  Worker threads; false: memory is out.
 */
#ifndef FLARE_FLARED_STATS_PUT_H
#define FLARE_FLARED_STATS_PUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

struct flared;

/* The process, the connections, the storage; count: records in it. */
bool stats_put_general(struct buf *out, const struct flared *node,
                       uint64_t count);

/* Position, stream, copies and whether writes are held (stats_repl.c). */
bool stats_put_repl(struct buf *out, struct flared *node, struct mono now);

bool stats_put_settings(struct buf *out, const struct flared *node);
bool stats_put_items(struct buf *out, const struct flared *node,
                     uint64_t count);
bool stats_put_slabs(struct buf *out, const struct flared *node,
                     uint64_t count);

#endif
