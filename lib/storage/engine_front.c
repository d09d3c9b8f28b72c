#include "storage/engine_front.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "storage/front_table.h"
#include "storage/store.h"

/*
 * Lock order: drain_lock, then a shard's lock, then what the engine behind
 * locks.  Whoever holds drain_lock is the only one who carries entries over, so
 * they arrive in the order of their shard.
 */

enum {
    NICE = 5,            /* who answers requests goes first */
    BATCH = 256,         /* entries carried over at a time */
    WAKE_MS = 100,       /* the thread looks for old entries so often */
    OLD_MS = 10000,      /* an entry that old goes, full or not */
    COUNT_WAIT_MS = 5000 /* for what is dirty to be carried over first */
};

static const uint64_t default_buffer = 64 << 20;

struct front {
    struct engine base;
    const struct engine_ops *ops; /* of the engine behind */
    struct engine *behind;
    struct front_table table;
    pthread_mutex_t drain_lock;
    pthread_t thread;
    pthread_mutex_t lock; /* wake, stop, hurry */
    pthread_cond_t wake;
    bool stop;
    bool running;
    _Atomic bool hurry;  /* carry over everything, now */
    _Atomic bool failed; /* the engine behind refused an entry */
};

static struct front *
of(struct engine *engine)
{
    return (struct front *)engine;
}

/* --- carrying over ----------------------------------------------------------
 */

static void
wake(struct front *f, bool hurry)
{
    if (hurry) {
        atomic_store(&f->hurry, true);
    }
    (void)pthread_mutex_lock(&f->lock);
    (void)pthread_cond_signal(&f->wake);
    (void)pthread_mutex_unlock(&f->lock);
}

static bool
begin(struct front *f)
{
    return f->ops->begin == NULL || f->ops->begin(f->behind);
}

static bool
commit(struct front *f)
{
    return f->ops->commit == NULL || f->ops->commit(f->behind);
}

static bool
carry(struct front *f, const struct front_entry *entry)
{
    struct slice key = front_entry_key(entry);

    if (front_entry_removes(entry)) {
        return f->ops->remove(f->behind, key) != ENGINE_ERROR;
    }
    return f->ops->put(f->behind, key, front_entry_record(entry));
}

static void
on_gone(void *arg, struct slice key, size_t n)
{
    struct front *f = arg;

    f->ops->release(f->behind, key, n);
}

/* They are behind, and need no room any more. */
static void
release_all(struct front *f, struct front_entry *const *batch, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (batch[i] != NULL && !front_entry_removes(batch[i])) {
            on_gone(f, front_entry_key(batch[i]),
                    front_entry_record(batch[i]).n);
        }
    }
}

/*
 * Carry over up to BATCH entries of one shard, those that are due.  Returns how
 * many went; -1: the engine failed, they stay.  Under drain_lock.
 */
static int
drain_batch(struct front *f, struct front_shard *shard, int64_t older_than)
{
    struct front_entry *batch[BATCH];
    unsigned n = front_shard_begin(shard, batch, BATCH, older_than);
    bool ok = n == 0 || begin(f);

    for (unsigned i = 0; ok && i < n; i++) {
        ok = batch[i] == NULL || carry(f, batch[i]);
    }
    if (!ok || (n > 0 && !commit(f))) {
        atomic_store(&f->failed, true);
        front_shard_abort(shard, batch, n, on_gone, f);
        return -1;
    }
    release_all(f, batch, n);
    front_shard_end(shard);
    return (int)n;
}

static int
drain_once(struct front *f, struct front_shard *shard, int64_t older_than)
{
    int n;

    (void)pthread_mutex_lock(&f->drain_lock);
    n = atomic_load(&f->failed) ? -1 : drain_batch(f, shard, older_than);
    (void)pthread_mutex_unlock(&f->drain_lock);
    return n;
}

/* Everything of every shard that is older; false: the engine failed. */
static bool
drain_all(struct front *f, int64_t older_than)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < FRONT_SHARDS; i++) {
        struct front_shard *shard = &f->table.shard[i];
        int n;

        do {
            n = drain_once(f, shard, older_than);
        } while (n > 0);
        ok = n == 0;
    }
    return ok;
}

static void
wait_for_work(struct front *f)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAKE_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&f->lock);
    if (!f->stop && !atomic_load(&f->hurry)) {
        (void)pthread_cond_timedwait(&f->wake, &f->lock, &until);
    }
    (void)pthread_mutex_unlock(&f->lock);
}

static bool
is_stopping(struct front *f)
{
    bool stop;

    (void)pthread_mutex_lock(&f->lock);
    stop = f->stop;
    (void)pthread_mutex_unlock(&f->lock);
    return stop;
}

