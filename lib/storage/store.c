#include "storage/store.h"

#include <string.h>

#include "item/decide.h"
#include "storage/store_impl.h"

/* Versions beyond it are taken as they are but do not move the clock. */
static const uint64_t clock_max = (uint64_t)1 << 63;

const char store_no_room[] = "no room on the disk for a record";
const char store_no_log_room[] = "no room on the disk for the log";
const char store_engine_failed[] = "the storage engine failed";

uint64_t
store_see_version(struct store *store, uint64_t version)
{
    uint64_t seen = atomic_load(&store->clock);

    if (version > clock_max) {
        atomic_store(&store->complete, false);
        return seen;
    }
    while (seen < version &&
           !atomic_compare_exchange_weak(&store->clock, &seen, version)) {
    }
    return seen;
}

void
store_note_trouble(struct store *store, const char *text, bool stays)
{
    if (!stays) {
        /* Perhaps all that is missing is the room of old log entries. */
        store_keeper_ask(store, true);
    }
    if (!atomic_load(&store->broken)) {
        atomic_store(&store->trouble, text);
    }
    if (stays) {
        atomic_store(&store->broken, true);
    }
}

static void
on_success(struct store *store)
{
    if (atomic_load_explicit(&store->trouble, memory_order_relaxed) != NULL &&
        !atomic_load(&store->broken)) {
        atomic_store(&store->trouble, NULL);
    }
}

bool
store_log_entry(struct store *store, struct ulog_entry *entry)
{
    entry->epoch = atomic_load_explicit(&store->epoch, memory_order_relaxed);
    if (!ulog_append(store->log, entry)) {
        store_note_trouble(store, store_no_log_room, false);
        return false;
    }
    return true;
}

/* --- reading ------------------------------------------------------------ */

bool
store_expire(struct store *store, struct slice key, struct wall now)
{
    pthread_mutex_t *lock = keylock_take(&store->locks, key);
    char bytes[ITEM_HEADER];
    struct buf header = {bytes, 0, 0, sizeof(bytes)};
    struct ulog_entry entry = {.op = ULOG_DELETE, .key = key};
    struct item item;
    uint64_t size;
    bool removed = false;

    if (!atomic_load(&store->broken) &&
        store->ops->get(store->engine, key, ITEM_HEADER, &header) ==
            ENGINE_OK &&
        item_decode_header(buf_slice(&header), &item, &size) &&
        item_expired(&item, now)) {
        entry.version = item.version;
        if (store_log_entry(store, &entry)) {
            tombstones_put(&store->tombstones, key, item.version);
            removed = store->ops->remove(store->engine, key) == ENGINE_OK;
        }
    }
    keylock_leave(lock);
    return removed;
}

void
store_prefetch(struct store *store, const uint64_t *hash, unsigned n)
{
    if (store->ops->prefetch != NULL) {
        store->ops->prefetch(store->engine, hash, n);
    }
}

enum store_status
store_get(struct store *store, struct slice key, struct wall now,
          struct buf *scratch, struct item *out)
{
    buf_clear(scratch);
    switch (store->ops->get(store->engine, key, SIZE_MAX, scratch)) {
    case ENGINE_MISS:
        return STORE_MISS;
    case ENGINE_ERROR:
        return STORE_ERROR;
    case ENGINE_OK:
        break;
    }
    if (!item_decode(buf_slice(scratch), out)) {
        return STORE_MISS;
    }
    if (item_expired(out, now)) {
        if (!atomic_load(&store->keep_expired)) {
            (void)store_expire(store, key, now);
        }
        return STORE_MISS;
    }
    return STORE_OK;
}

/* --- changing ----------------------------------------------------------- */

/* One change on its way through. */
struct pass {
    struct store *store;
    const struct change *change;
    struct buf *scratch; /* the old record, then the new one */
    struct decide_old old;
    struct decision decision;
    struct outcome *out;
};

static bool
has_given_version(const struct change *change)
{
    return change->has_version && change->version != 0 &&
           change->op != CHANGE_CAS && change->op != CHANGE_TOUCH;
}

/*
 * The version for a record that gets one from us.  True in *blind: the change
 * carries a version above all there are, so the old record does not matter.
 */
static uint64_t
next_version(struct pass *p, bool *blind)
{
    struct store *store = p->store;
    uint64_t fresh = 0;
    bool above = true;

    if (has_given_version(p->change)) {
        uint64_t given = p->change->version;

        above = given > store_see_version(store, given);
    } else if (p->change->op != CHANGE_TOUCH) {
        fresh = atomic_fetch_add(&store->clock, 1) + 1;
    }
    *blind = above && p->change->op == CHANGE_SET && !p->change->has_unique &&
             atomic_load_explicit(&store->complete, memory_order_relaxed);
    return fresh;
}

