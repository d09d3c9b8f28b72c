#include "storage/engine_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "item/item.h"
#include "storage/store.h"
#include "storage/tc_err.h"
#include "storage/tc_file.h"
#include "storage/tc_wal.h"

enum {
    RECORD_EXTRA = 64,   /* bytes around key and value, generously */
    SMALL_RECORD = 2048, /* what a get makes room for at first */
    TRIES = 8,           /* a record may grow while it is being read */
    DEFAULT_BUCKETS = 2 << 20,
};

static const uint64_t default_map = 1 << 30;
static const uint64_t room_step = 64 << 20;
static const uint64_t room_slack = 1 << 20;
static const uint64_t room_spare = 4 << 20; /* for a transaction's file */
static const off_t wal_room = 3 << 20;
static const uint64_t wal_ample = 256 << 20; /* nobody fills that meanwhile */
static const uint64_t wal_margin = 8 << 20;  /* somebody fills the disk, too */

static struct hash_engine *
of(struct engine *engine)
{
    return (struct hash_engine *)engine;
}

static uint64_t
bytes_used(void *arg)
{
    return tchdbfsiz(((struct hash_engine *)arg)->hdb);
}

/* Whether an operation failed for another reason than a missing key. */
static enum engine_result
miss_or_error(struct hash_engine *e)
{
    return tchdbecode(e->hdb) == TCENOREC ? ENGINE_MISS : ENGINE_ERROR;
}

/* --- opening and closing ------------------------------------------------ */

static void
hash_free(struct hash_engine *e)
{
    if (e->hdb != NULL) {
        tchdbdel(e->hdb);
    }
    if (e->fd >= 0) {
        (void)close(e->fd);
        room_fini(&e->room);
    }
    (void)pthread_rwlock_destroy(&e->walk);
    free(e->path);
    free(e->wal_path);
    free(e);
}

static struct hash_engine *
hash_new(const char *path)
{
    struct hash_engine *e = xcalloc(1, sizeof(*e));
    pthread_rwlockattr_t attr;

    e->base.ops = &engine_hash;
    e->path = xstrdup(path);
    e->wal_path = xasprintf("%s.wal", path);
    e->fd = -1;
    list_init(&e->cursors);
    (void)pthread_rwlockattr_init(&attr);
    (void)pthread_rwlockattr_setkind_np(
        &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    (void)pthread_rwlock_init(&e->walk, &attr);
    (void)pthread_rwlockattr_destroy(&attr);
    e->hdb = tchdbnew();
    return e;
}

static int
tune(struct hash_engine *e, const struct store_options *o, struct err *err)
{
    uint64_t buckets = o->bucket_size > 0 ? o->bucket_size : DEFAULT_BUCKETS;
    uint64_t map = o->map_bytes > 0 ? o->map_bytes : default_map;
    int ap = o->ap > 0 ? (int)o->ap : -1;
    int fp = o->fp > 0 ? (int)o->fp : -1;
    uint8_t bits;

    if (tc_options(o->compress, o->large, &bits, err) != 0) {
        return (int)err->code;
    }
    if (!tchdbtune(e->hdb, (int64_t)buckets, (int8_t)ap, (int8_t)fp, bits) ||
        !tchdbsetcache(e->hdb, 0) || !tchdbsetxmsiz(e->hdb, (int64_t)map) ||
        !tchdbsetdfunit(e->hdb, (int32_t)o->dfunit)) {
        return tc_err(err, tchdbecode(e->hdb), "set up", e->path);
    }
    return 0;
}

static int
open_file(struct hash_engine *e, struct err *err)
{
    if (!tchdbopen(e->hdb, e->path, HDBOWRITER | HDBOCREAT | HDBOLCKNB)) {
        return tc_err(err, tchdbecode(e->hdb), "open", e->path);
    }
    e->extra = RECORD_EXTRA + 2 * (size_t)tchdbalign(e->hdb);
    e->packed = (tchdbopts(e->hdb) & (HDBTDEFLATE | HDBTBZIP | HDBTTCBS)) != 0;
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
        .spare = 0, /* until the first sync */
    };
    if (!room_init(&e->room)) {
        return err_sys(err, "make room for %s", e->path);
    }
    return 0;
}

