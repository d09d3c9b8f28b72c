/*
 * tombstones: versions at which keys were removed, so that an older copy of a
 * record that arrives late cannot bring it back.  Any thread.
 */
#ifndef FLARE_STORAGE_TOMBSTONES_H
#define FLARE_STORAGE_TOMBSTONES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/strmap.h"

struct tombstones {
    pthread_mutex_t lock;
    struct strmap map; /* key -> struct tombstone */
    struct list age;   /* oldest first */
    uint64_t max;      /* beyond it the oldest go */
    bool keep_all;     /* none go */
    _Atomic uint64_t count;
};

void tombstones_init(struct tombstones *all, uint64_t max);
void tombstones_fini(struct tombstones *all);

/* A key remembered before keeps its age. */
void tombstones_put(struct tombstones *all, struct slice key, uint64_t version);

/* False: never removed, as far as is remembered. */
bool tombstones_find(struct tombstones *all, struct slice key,
                     uint64_t *version);

void tombstones_clear(struct tombstones *all);

/* True: however many there are, forget none. */
void tombstones_keep_all(struct tombstones *all, bool keep);

#endif
