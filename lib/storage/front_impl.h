/*
 * front_impl: what the files of the front table share.
 */
#ifndef FLARE_STORAGE_FRONT_IMPL_H
#define FLARE_STORAGE_FRONT_IMPL_H

#include "storage/front_table.h"

struct front_entry {
    struct front_entry *next; /* in its slot of the index */
    uint64_t hash;
    int64_t came_ms;
    uint32_t size;  /* bytes in the ring, this header included */
    uint32_t key_n; /* the key follows the header */
    uint32_t room;  /* bytes for a record behind the key */
    uint32_t n;     /* bytes of it in use */
    bool removes;
    bool linked; /* in the index: it is the newest of its key */
    char bytes[];
};

/* The entry at a position of the ring, which may have to be rounded up. */
static inline struct front_entry *
entry_at(struct front_shard *shard, uint64_t *at)
{
    uint64_t left = shard->size - *at % shard->size;

    if (left < sizeof(struct front_entry)) {
        *at += left;
    }
    return (struct front_entry *)(void *)(shard->ring + *at % shard->size);
}

#endif
