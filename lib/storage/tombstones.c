#include "storage/tombstones.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct tombstone {
    struct list link;
    uint64_t version;
    size_t n;
    char key[];
};

void
tombstones_init(struct tombstones *all, uint64_t max)
{
    *all = (struct tombstones){.max = max};
    (void)pthread_mutex_init(&all->lock, NULL);
    list_init(&all->age);
}

static void
forget(struct tombstones *all, struct tombstone *t)
{
    (void)strmap_remove(&all->map, (struct slice){t->key, t->n});
    list_remove(&t->link);
    free(t);
    all->count--;
}

static void
forget_down_to(struct tombstones *all, uint64_t max)
{
    while (all->count > max && !list_empty(&all->age)) {
        forget(all, LIST_ENTRY(all->age.next, struct tombstone, link));
    }
}

void
tombstones_fini(struct tombstones *all)
{
    forget_down_to(all, 0);
    strmap_fini(&all->map);
    (void)pthread_mutex_destroy(&all->lock);
}

static void
add(struct tombstones *all, struct slice key, uint64_t version)
{
    struct tombstone *t = xcalloc(1, sizeof(*t) + key.n);

    t->version = version;
    t->n = key.n;
    memcpy(t->key, key.p, key.n);
    (void)strmap_put(&all->map, key, t);
    list_append(&all->age, &t->link);
    all->count++;
    if (!all->keep_all) {
        forget_down_to(all, all->max);
    }
}

void
tombstones_put(struct tombstones *all, struct slice key, uint64_t version)
{
    struct tombstone *t;

    (void)pthread_mutex_lock(&all->lock);
    t = strmap_find(&all->map, key);
    if (t != NULL) {
        t->version = version;
    } else {
        add(all, key, version);
    }
    (void)pthread_mutex_unlock(&all->lock);
}

bool
tombstones_find(struct tombstones *all, struct slice key, uint64_t *version)
{
    const struct tombstone *t;

    if (atomic_load(&all->count) == 0) {
        return false;
    }
    (void)pthread_mutex_lock(&all->lock);
    t = strmap_find(&all->map, key);
    if (t != NULL) {
        *version = t->version;
    }
    (void)pthread_mutex_unlock(&all->lock);
    return t != NULL;
}

void
tombstones_clear(struct tombstones *all)
{
    (void)pthread_mutex_lock(&all->lock);
    forget_down_to(all, 0);
    (void)pthread_mutex_unlock(&all->lock);
}

void
tombstones_keep_all(struct tombstones *all, bool keep)
{
    (void)pthread_mutex_lock(&all->lock);
    all->keep_all = keep;
    if (!keep) {
        forget_down_to(all, all->max);
    }
    (void)pthread_mutex_unlock(&all->lock);
}
