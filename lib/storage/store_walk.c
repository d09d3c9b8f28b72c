#include <stdlib.h>

#include "base/alloc.h"
#include "storage/store_impl.h"

enum { LOOKS = 32 }; /* records a sweep looks at for each it may remove */

struct store_cursor {
    struct store *store;
    struct engine_cursor *engine;
};

static const struct slice from_start = {NULL, 0};

struct store_cursor *
store_cursor_open(struct store *store)
{
    struct store_cursor *cursor = xcalloc(1, sizeof(*cursor));

    cursor->store = store;
    store_settle(store);
    keylock_all(&store->locks);
    cursor->engine = store->ops->cursor_open(store->engine, true, from_start);
    keylock_none(&store->locks);
    return cursor;
}

void
store_cursor_close(struct store_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    if (cursor->engine != NULL) {
        cursor->store->ops->cursor_close(cursor->engine);
    }
    free(cursor);
}

enum store_status
store_cursor_next(struct store_cursor *cursor, struct slice *key,
                  struct item *item)
{
    struct slice record;

    if (cursor->engine == NULL) {
        return STORE_ERROR;
    }
    for (;;) {
        switch (cursor->store->ops->cursor_next(cursor->engine, key, &record)) {
        case ENGINE_MISS:
            return STORE_MISS;
        case ENGINE_ERROR:
            return STORE_ERROR;
        case ENGINE_OK:
            break;
        }
        if (item_decode(record, item)) {
            return STORE_OK;
        }
    }
}

static bool
begins_with(struct slice s, struct slice prefix)
{
    return s.n >= prefix.n && slice_eq((struct slice){s.p, prefix.n}, prefix);
}

enum store_status
store_prefix(struct store *store, struct slice prefix, uint64_t limit,
             struct buf *out)
{
    const struct engine_ops *ops = store->ops;
    struct engine_cursor *cursor;
    struct slice key, record;
    enum store_status status = STORE_OK;

    if (!ops->ordered) {
        return STORE_ERROR;
    }
    cursor = ops->cursor_open(store->engine, false, prefix);
    if (cursor == NULL) {
        return STORE_ERROR;
    }
    while (status == STORE_OK && limit > 0) {
        enum engine_result result = ops->cursor_next(cursor, &key, &record);

        if (result == ENGINE_MISS ||
            (result == ENGINE_OK && !begins_with(key, prefix))) {
            break;
        }
        if (result != ENGINE_OK || !buf_put_str(out, "KEY ") ||
            !buf_put_slice(out, key) || !buf_put_str(out, "\r\n")) {
            status = STORE_ERROR;
        }
        limit--;
    }
    ops->cursor_close(cursor);
    return status;
}

/* The next record of the round; at its end the next round begins. */
static bool
sweep_next(struct store *store, struct slice *key, struct slice *record)
{
    const struct engine_ops *ops = store->ops;

    if (store->sweep == NULL) {
        store->sweep = ops->cursor_open(store->engine, false, from_start);
    }
    if (store->sweep == NULL) {
        return false;
    }
    if (ops->cursor_next(store->sweep, key, record) == ENGINE_OK) {
        return true;
    }
    ops->cursor_close(store->sweep);
    store->sweep = NULL;
    return false;
}

unsigned
store_sweep(struct store *store, struct wall now, unsigned budget)
{
    uint64_t looks = (uint64_t)budget * LOOKS;
    unsigned removed = 0;
    struct slice key, record;

    if (atomic_load(&store->keep_expired)) {
        return 0;
    }
    (void)pthread_mutex_lock(&store->sweep_lock);
    while (removed < budget && looks-- > 0 &&
           sweep_next(store, &key, &record)) {
        struct item item;
        uint64_t size;

        if (item_decode_header(record, &item, &size) &&
            item_expired(&item, now) && store_expire(store, key, now)) {
            removed++;
        }
    }
    (void)pthread_mutex_unlock(&store->sweep_lock);
    return removed;
}
