/*
 * keylock: a fixed number of locks for any number of keys.
 *
 * Lock order: never two stripes, except all of them through keylock_all().
 */
#ifndef FLARE_STORAGE_KEYLOCK_H
#define FLARE_STORAGE_KEYLOCK_H

#include <pthread.h>

#include "base/slice.h"

struct keylock_stripe {
    pthread_mutex_t mutex;
} __attribute__((aligned(64))); /* a cache line each */

struct keylock {
    struct keylock_stripe *stripes;
    size_t mask; /* their number, a power of two, less one */
};

void keylock_init(struct keylock *locks, unsigned at_least);
void keylock_fini(struct keylock *locks);

pthread_mutex_t *keylock_take(struct keylock *locks, struct slice key);

static inline void
keylock_leave(pthread_mutex_t *taken)
{
    (void)pthread_mutex_unlock(taken);
}

/* Every key: nobody else is in a change between these two. */
void keylock_all(struct keylock *locks);
void keylock_none(struct keylock *locks);

#endif
