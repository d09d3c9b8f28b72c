#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "storage/engine_hash.h"

enum {
    BATCH_RECORDS = 128,
    BATCH_BYTES = 256 << 10,
    SHRINKS = 32 << 10, /* a record that loses so much may be split up */
};

struct hash_cursor {
    struct engine_cursor base;
    struct list link;
    struct hash_engine *engine;
    bool exact;
    bool started;
    bool fresh;          /* the record at `at` has not been read yet */
    bool ended;          /* the file was read to its end */
    struct buf at;       /* the key it stands on */
    struct buf batch;    /* records read ahead: two lengths, key, record */
    struct strmap moved; /* keys of records that may have moved */
    size_t moved_at;
    TCXSTR *key, *record; /* where Tokyo Cabinet puts what it reads */
};

static struct slice
xstr(const TCXSTR *s)
{
    return (struct slice){tcxstrptr(s), (size_t)tcxstrsize(s)};
}

struct engine_cursor *
hash_cursor_open(struct engine *engine, bool exact, struct slice from)
{
    struct hash_engine *e = (struct hash_engine *)engine;
    struct hash_cursor *c = xcalloc(1, sizeof(*c));

    c->base.ops = &engine_hash;
    c->engine = e;
    c->exact = exact;
    c->key = tcxstrnew();
    c->record = tcxstrnew();
    if (from.n > 0 && buf_put_slice(&c->at, from)) {
        c->started = true;
    }
    (void)pthread_rwlock_wrlock(&e->walk);
    list_append(&e->cursors, &c->link);
    e->watchers += exact ? 1 : 0;
    (void)pthread_rwlock_unlock(&e->walk);
    return &c->base;
}

void
hash_cursor_close(struct engine_cursor *cursor)
{
    struct hash_cursor *c = (struct hash_cursor *)cursor;
    struct hash_engine *e = c->engine;

    (void)pthread_rwlock_wrlock(&e->walk);
    list_remove(&c->link);
    e->watchers -= c->exact ? 1 : 0;
    (void)pthread_rwlock_unlock(&e->walk);
    tcxstrdel(c->key);
    tcxstrdel(c->record);
    buf_fini(&c->at);
    buf_fini(&c->batch);
    strmap_fini(&c->moved);
    free(c);
}

/* --- moving, under the exclusive lock ----------------------------------- */

/* Put the shared iterator where the next unread record is. */
static bool
jump(struct hash_cursor *c)
{
    TCHDB *hdb = c->engine->hdb;
    struct slice at = buf_slice(&c->at);

    if (!c->started) {
        c->started = true;
        return tchdbiterinit(hdb);
    }
    if (!tchdbiterinit2(hdb, at.p, (int)at.n)) {
        return false;
    }
    return c->fresh || tchdbiternext3(hdb, c->key, c->record);
}

static bool
stand_on(struct hash_cursor *c, struct slice key, bool fresh)
{
    buf_clear(&c->at);
    c->fresh = fresh;
    return buf_put_slice(&c->at, key);
}

/* Something happens to the record it stands on: stand on the next one. */
static void
step_aside(struct hash_cursor *c)
{
    if (!jump(c)) {
        c->ended = true;
        return;
    }
    if (c->fresh) { /* the iterator is before the record: pass it */
        (void)tchdbiternext3(c->engine->hdb, c->key, c->record);
    }
    if (!tchdbiternext3(c->engine->hdb, c->key, c->record) ||
        !stand_on(c, xstr(c->key), true)) {
        c->ended = true;
    }
}

static bool
add_to_batch(struct hash_cursor *c, struct slice key, struct slice record)
{
    size_t sizes[2] = {key.n, record.n};

    return buf_reserve(&c->batch, sizeof(sizes) + key.n + record.n) &&
           buf_put(&c->batch, sizes, sizeof(sizes)) &&
           buf_put_slice(&c->batch, key) && buf_put_slice(&c->batch, record);
}