static void *
run(void *arg)
{
    struct front *f = arg;
    bool told = false;

    (void)pthread_setname_np(pthread_self(), "drain");
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread */
    while (!is_stopping(f)) {
        bool hurry = atomic_exchange(&f->hurry, false);
        int64_t now = front_now_ms();

        if (!drain_all(f, hurry ? INT64_MAX : now - OLD_MS) && !told) {
            log_error("%s: the engine refused a record; what was written "
                      "since the last checkpoint is in the log",
                      f->ops->file);
            told = true;
        }
        front_table_wake_writers(&f->table);
        wait_for_work(f);
    }
    return NULL;
}

/* --- the engine's operations ---------------------------------------------- */

int
engine_front_open(const struct engine_front *front, struct engine **out,
                  const struct store_options *options, const char *path,
                  struct engine_found *found, struct err *err)
{
    const struct engine_ops *ops = front->behind;
    struct front *f = xcalloc(1, sizeof(*f));
    pthread_condattr_t attr;
    int rc = ops->open(&f->behind, options, path, found, err);

    if (rc == 0 && !front_table_init(&f->table, options->buffer_bytes > 0
                                                    ? options->buffer_bytes
                                                    : default_buffer)) {
        struct err ignored;

        (void)ops->close(f->behind, &ignored);
        rc = err_set(err, ERR_NOMEM, "write buffer: out of memory");
    }
    if (rc != 0) {
        *out = NULL;
        free(f);
        return rc;
    }
    f->base.ops = front->own;
    f->ops = ops;
    (void)pthread_mutex_init(&f->drain_lock, NULL);
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&f->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    f->running = pthread_create(&f->thread, NULL, run, f) == 0;
    if (!f->running) {
        rc = err_set(err, ERR_NOMEM, "cannot start the drain thread");
    }
    *out = &f->base;
    return rc;
}

static void
stop_thread(struct front *f)
{
    if (f->running) {
        (void)pthread_mutex_lock(&f->lock);
        f->stop = true;
        (void)pthread_cond_signal(&f->wake);
        (void)pthread_mutex_unlock(&f->lock);
        (void)pthread_join(f->thread, NULL);
        f->running = false;
    }
}

static int
front_close(struct engine *engine, struct err *err)
{
    struct front *f = of(engine);
    int rc;
    bool drained;

    stop_thread(f);
    drained = drain_all(f, INT64_MAX);
    rc = f->ops->close(f->behind, err);
    if (rc == 0 && !drained) {
        rc = err_set(err, ERR_IO, "%s: the engine refused a record",
                     f->ops->file);
    }
    front_table_fini(&f->table);
    (void)pthread_cond_destroy(&f->wake);
    (void)pthread_mutex_destroy(&f->lock);
    (void)pthread_mutex_destroy(&f->drain_lock);
    free(f);
    return rc;
}

static enum engine_result
front_get(struct engine *engine, struct slice key, size_t want, struct buf *out)
{
    struct front *f = of(engine);

    switch (front_table_get(&f->table, key, want, out)) {
    case FRONT_FOUND:
        return ENGINE_OK;
    case FRONT_REMOVED:
        return ENGINE_MISS;
    case FRONT_NO_MEMORY:
        return ENGINE_ERROR;
    case FRONT_UNKNOWN:
        break;
    }
    return f->ops->get(f->behind, key, want, out);
}

static void
front_prefetch(struct engine *engine, const uint64_t *hash, unsigned n)
{
    front_table_prefetch(&of(engine)->table, hash, n);
}

static bool
front_reserve(struct engine *engine, struct slice key, size_t n)
{
    return of(engine)->ops->reserve(of(engine)->behind, key, n);
}

static void
front_release(struct engine *engine, struct slice key, size_t n)
{
    of(engine)->ops->release(of(engine)->behind, key, n);
}

/*
 * Past the table: too large for it, or there is no room on the disk for a
 * record that would wait.  Whatever the table has of the key is older and must
 * neither be carried over later nor be found.
 */
static bool
write_through(struct front *f, struct slice key, struct slice record)
{
    size_t old_n = 0;
    bool ok;

    (void)pthread_mutex_lock(&f->drain_lock);
    ok = begin(f) && f->ops->put(f->behind, key, record) && commit(f);
    if (ok && front_table_forget(&f->table, key, &old_n)) {
        f->ops->release(f->behind, key, old_n);
    }
    (void)pthread_mutex_unlock(&f->drain_lock);
    return ok;
}

static bool
front_put(struct engine *engine, struct slice key, struct slice record)
{
    struct front *f = of(engine);
    struct front_write w = {.key = key, .record = record};

    if (!front_table_fits(&f->table, key, record) ||
        !f->ops->reserve(f->behind, key, record.n)) {
        return write_through(f, key, record);
    }
    while (!front_table_put(&f->table, &w)) {
        if (atomic_load(&f->failed)) {
            f->ops->release(f->behind, key, record.n);
            return false;
        }
        wake(f, true);
        front_table_wait(&f->table, key);
    }
    if (w.replaced_n != SIZE_MAX) {
        f->ops->release(f->behind, key, w.replaced_n);
    }
    if (w.crowded && !atomic_load_explicit(&f->hurry, memory_order_relaxed)) {
        wake(f, true);
    }
    return true;
}

