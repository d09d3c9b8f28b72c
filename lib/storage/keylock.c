#include "storage/keylock.h"

#include <stdlib.h>

#include "base/strmap.h"

enum { STRIPES_MAX = 1 << 16 };

void
keylock_init(struct keylock *locks, unsigned at_least)
{
    size_t n = 1;

    while (n < at_least && n < STRIPES_MAX) {
        n *= 2;
    }
    locks->mask = n - 1;
    locks->stripes =
        aligned_alloc(sizeof(*locks->stripes), n * sizeof(*locks->stripes));
    if (locks->stripes == NULL) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        (void)pthread_mutex_init(&locks->stripes[i].mutex, NULL);
    }
}

void
keylock_fini(struct keylock *locks)
{
    if (locks->stripes == NULL) {
        return;
    }
    for (size_t i = 0; i <= locks->mask; i++) {
        (void)pthread_mutex_destroy(&locks->stripes[i].mutex);
    }
    free(locks->stripes);
    locks->stripes = NULL;
}

pthread_mutex_t *
keylock_take(struct keylock *locks, struct slice key)
{
    pthread_mutex_t *mutex =
        &locks->stripes[strmap_hash(key) & locks->mask].mutex;

    (void)pthread_mutex_lock(mutex);
    return mutex;
}

void
keylock_all(struct keylock *locks)
{
    for (size_t i = 0; i <= locks->mask; i++) {
        (void)pthread_mutex_lock(&locks->stripes[i].mutex);
    }
}

void
keylock_none(struct keylock *locks)
{
    for (size_t i = 0; i <= locks->mask; i++) {
        (void)pthread_mutex_unlock(&locks->stripes[i].mutex);
    }
}
