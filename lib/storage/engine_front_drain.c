#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "storage/engine_front_impl.h"

enum {
    AGAIN_MS = 200,     /* after the engine refused a record */
    NICE = 5,           /* who answers requests goes first */
    BATCH = 256,        /* entries carried over at a time */
    WAKE_MS = 100,      /* the thread looks for old entries so often */
    OLD_MS = 10000,     /* an entry that old goes, full or not */
    SURVEY_STEP = 4096, /* records between two looks at who waits */
    SURVEY_AGAIN_MS = 2000,
};

/* --- carrying over ----------------------------------------------------------
 */

void
front_wake(struct front *f, bool hurry)
{
    if (hurry) {
        atomic_store(&f->hurry, true);
    }
    (void)pthread_mutex_lock(&f->lock);
    (void)pthread_cond_signal(&f->wake);
    (void)pthread_mutex_unlock(&f->lock);
}

/* Whoever computes the digest anew gives way. */
void
front_lock(struct front *f)
{
    atomic_fetch_add(&f->wanted, 1);
    (void)pthread_mutex_lock(&f->drain_lock);
    atomic_fetch_sub(&f->wanted, 1);
}

bool
front_begin(struct front *f)
{
    f->digests = digest_counts(f->digest);
    if (f->digests) {
        digest_begin(f->digest);
    }
    return f->ops->begin == NULL || f->ops->begin(f->behind);
}

bool
front_commit(struct front *f)
{
    if (f->ops->commit != NULL && !f->ops->commit(f->behind)) {
        return false;
    }
    if (f->digests) {
        digest_end(f->digest, f->ops->count(f->behind));
    }
    return true;
}

/* The hash of what is there, for the digest; false: it cannot be read. */
static bool
hash_of_old(struct front *f, struct slice key, struct digest_sum *sum)
{
    *sum = (struct digest_sum){0, 0};
    buf_clear(&f->old);
    switch (f->ops->get(f->behind, key, SIZE_MAX, &f->old)) {
    case ENGINE_OK:
        *sum = digest_of(key, buf_slice(&f->old));
        return true;
    case ENGINE_MISS:
        return true;
    case ENGINE_ERROR:
        break;
    }
    return false;
}

/* Put it behind, or remove what is there, and keep the digest up to date. */
bool
front_carry(struct front *f, struct slice key, struct slice record,
            bool removes)
{
    struct digest_sum was, is = {0, 0};

    if (f->digests) {
        if (!hash_of_old(f, key, &was)) {
            return false;
        }
        if (!removes) {
            is = digest_of(key, record);
        }
        digest_change(f->digest, key, was, is);
    }
    return removes ? f->ops->remove(f->behind, key) != ENGINE_ERROR
                   : f->ops->put(f->behind, key, record);
}

void
front_put_off(struct front *f)
{
    if (!atomic_load(&f->failed)) {
        log_error("%s: the engine refuses a record, is the disk full?  What "
                  "it has not taken is in the log",
                  f->ops->file);
    }
    if (f->digests) {
        digest_doubt(f->digest);
    }
    f->again_at = front_now_ms() + AGAIN_MS;
    atomic_store(&f->failed, true);
}

void
front_abort(struct front *f)
{
    front_put_off(f);
    log_error("%s: the engine cannot go on: restart this node, it will be made "
              "good from the log",
              f->ops->file);
    atomic_store(&f->lost, true);
}

static bool
carry_entry(struct front *f, const struct front_entry *entry)
{
    return front_carry(f, front_entry_key(entry), front_entry_record(entry),
                       front_entry_removes(entry));
}

void
front_on_gone(void *arg, struct slice key, size_t n)
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
            front_on_gone(f, front_entry_key(batch[i]),
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
    bool begun = n == 0 || front_begin(f);
    bool ok = begun;

    for (unsigned i = 0; ok && i < n; i++) {
        ok = batch[i] == NULL || carry_entry(f, batch[i]);
    }
    if (!ok || (n > 0 && !front_commit(f))) {
        if (begun) {
            front_abort(f);
        } else {
            front_put_off(f);
        }
        front_shard_abort(shard, batch, n, front_on_gone, f);
        return -1;
    }
    release_all(f, batch, n);
    front_shard_end(shard);
    return (int)n;
}

/*
 * Nearly always the disk is full.  What was accepted is in the table and in the
 * log; it is carried over as soon as there is room.
 */
static bool
must_wait(struct front *f)
{
    return atomic_load(&f->failed) &&
           (atomic_load(&f->lost) || front_now_ms() < f->again_at);
}

int
front_drain_once(struct front *f, struct front_shard *shard, int64_t older_than)
{
    int n;

    front_lock(f);
    n = must_wait(f) ? -1 : drain_batch(f, shard, older_than);
    if (n > 0 && atomic_load(&f->failed)) {
        log_info("%s: the engine takes records again", f->ops->file);
        atomic_store(&f->failed, false);
    }
    (void)pthread_mutex_unlock(&f->drain_lock);
    return n;
}

/* Everything of every shard that is older; false: the engine failed. */
bool
front_drain_all(struct front *f, int64_t older_than)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < FRONT_SHARDS; i++) {
        struct front_shard *shard = &f->table.shard[i];
        int n;

        do {
            n = front_drain_once(f, shard, older_than);
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

/* True: all records were added up. */
static bool
add_up(struct front *f, struct digest_sum *sums)
{
    static const struct slice from_start = {NULL, 0};
    struct engine_cursor *c = f->ops->cursor_open(f->behind, false, from_start);
    enum engine_result result = ENGINE_OK;
    unsigned n = 0;

    while (result == ENGINE_OK) {
        struct slice key, record;

        if (n++ % SURVEY_STEP == SURVEY_STEP - 1 &&
            (atomic_load(&f->wanted) > 0 || atomic_load(&f->hurry))) {
            break;
        }
        result = c->ops->cursor_next(c, &key, &record);
        if (result == ENGINE_OK) {
            digest_sum_add(&sums[digest_bucket(key)], digest_of(key, record));
        }
    }
    c->ops->cursor_close(c);
    return result == ENGINE_MISS;
}

/* Under the drain lock; false: somebody else had precedence. */
static bool
compute_digest(struct front *f)
{
    struct digest_sum *sums = xcalloc(DIGEST_BUCKETS, sizeof(*sums));
    bool ok = !atomic_load(&f->failed) && add_up(f, sums);

    if (ok) {
        digest_replace(f->digest, sums, f->ops->count(f->behind));
        log_debug("the digest was computed anew");
    }
    free(sums);
    return ok;
}

/*
 * Compute the digest anew if it does not count.  Nothing is carried over
 * meanwhile; who wants that has precedence, and it is tried again later.
 */
static void
survey(struct front *f)
{
    if (front_now_ms() < f->survey_at) {
        return;
    }
    (void)pthread_mutex_lock(&f->drain_lock);
    if (!digest_counts(f->digest) && !compute_digest(f)) {
        f->survey_at = front_now_ms() + SURVEY_AGAIN_MS;
    }
    (void)pthread_mutex_unlock(&f->drain_lock);
}

void *
front_run(void *arg)
{
    struct front *f = arg;

    (void)pthread_setname_np(pthread_self(), "drain");
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* of this thread */
    while (!is_stopping(f)) {
        bool hurry = atomic_exchange(&f->hurry, false);
        int64_t now = front_now_ms();

        (void)front_drain_all(
            f, hurry || atomic_load(&f->failed) ? INT64_MAX : now - OLD_MS);
        front_table_wake_writers(&f->table);
        survey(f);
        wait_for_work(f);
    }
    return NULL;
}
