#include "storage/engine_front.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "storage/engine_front_impl.h"
#include "storage/store.h"

enum {
    PATIENCE_MS = 20000, /* for room on the disk */
    COUNT_WAIT_MS = 500  /* for what is dirty to be carried over first */
};

static const uint64_t default_buffer = 64 << 20;

static struct front *
of(struct engine *engine)
{
    return (struct front *)engine;
}

/* --- the engine's operations ---------------------------------------------- */

static void
open_digest(struct front *f, const char *folder,
            const struct engine_found *found)
{
    AUTO_FREE char *path = xasprintf("%s/digest", folder);

    f->digest = digest_open(path, f->ops->name, f->ops->begin == NULL);
    if (found->created) {
        digest_clear(f->digest);
    } else {
        (void)digest_counts_for(f->digest, f->ops->count(f->behind));
    }
}

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
    open_digest(f, options->data_dir, found);
    (void)pthread_mutex_init(&f->drain_lock, NULL);
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&f->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    f->running = pthread_create(&f->thread, NULL, front_run, f) == 0;
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
    drained = front_drain_all(f, INT64_MAX);
    digest_close(f->digest);
    buf_fini(&f->old);
    if (atomic_load(&f->lost)) {
        /*
         * Left open, as by a sudden death: a proper end would say that the file
         * is what it should be.  The process is about to end.
         */
        rc = err_set(err, ERR_IO, "%s: left as it is", f->ops->file);
    } else {
        rc = f->ops->close(f->behind, err);
    }
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

static void
front_give_up(struct engine *engine)
{
    atomic_store(&of(engine)->lost, false);
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
    if (atomic_load_explicit(&f->lost, memory_order_relaxed)) {
        return ENGINE_ERROR; /* what is there may be half of a change */
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
    struct front *f = of(engine);

    /* Nothing is accepted that the engine does not take at the moment. */
    return !atomic_load(&f->failed) && f->ops->reserve(f->behind, key, n);
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
write_now(struct front *f, struct slice key, struct slice record)
{
    if (atomic_load(&f->failed)) {
        return false;
    }
    if (!front_begin(f)) {
        front_put_off(f);
        return false;
    }
    if (!front_carry(f, key, record, false) || !front_commit(f)) {
        front_abort(f);
        return false;
    }
    return true;
}

static bool
write_through(struct front *f, struct slice key, struct slice record)
{
    size_t old_n = 0;
    bool ok;

    front_lock(f);
    ok = write_now(f, key, record);
    if (ok && front_table_forget(&f->table, key, &old_n)) {
        f->ops->release(f->behind, key, old_n);
    }
    (void)pthread_mutex_unlock(&f->drain_lock);
    return ok;
}

/* The log has this change already, so that it is worth waiting for room. */
static bool
is_hopeless(struct front *f, int64_t until)
{
    return atomic_load(&f->failed) &&
           (atomic_load(&f->lost) || front_now_ms() > until);
}

static bool
front_put(struct engine *engine, struct slice key, struct slice record)
{
    struct front *f = of(engine);
    struct front_write w = {.key = key, .record = record};
    int64_t until = front_now_ms() + PATIENCE_MS;

    if (!front_table_fits(&f->table, key, record) ||
        !f->ops->reserve(f->behind, key, record.n)) {
        return write_through(f, key, record);
    }
    while (!front_table_put(&f->table, &w)) {
        if (is_hopeless(f, until)) {
            f->ops->release(f->behind, key, record.n);
            return false;
        }
        front_wake(f, true);
        front_table_wait(&f->table, key);
    }
    if (w.replaced_n != SIZE_MAX) {
        f->ops->release(f->behind, key, w.replaced_n);
    }
    if (w.crowded && !atomic_load_explicit(&f->hurry, memory_order_relaxed)) {
        front_wake(f, true);
    }
    return true;
}

static enum engine_result
front_remove(struct engine *engine, struct slice key)
{
    struct front *f = of(engine);
    struct front_write w = {.key = key, .removes = true};
    int64_t until = front_now_ms() + PATIENCE_MS;

    while (!front_table_put(&f->table, &w)) {
        if (is_hopeless(f, until)) {
            return ENGINE_ERROR;
        }
        front_wake(f, true);
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
        front_wake(f, true);
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

    front_lock(f);
    front_table_clear(&f->table, front_on_gone, f);
    digest_doubt(f->digest);
    ok = f->ops->truncate(f->behind);
    if (ok) {
        digest_clear(f->digest);
    }
    (void)pthread_mutex_unlock(&f->drain_lock);
    return ok;
}

static bool
front_settle(struct engine *engine)
{
    return front_drain_all(of(engine), INT64_MAX);
}

static bool
checkpoint_behind(struct front *f)
{
    bool ok;

    front_lock(f);
    digest_saving(f->digest);
    ok = f->ops->checkpoint(f->behind);
    if (ok) {
        digest_saved(f->digest, f->ops->count(f->behind));
    }
    (void)pthread_mutex_unlock(&f->drain_lock);
    return ok;
}

static bool
front_checkpoint(struct engine *engine)
{
    struct front *f = of(engine);

    return front_drain_all(f, INT64_MAX) && checkpoint_behind(f);
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
            ok = front_drain_once(f, shard, INT64_MAX) >= 0;
        }
    }
    return ok && checkpoint_behind(f);
}

static bool
front_sync(struct engine *engine)
{
    return of(engine)->ops->sync(of(engine)->behind);
}

static bool
front_digest(struct engine *engine, struct digest_sum *sums, uint64_t *records)
{
    struct front *f = of(engine);
    bool ok = front_drain_all(f, INT64_MAX);

    front_lock(f);
    ok = ok && digest_counts(f->digest);
    if (ok) {
        memcpy(sums, digest_sums(f->digest), DIGEST_BUCKETS * sizeof(*sums));
        *records = f->ops->count(f->behind);
    }
    (void)pthread_mutex_unlock(&f->drain_lock);
    return ok;
}

static void
front_digest_doubt(struct engine *engine)
{
    struct front *f = of(engine);

    front_lock(f);
    digest_doubt(f->digest);
    (void)pthread_mutex_unlock(&f->drain_lock);
}

static struct engine_cursor *
front_cursor_open(struct engine *engine, bool exact, struct slice from)
{
    struct front *f = of(engine);

    if (!front_drain_all(f, INT64_MAX)) {
        return NULL; /* it would not show all there is */
    }
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
    .give_up = front_give_up, .digest = front_digest,                          \
    .digest_doubt = front_digest_doubt, .cursor_open = front_cursor_open,      \
    .cursor_next = front_cursor_next, .cursor_close = front_cursor_close

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
