/*
 * The log as a copy of another node's: entries are appended as they come, and
 * the whole of it is cut or begun anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "storage/store_impl.h"
#include "storage/ulog_format.h"

/* --- positions and epochs ------------------------------------------------ */

void
store_lineage(struct store *store, struct lineage *out)
{
    /* In this order: the eras of all entries up to seq are there then. */
    uint64_t seq = ulog_last(store->log);
    struct store_epochs all;

    store_lineage_get(&store->lineage, &all);
    *out = all.lineage;
    out->seq = seq;
}

uint64_t
store_epoch_seen(struct store *store)
{
    struct store_epochs all;

    store_lineage_get(&store->lineage, &all);
    return all.seen;
}

bool
store_see_epoch(struct store *store, uint64_t epoch)
{
    return store_lineage_see(&store->lineage, epoch);
}

/* Epochs only rise, and nobody takes one twice. */
bool
store_begin_epoch(struct store *store, uint64_t epoch, struct err *err)
{
    struct store_epochs all;

    if (epoch == atomic_load(&store->epoch)) {
        return true;
    }
    store_lineage_get(&store->lineage, &all);
    if (epoch != 0 && epoch >= all.seen && all.lineage.n > 0 &&
        epoch == all.lineage.era[0].epoch) {
        atomic_store(&store->epoch, epoch); /* who had it goes on in it */
        return true;
    }
    if (epoch != 0 && (epoch <= all.top || epoch < all.seen)) {
        (void)err_set(err, ERR_CONFLICT,
                      "epoch %" PRIu64 " cannot begin: the log has one of "
                      "%" PRIu64 ", and %" PRIu64 " was heard of",
                      epoch, all.top, all.seen);
        return false;
    }
    if (epoch != 0 && !ulog_begin_epoch(store->log, epoch)) {
        (void)err_set(err, ERR_IO, "%s: epoch %" PRIu64 " cannot be noted",
                      store->data_dir, epoch);
        return false;
    }
    atomic_store(&store->epoch, epoch);
    return true;
}

void
store_keep_expired(struct store *store, bool keep)
{
    atomic_store(&store->keep_expired, keep);
}

/* --- entries of another log ---------------------------------------------- */

static enum store_stream
check(struct store *store, struct slice bytes)
{
    uint64_t seq = ulog_last(store->log);
    uint64_t epoch = ulog_epoch(store->log);

    while (bytes.n > 0) {
        struct ulog_entry entry;
        size_t n = 0;

        if (ulog_decode_entry(bytes, &entry, &n) != ULOG_DECODED) {
            return STREAM_DAMAGED;
        }
        if (entry.seq != ++seq) {
            return STREAM_GAP;
        }
        if (entry.epoch == 0 || entry.epoch < epoch) {
            return STREAM_EPOCH;
        }
        epoch = entry.epoch;
        bytes.p += n;
        bytes.n -= n;
    }
    return STREAM_OK;
}

static bool
mirror(struct store *store, const struct ulog_entry *entry, struct slice bytes)
{
    if (!ulog_mirror(store->log, entry, bytes)) {
        store_note_trouble(store, store_no_log_room, false);
        return false;
    }
    return true;
}

static bool
mirror_put(struct store *store, const struct ulog_entry *entry,
           struct slice bytes, struct slice record)
{
    bool ok;

    if (!store->ops->reserve(store->engine, entry->key, record.n)) {
        store_note_trouble(store, store_no_room, false);
        return false;
    }
    ok = mirror(store, entry, bytes);
    if (ok && !store->ops->put(store->engine, entry->key, record)) {
        store_note_trouble(store, store_engine_failed, true);
        ok = false;
    }
    store->ops->release(store->engine, entry->key, record.n);
    return ok;
}

/* Under the key's lock, or with FLUSH and DIGEST under all. */
static bool
mirror_locked(struct store *store, const struct ulog_entry *entry,
              struct slice bytes, struct buf *scratch)
{
    enum store_effect effect = store_effect_of(store, entry, false, scratch);
    bool ok;

    if (effect == EFFECT_FAILED) {
        store_note_trouble(store, store_engine_failed, false);
        return false;
    }
    if (effect == EFFECT_PUT) {
        return mirror_put(store, entry, bytes, buf_slice(scratch));
    }
    if (!mirror(store, entry, bytes)) {
        return false;
    }
    ok = effect == EFFECT_NONE ||
         (effect == EFFECT_REMOVE
              ? store->ops->remove(store->engine, entry->key) != ENGINE_ERROR
              : store->ops->truncate(store->engine));
    if (!ok) {
        store_note_trouble(store, store_engine_failed, true);
    }
    return ok;
}

