/*
 * Tokyo Cabinet keeps the pages of a B+ tree in its own memory and writes them
 * when it likes, so a process that dies leaves a tree that does not hang
 * together.  So there is always a transaction: what is on the disk can be
 * taken back to the last checkpoint, and the log has everything since.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <tcbdb.h>
#include <unistd.h>

#include "base/alloc.h"
#include "storage/engine.h"
#include "storage/room.h"
#include "storage/store.h"
#include "storage/tc_err.h"
#include "storage/tc_file.h"
#include "storage/tc_wal.h"

enum {
    RECORD_EXTRA = 64, /* bytes around key and value, generously */
    LEAVES = 4096,     /* pages to keep in memory */
    NODES = 1024,
    BATCH = 64, /* keys a cursor reads ahead */
};

/*
 * A record dirties a page, and pages are written later, each to where it fits
 * and its old bytes to the transaction's file.
 */
static const uint64_t room_step = 16 << 20;
static const uint64_t room_slack = 8 << 20;
static const uint64_t room_spare = 16 << 20;

struct btree_engine {
    struct engine base;
    TCBDB *bdb;
    char *path;
    int fd; /* ours, for blocks and fsync; closed after the handle: locks */
    struct room room;
    _Atomic uint64_t unwritten; /* bytes put since the last checkpoint */
};

struct btree_cursor {
    struct engine_cursor base;
    struct btree_engine *engine;
    struct buf last; /* the key read last, or where to begin */
    bool started;
    TCLIST *keys; /* read ahead */
    int at;
    void *record; /* the one shown last */
};

static struct btree_engine *
of(struct engine *engine)
{
    return (struct btree_engine *)engine;
}

static uint64_t
bytes_used(void *arg)
{
    return tcbdbfsiz(((struct btree_engine *)arg)->bdb);
}

static enum engine_result
miss_or_error(struct btree_engine *e)
{
    return tcbdbecode(e->bdb) == TCENOREC ? ENGINE_MISS : ENGINE_ERROR;
}

/* --- opening and closing ------------------------------------------------ */

static void
btree_free(struct btree_engine *e)
{
    tcbdbdel(e->bdb);
    if (e->fd >= 0) {
        (void)close(e->fd);
        room_fini(&e->room);
    }
    free(e->path);
    free(e);
}

static int
tune(struct btree_engine *e, const struct store_options *o, struct err *err)
{
    int ap = o->ap > 0 ? (int)o->ap : -1;
    int fp = o->fp > 0 ? (int)o->fp : -1;
    uint8_t bits;

    if (tc_options(o->compress, o->large, &bits, err) != 0) {
        return (int)err->code;
    }
    if (!tcbdbsetmutex(e->bdb) ||
        !tcbdbtune(e->bdb, (int32_t)o->lmemb, (int32_t)o->nmemb,
                   (int64_t)o->bucket_size, (int8_t)ap, (int8_t)fp, bits) ||
        !tcbdbsetcache(e->bdb, LEAVES, NODES) ||
        !tcbdbsetdfunit(e->bdb, (int32_t)o->dfunit)) {
        return tc_err(err, tcbdbecode(e->bdb), "set up", e->path);
    }
    return 0;
}

static int
open_file(struct btree_engine *e, struct err *err)
{
    if (!tcbdbopen(e->bdb, e->path, BDBOWRITER | BDBOCREAT | BDBOLCKNB)) {
        return tc_err(err, tcbdbecode(e->bdb), "open", e->path);
    }
    e->fd = open(e->path, O_RDWR | O_CLOEXEC);
    if (e->fd < 0) {
        return err_sys(err, "open %s", e->path);
    }
    e->room = (struct room){
        .fd = e->fd,
        .used = bytes_used,
        .arg = e,
        .step = room_step,
        .slack = room_slack,
        .spare = room_spare,
    };
    if (!room_init(&e->room)) {
        return err_sys(err, "make room for %s", e->path);
    }
    if (!tcbdbtranbegin(e->bdb)) {
        return tc_err(err, tcbdbecode(e->bdb), "begin to write", e->path);
    }
    return 0;
}

