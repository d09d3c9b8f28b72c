/*
 * index_position: what a node says of its data, as words on the wire.
 *
 * Pure.
 */
#ifndef FLARE_INDEX_POSITION_H
#define FLARE_INDEX_POSITION_H

#include "cluster/node.h"

/* "POSITION partition epoch seq complete|empty|building". */
bool index_position_parse(struct slice line, struct node_data *out);

/*
 * "data partition epoch seq records complete|empty|building [version]", all
 * that is left of *rest.  version: of the map the node has seen, 0: none;
 * without it, the epoch is one.
 */
bool index_data_parse(struct slice rest, struct node_data *out,
                      uint64_t *version);

#endif
