#include "storage/front_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/strmap.h"
#include "storage/front_impl.h"

enum {
    ALIGN = 8,
    LARGEST_SHARE = 8,    /* an entry may take so much of its ring: 1/8 */
    BYTES_A_SLOT = 128,   /* of the ring, for each slot of the index */
    RING_MIN = 64 * 1024, /* bytes */
    PREFETCH_LINES = 4,   /* of 64 bytes: a small record with its header */
    WAIT_MS = 20,         /* a writer looks again after that at the latest */
};

int64_t
front_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct slice
front_entry_key(const struct front_entry *e)
{
    return (struct slice){e->bytes, e->key_n};
}

struct slice
front_entry_record(const struct front_entry *e)
{
    return (struct slice){e->bytes + e->key_n, e->n};
}

bool
front_entry_removes(const struct front_entry *e)
{
    return e->removes;
}

/* --- the rings --- */

static uint32_t
slots_for(uint64_t ring)
{
    uint32_t n = 64;

    while ((uint64_t)n * BYTES_A_SLOT < ring) {
        n *= 2;
    }
    return n;
}

static bool
shard_init(struct front_shard *shard, uint64_t size)
{
    uint32_t slots = slots_for(size);
    pthread_mutexattr_t mutex;
    pthread_condattr_t cond;

    shard->size = size;
    shard->mask = slots - 1;
    shard->index = calloc(slots, sizeof(struct front_entry *));
    shard->ring = malloc(size);
    (void)pthread_mutexattr_init(&mutex);
    (void)pthread_mutexattr_settype(&mutex, PTHREAD_MUTEX_ADAPTIVE_NP);
    (void)pthread_mutex_init(&shard->lock, &mutex);
    (void)pthread_mutexattr_destroy(&mutex);
    (void)pthread_condattr_init(&cond);
    (void)pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&shard->room, &cond);
    (void)pthread_condattr_destroy(&cond);
    return shard->index != NULL && shard->ring != NULL;
}

bool
front_table_init(struct front_table *table, uint64_t bytes)
{
    uint64_t size = bytes / FRONT_SHARDS / ALIGN * ALIGN;
    size_t all = FRONT_SHARDS * sizeof(*table->shard);
    bool ok = true;

    size = size > RING_MIN ? size : RING_MIN;
    table->shard = aligned_alloc(64, all);
    if (table->shard == NULL) {
        return false;
    }
    memset(table->shard, 0, all);
    for (unsigned i = 0; i < FRONT_SHARDS; i++) {
        ok = shard_init(&table->shard[i], size) && ok;
    }
    if (!ok) {
        front_table_fini(table);
    }
    return ok;
}

void
front_table_fini(struct front_table *table)
{
    for (unsigned i = 0; i < FRONT_SHARDS; i++) {
        struct front_shard *shard = &table->shard[i];

        free(shard->index);
        free(shard->ring);
        (void)pthread_mutex_destroy(&shard->lock);
        (void)pthread_cond_destroy(&shard->room);
    }
    free(table->shard);
    table->shard = NULL;
}

static struct front_shard *
shard_of(struct front_table *table, uint64_t hash)
{
    return &table->shard[(hash >> 32) % FRONT_SHARDS];
}