static struct btree_engine *
btree_new(const char *path)
{
    struct btree_engine *e = xcalloc(1, sizeof(*e));

    e->base.ops = &engine_btree;
    e->bdb = tcbdbnew();
    e->path = xstrdup(path);
    e->fd = -1;
    return e;
}

static int
make_file(void *arg, const char *path, struct err *err)
{
    struct btree_engine *e = btree_new(path);
    int rc = tune(e, arg, err);

    if (rc == 0 && (!tcbdbopen(e->bdb, path, BDBOWRITER | BDBOCREAT) ||
                    !tcbdbclose(e->bdb))) {
        rc = tc_err(err, tcbdbecode(e->bdb), "make", path);
    }
    btree_free(e);
    return rc;
}

static int
btree_open(struct engine **out, const struct store_options *options,
           const char *path, struct engine_found *found, struct err *err)
{
    struct store_options o = *options;
    struct btree_engine *e;

    *out = NULL;
    if (tc_file_look(path, found, err) != 0 ||
        tc_file_make(path, found, make_file, &o, err) != 0 ||
        tc_wal_trim(path, err) != 0) {
        return (int)err->code;
    }
    e = btree_new(path);
    if (tune(e, options, err) != 0 || open_file(e, err) != 0) {
        btree_free(e);
        return (int)err->code;
    }
    tc_file_opened(path);
    *out = &e->base;
    return 0;
}

static int
btree_close(struct engine *engine, struct err *err)
{
    struct btree_engine *e = of(engine);
    int rc = 0;

    if (!tcbdbtrancommit(e->bdb) || !tcbdbclose(e->bdb)) {
        rc = tc_err(err, tcbdbecode(e->bdb), "close", e->path);
    } else if (fsync(e->fd) != 0) {
        rc = err_sys(err, "fsync %s", e->path);
    }
    btree_free(e);
    return rc;
}

/* --- one record --------------------------------------------------------- */

static enum engine_result
btree_get(struct engine *engine, struct slice key, size_t want, struct buf *out)
{
    struct btree_engine *e = of(engine);
    enum engine_result result;
    int size = 0;
    void *record = tcbdbget(e->bdb, key.p, (int)key.n, &size);
    size_t n = (size_t)size;

    if (record == NULL) {
        return miss_or_error(e);
    }
    n = n < want ? n : want;
    result = buf_put(out, record, n) ? ENGINE_OK : ENGINE_ERROR;
    free(record);
    return result;
}

static bool
btree_reserve(struct engine *engine, struct slice key, size_t n)
{
    struct btree_engine *e = of(engine);
    uint64_t bytes = 2 * (key.n + n + RECORD_EXTRA);

    if (!room_take(&e->room, bytes)) {
        return false;
    }
    atomic_fetch_add(&e->unwritten, bytes);
    return true;
}

static void
btree_release(struct engine *engine, struct slice key, size_t n)
{
    (void)engine; /* the file grows later: see checkpoint */
    (void)key;
    (void)n;
}

static bool
btree_put(struct engine *engine, struct slice key, struct slice record)
{
    return key.n <= INT_MAX && record.n <= INT_MAX &&
           tcbdbput(of(engine)->bdb, key.p, (int)key.n, record.p,
                    (int)record.n);
}

static enum engine_result
btree_remove(struct engine *engine, struct slice key)
{
    struct btree_engine *e = of(engine);

    return tcbdbout(e->bdb, key.p, (int)key.n) ? ENGINE_OK : miss_or_error(e);
}

/* --- the whole file ----------------------------------------------------- */

static uint64_t
btree_count(struct engine *engine)
{
    return tcbdbrnum(of(engine)->bdb);
}

static uint64_t
btree_size(struct engine *engine)
{
    return tcbdbfsiz(of(engine)->bdb);
}