static enum engine_result
front_remove(struct engine *engine, struct slice key)
{
    struct front *f = of(engine);
    struct front_write w = {.key = key, .removes = true};

    while (!front_table_put(&f->table, &w)) {
        if (atomic_load(&f->failed)) {
            return ENGINE_ERROR;
        }
        wake(f, true);
        front_table_wait(&f->table, key);
    }
    if (w.replaced_n != SIZE_MAX) {
        f->ops->release(f->behind, key, w.replaced_n);
    }
    return ENGINE_OK;
}

/*
 * Whether a key in the table is new is known only behind, so what is dirty now
 * is carried over first.
 */
static uint64_t
front_count(struct engine *engine)
{
    struct front *f = of(engine);

    if (!front_table_is_clean(&f->table)) {
        wake(f, true);
        front_table_wait_clean(&f->table, COUNT_WAIT_MS);
    }
    return f->ops->count(f->behind);
}

static uint64_t
front_size(struct engine *engine)
{
    return of(engine)->ops->size(of(engine)->behind);
}

static bool
front_truncate(struct engine *engine)
{
    struct front *f = of(engine);
    bool ok;

    (void)pthread_mutex_lock(&f->drain_lock);
    front_table_clear(&f->table, on_gone, f);
    ok = f->ops->truncate(f->behind);
    (void)pthread_mutex_unlock(&f->drain_lock);
    return ok;
}

static bool
front_settle(struct engine *engine)
{
    return drain_all(of(engine), INT64_MAX);
}

static bool
front_checkpoint(struct engine *engine)
{
    struct front *f = of(engine);

    return drain_all(f, INT64_MAX) && f->ops->checkpoint(f->behind);
}

static void
front_mark(struct engine *engine)
{
    front_table_mark(&of(engine)->table);
}

/* One shard after the other; false: the engine failed. */
static bool
front_carry_marked(struct engine *engine)
{
    struct front *f = of(engine);
    bool ok = true;

    for (unsigned i = 0; ok && i < FRONT_SHARDS; i++) {
        struct front_shard *shard = &f->table.shard[i];

        while (ok && front_shard_is_marked(shard)) {
            ok = drain_once(f, shard, INT64_MAX) >= 0;
        }
    }
    return ok && f->ops->checkpoint(f->behind);
}

static bool
front_sync(struct engine *engine)
{
    return of(engine)->ops->sync(of(engine)->behind);
}

static struct engine_cursor *
front_cursor_open(struct engine *engine, bool exact, struct slice from)
{
    struct front *f = of(engine);

    (void)drain_all(f, INT64_MAX);
    return f->ops->cursor_open(f->behind, exact, from);
}

static enum engine_result
front_cursor_next(struct engine_cursor *cursor, struct slice *key,
                  struct slice *record)
{
    return cursor->ops->cursor_next(cursor, key, record);
}

static void
front_cursor_close(struct engine_cursor *cursor)
{
    cursor->ops->cursor_close(cursor);
}

static int
open_hash(struct engine **out, const struct store_options *options,
          const char *path, struct engine_found *found, struct err *err)
{
    static const struct engine_front front = {&engine_hash_front, &engine_hash};

    return engine_front_open(&front, out, options, path, found, err);
}

static int
open_btree(struct engine **out, const struct store_options *options,
           const char *path, struct engine_found *found, struct err *err)
{
    static const struct engine_front front = {&engine_btree_front,
                                              &engine_btree};

    return engine_front_open(&front, out, options, path, found, err);
}

#define FRONT_OPS                                                              \
    .close = front_close, .prefetch = front_prefetch, .get = front_get,        \
    .reserve = front_reserve, .release = front_release, .put = front_put,      \
    .remove = front_remove, .count = front_count, .size = front_size,          \
    .truncate = front_truncate, .settle = front_settle,                        \
    .checkpoint = front_checkpoint, .sync = front_sync,                        \
    .cursor_open = front_cursor_open, .cursor_next = front_cursor_next,        \
    .cursor_close = front_cursor_close

const struct engine_ops engine_hash_front = {
    .name = "tch",
    .file = "flare.hdb",
    .spare_bytes = 4 << 20,
    .ordered = false,
    .open = open_hash,
    /* A B+ tree gives its room back at a checkpoint, so it does it at once. */
    .mark = front_mark,
    .carry_marked = front_carry_marked,
    FRONT_OPS,
};

const struct engine_ops engine_btree_front = {
    .name = "tcb",
    .file = "flare.bdb",
    .ordered = true,
    .checkpoint_bytes = 8 << 20,
    .spare_bytes = 16 << 20,
    .open = open_btree,
    FRONT_OPS,
};