static int
make_file(void *arg, const char *path, struct err *err)
{
    struct hash_engine *e = hash_new(path);
    int rc = tune(e, arg, err);

    if (rc == 0 && (!tchdbopen(e->hdb, path, HDBOWRITER | HDBOCREAT) ||
                    !tchdbclose(e->hdb))) {
        rc = tc_err(err, tchdbecode(e->hdb), "make", path);
    }
    hash_free(e);
    return rc;
}

static int
hash_open(struct engine **out, const struct store_options *options,
          const char *path, struct engine_found *found, struct err *err)
{
    struct store_options o = *options;
    struct hash_engine *e;

    *out = NULL;
    if (tc_file_look(path, found, err) != 0 ||
        tc_file_make(path, found, make_file, &o, err) != 0 ||
        tc_wal_trim(path, err) != 0) {
        return (int)err->code;
    }
    e = hash_new(path);
    if (tune(e, options, err) != 0 || open_file(e, err) != 0) {
        hash_free(e);
        return (int)err->code;
    }
    tc_file_opened(path);
    *out = &e->base;
    return 0;
}

static int
hash_close(struct engine *engine, struct err *err)
{
    struct hash_engine *e = of(engine);
    int rc = 0;

    if (!tchdbclose(e->hdb)) {
        rc = tc_err(err, tchdbecode(e->hdb), "close", e->path);
    } else if (fsync(e->fd) != 0) {
        rc = err_sys(err, "fsync %s", e->path);
    }
    hash_free(e);
    return rc;
}

/* --- one record --------------------------------------------------------- */

/*
 * How long the record is, as far as its first n bytes in *out tell; more than
 * n means that it did not fit.
 */
static size_t
true_size(struct hash_engine *e, struct slice key, struct slice got)
{
    struct item item;
    uint64_t size;
    int n;

    if (item_decode_header(got, &item, &size) && size == got.n - ITEM_HEADER) {
        return got.n;
    }
    n = tchdbvsiz(e->hdb, key.p, (int)key.n);
    return n > 0 ? (size_t)n : 0;
}

static enum engine_result
get_locked(struct hash_engine *e, struct slice key, size_t want,
           struct buf *out)
{
    size_t ask = want < SMALL_RECORD ? want : SMALL_RECORD;

    for (int i = 0; i < TRIES; i++) {
        size_t max;
        size_t n;
        int got;

        if (!buf_reserve(out, ask)) {
            return ENGINE_ERROR;
        }
        max = want < SMALL_RECORD ? ask : out->cap - out->end;
        max = max < INT_MAX ? max : INT_MAX;
        got = tchdbget3(e->hdb, key.p, (int)key.n, buf_tail(out), (int)max);
        if (got < 0) {
            return miss_or_error(e);
        }
        n = (size_t)got;
        ask = n;
        if (n >= max && n < want) {
            ask = true_size(e, key, (struct slice){buf_tail(out), n});
        }
        if (ask <= n) {
            buf_advance(out, n);
            return ENGINE_OK;
        }
    }
    return ENGINE_ERROR;
}

enum engine_result
hash_get(struct engine *engine, struct slice key, size_t want, struct buf *out)
{
    struct hash_engine *e = of(engine);
    enum engine_result result;

    (void)pthread_rwlock_rdlock(&e->walk);
    result = get_locked(e, key, want, out);
    (void)pthread_rwlock_unlock(&e->walk);
    return result;
}

static bool
hash_put(struct engine *engine, struct slice key, struct slice record)
{
    struct hash_engine *e = of(engine);
    bool ok;

    if (key.n > INT_MAX || record.n > INT_MAX) {
        return false;
    }
    (void)pthread_rwlock_wrlock(&e->walk);
    if (e->watchers > 0) {
        hash_cursors_aside(e, key, record.n);
    }
    ok = tchdbput(e->hdb, key.p, (int)key.n, record.p, (int)record.n);
    (void)pthread_rwlock_unlock(&e->walk);
    return ok;
}

static enum engine_result
hash_remove(struct engine *engine, struct slice key)
{
    struct hash_engine *e = of(engine);
    enum engine_result result = ENGINE_OK;

    (void)pthread_rwlock_wrlock(&e->walk);
    if (!list_empty(&e->cursors)) {
        hash_cursors_aside(e, key, SIZE_MAX);
    }
    if (!tchdbout(e->hdb, key.p, (int)key.n)) {
        result = miss_or_error(e);
    }
    (void)pthread_rwlock_unlock(&e->walk);
    return result;
}

/* --- the whole file ----------------------------------------------------- */

