#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "item/item.h"
#include "storage/store_impl.h"

enum { NICE = 5 }; /* who answers requests goes first */

/* --- checkpoints -------------------------------------------------------- */

int
store_save_position(struct store *store, uint64_t seq, bool cut,
                    struct err *err)
{
    struct store_meta meta = {
        .settled = store->closing,
        .cut = cut,
        .complete = atomic_load(&store->complete),
        .seq = seq,
        .version = atomic_load(&store->clock),
    };

    memcpy(meta.engine, store->ops->name, strlen(store->ops->name) + 1);
    if (marks_save(&store->marks, store->marks_path, err) != 0) {
        return (int)err->code;
    }
    if (store_meta_save(&meta, store->meta_path, err) != 0) {
        return (int)err->code;
    }
    ulog_protect_after(store->log, seq);
    return 0;
}

/*
 * Have everything up to a position of the log carried over.  Where the engine
 * can do that behind the back of those who write, they wait for no more than
 * the position to be noted.
 */
static bool
carry_over(struct store *store, uint64_t *seq, uint64_t *logged)
{
    const struct engine_ops *ops = store->ops;
    bool ok = true;

    if (ops->mark == NULL) {
        store_settle(store);
    }
    keylock_all(&store->locks);
    *logged = store_written(store);
    *seq = ulog_last(store->log);
    if (ops->mark == NULL) {
        ok = ops->checkpoint(store->engine);
    } else {
        ops->mark(store->engine);
    }
    keylock_none(&store->locks);
    return ok && (ops->mark == NULL || ops->carry_marked(store->engine));
}

int
store_checkpoint(struct store *store, struct err *err)
{
    const char *where = store->path != NULL ? store->path : store->ops->name;
    uint64_t logged;
    uint64_t seq;
    int rc;

    if (atomic_load(&store->broken)) {
        return err_set(err, ERR_IO, "%s: the storage engine failed", where);
    }
    (void)pthread_mutex_lock(&store->checkpoint_lock);
    if (!carry_over(store, &seq, &logged)) {
        rc = err_set(err, ERR_IO,
                     "%s does not take what was written; is the disk full?",
                     where);
    } else if (!store->ops->sync(store->engine)) {
        rc = err_sys(err, "write %s", where);
    } else {
        rc = ulog_write_out(store->log, err);
    }
    if (rc == 0) {
        rc = store_save_position(store, seq, false, err);
    }
    if (rc == 0) {
        atomic_store(&store->keeper.at, logged);
    }
    (void)pthread_mutex_unlock(&store->checkpoint_lock);
    return rc;
}

/* --- the keeper --------------------------------------------------------- */

static bool
must_stop(struct store_keeper *k)
{
    bool stop;

    (void)pthread_mutex_lock(&k->lock);
    stop = k->stop;
    (void)pthread_mutex_unlock(&k->lock);
    return stop;
}

/*
 * A file that somebody else wrote: look at all records once, so that from then
 * on the clock is known to be above them all.
 */
static void
survey(struct store *store)
{
    struct store_cursor *cursor = store_cursor_open(store);
    enum store_status status = STORE_OK;
    struct slice key;
    struct item item;
    bool beyond = false;

    while (status == STORE_OK && !must_stop(&store->keeper)) {
        status = store_cursor_next(cursor, &key, &item);
        if (status == STORE_OK) {
            (void)store_see_version(store, item.version);
            beyond = beyond || item.version > atomic_load(&store->clock);
        }
    }
    store_cursor_close(cursor);
    if (status == STORE_MISS && !beyond) {
        atomic_store(&store->complete, true);
        log_debug("looked at all records, versions go on from the largest");
    }
}

static void
do_work(struct store *store)
{
    struct store_keeper *k = &store->keeper;
    struct err err;
    unsigned held;

    ulog_tend(store->log);
    if (!atomic_exchange(&k->due, false)) {
        return;
    }
    if (store_checkpoint(store, &err) != 0) {
        if (log_limit_pass(&k->complaints, &held)) {
            log_error("checkpoint: %s (%u more such since the last line)",
                      err.msg, held);
        }
        /* Not again before as much was logged once more. */
        atomic_store(&k->at, store_written(store));
    }
}

static void *
keep(void *arg)
{
    struct store *store = arg;
    struct store_keeper *k = &store->keeper;

    (void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread */
    if (!atomic_load(&store->complete)) {
        survey(store);
    }
    (void)pthread_mutex_lock(&k->lock);
    while (!k->stop) {
        if (!k->work) {
            (void)pthread_cond_wait(&k->wake, &k->lock);
            continue;
        }
        k->work = false;
        (void)pthread_mutex_unlock(&k->lock);
        do_work(store);
        atomic_store(&k->asked, false);
        (void)pthread_mutex_lock(&k->lock);
    }
    (void)pthread_mutex_unlock(&k->lock);
    return NULL;
}

void
store_keeper_start(struct store *store, uint64_t log_keep_bytes)
{
    static const uint64_t least = 8 << 20;
    static const uint64_t most = 256 << 20;
    struct store_keeper *k = &store->keeper;

    k->every = log_keep_bytes / 2;
    k->every = k->every > least ? k->every : least;
    k->every = k->every < most ? k->every : most;
    if (store->ops->checkpoint_bytes > 0) {
        k->every = store->ops->checkpoint_bytes;
    }
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_cond_init(&k->wake, NULL);
    k->running = pthread_create(&k->thread, NULL, keep, store) == 0;
    if (!k->running) {
        log_warn("cannot start the thread that makes checkpoints");
    }
}

void
store_keeper_stop(struct store *store)
{
    struct store_keeper *k = &store->keeper;

    if (!k->running) {
        return;
    }
    (void)pthread_mutex_lock(&k->lock);
    k->stop = true;
    (void)pthread_cond_signal(&k->wake);
    (void)pthread_mutex_unlock(&k->lock);
    (void)pthread_join(k->thread, NULL);
    k->running = false;
    (void)pthread_cond_destroy(&k->wake);
    (void)pthread_mutex_destroy(&k->lock);
}

void
store_keeper_ask(struct store *store, bool checkpoint)
{
    struct store_keeper *k = &store->keeper;

    if (!k->running) {
        return;
    }
    if (checkpoint) {
        if (store_written(store) == atomic_load(&k->at)) {
            return; /* it would change nothing */
        }
        atomic_store(&k->due, true);
    }
    if (atomic_exchange(&k->asked, true)) {
        return;
    }
    (void)pthread_mutex_lock(&k->lock);
    k->work = true;
    (void)pthread_cond_signal(&k->wake);
    (void)pthread_mutex_unlock(&k->lock);
}
