/*
 * strmap: bytes -> pointer, open addressing, keys copied.
 *
 * Zeroed storage is an empty map.  One thread at a time.
 */
#ifndef FLARE_BASE_STRMAP_H
#define FLARE_BASE_STRMAP_H

#include <stdint.h>

#include "base/slice.h"

struct strmap_slot;

struct strmap {
    struct strmap_slot *slots;
    size_t nslots; /* a power of two, or 0 */
    size_t used;   /* live and dead slots */
    size_t count;  /* live slots */
};

/* A 64-bit hash of bytes, good for tables; not a stable format. */
uint64_t strmap_hash(struct slice key);

/* The value, or NULL. */
void *strmap_find(const struct strmap *map, struct slice key);

/*
 * Set key to value (not NULL), replacing what it had.  Returns the value it
 * had, or NULL.  Aborts when memory is out: bound what you put in.
 */
void *strmap_put(struct strmap *map, struct slice key, void *value);

/* Take key out and return its value, or NULL. */
void *strmap_remove(struct strmap *map, struct slice key);

/*
 * Walk: start with *at = 0; returns false at the end.  The map may not change
 * meanwhile, except that the entry just returned may be removed.
 */
bool strmap_next(const struct strmap *map, size_t *at, struct slice *key,
                 void **value);

/* Release the map's own memory; values are the caller's. */
void strmap_fini(struct strmap *map);

#endif