static uint64_t
align_up(uint64_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

static uint64_t
entry_size(size_t key_n, size_t record_n)
{
    return align_up(sizeof(struct front_entry) + key_n + record_n);
}

/* --- the index; under the shard's lock --- */

static struct front_entry **
slot_of(struct front_shard *shard, uint64_t hash)
{
    return &shard->index[hash & shard->mask];
}

static struct front_entry *
find(struct front_shard *shard, uint64_t hash, struct slice key)
{
    struct front_entry *e = *slot_of(shard, hash);

    while (e != NULL &&
           (e->hash != hash || !slice_eq(front_entry_key(e), key))) {
        e = e->next;
    }
    return e;
}

static void
link_entry(struct front_shard *shard, struct front_entry *e)
{
    struct front_entry **slot = slot_of(shard, e->hash);

    e->next = *slot;
    e->linked = true;
    *slot = e;
}

static void
unlink_entry(struct front_shard *shard, struct front_entry *e)
{
    struct front_entry **at = slot_of(shard, e->hash);

    while (*at != e) {
        at = &(*at)->next;
    }
    *at = e->next;
    e->linked = false;
}

/* How far behind the tail an entry lies in the ring. */
static uint64_t
behind_tail(const struct front_shard *shard, const struct front_entry *e)
{
    uint64_t offset = (uint64_t)((const char *)e - shard->ring);

    return (offset + shard->size - shard->tail % shard->size) % shard->size;
}

static bool
is_clean(const struct front_shard *shard, const struct front_entry *e)
{
    return behind_tail(shard, e) < shard->clean - shard->tail;
}

/* True while it may be on its way to the engine, and must not change. */
static bool
is_begun(const struct front_shard *shard, const struct front_entry *e)
{
    return shard->begun > 0 &&
           behind_tail(shard, e) < shard->done - shard->tail;
}

/* True while front_table_mark() has seen it and nobody else has it yet. */
static bool
is_awaited(const struct front_shard *shard, const struct front_entry *e)
{
    return shard->mark > shard->tail &&
           behind_tail(shard, e) < shard->mark - shard->tail;
}

/* --- reading and writing --- */

enum front_found
front_table_get(struct front_table *table, struct slice key, size_t want,
                struct buf *out)
{
    uint64_t hash = strmap_hash(key);
    struct front_shard *shard = shard_of(table, hash);
    enum front_found found = FRONT_UNKNOWN;
    const struct front_entry *e;

    (void)pthread_mutex_lock(&shard->lock);
    e = find(shard, hash, key);
    if (e != NULL && e->removes) {
        found = FRONT_REMOVED;
    } else if (e != NULL) {
        struct slice record = front_entry_record(e);

        record.n = record.n < want ? record.n : want;
        found = buf_put_slice(out, record) ? FRONT_FOUND : FRONT_NO_MEMORY;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return found;
}

/*
 * Without the lock: a slot may change meanwhile, and then a place in the ring
 * that nobody needs is fetched.
 */
__attribute__((no_sanitize("thread"))) void
front_table_prefetch(struct front_table *table, const uint64_t *hash,
                     unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        __builtin_prefetch(slot_of(shard_of(table, hash[i]), hash[i]));
    }
    for (unsigned i = 0; i < n; i++) {
        const char *e = *(char *volatile *)(void *)slot_of(
            shard_of(table, hash[i]), hash[i]);

        for (unsigned line = 0; e != NULL && line < PREFETCH_LINES; line++) {
            __builtin_prefetch(e + (size_t)64 * line);
        }
    }
}

bool
front_table_fits(const struct front_table *table, struct slice key,
                 struct slice record)
{
    return entry_size(key.n, record.n) <= table->shard[0].size / LARGEST_SHARE;
}

static void
fill(struct front_entry *e, const struct front_write *w)
{
    e->removes = w->removes;
    e->n = (uint32_t)w->record.n;
    if (w->record.n > 0) {
        memcpy(e->bytes + e->key_n, w->record.p, w->record.n);
    }
}

/* Give up the oldest clean entries for `need` bytes.  False: not enough. */
static bool
make_room(struct front_shard *shard, uint64_t need)
{
    if (shard->head + need - shard->clean > shard->size) {
        return false;
    }
    while (shard->head + need - shard->tail > shard->size) {
        struct front_entry *e = entry_at(shard, &shard->tail);

        if (shard->tail >= shard->clean) {
            /* The unused end of the ring was all that lay between. */
            shard->clean = shard->tail;
            break;
        }
        if (e->linked) {
            unlink_entry(shard, e);
        }
        shard->tail += e->size;
    }
    return true;
}

/* Room for an entry at the head, or NULL. */
static struct front_entry *
allocate(struct front_shard *shard, uint64_t size)
{
    uint64_t left = shard->size - shard->head % shard->size;
    uint64_t need = left < size ? left + size : size;
    struct front_entry *e;

    if (!make_room(shard, need)) {
        return NULL;
    }
    if (left < size) {
        if (left >= sizeof(*e)) {
            e = entry_at(shard, &shard->head);
            *e = (struct front_entry){.size = (uint32_t)left};
        }
        shard->head += left;
    }
    e = entry_at(shard, &shard->head);
    shard->head += size;
    return e;
}

static bool
put_new(struct front_shard *shard, uint64_t hash, const struct front_write *w)
{
    uint64_t size = entry_size(w->key.n, w->record.n);
    struct front_entry *e = allocate(shard, size);

    if (e == NULL) {
        return false;
    }
    *e = (struct front_entry){
        .hash = hash,
        .came_ms = front_now_ms(),
        .size = (uint32_t)size,
        .key_n = (uint32_t)w->key.n,
        .room = (uint32_t)(size - sizeof(*e) - w->key.n),
    };
    if (w->key.n > 0) {
        memcpy(e->bytes, w->key.p, w->key.n);
    }
    fill(e, w);
    link_entry(shard, e);
    return true;
}

/* Under the lock. */
static bool
put_entry(struct front_shard *shard, uint64_t hash, struct front_write *w)
{
    struct front_entry *old = find(shard, hash, w->key);
    bool clean = old != NULL && is_clean(shard, old);
    bool fixed = clean || (old != NULL && is_begun(shard, old));
    bool awaited = old != NULL && !fixed && is_awaited(shard, old);
    size_t old_n = old != NULL && !fixed && !old->removes ? old->n : SIZE_MAX;

    if (old != NULL && !fixed && w->record.n <= old->room) {
        w->replaced_n = old_n;
        fill(old, w);
        return true;
    }
    if (old != NULL) {
        /* Not to be given up by make_room() as well. */
        unlink_entry(shard, old);
    }
    if (!put_new(shard, hash, w)) {
        if (old != NULL) {
            link_entry(shard, old);
        }
        return false;
    }
    if (awaited) {
        shard->mark = shard->head;
    }
    w->replaced_n = old_n;
    return true;
}

bool
front_table_put(struct front_table *table, struct front_write *w)
{
    uint64_t hash = strmap_hash(w->key);
    struct front_shard *shard = shard_of(table, hash);
    bool ok;

    (void)pthread_mutex_lock(&shard->lock);
    ok = put_entry(shard, hash, w);
    w->crowded = shard->head - shard->clean > shard->size / 2;
    (void)pthread_mutex_unlock(&shard->lock);
    return ok;
}

static void
wait_ms(struct front_shard *shard, int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&shard->room, &shard->lock, &until);
}

