#include "flared/access.h"

#include "base/strmap.h"

/* As memcached: a time is renewed only when it is so old, in seconds. */
enum { RENEW = 60 };

static const uint64_t tag_mask = ~(uint64_t)0 << 33;
static const uint64_t fetched_bit = (uint64_t)1 << 32;

static uint64_t
load(const struct access *access, uint64_t hash)
{
    return atomic_load_explicit(&access->slot[hash % ACCESS_SLOTS],
                                memory_order_relaxed);
}

static void
store(struct access *access, uint64_t hash, uint64_t word)
{
    atomic_store_explicit(&access->slot[hash % ACCESS_SLOTS], word,
                          memory_order_relaxed);
}

void
access_stored(struct access *access, struct slice key, struct wall now)
{
    uint64_t hash = strmap_hash(key);
    uint64_t word = (hash & tag_mask) | (uint32_t)now.s;

    if (load(access, hash) != word) {
        store(access, hash, word);
    }
}

void
access_fetched(struct access *access, struct slice key, struct wall now)
{
    uint64_t hash = strmap_hash(key);
    uint64_t old = load(access, hash);
    uint32_t when = (uint32_t)old;

    if ((old & tag_mask) != (hash & tag_mask) || now.s - when > RENEW) {
        when = (uint32_t)now.s;
    } else if ((old & fetched_bit) != 0) {
        return;
    }
    store(access, hash, (hash & tag_mask) | fetched_bit | when);
}

struct access_seen
access_find(const struct access *access, struct slice key, struct wall started,
            struct wall now)
{
    uint64_t hash = strmap_hash(key);
    uint64_t word = load(access, hash);
    struct access_seen seen = {false, now.s - started.s};

    if (word != 0 && (word & tag_mask) == (hash & tag_mask)) {
        seen.fetched = (word & fetched_bit) != 0;
        seen.idle = now.s - (uint32_t)word;
    }
    if (seen.idle < 0) {
        seen.idle = 0;
    }
    return seen;
}
