/*
 * index_side: what the index has to keep and flare.xml has no place for.
 *
 * Which nodes are held down by hand, which masters wait for the operator, how
 * far each node's data was, and the history of masters; as text with a
 * checksum.  It is made durable before the map it belongs to, so it describes
 * two maps: the one that was in force and the one that is to be, and whoever
 * reads it takes what fits the map that is.  A map changed by a flare 1.3.4
 * index is later than both; the later description is used for it, as far as it
 * still makes sense.
 */
#ifndef FLARE_INDEX_SIDE_H
#define FLARE_INDEX_SIDE_H

#include "base/buf.h"
#include "cluster/map.h"
#include "index/book.h"

/* before: NULL, or the map in force.  False: out of memory. */
bool index_side_put(struct buf *out, const struct cluster_map *before,
                    const struct cluster_map *map, struct index_book *book);

struct index_side_read {
    const char *why; /* NULL: all is well, else a constant sentence */
    unsigned line;   /* where, from 1 */
    bool older;      /* the map is older than all that is described */
};

/*
 * Add what `text` knows of this map's nodes to them, and the history up to it
 * to *book.  When result.why is set both are to be thrown away.
 */
struct index_side_read index_side_take(struct slice text,
                                       struct cluster_map *map,
                                       struct index_book *book);

#endif