static bool
mirror_one(struct store *store, const struct ulog_entry *entry,
           struct slice bytes, struct buf *scratch)
{
    pthread_mutex_t *lock = NULL;
    bool ok;

    if (entry->op == ULOG_DIGEST) {
        store_settle(store);
    }
    if (entry->op == ULOG_FLUSH || entry->op == ULOG_DIGEST) {
        keylock_all(&store->locks);
    } else {
        lock = keylock_take(&store->locks, entry->key);
    }
    ok = mirror_locked(store, entry, bytes, scratch);
    if (ok) {
        store_effect_done(store, entry);
    }
    if (ok && entry->op == ULOG_DIGEST) {
        (void)store_digest_take(store, entry->epoch, entry->seq);
    }
    if (lock == NULL) {
        keylock_none(&store->locks);
    } else {
        keylock_leave(lock);
    }
    return ok;
}

static enum store_stream
mirror_all(struct store *store, struct slice bytes, struct buf *scratch)
{
    enum store_stream result = check(store, bytes);

    if (result == STREAM_OK && atomic_load(&store->broken)) {
        result = STREAM_FAILED;
    }
    while (result == STREAM_OK && bytes.n > 0) {
        struct ulog_entry entry;
        size_t n = 0;

        (void)ulog_decode_entry(bytes, &entry, &n);
        if (!mirror_one(store, &entry, (struct slice){bytes.p, n}, scratch)) {
            result = STREAM_FAILED;
        }
        bytes.p += n;
        bytes.n -= n;
    }
    return result;
}

enum store_stream
store_replicate(struct store *store, struct slice bytes, struct buf *scratch,
                uint64_t *last)
{
    enum store_stream result;

    (void)pthread_mutex_lock(&store->stream_lock);
    result = mirror_all(store, bytes, scratch);
    *last = ulog_last(store->log);
    (void)pthread_mutex_unlock(&store->stream_lock);
    store_keeper_look(store);
    return result;
}

/* --- giving entries up --------------------------------------------------- */

static bool
force_put(struct store *store, const struct store_record *r)
{
    char header[ITEM_HEADER];
    struct buf record = {0};
    bool ok;

    item_encode_header(header, &r->item, r->item.value.n);
    ok = buf_put(&record, header, sizeof(header)) &&
         buf_put_slice(&record, r->item.value) &&
         store->ops->reserve(store->engine, r->key, buf_len(&record));
    if (ok) {
        ok = store->ops->put(store->engine, r->key, buf_slice(&record));
        store->ops->release(store->engine, r->key, buf_len(&record));
    }
    buf_fini(&record);
    return ok;
}

bool
store_force(struct store *store, const struct store_record *r)
{
    pthread_mutex_t *lock;
    bool ok;

    if (atomic_load(&store->broken)) {
        return false;
    }
    lock = keylock_take(&store->locks, r->key);
    if (r->present) {
        ok = force_put(store, r);
        marks_put(&store->marks, r->key, r->item.version, r->marks);
        (void)store_see_version(store, r->item.version);
    } else {
        ok = store->ops->remove(store->engine, r->key) != ENGINE_ERROR;
    }
    keylock_leave(lock);
    return ok;
}

/*
 * The records of the entries that go are in the engine by now, forced to what
 * the master has.  In this order, so that the process may die anywhere:
 *   1. the engine's file, with all of them, is on the disk;
 *   2. the checkpoint says: up to seq, and what the log has after it is to be
 *      cut off (before, a start replays those entries, and the node is asked to
 *      give them up again; from now on, a start cuts them off);
 *   3. the log is cut, newest file first;
 *   4. the history is cut;
 *   5. the checkpoint says only: up to seq.
 */
static int
cut_all(struct store *store, uint64_t seq, struct err *err)
{
    struct store_epochs all;

    if (!store->ops->checkpoint(store->engine) ||
        !store->ops->sync(store->engine)) {
        return err_sys(err, "write %s", store->data_dir);
    }
    if (store_save_position(store, seq, true, err) != 0 ||
        ulog_cut(store->log, seq, err) != 0 ||
        store_lineage_cut(&store->lineage, seq, err) != 0) {
        return (int)err->code;
    }
    store_lineage_get(&store->lineage, &all);
    ulog_set_epoch(store->log,
                   all.lineage.n > 0 ? all.lineage.era[0].epoch : 0);
    return store_save_position(store, seq, false, err);
}

