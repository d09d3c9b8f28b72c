#include "base/strmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct strmap_slot {
    uint64_t hash;
    char *key; /* NULL: never used, or dead when `dead` */
    size_t n;
    void *value;
    bool dead;
};

uint64_t
strmap_hash(struct slice key)
{
    uint64_t h = 0xcbf29ce484222325U ^ (key.n * 0x9e3779b97f4a7c15U);
    const char *p = key.p;
    size_t n = key.n;

    while (n >= 8) {
        uint64_t word;

        memcpy(&word, p, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdU;
        h ^= h >> 32;
        p += 8;
        n -= 8;
    }
    while (n-- > 0) {
        h = (h ^ (unsigned char)*p++) * 0x100000001b3U;
    }
    h = (h ^ (h >> 29)) * 0xc4ceb9fe1a85ec53U;
    return h ^ (h >> 32);
}

/* The slot that holds key, or the first that could take it. */
static struct strmap_slot *
probe(const struct strmap *map, struct slice key, uint64_t hash)
{
    struct strmap_slot *reuse = NULL;

    for (size_t i = hash;; i++) {
        struct strmap_slot *slot = &map->slots[i & (map->nslots - 1)];

        if (slot->key == NULL && !slot->dead) {
            return reuse != NULL ? reuse : slot;
        }
        if (slot->dead) {
            reuse = reuse != NULL ? reuse : slot;
        } else if (slot->hash == hash &&
                   slice_eq((struct slice){slot->key, slot->n}, key)) {
            return slot;
        }
    }
}

static void
rebuild(struct strmap *map)
{
    struct strmap old = *map;
    size_t want = 16;

    while (want < old.count * 2 + 2) {
        want *= 2;
    }
    map->slots = xcalloc(want, sizeof(*map->slots));
    map->nslots = want;
    map->used = old.count;
    for (size_t i = 0; i < old.nslots; i++) {
        struct strmap_slot *from = &old.slots[i];

        if (from->key != NULL) {
            *probe(map, (struct slice){from->key, from->n}, from->hash) = *from;
        }
    }
    free(old.slots);
}

void *
strmap_find(const struct strmap *map, struct slice key)
{
    if (map->count == 0) {
        return NULL;
    }
    return probe(map, key, strmap_hash(key))->value;
}

void *
strmap_put(struct strmap *map, struct slice key, void *value)
{
    uint64_t hash = strmap_hash(key);
    struct strmap_slot *slot;
    void *before;

    if ((map->used + 1) * 4 > map->nslots * 3) {
        rebuild(map);
    }
    slot = probe(map, key, hash);
    before = slot->value;
    if (slot->key == NULL) {
        map->used += slot->dead ? 0 : 1;
        map->count++;
        *slot = (struct strmap_slot){hash, xstrndup(key.p, key.n), key.n, NULL,
                                     false};
    }
    slot->value = value;
    return before;
}

void *
strmap_remove(struct strmap *map, struct slice key)
{
    struct strmap_slot *slot;
    void *before;

    if (map->count == 0) {
        return NULL;
    }
    slot = probe(map, key, strmap_hash(key));
    before = slot->value;
    if (slot->key != NULL) {
        free(slot->key);
        *slot = (struct strmap_slot){.dead = true};
        map->count--;
    }
    return before;
}

bool
strmap_next(const struct strmap *map, size_t *at, struct slice *key,
            void **value)
{
    while (*at < map->nslots) {
        const struct strmap_slot *slot = &map->slots[(*at)++];

        if (slot->key != NULL) {
            *key = (struct slice){slot->key, slot->n};
            *value = slot->value;
            return true;
        }
    }
    return false;
}

void
strmap_fini(struct strmap *map)
{
    for (size_t i = 0; i < map->nslots; i++) {
        free(map->slots[i].key);
    }
    free(map->slots);
    *map = (struct strmap){NULL, 0, 0, 0};
}