/* Is there a record under key into whose place one of n bytes fits? */
static bool
fits_in_place(struct hash_engine *e, struct slice key, size_t n)
{
    bool fits;

    (void)pthread_rwlock_rdlock(&e->walk);
    fits = !e->packed && tchdbvsiz(e->hdb, key.p, (int)key.n) >= (int64_t)n;
    (void)pthread_rwlock_unlock(&e->walk);
    return fits;
}

static bool
hash_reserve(struct engine *engine, struct slice key, size_t n)
{
    struct hash_engine *e = of(engine);
    uint64_t bytes = key.n + n + e->extra;

    if (room_take(&e->room, bytes)) {
        return true;
    }
    if (!fits_in_place(e, key, n)) {
        return false;
    }
    room_take_anyway(&e->room, bytes);
    return true;
}

static void
hash_release(struct engine *engine, struct slice key, size_t n)
{
    struct hash_engine *e = of(engine);

    room_give(&e->room, key.n + n + e->extra);
}

/*
 * It takes nothing more, not even an abort, once a write to the transaction's
 * file has failed; so that file gets its room first.
 */
static bool
has_wal_room(const struct hash_engine *e)
{
    AUTO_CLOSE int fd = open(e->wal_path, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, wal_room) == 0 ||
                       errno == EOPNOTSUPP);
}

/*
 * Tokyo Cabinet writes what it is about to change to a file beside its own,
 * and puts it back when it opens a file whose transaction was not ended.  When
 * somebody else filled the disk to the last, what was accepted is written
 * without it: sudden death at that very moment is the lesser risk.
 */
static bool
hash_begin(struct engine *engine)
{
    struct hash_engine *e = of(engine);
    bool ok;

    (void)pthread_rwlock_wrlock(&e->walk);
    e->begun = room_beside(&e->room, wal_margin);
    ok = !e->begun || tchdbtranbegin(e->hdb);
    if (e->begun && ok && !room_beside(&e->room, wal_ample) &&
        !has_wal_room(e)) {
        ok = tchdbtrancommit(e->hdb); /* nothing was changed yet */
        e->begun = false;
    }
    (void)pthread_rwlock_unlock(&e->walk);
    return ok;
}

static bool
hash_commit(struct engine *engine)
{
    struct hash_engine *e = of(engine);
    bool ok;

    (void)pthread_rwlock_wrlock(&e->walk);
    ok = !e->begun || tchdbtrancommit(e->hdb);
    e->begun = false;
    (void)pthread_rwlock_unlock(&e->walk);
    return ok;
}

static uint64_t
hash_count(struct engine *engine)
{
    return tchdbrnum(of(engine)->hdb);
}

static uint64_t
hash_size(struct engine *engine)
{
    return tchdbfsiz(of(engine)->hdb);
}

static bool
hash_truncate(struct engine *engine)
{
    struct hash_engine *e = of(engine);
    bool ok;

    (void)pthread_rwlock_wrlock(&e->walk);
    tc_file_emptying_begins(e->path);
    ok = tchdbvanish(e->hdb) && room_reset(&e->room);
    if (ok) {
        tc_file_emptying_ends(e->path);
    }
    hash_cursors_truncated(e);
    (void)pthread_rwlock_unlock(&e->walk);
    return ok;
}

static bool
hash_checkpoint(struct engine *engine)
{
    (void)engine; /* what was put is in the file at once */
    return true;
}

static bool
hash_sync(struct engine *engine)
{
    struct hash_engine *e = of(engine);

    if (e->room.spare == 0) {
        e->room.spare = room_spare; /* what was logged is in the file */
    }
    /*
     * Not tchdbsync(), which stops everybody while the disk writes: the file
     * is a shared mapping, whose dirty pages fsync writes as well.
     */
    return room_sync(&e->room);
}

const struct engine_ops engine_hash = {
    .name = "tch",
    .file = "flare.hdb",
    .ordered = false,
    .open = hash_open,
    .close = hash_close,
    .get = hash_get,
    .reserve = hash_reserve,
    .release = hash_release,
    .put = hash_put,
    .remove = hash_remove,
    .begin = hash_begin,
    .commit = hash_commit,
    .count = hash_count,
    .size = hash_size,
    .truncate = hash_truncate,
    .checkpoint = hash_checkpoint,
    .sync = hash_sync,
    .cursor_open = hash_cursor_open,
    .cursor_next = hash_cursor_next,
    .cursor_close = hash_cursor_close,
};
