#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "storage/engine.h"

struct record {
    size_t n;
    char bytes[];
};

struct mem_engine {
    struct engine base;
    pthread_rwlock_t lock; /* map */
    struct strmap map;     /* key -> struct record */
    _Atomic uint64_t size; /* bytes of keys and records */
};

/* The keys there were at the opening; those still there are shown. */
struct mem_cursor {
    struct engine_cursor base;
    struct mem_engine *engine;
    struct buf keys; /* a length, then the key, and so on */
    struct buf record;
};

static struct mem_engine *
of(struct engine *engine)
{
    return (struct mem_engine *)engine;
}

static int
mem_open(struct engine **out, const struct store_options *options,
         const char *path, struct engine_found *found, struct err *err)
{
    struct mem_engine *e = xcalloc(1, sizeof(*e));

    (void)options;
    (void)path;
    (void)err;
    e->base.ops = &engine_mem;
    (void)pthread_rwlock_init(&e->lock, NULL);
    *found = (struct engine_found){.created = true, .clean = true};
    *out = &e->base;
    return 0;
}

static void
clear(struct mem_engine *e)
{
    struct slice key;
    void *value;
    size_t at = 0;

    while (strmap_next(&e->map, &at, &key, &value)) {
        free(value);
    }
    strmap_fini(&e->map);
    e->map = (struct strmap){NULL, 0, 0, 0};
    e->size = 0;
}

static int
mem_close(struct engine *engine, struct err *err)
{
    struct mem_engine *e = of(engine);

    (void)err;
    clear(e);
    (void)pthread_rwlock_destroy(&e->lock);
    free(e);
    return 0;
}

static enum engine_result
mem_get(struct engine *engine, struct slice key, size_t want, struct buf *out)
{
    struct mem_engine *e = of(engine);
    enum engine_result result = ENGINE_MISS;
    const struct record *record;

    (void)pthread_rwlock_rdlock(&e->lock);
    record = strmap_find(&e->map, key);
    if (record != NULL) {
        size_t n = want < record->n ? want : record->n;

        result = buf_put(out, record->bytes, n) ? ENGINE_OK : ENGINE_ERROR;
    }
    (void)pthread_rwlock_unlock(&e->lock);
    return result;
}

static bool
mem_reserve(struct engine *engine, struct slice key, size_t n)
{
    (void)engine;
    (void)key;
    (void)n;
    return true;
}

static void
mem_release(struct engine *engine, struct slice key, size_t n)
{
    (void)engine;
    (void)key;
    (void)n;
}

static bool
mem_put(struct engine *engine, struct slice key, struct slice bytes)
{
    struct mem_engine *e = of(engine);
    struct record *record = malloc(sizeof(*record) + bytes.n);
    struct record *old;

    if (record == NULL) {
        return false;
    }
    record->n = bytes.n;
    memcpy(record->bytes, bytes.p, bytes.n);
    (void)pthread_rwlock_wrlock(&e->lock);
    old = strmap_put(&e->map, key, record);
    e->size += bytes.n + (old == NULL ? key.n : 0);
    e->size -= old != NULL ? old->n : 0;
    (void)pthread_rwlock_unlock(&e->lock);
    free(old);
    return true;
}

static enum engine_result
mem_remove(struct engine *engine, struct slice key)
{
    struct mem_engine *e = of(engine);
    struct record *old;

    (void)pthread_rwlock_wrlock(&e->lock);
    old = strmap_remove(&e->map, key);
    e->size -= old != NULL ? old->n + key.n : 0;
    (void)pthread_rwlock_unlock(&e->lock);
    free(old);
    return old != NULL ? ENGINE_OK : ENGINE_MISS;
}

static uint64_t
mem_count(struct engine *engine)
{
    struct mem_engine *e = of(engine);
    uint64_t n;

    (void)pthread_rwlock_rdlock(&e->lock);
    n = e->map.count;
    (void)pthread_rwlock_unlock(&e->lock);
    return n;
}

static uint64_t
mem_size(struct engine *engine)
{
    return of(engine)->size;
}

static bool
mem_truncate(struct engine *engine)
{
    struct mem_engine *e = of(engine);

    (void)pthread_rwlock_wrlock(&e->lock);
    clear(e);
    (void)pthread_rwlock_unlock(&e->lock);
    return true;
}

static bool
mem_nothing(struct engine *engine)
{
    (void)engine;
    return true;
}

static struct engine_cursor *
mem_cursor_open(struct engine *engine, bool exact, struct slice from)
{
    struct mem_engine *e = of(engine);
    struct mem_cursor *c = xcalloc(1, sizeof(*c));
    struct slice key;
    void *value;
    size_t at = 0;

    (void)exact;
    (void)from;
    c->base.ops = &engine_mem;
    c->engine = e;
    (void)pthread_rwlock_rdlock(&e->lock);
    while (strmap_next(&e->map, &at, &key, &value)) {
        if (!buf_put(&c->keys, &key.n, sizeof(key.n)) ||
            !buf_put_slice(&c->keys, key)) {
            abort();
        }
    }
    (void)pthread_rwlock_unlock(&e->lock);
    return &c->base;
}

static enum engine_result
mem_cursor_next(struct engine_cursor *cursor, struct slice *key,
                struct slice *record)
{
    struct mem_cursor *c = (struct mem_cursor *)cursor;

    while (buf_len(&c->keys) > 0) {
        enum engine_result result;
        const char *p = c->keys.base + c->keys.start;

        memcpy(&key->n, p, sizeof(key->n));
        key->p = p + sizeof(key->n);
        c->keys.start += sizeof(key->n) + key->n;
        buf_clear(&c->record);
        result = mem_get(&c->engine->base, *key, SIZE_MAX, &c->record);
        if (result != ENGINE_MISS) {
            *record = buf_slice(&c->record);
            return result;
        }
    }
    return ENGINE_MISS;
}

static void
mem_cursor_close(struct engine_cursor *cursor)
{
    struct mem_cursor *c = (struct mem_cursor *)cursor;

    buf_fini(&c->keys);
    buf_fini(&c->record);
    free(c);
}

const struct engine_ops engine_mem = {
    .name = "mem",
    .file = NULL,
    .ordered = false,
    .open = mem_open,
    .close = mem_close,
    .get = mem_get,
    .reserve = mem_reserve,
    .release = mem_release,
    .put = mem_put,
    .remove = mem_remove,
    .count = mem_count,
    .size = mem_size,
    .truncate = mem_truncate,
    .checkpoint = mem_nothing,
    .sync = mem_nothing,
    .cursor_open = mem_cursor_open,
    .cursor_next = mem_cursor_next,
    .cursor_close = mem_cursor_close,
};
