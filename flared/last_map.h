/*
 * last_map: the newest map this node had, for a start without the index.
 *
 * The file "last_map" in the data folder: the text that is described in
 * last_map.c, replaced atomically.  Control thread.
 */
#ifndef FLARE_FLARED_LAST_MAP_H
#define FLARE_FLARED_LAST_MAP_H

#include "cluster/map.h"
#include "flared/index_meta.h"

/* Bytes of the file for this map. */
bool last_map_put(struct buf *out, const struct cluster_meta *meta,
                  const struct cluster_map *map);

/*
 * What such bytes say; the map is the caller's.  NULL, and *why a constant
 * sentence: they are damaged, or not ours.
 */
struct cluster_map *last_map_parse(struct slice bytes, struct index_meta *meta,
                                   const char **why);

/* Keep the map of this node's data folder; a failure is logged. */
void last_map_save(const struct flared *node, const struct cluster_map *map);

/* NULL: there is none, or it is damaged, which is logged. */
struct cluster_map *last_map_load(const struct flared *node,
                                  struct index_meta *meta);

/* It is of no use to anybody. */
void last_map_remove(const struct flared *node);

#endif
