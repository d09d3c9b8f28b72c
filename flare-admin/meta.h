/*
 * meta: how the cluster's keys are spread, as the index says.
 */
#ifndef FLARE_FLARE_ADMIN_META_H
#define FLARE_FLARE_ADMIN_META_H

#include "hash/keyhash.h"
#include "hash/partition.h"
#include "tool/server.h"

struct meta {
    uint64_t partition_size, hint, slots;
    enum keyhash_kind hash;
};

/* What an index has that was told nothing. */
extern const struct meta meta_default;

/* Ask with "meta".  False: it failed (said). */
bool meta_fetch(struct server *server, struct meta *out);

/* Slot -> partition, of n partitions; NULL when n is out of range. */
const uint16_t *meta_row(const struct meta *meta, unsigned n,
                         struct partition_table **table);

#endif