/* How much of the old record the rules look at. */
static size_t
wanted(enum change_op op)
{
    switch (op) {
    case CHANGE_SET:
    case CHANGE_CAS:
    case CHANGE_DELETE:
        return ITEM_HEADER;
    case CHANGE_ADD:
    case CHANGE_REPLACE:
    case CHANGE_APPEND:
    case CHANGE_PREPEND:
    case CHANGE_INCR:
    case CHANGE_DECR:
    case CHANGE_TOUCH:
    case CHANGE_META:
        break;
    }
    return SIZE_MAX;
}

static bool
read_old(struct pass *p)
{
    struct store *store = p->store;
    struct slice key = p->change->key;
    size_t want = wanted(p->change->op);
    uint64_t size;

    switch (store->ops->get(store->engine, key, want, p->scratch)) {
    case ENGINE_ERROR:
        return false;
    case ENGINE_OK:
        p->old.present =
            want == ITEM_HEADER
                ? item_decode_header(buf_slice(p->scratch), &p->old.item, &size)
                : item_decode(buf_slice(p->scratch), &p->old.item);
        break;
    case ENGINE_MISS:
        break;
    }
    if (p->old.present) {
        p->old.marks = marks_find(&store->marks, key, p->old.item.version);
    } else {
        p->old.has_tombstone =
            tombstones_find(&store->tombstones, key, &p->old.tombstone_version);
    }
    return true;
}

/* Move a slice of the old record along with the buffer that holds it. */
static struct slice
moved(struct slice s, const char *from, size_t n, const char *to)
{
    uintptr_t at = (uintptr_t)s.p;
    uintptr_t start = (uintptr_t)from;

    if (at >= start && at <= start + n && s.n > 0) {
        s.p = to + (at - start);
    }
    return s;
}

/* Put the new record behind the old one.  False: out of memory. */
static bool
assemble(struct pass *p, struct slice *record)
{
    struct decision *d = &p->decision;
    size_t old_n = buf_len(p->scratch);
    size_t n = ITEM_HEADER + d->item.value.n;
    char *to;

    if (p->scratch->cap - p->scratch->end < n) {
        struct buf bigger = {0};
        const char *from = p->scratch->base;

        if (!buf_reserve(&bigger, old_n + n)) {
            return false;
        }
        (void)buf_put_slice(&bigger, buf_slice(p->scratch));
        d->head = moved(d->head, from, old_n, bigger.base);
        d->tail = moved(d->tail, from, old_n, bigger.base);
        buf_fini(p->scratch);
        *p->scratch = bigger;
    }
    to = buf_tail(p->scratch);
    item_encode_header(to, &d->item, d->item.value.n);
    if (d->head.n > 0) {
        memcpy(to + ITEM_HEADER, d->head.p, d->head.n);
    }
    if (d->tail.n > 0) {
        memcpy(to + ITEM_HEADER + d->head.n, d->tail.p, d->tail.n);
    }
    buf_advance(p->scratch, n);
    *record = (struct slice){to, n};
    d->item.value = (struct slice){to + ITEM_HEADER, n - ITEM_HEADER};
    return true;
}

static bool
append_entry(struct pass *p, enum ulog_op op)
{
    struct ulog_entry entry = {
        .op = op,
        .flags = p->decision.item.flags,
        .expire = p->decision.item.expire,
        .version = p->decision.item.version,
        .key = p->change->key,
    };

    if (op == ULOG_SET) {
        entry.value = p->decision.item.value;
    } else if (op == ULOG_MARK) {
        entry.flags = p->decision.marks;
        entry.expire = 0;
    } else if (op == ULOG_DELETE) {
        entry.flags = 0;
        entry.expire = 0;
    }
    if (p->change->source == CHANGE_DUMP) {
        /* A checkpoint ends the copy; see store_rebuild_end(). */
        atomic_fetch_add_explicit(&p->store->unlogged,
                                  entry.key.n + entry.value.n,
                                  memory_order_relaxed);
        return true;
    }
    if (!store_log_entry(p->store, &entry)) {
        return false;
    }
    p->out->changed = true;
    p->out->seq = entry.seq;
    return true;
}

/*
 * Marks go into the log before the record that they are about: alone they mean
 * nothing, and no copy and no restart sees the record without them.
 */
static bool
write_marks(struct pass *p)
{
    const struct decision *d = &p->decision;

    if (!d->mark) {
        return true;
    }
    if (atomic_load_explicit(&p->store->broken, memory_order_relaxed) ||
        !append_entry(p, ULOG_MARK)) {
        return false;
    }
    marks_put(&p->store->marks, p->change->key, d->item.version, d->marks);
    return true;
}