/* Read the next records of the file.  False: out of memory. */
static bool
read_ahead(struct hash_cursor *c)
{
    TCHDB *hdb = c->engine->hdb;
    bool any = false;

    if (!jump(c)) {
        c->ended = true;
        return true;
    }
    for (unsigned i = 0; i < BATCH_RECORDS && buf_len(&c->batch) < BATCH_BYTES;
         i++) {
        if (!tchdbiternext3(hdb, c->key, c->record)) {
            c->ended = true;
            break;
        }
        if (!add_to_batch(c, xstr(c->key), xstr(c->record))) {
            return false;
        }
        any = true;
    }
    return !any || stand_on(c, xstr(c->key), false);
}

/* --- what writers do for cursors ---------------------------------------- */

static bool
stands_on(const struct hash_cursor *c, struct slice key)
{
    return c->started && !c->ended && slice_eq(buf_slice(&c->at), key);
}

static bool
may_move(struct hash_engine *e, struct slice key, size_t size)
{
    int old;

    if (size == SIZE_MAX) {
        return false;
    }
    old = tchdbvsiz(e->hdb, key.p, (int)key.n);
    return old >= 0 &&
           (e->packed || size > (size_t)old || (size_t)old - size >= SHRINKS);
}

void
hash_cursors_aside(struct hash_engine *e, struct slice key, size_t size)
{
    bool moves = may_move(e, key, size);

    for (struct list *at = e->cursors.next; at != &e->cursors; at = at->next) {
        struct hash_cursor *c = LIST_ENTRY(at, struct hash_cursor, link);

        if (c->exact && moves && !c->ended) {
            (void)strmap_put(&c->moved, key, c);
        }
        if ((size == SIZE_MAX || (moves && c->exact)) && stands_on(c, key)) {
            step_aside(c);
        }
    }
}

void
hash_cursors_truncated(struct hash_engine *e)
{
    for (struct list *at = e->cursors.next; at != &e->cursors; at = at->next) {
        LIST_ENTRY(at, struct hash_cursor, link)->ended = true;
    }
}

/* --- the next record ---------------------------------------------------- */

static void
take_from_batch(struct hash_cursor *c, struct slice *key, struct slice *record)
{
    size_t sizes[2];
    const char *p = c->batch.base + c->batch.start;

    memcpy(sizes, p, sizeof(sizes));
    *key = (struct slice){p + sizeof(sizes), sizes[0]};
    *record = (struct slice){key->p + key->n, sizes[1]};
    c->batch.start += sizeof(sizes) + sizes[0] + sizes[1];
}

/* After the end of the file: one of those that moved. */
static enum engine_result
next_moved(struct hash_cursor *c, struct slice *key, struct slice *record)
{
    void *value;

    while (strmap_next(&c->moved, &c->moved_at, key, &value)) {
        enum engine_result result;

        buf_clear(&c->batch);
        result = hash_get(&c->engine->base, *key, SIZE_MAX, &c->batch);
        if (result != ENGINE_MISS) {
            *record = buf_slice(&c->batch);
            /* Not to be taken for records read ahead. */
            c->batch.start = c->batch.end;
            return result;
        }
    }
    return ENGINE_MISS;
}

enum engine_result
hash_cursor_next(struct engine_cursor *cursor, struct slice *key,
                 struct slice *record)
{
    struct hash_cursor *c = (struct hash_cursor *)cursor;

    if (buf_len(&c->batch) == 0) {
        bool ok = true;

        buf_clear(&c->batch);
        (void)pthread_rwlock_wrlock(&c->engine->walk);
        if (!c->ended) {
            ok = read_ahead(c);
        }
        (void)pthread_rwlock_unlock(&c->engine->walk);
        if (!ok) {
            return ENGINE_ERROR;
        }
    }
    if (buf_len(&c->batch) > 0) {
        take_from_batch(c, key, record);
        return ENGINE_OK;
    }
    return next_moved(c, key, record);
}
