/*
 * index_data: what a node tells the index of its data when it registers.
 */
#ifndef FLARE_FLARED_INDEX_DATA_H
#define FLARE_FLARED_INDEX_DATA_H

#include "flared/flared.h"

/*
 * " data PARTITION EPOCH SEQUENCE RECORDS STATE VERSION": whose data this node
 * has, as its last map says, and how new it is.  Control thread.
 */
char *index_data(struct flared *node) __attribute__((malloc));

#endif