static bool
write_record(struct pass *p)
{
    struct store *store = p->store;
    struct slice key = p->change->key;
    struct slice record;
    bool touch = p->decision.answer == CHANGE_TOUCHED;
    bool ok;

    if (atomic_load_explicit(&store->broken, memory_order_relaxed) ||
        !assemble(p, &record)) {
        return false;
    }
    if (!store->ops->reserve(store->engine, key, record.n)) {
        store_note_trouble(store, store_no_room, false);
        return false;
    }
    ok = write_marks(p) && append_entry(p, touch ? ULOG_TOUCH : ULOG_SET);
    if (ok && !store->ops->put(store->engine, key, record)) {
        store_note_trouble(store, store_engine_failed, true);
        ok = false;
    }
    store->ops->release(store->engine, key, record.n);
    if (ok) {
        marks_tidy(&store->marks, key, p->decision.item.version);
    }
    if (ok && p->decision.item.version > 0) {
        (void)store_see_version(store, p->decision.item.version);
    }
    return ok;
}

static bool
remove_record(struct pass *p)
{
    struct store *store = p->store;
    uint64_t version = p->decision.item.version;
    struct slice key = p->change->key;

    if (atomic_load_explicit(&store->broken, memory_order_relaxed)) {
        return false;
    }
    if ((p->decision.answer == CHANGE_DELETED || p->old.present ||
         has_given_version(p->change)) &&
        !append_entry(p, ULOG_DELETE)) {
        return false;
    }
    if (version != 0) {
        (void)store_see_version(store, version);
        tombstones_put(&store->tombstones, key, version);
    }
    marks_tidy(&store->marks, key, version);
    if (p->old.present &&
        store->ops->remove(store->engine, key) == ENGINE_ERROR) {
        store_note_trouble(store, store_engine_failed, true);
        return false;
    }
    return true;
}

/* Under the key's lock.  False: it could not be done. */
static bool
run(struct pass *p, struct wall now)
{
    struct decision *d = &p->decision;
    bool blind;
    uint64_t fresh = next_version(p, &blind);

    if (!blind && !read_old(p)) {
        store_note_trouble(p->store, store_engine_failed, false);
        return false;
    }
    decide(&p->old, p->change, now, fresh, p->store->value_max, d);
    switch (d->verdict) {
    case DECIDE_KEEP:
        return write_marks(p);
    case DECIDE_WRITE:
        return write_record(p);
    case DECIDE_REMOVE:
        return remove_record(p);
    }
    return false;
}

void
store_apply(struct store *store, const struct change *change, struct wall now,
            struct buf *scratch, struct outcome *out)
{
    struct pass pass;
    pthread_mutex_t *lock;

    memset(out, 0, sizeof(*out));
    pass.store = store;
    pass.change = change;
    pass.scratch = scratch;
    pass.out = out;
    pass.old.present = false;
    pass.old.has_tombstone = false;
    pass.old.marks = 0;
    pass.old.item.expire = 0;
    pass.decision.item = (struct item){0};
    buf_clear(scratch);
    lock = keylock_take(&store->locks, change->key);
    if (run(&pass, now)) {
        out->answer = pass.decision.answer;
        if (out->answer == CHANGE_NUMBER) {
            out->number = pass.decision.number;
        }
        if (pass.decision.verdict == DECIDE_WRITE) {
            out->version = pass.decision.item.version;
        }
        if (out->changed || out->answer == CHANGE_TOUCHED ||
            change->op == CHANGE_META) {
            out->item = pass.decision.item;
            out->marks = pass.old.marks;
            out->was_expire = pass.old.item.expire;
            out->won = pass.decision.won;
            out->created = pass.decision.created;
        }
    } else {
        out->answer = CHANGE_FAILED;
        out->changed = false;
    }
    keylock_leave(lock);
    if (out->changed || change->source == CHANGE_DUMP) {
        on_success(store);
        store_keeper_look(store);
    }
}

bool
store_commit(struct store *store)
{
    /* Every entry is in a shared mapping of the log already. */
    return !atomic_load(&store->broken);
}

bool
store_flush_all(struct store *store, uint64_t *seq)
{
    struct ulog_entry entry = {.op = ULOG_FLUSH};
    bool ok;

    if (atomic_load(&store->broken)) {
        return false;
    }
    keylock_all(&store->locks);
    entry.version = atomic_fetch_add(&store->clock, 1) + 1;
    ok = store_log_entry(store, &entry);
    if (ok) {
        *seq = entry.seq;
        tombstones_clear(&store->tombstones);
        marks_clear(&store->marks);
        ok = store->ops->truncate(store->engine);
        if (!ok) {
            store_note_trouble(store, store_engine_failed, true);
        }
    }
    keylock_none(&store->locks);
    return ok;
}

void
store_skip_versions(struct store *store, uint64_t n)
{
    (void)store_see_version(store, atomic_load(&store->clock) + n);
}

/* --- looking ------------------------------------------------------------ */

uint64_t
store_count(struct store *store)
{
    return store->ops->count(store->engine);
}

uint64_t
store_file_size(struct store *store)
{
    return store->ops->size(store->engine);
}

struct ulog *
store_log(struct store *store)
{
    return store->log;
}

const char *
store_trouble(struct store *store)
{
    return atomic_load(&store->trouble);
}
