#include <inttypes.h>

#include "base/log.h"
#include "item/item.h"
#include "storage/store_impl.h"

/* One run through the log after a start. */
struct replay {
    struct store *store;
    bool merge;   /* the file may hold what the log does not know of */
    bool full;    /* what failed was making room */
    bool refused; /* or else the engine */
    struct buf record;
    uint64_t entries;
};

static bool
put(struct replay *r, struct slice key, struct slice record)
{
    const struct engine_ops *ops = r->store->ops;
    struct engine *engine = r->store->engine;
    bool ok;

    if (!ops->reserve(engine, key, record.n)) {
        /* What waits to be written keeps more room than it will take. */
        if (!ops->checkpoint(engine) || !ops->reserve(engine, key, record.n)) {
            r->full = true;
            return false;
        }
    }
    ok = ops->put(engine, key, record);
    ops->release(engine, key, record.n);
    return ok;
}

/*
 * Replaying in order whatever the file holds already ends in the right state,
 * as long as nobody else wrote to it.  If somebody may have, the newer version
 * wins.
 */
static bool
replay_entry(struct replay *r, const struct ulog_entry *entry)
{
    struct store *store = r->store;
    bool ok = true;

    switch (store_effect_of(store, entry, r->merge, &r->record)) {
    case EFFECT_FAILED:
        return false;
    case EFFECT_NONE:
        break;
    case EFFECT_PUT:
        ok = put(r, entry->key, buf_slice(&r->record));
        break;
    case EFFECT_REMOVE:
        ok = store->ops->remove(store->engine, entry->key) != ENGINE_ERROR;
        break;
    case EFFECT_CLEAR:
        ok = store->ops->truncate(store->engine);
        break;
    }
    if (ok) {
        store_effect_done(store, entry);
    }
    return ok;
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
            r->refused = !r->full;
            return r->full ? err_set(err, ERR_IO,
                                     "%s: cannot replay log entry %" PRIu64
                                     ": the disk is full",
                                     where, entry.seq)
                           : err_set(err, ERR_CORRUPT,
                                     "%s: damaged, it does not take log entry "
                                     "%" PRIu64,
                                     where, entry.seq);
        }
        r->entries++;
    }
}

int
store_replay(struct store *store, uint64_t after, bool merge, bool *refused,
             struct err *err)
{
    struct replay r = {.store = store, .merge = merge};
    struct ulog_reader *reader = ulog_reader_open(store->log, after);
    int rc = replay_all(&r, reader, err);

    if (rc == 0 && r.entries > 0 && !store->ops->checkpoint(store->engine)) {
        /* Some engines take a record first and refuse it later. */
        rc = err_set(err, ERR_CORRUPT, "%s: damaged, it does not take the log",
                     store->path != NULL ? store->path : store->ops->name);
        r.refused = true;
    }
    *refused = r.refused;
    ulog_reader_close(reader);
    buf_fini(&r.record);
    if (rc == 0 && r.entries > 0) {
        log_info("replayed %" PRIu64 " log entries after %" PRIu64, r.entries,
                 after);
    }
    return rc;
}