int
store_rewind_end(struct store *store, uint64_t seq, struct err *err)
{
    uint64_t first = ulog_first(store->log), last = ulog_last(store->log);
    int rc;

    if (seq > last || seq + 1 < first) {
        return err_set(err, ERR_CONFIG,
                       "the log has the entries %" PRIu64 " to %" PRIu64
                       ", it cannot be cut after %" PRIu64,
                       first, last, seq);
    }
    (void)pthread_mutex_lock(&store->stream_lock);
    (void)pthread_mutex_lock(&store->checkpoint_lock);
    store_settle(store);
    keylock_all(&store->locks);
    atomic_store(&store->epoch, 0);
    rc = cut_all(store, seq, err);
    keylock_none(&store->locks);
    (void)pthread_mutex_unlock(&store->checkpoint_lock);
    (void)pthread_mutex_unlock(&store->stream_lock);
    return rc;
}

/* --- being built --------------------------------------------------------- */

int
store_mark_building(struct store *store, bool building, struct err *err)
{
    int rc = 0;

    if (building) {
        static const char text[] = "This store is being filled from another "
                                   "node and is not complete.\n";

        rc = file_write_atomic(store->building_path,
                               (struct slice){text, sizeof(text) - 1}, err);
        if (rc == 0) {
            atomic_store(&store->building, true);
        }
        return rc;
    }
    if (unlink(store->building_path) != 0 && errno != ENOENT) {
        return err_sys(err, "delete %s", store->building_path);
    }
    rc = file_sync_folder_of(store->building_path, err);
    if (rc == 0) {
        atomic_store(&store->building, false);
    }
    return rc;
}

enum store_data
store_data(struct store *store)
{
    if (atomic_load(&store->building)) {
        return STORE_BUILDING;
    }
    return ulog_last(store->log) == 0 && store_count(store) == 0
               ? STORE_EMPTY
               : STORE_COMPLETE;
}

/* Under all key locks. */
static bool
empty(struct store *store)
{
    tombstones_clear(&store->tombstones);
    marks_clear(&store->marks);
    if (store->ops->truncate(store->engine)) {
        return true;
    }
    store_note_trouble(store, store_engine_failed, true);
    return false;
}

bool
store_rebuild_begin(struct store *store, bool truncate)
{
    struct err err;
    bool ok = true;

    if (truncate && store_mark_building(store, true, &err) != 0) {
        log_error("%s", err.msg);
        return false;
    }
    keylock_all(&store->locks);
    if (truncate) {
        ok = empty(store);
    }
    tombstones_keep_all(&store->tombstones, true);
    keylock_none(&store->locks);
    /* What was removed must not come back from the log. */
    return ok && (!truncate || store_checkpoint(store, &err) == 0);
}

bool
store_rebuild_end(struct store *store, bool complete)
{
    struct err err;
    bool ok = true;

    if (complete && (store_checkpoint(store, &err) != 0 ||
                     store_mark_building(store, false, &err) != 0)) {
        log_error("%s", err.msg);
        ok = false;
    }
    tombstones_keep_all(&store->tombstones, false);
    tombstones_clear(&store->tombstones);
    return ok;
}

/*
 * From the first step on the mark says that nothing here counts, so the order
 * of the others only has to leave something that can be opened.
 */
static int
restart(struct store *store, const struct lineage *history, struct err *err)
{
    if (store_mark_building(store, true, err) != 0) {
        return (int)err->code;
    }
    if (!empty(store) || !store->ops->checkpoint(store->engine) ||
        !store->ops->sync(store->engine)) {
        return err_sys(err, "empty %s", store->data_dir);
    }
    ulog_protect_after(store->log, 0);
    if (ulog_reset(store->log, history->seq, err) != 0 ||
        store_lineage_adopt(&store->lineage, history, err) != 0) {
        return (int)err->code;
    }
    ulog_set_epoch(store->log, history->n > 0 ? history->era[0].epoch : 0);
    tombstones_keep_all(&store->tombstones, true);
    return store_save_position(store, history->seq, false, err);
}

int
store_restart_at(struct store *store, const struct lineage *history,
                 struct err *err)
{
    int rc;

    if (!lineage_is_sound(history)) {
        return err_set(err, ERR_CONFIG, "no history of a log");
    }
    (void)pthread_mutex_lock(&store->stream_lock);
    (void)pthread_mutex_lock(&store->checkpoint_lock);
    keylock_all(&store->locks);
    if (history->n == 0 ||
        history->era[0].epoch != atomic_load(&store->epoch)) {
        atomic_store(&store->epoch, 0); /* else it is our own history */
    }
    rc = restart(store, history, err);
    keylock_none(&store->locks);
    (void)pthread_mutex_unlock(&store->checkpoint_lock);
    (void)pthread_mutex_unlock(&store->stream_lock);
    return rc;
}
