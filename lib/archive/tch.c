/* tch: a Tokyo Cabinet hash database whose records are flared's own. */
#include <stdlib.h>
#include <string.h>
#include <tchdb.h>
#include <tcutil.h>

#include "archive/archive_impl.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "item/item.h"

struct tch_writer {
    struct archive_writer base;
    TCHDB *db;
    char *path;
    struct buf value;
};

static int
failed(TCHDB *db, const char *what, const char *path, struct err *err)
{
    return err_set(err, ERR_IO, "%s %s: %s", what, path,
                   tchdberrmsg(tchdbecode(db)));
}

static int
tch_put(struct archive_writer *writer, const struct archive_record *r,
        struct err *err)
{
    struct tch_writer *w = (struct tch_writer *)writer;
    struct item item = {
        .flags = r->flags, .expire = r->expire, .version = r->version};

    buf_clear(&w->value);
    if (r->data.n > INT32_MAX - ITEM_HEADER || r->key.n > INT32_MAX ||
        !buf_reserve(&w->value, ITEM_HEADER + r->data.n)) {
        return err_set(err, ERR_NOMEM, "a record is too large for %s", w->path);
    }
    item_encode_header(buf_tail(&w->value), &item, r->data.n);
    buf_advance(&w->value, ITEM_HEADER);
    (void)buf_put_slice(&w->value, r->data);
    if (!tchdbput(w->db, r->key.p, (int)r->key.n, buf_slice(&w->value).p,
                  (int)buf_len(&w->value))) {
        return failed(w->db, "write", w->path, err);
    }
    return 0;
}

static int
tch_finish(struct archive_writer *writer, struct err *err)
{
    struct tch_writer *w = (struct tch_writer *)writer;

    if (!tchdbsync(w->db) || !tchdbclose(w->db)) {
        return failed(w->db, "write", w->path, err);
    }
    return 0;
}

static void
tch_writer_free(struct archive_writer *writer)
{
    struct tch_writer *w = (struct tch_writer *)writer;

    tchdbdel(w->db); /* closes it */
    buf_fini(&w->value);
    free(w->path);
    free(w);
}

static const struct writer_ops tch_writer_ops = {NULL, tch_put, NULL,
                                                 tch_finish, tch_writer_free};

int
tch_create(struct archive_writer **out, const char *path, struct err *err)
{
    struct tch_writer *w = xcalloc(1, sizeof(*w));

    w->base.ops = &tch_writer_ops;
    w->path = xstrdup(path);
    w->db = tchdbnew();
    (void)tchdbtune(w->db, -1, -1, -1, HDBTLARGE);
    if (!tchdbopen(w->db, path, HDBOWRITER | HDBOCREAT)) {
        int rc = failed(w->db, "open", path, err);

        tch_writer_free(&w->base);
        return rc;
    }
    *out = &w->base;
    return 0;
}

struct tch_reader {
    struct archive_reader base;
    TCHDB *db;
    char *path;
    TCXSTR *key, *value;
    uint64_t records, total;
};

static int
tch_next(struct archive_reader *reader, struct archive_record *out,
         struct err *err)
{
    struct tch_reader *r = (struct tch_reader *)reader;
    struct item item;
    struct slice value;
    uint64_t size;

    if (!tchdbiternext3(r->db, r->key, r->value)) {
        return tchdbecode(r->db) == TCENOREC || r->records == r->total
                   ? 0
                   : failed(r->db, "read", r->path, err);
    }
    value = (struct slice){tcxstrptr(r->value), (size_t)tcxstrsize(r->value)};
    r->records++;
    /* The size field is not looked at: flare-tools did not, either. */
    if (!item_decode_header(value, &item, &size)) {
        return err_set(err, ERR_CORRUPT, "%s: record %ju is cut short", r->path,
                       (uintmax_t)r->records);
    }
    *out = (struct archive_record){
        .key = {tcxstrptr(r->key), (size_t)tcxstrsize(r->key)},
        .data = {value.p + ITEM_HEADER, value.n - ITEM_HEADER},
        .flags = item.flags,
        .expire = item.expire,
        .version = item.version,
    };
    return 1;
}

static void
tch_place(const struct archive_reader *reader, uint64_t *done, uint64_t *total)
{
    const struct tch_reader *r = (const struct tch_reader *)reader;

    *done = r->records;
    *total = r->total;
}

static void
tch_reader_free(struct archive_reader *reader)
{
    struct tch_reader *r = (struct tch_reader *)reader;

    tchdbdel(r->db);
    tcxstrdel(r->key);
    tcxstrdel(r->value);
    free(r->path);
    free(r);
}

static const struct reader_ops tch_reader_ops = {tch_next, tch_place,
                                                 tch_reader_free};

int
tch_open(struct archive_reader **out, const char *path, struct err *err)
{
    struct tch_reader *r = xcalloc(1, sizeof(*r));

    r->base.ops = &tch_reader_ops;
    r->path = xstrdup(path);
    r->db = tchdbnew();
    r->key = tcxstrnew();
    r->value = tcxstrnew();
    if (!tchdbopen(r->db, path, HDBOREADER) || !tchdbiterinit(r->db)) {
        int rc = failed(r->db, "open", path, err);

        tch_reader_free(&r->base);
        return rc;
    }
    r->total = tchdbrnum(r->db);
    *out = &r->base;
    return 0;
}