static bool
btree_truncate(struct engine *engine)
{
    struct btree_engine *e = of(engine);
    bool ok;

    tc_file_emptying_begins(e->path);
    ok = tcbdbtranabort(e->bdb) && tcbdbvanish(e->bdb);
    room_give(&e->room, atomic_exchange(&e->unwritten, 0));
    ok = tcbdbtranbegin(e->bdb) && room_reset(&e->room) && ok;
    if (ok) {
        tc_file_emptying_ends(e->path);
    }
    return ok;
}

static bool
btree_checkpoint(struct engine *engine)
{
    struct btree_engine *e = of(engine);
    bool ok = tcbdbtrancommit(e->bdb);

    room_give(&e->room, atomic_exchange(&e->unwritten, 0));
    return tcbdbtranbegin(e->bdb) && ok;
}

static bool
btree_sync(struct engine *engine)
{
    return room_sync(&of(engine)->room);
}

/* --- cursors: always by key, so nothing that moves disturbs them --------- */

static struct engine_cursor *
btree_cursor_open(struct engine *engine, bool exact, struct slice from)
{
    struct btree_cursor *c = xcalloc(1, sizeof(*c));

    (void)exact;
    c->base.ops = &engine_btree;
    c->engine = of(engine);
    if (!buf_put_slice(&c->last, from)) {
        abort();
    }
    return &c->base;
}

static void
drop_keys(struct btree_cursor *c)
{
    if (c->keys != NULL) {
        tclistdel(c->keys);
        c->keys = NULL;
    }
}

/* False: there are no more keys, or no memory. */
static bool
read_ahead(struct btree_cursor *c)
{
    struct slice last = buf_slice(&c->last);
    const char *p = last.n > 0 ? last.p : NULL;
    const void *newest;
    int n = 0;

    drop_keys(c);
    c->at = 0;
    c->keys = tcbdbrange(c->engine->bdb, p, (int)last.n, !c->started, NULL, 0,
                         false, BATCH);
    if (c->keys == NULL || tclistnum(c->keys) == 0) {
        return false;
    }
    c->started = true;
    newest = tclistval(c->keys, tclistnum(c->keys) - 1, &n);
    buf_clear(&c->last);
    return buf_put(&c->last, newest, (size_t)n);
}

static enum engine_result
btree_cursor_next(struct engine_cursor *cursor, struct slice *key,
                  struct slice *record)
{
    struct btree_cursor *c = (struct btree_cursor *)cursor;

    free(c->record);
    c->record = NULL;
    for (;;) {
        int n = 0;

        if ((c->keys == NULL || c->at == tclistnum(c->keys)) &&
            !read_ahead(c)) {
            return ENGINE_MISS;
        }
        key->p = tclistval(c->keys, c->at++, &n);
        key->n = (size_t)n;
        c->record = tcbdbget(c->engine->bdb, key->p, n, &n);
        if (c->record != NULL) {
            *record = (struct slice){c->record, (size_t)n};
            return ENGINE_OK;
        }
        if (miss_or_error(c->engine) == ENGINE_ERROR) {
            return ENGINE_ERROR;
        }
    }
}

static void
btree_cursor_close(struct engine_cursor *cursor)
{
    struct btree_cursor *c = (struct btree_cursor *)cursor;

    drop_keys(c);
    free(c->record);
    buf_fini(&c->last);
    free(c);
}

const struct engine_ops engine_btree = {
    .name = "tcb",
    .file = "flare.bdb",
    .ordered = true,
    .checkpoint_bytes = 8 << 20,
    .open = btree_open,
    .close = btree_close,
    .get = btree_get,
    .reserve = btree_reserve,
    .release = btree_release,
    .put = btree_put,
    .remove = btree_remove,
    .count = btree_count,
    .size = btree_size,
    .truncate = btree_truncate,
    .checkpoint = btree_checkpoint,
    .sync = btree_sync,
    .cursor_open = btree_cursor_open,
    .cursor_next = btree_cursor_next,
    .cursor_close = btree_cursor_close,
};
