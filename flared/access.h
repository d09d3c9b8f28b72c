/*
 * access: when keys were last asked for, and whether at all since they were
 * stored: what the meta commands' flags h and l show.
 *
 * A table of fixed size in memory, one word a slot, keys that share a slot
 * displace each other.  A key without a slot counts as never fetched and as
 * last looked at when the node started.  Any thread, no lock.
 */
#ifndef FLARE_FLARED_ACCESS_H
#define FLARE_FLARED_ACCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

enum { ACCESS_SLOTS = 65536 };

struct access {
    _Atomic(uint64_t) slot[ACCESS_SLOTS]; /* 31 bits of hash, fetched, time */
};

struct access_seen {
    bool fetched;
    int64_t idle; /* seconds */
};

/* Have the slot of a key with this strmap_hash() in reach soon. */
static inline void
access_prefetch(struct access *access, uint64_t hash)
{
    __builtin_prefetch(&access->slot[hash % ACCESS_SLOTS], 1);
}

void access_stored(struct access *access, struct slice key, struct wall now);
void access_fetched(struct access *access, struct slice key, struct wall now);
struct access_seen access_find(const struct access *access, struct slice key,
                               struct wall started, struct wall now);

#endif