void
front_table_wait(struct front_table *table, struct slice key)
{
    struct front_shard *shard = shard_of(table, strmap_hash(key));

    (void)pthread_mutex_lock(&shard->lock);
    if (shard->head - shard->clean > shard->size / 2) {
        wait_ms(shard, WAIT_MS);
    }
    (void)pthread_mutex_unlock(&shard->lock);
}

bool
front_table_forget(struct front_table *table, struct slice key, size_t *n)
{
    uint64_t hash = strmap_hash(key);
    struct front_shard *shard = shard_of(table, hash);
    struct front_entry *e;
    bool had_record = false;

    (void)pthread_mutex_lock(&shard->lock);
    e = find(shard, hash, key);
    if (e != NULL) {
        had_record = !e->removes && !is_clean(shard, e);
        *n = e->n;
        unlink_entry(shard, e);
    }
    (void)pthread_mutex_unlock(&shard->lock);
    return had_record;
}

static void
tell_gone(struct front_shard *shard, uint32_t slot,
          void (*gone)(void *arg, struct slice key, size_t n), void *arg)
{
    for (struct front_entry *e = shard->index[slot]; e != NULL; e = e->next) {
        if (!e->removes && !is_clean(shard, e)) {
            gone(arg, front_entry_key(e), e->n);
        }
    }
}

static void
shard_clear(struct front_shard *shard,
            void (*gone)(void *arg, struct slice key, size_t n), void *arg)
{
    for (uint32_t i = 0; i <= shard->mask; i++) {
        tell_gone(shard, i, gone, arg);
        shard->index[i] = NULL;
    }
    shard->head = shard->tail = shard->clean = shard->done = 0;
    shard->mark = 0;
}

void
front_table_clear(struct front_table *table,
                  void (*gone)(void *arg, struct slice key, size_t n),
                  void *arg)
{
    for (unsigned i = 0; i < FRONT_SHARDS; i++) {
        struct front_shard *shard = &table->shard[i];

        (void)pthread_mutex_lock(&shard->lock);
        shard_clear(shard, gone, arg);
        (void)pthread_cond_broadcast(&shard->room);
        (void)pthread_mutex_unlock(&shard->lock);
    }
}

bool
front_table_is_clean(struct front_table *table)
{
    bool clean = true;

    for (unsigned i = 0; clean && i < FRONT_SHARDS; i++) {
        struct front_shard *shard = &table->shard[i];

        (void)pthread_mutex_lock(&shard->lock);
        clean = shard->head == shard->clean;
        (void)pthread_mutex_unlock(&shard->lock);
    }
    return clean;
}

void
front_table_wait_clean(struct front_table *table, int64_t ms)
{
    int64_t until = front_now_ms() + ms;

    for (unsigned i = 0; i < FRONT_SHARDS; i++) {
        struct front_shard *shard = &table->shard[i];
        uint64_t head;
        int64_t left;

        (void)pthread_mutex_lock(&shard->lock);
        head = shard->head;
        left = until - front_now_ms();
        while (shard->clean < head && shard->head > 0 && left > 0) {
            wait_ms(shard, left);
            left = until - front_now_ms();
        }
        (void)pthread_mutex_unlock(&shard->lock);
    }
}

void
front_table_wake_writers(struct front_table *table)
{
    for (unsigned i = 0; i < FRONT_SHARDS; i++) {
        (void)pthread_cond_broadcast(&table->shard[i].room);
    }
}
