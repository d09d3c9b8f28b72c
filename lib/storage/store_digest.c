#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "item/item.h"
#include "storage/store_impl.h"

bool
store_digest_take(struct store *store, uint64_t epoch, uint64_t seq)
{
    struct store_digest *digest = xcalloc(1, sizeof(*digest));
    struct store_digest *before;
    bool known = false;

    digest->epoch = epoch;
    digest->seq = seq;
    if (store->ops->digest != NULL) {
        known =
            store->ops->digest(store->engine, digest->part, &digest->records);
    }
    digest->known = known;
    for (unsigned i = 0; known && i < DIGEST_BUCKETS; i++) {
        digest_sum_add(&digest->all, digest->part[i]);
    }
    (void)pthread_mutex_lock(&store->digest_lock);
    before = store->digest;
    store->digest = digest;
    (void)pthread_mutex_unlock(&store->digest_lock);
    free(before);
    return known;
}

bool
store_digest_mark(struct store *store, uint64_t *seq)
{
    struct ulog_entry entry = {.op = ULOG_DIGEST};
    bool ok;

    if (atomic_load(&store->broken)) {
        return false;
    }
    store_settle(store);
    keylock_all(&store->locks);
    ok = store_log_entry(store, &entry);
    if (ok) {
        *seq = entry.seq;
        (void)store_digest_take(store, entry.epoch, entry.seq);
    }
    keylock_none(&store->locks);
    return ok;
}

enum store_digest_state
store_digest_at(struct store *store, uint64_t seq, struct store_digest *out)
{
    enum store_digest_state state = STORE_DIGEST_GONE;

    (void)pthread_mutex_lock(&store->digest_lock);
    if (ulog_last(store->log) < seq) {
        state = STORE_DIGEST_LATER;
    } else if (store->digest != NULL && store->digest->seq == seq) {
        state = store->digest->known ? STORE_DIGEST_OK : STORE_DIGEST_UNKNOWN;
        *out = *store->digest;
    } else if (store->digest == NULL || store->digest->seq < seq) {
        /* The entry is in the log, the digest on its way. */
        state = ulog_last(store->log) == seq ? STORE_DIGEST_LATER
                                             : STORE_DIGEST_GONE;
    }
    (void)pthread_mutex_unlock(&store->digest_lock);
    return state;
}

bool
store_relog(struct store *store, struct slice key, uint64_t *seq)
{
    struct ulog_entry entry = {.op = ULOG_DELETE, .key = key};
    struct buf record = {0};
    struct item item;
    pthread_mutex_t *lock;
    enum engine_result found;
    bool ok;

    if (atomic_load(&store->broken)) {
        return false;
    }
    lock = keylock_take(&store->locks, key);
    found = store->ops->get(store->engine, key, SIZE_MAX, &record);
    if (found == ENGINE_OK && item_decode(buf_slice(&record), &item)) {
        entry.op = ULOG_SET;
        entry.flags = item.flags;
        entry.expire = item.expire;
        entry.version = item.version;
        entry.value = item.value;
    }
    ok = found != ENGINE_ERROR && store_log_entry(store, &entry);
    keylock_leave(lock);
    *seq = entry.seq;
    buf_fini(&record);
    return ok;
}

struct digest_sum
store_hash(struct slice key, const struct item *item)
{
    char header[ITEM_HEADER];

    item_encode_header(header, item, item->value.n);
    return digest_of_parts(key, (struct slice){header, sizeof(header)},
                           item->value);
}
