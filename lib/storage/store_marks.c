#include "base/log.h"
#include "storage/store_impl.h"

unsigned
store_marks(struct store *store, struct slice key, uint64_t version)
{
    return marks_find(&store->marks, key, version);
}

bool
store_mark(struct store *store, struct slice key, uint64_t version,
           unsigned marks)
{
    struct ulog_entry entry = {
        .op = ULOG_MARK,
        .flags = marks,
        .version = version,
        .key = key,
    };
    pthread_mutex_t *lock;
    bool ok;

    if (atomic_load(&store->broken)) {
        return false;
    }
    lock = keylock_take(&store->locks, key);
    ok = store_log_entry(store, &entry);
    if (ok) {
        (void)store_see_version(store, version);
        marks_put(&store->marks, key, version, marks);
    }
    keylock_leave(lock);
    return ok;
}

static void
log_one(void *arg, struct slice key, uint64_t version, unsigned bits)
{
    struct store *store = arg;
    struct ulog_entry entry = {
        .op = ULOG_MARK,
        .flags = bits,
        .version = version,
        .key = key,
    };

    (void)store_log_entry(store, &entry);
}

void
store_log_marks(struct store *store)
{
    marks_walk(&store->marks, log_one, store);
}

void
store_marks_load(struct store *store)
{
    struct err err;

    if (marks_load(&store->marks, store->marks_path, &err) != 0) {
        log_warn("%s: keys marked stale count as fresh", err.msg);
    }
}
