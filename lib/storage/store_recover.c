#include <inttypes.h>

#include "base/log.h"
#include "item/item.h"
#include "storage/store_impl.h"

/* One run through the log after a start. */
struct replay {
    struct store *store;
    bool merge; /* the file may hold what the log does not know of */
    struct buf record;
    uint64_t entries;
};

/*
 * Replaying in order whatever the file holds already ends in the right state,
 * as long as nobody else wrote to it.  If somebody may have, the newer version
 * wins.
 */
static bool
is_stale(struct replay *r, const struct ulog_entry *entry)
{
    const struct engine_ops *ops = r->store->ops;
    struct item item;
    uint64_t size;

    if (!r->merge) {
        return false;
    }
    buf_clear(&r->record);
    return ops->get(r->store->engine, entry->key, ITEM_HEADER, &r->record) ==
               ENGINE_OK &&
           item_decode_header(buf_slice(&r->record), &item, &size) &&
           item.version > entry->version;
}

static bool
put(struct replay *r, struct slice key, struct slice record)
{
    const struct engine_ops *ops = r->store->ops;
    struct engine *engine = r->store->engine;
    bool ok;

    if (!ops->reserve(engine, key, record.n)) {
        /* What waits to be written keeps more room than it will take. */
        if (!ops->checkpoint(engine) || !ops->reserve(engine, key, record.n)) {
            return false;
        }
    }
    ok = ops->put(engine, key, record);
    ops->release(engine, key, record.n);
    return ok;
}

static bool
replay_set(struct replay *r, const struct ulog_entry *entry)
{
    struct item item = {entry->flags, entry->expire, entry->version,
                        entry->value};
    size_t n = ITEM_HEADER + entry->value.n;

    if (is_stale(r, entry)) {
        return true;
    }
    buf_clear(&r->record);
    if (!buf_reserve(&r->record, n)) {
        return false;
    }
    item_encode_header(buf_tail(&r->record), &item, entry->value.n);
    buf_advance(&r->record, ITEM_HEADER);
    return buf_put_slice(&r->record, entry->value) &&
           put(r, entry->key, buf_slice(&r->record));
}

static bool
replay_touch(struct replay *r, const struct ulog_entry *entry)
{
    struct item item;

    buf_clear(&r->record);
    switch (r->store->ops->get(r->store->engine, entry->key, SIZE_MAX,
                               &r->record)) {
    case ENGINE_MISS:
        return true;
    case ENGINE_ERROR:
        return false;
    case ENGINE_OK:
        break;
    }
    if (!item_decode(buf_slice(&r->record), &item) ||
        item.version != entry->version) {
        return true;
    }
    item.expire = entry->expire;
    item_encode_header(r->record.base + r->record.start, &item, item.value.n);
    return put(r, entry->key, buf_slice(&r->record));
}

static bool
replay_delete(struct replay *r, const struct ulog_entry *entry)
{
    if (is_stale(r, entry)) {
        return true;
    }
    if (entry->version != 0) {
        tombstones_put(&r->store->tombstones, entry->key, entry->version);
    }
    return r->store->ops->remove(r->store->engine, entry->key) != ENGINE_ERROR;
}

static bool
replay_entry(struct replay *r, const struct ulog_entry *entry)
{
    switch (entry->op) {
    case ULOG_SET:
        return replay_set(r, entry);
    case ULOG_TOUCH:
        return replay_touch(r, entry);
    case ULOG_DELETE:
        return replay_delete(r, entry);
    case ULOG_FLUSH:
        tombstones_clear(&r->store->tombstones);
        marks_clear(&r->store->marks);
        return r->merge || r->store->ops->truncate(r->store->engine);
    case ULOG_MARK:
        marks_put(&r->store->marks, entry->key, entry->version, entry->flags);
        return true;
    }
    return false;
}

static int
replay_all(struct replay *r, struct ulog_reader *reader, struct err *err)
{
    const char *where =
        r->store->path != NULL ? r->store->path : r->store->ops->name;

    for (;;) {
        struct ulog_entry entry;

        switch (ulog_reader_next(reader, &entry)) {
        case ULOG_READ_END:
            return 0;
        case ULOG_READ_GONE:
            return err_set(err, ERR_CORRUPT,
                           "%s: the log entries after the first %" PRIu64
                           " to be replayed are damaged",
                           where, r->entries);
        case ULOG_READ_OK:
            break;
        }
        if (!replay_entry(r, &entry)) {
            return err_set(err, ERR_IO,
                           "%s: cannot replay log entry %" PRIu64
                           ": the disk is full or the file is damaged",
                           where, entry.seq);
        }
        r->entries++;
    }
}

int
store_replay(struct store *store, uint64_t after, bool merge, struct err *err)
{
    struct replay r = {.store = store, .merge = merge};
    struct ulog_reader *reader = ulog_reader_open(store->log, after);
    int rc = replay_all(&r, reader, err);

    ulog_reader_close(reader);
    buf_fini(&r.record);
    if (rc == 0 && r.entries > 0) {
        log_info("replayed %" PRIu64 " log entries after %" PRIu64, r.entries,
                 after);
    }
    return rc;
}
