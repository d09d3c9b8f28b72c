/*
 * map_text: the map as lines (spec: control-plane 1.6, 1.7, 1.4).
 */
#ifndef FLARE_CLUSTER_MAP_TEXT_H
#define FLARE_CLUSTER_MAP_TEXT_H

#include "base/buf.h"
#include "cluster/map.h"

/* A "NODE name port role state partition balance thread_type\r\n" per node. */
bool map_text_put_nodes(struct buf *out, const struct cluster_map *map);

/* Five "STAT key:field value\r\n" lines per node. */
bool map_text_put_stats(struct buf *out, const struct cluster_map *map);

/* One NODE line without its line end.  False: it does not parse. */
bool map_text_parse_node(struct slice line, struct node *out);

/*
 * NODE lines, each with its line end, nothing else, to a map.  NULL with *why
 * set to a constant sentence and *line to the line's number from 1 when
 * something does not parse, a role or state code is unknown or memory is out.
 */
struct cluster_map *map_text_parse(struct slice lines, uint64_t version,
                                   const char **why, unsigned *line);

/*
 * flare.xml (spec: control-plane 6.1): put writes the exact shape a real
 * flarei reads; parse reads what that one accepts and says where and why not.
 */
bool map_text_put_xml(struct buf *out, const struct cluster_map *map);
struct cluster_map *map_text_parse_xml(struct slice text, const char **why,
                                       unsigned *line);

#endif
