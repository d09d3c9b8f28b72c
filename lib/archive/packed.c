#include "archive/packed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "archive/archive_impl.h"
#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/strmap.h"

struct packed_writer {
    struct archive_writer base;
    FILE *file;
    char *path;
    struct buf plain;   /* records of the block being filled */
    struct strmap done; /* part -> its records, of a file continued */
    uint64_t records, part_records;
    off_t good;    /* of a file continued: where its last part ends */
    bool complete; /* it has its end as well */
};

static int
write_block(struct packed_writer *w, enum packed_kind kind,
            struct slice payload, struct err *err)
{
    uLongf length = compressBound((uLong)payload.n);
    char head[PACKED_BLOCK];
    char *stored = malloc(length + 1);
    bool ok;

    if (stored == NULL ||
        compress2((Bytef *)stored, &length, (const Bytef *)payload.p,
                  (uLong)payload.n, Z_BEST_SPEED) != Z_OK) {
        free(stored);
        return err_set(err, ERR_NOMEM, "no memory to compress a block");
    }
    packed_put_u32(head, (uint32_t)kind);
    packed_put_u32(head + 4, (uint32_t)payload.n);
    packed_put_u32(head + 8, (uint32_t)length);
    packed_put_u32(head + 12, crc32c(crc32c(0, head, 12), stored, length));
    ok = fwrite(head, 1, sizeof(head), w->file) == sizeof(head) &&
         fwrite(stored, 1, length, w->file) == length;
    free(stored);
    return ok ? 0 : err_sys(err, "write %s", w->path);
}

static int
write_count(struct packed_writer *w, enum packed_kind kind, uint64_t records,
            struct err *err)
{
    char text[8];

    packed_put_u64(text, records);
    return write_block(w, kind, (struct slice){text, sizeof(text)}, err);
}

static int
flush_records(struct packed_writer *w, struct err *err)
{
    int rc = 0;

    if (buf_len(&w->plain) > 0) {
        rc = write_block(w, PACKED_RECORDS, buf_slice(&w->plain), err);
        buf_clear(&w->plain);
    }
    return rc;
}

static int
packed_begin(struct archive_writer *writer, const char *part, bool *have,
             uint64_t *records, struct err *err)
{
    struct packed_writer *w = (struct packed_writer *)writer;
    const uint64_t *known = strmap_find(&w->done, slice_str(part));

    w->part_records = 0;
    if (known != NULL) {
        *have = true;
        *records = *known;
        return 0;
    }
    if (w->complete && (ftruncate(fileno(w->file), w->good) != 0 ||
                        fseeko(w->file, w->good, SEEK_SET) != 0)) {
        return err_sys(err, "continue %s", w->path);
    }
    w->complete = false;
    return write_block(w, PACKED_PART, slice_str(part), err);
}

static int
packed_put(struct archive_writer *writer, const struct archive_record *record,
           struct err *err)
{
    struct packed_writer *w = (struct packed_writer *)writer;
    char head[PACKED_RECORD];

    if (record->key.n > PACKED_PLAIN_MAX / 4 ||
        record->data.n > PACKED_PLAIN_MAX / 2) {
        return err_set(err, ERR_CONFIG, "a record is too large for %s",
                       w->path);
    }
    packed_put_u32(head, (uint32_t)record->key.n);
    packed_put_u32(head + 4, (uint32_t)record->data.n);
    packed_put_u32(head + 8, record->flags);
    packed_put_u64(head + 12, (uint64_t)record->expire);
    packed_put_u64(head + 20, record->version);
    if (!buf_put(&w->plain, head, sizeof(head)) ||
        !buf_put_slice(&w->plain, record->key) ||
        !buf_put_slice(&w->plain, record->data)) {
        return err_set(err, ERR_NOMEM, "no memory for a block of %s", w->path);
    }
    w->records++;
    w->part_records++;
    return buf_len(&w->plain) >= PACKED_DATA ? flush_records(w, err) : 0;
}

static int
packed_end(struct archive_writer *writer, struct err *err)
{
    struct packed_writer *w = (struct packed_writer *)writer;
    int rc = flush_records(w, err);

    if (rc == 0) {
        rc = write_count(w, PACKED_DONE, w->part_records, err);
    }
    if (rc == 0 && (fflush(w->file) != 0 || fsync(fileno(w->file)) != 0)) {
        rc = err_sys(err, "write %s", w->path);
    }
    return rc;
}

static int
packed_finish(struct archive_writer *writer, struct err *err)
{
    struct packed_writer *w = (struct packed_writer *)writer;
    int rc = w->complete ? 0 : write_count(w, PACKED_END, w->records, err);

    if (rc == 0 && (fflush(w->file) != 0 || fsync(fileno(w->file)) != 0)) {
        rc = err_sys(err, "write %s", w->path);
    }
    return rc;
}

static void
packed_free(struct archive_writer *writer)
{
    struct packed_writer *w = (struct packed_writer *)writer;
    struct slice key;
    void *value;

    if (w->file != NULL) {
        (void)fclose(w->file);
    }
    for (size_t at = 0; strmap_next(&w->done, &at, &key, &value);) {
        free(value);
    }
    strmap_fini(&w->done);
    buf_fini(&w->plain);
    free(w->path);
    free(w);
}

/* --- continuing a file --------------------------------------------------- */

/* What the file holds up to its last complete part. */
struct survey {
    char part[512];
    uint64_t in_part; /* records met since the part began */
};

static uint64_t
count_records(struct slice payload)
{
    uint64_t n = 0;

    while (payload.n >= PACKED_RECORD) {
        size_t size = PACKED_RECORD + (size_t)packed_u32(payload.p) +
                      packed_u32(payload.p + 4);

        if (size > payload.n) {
            break;
        }
        payload.p += size;
        payload.n -= size;
        n++;
    }
    return n;
}

static void
note_done(struct packed_writer *w, struct survey *s)
{
    uint64_t *records = xcalloc(1, sizeof(*records));

    *records = s->in_part;
    free(strmap_put(&w->done, slice_str(s->part), records));
    w->records += s->in_part;
    w->good = ftello(w->file);
}

/* Read on to the end, or to the first block that is none. */
static void
survey(struct packed_writer *w, struct survey *s)
{
    struct packed_block block = {.plain = {0}};
    struct err unused;

    while (packed_read_block(w->file, w->path, &block, &unused) == 1) {
        struct slice payload = buf_slice(&block.plain);

        if (block.kind == PACKED_PART) {
            (void)snprintf(s->part, sizeof(s->part), "%.*s", (int)payload.n,
                           payload.p);
            s->in_part = 0;
        } else if (block.kind == PACKED_RECORDS) {
            s->in_part += count_records(payload);
        } else if (block.kind == PACKED_DONE) {
            note_done(w, s);
        } else {
            w->complete = true; /* unless a part is added */
        }
    }
    buf_fini(&block.plain);
}

static int
write_head(struct packed_writer *w, struct err *err)
{
    char head[PACKED_HEAD];

    memcpy(head, packed_magic, sizeof(packed_magic));
    packed_put_u32(head + 8, PACKED_VERSION);
    packed_put_u32(head + 12, crc32c(0, head, 12));
    return fwrite(head, 1, sizeof(head), w->file) == sizeof(head)
               ? 0
               : err_sys(err, "write %s", w->path);
}

static int
resume_file(struct packed_writer *w, struct err *err)
{
    struct survey s = {.part = ""};
    int rc;

    w->file = fopen(w->path, "r+e");
    if (w->file == NULL) {
        return err_sys(err, "open %s", w->path);
    }
    rc = packed_read_head(w->file, w->path, err);
    if (rc != 0) {
        return rc;
    }
    w->good = PACKED_HEAD;
    survey(w, &s);
    if (!w->complete && (ftruncate(fileno(w->file), w->good) != 0 ||
                         fseeko(w->file, w->good, SEEK_SET) != 0)) {
        return err_sys(err, "continue %s", w->path);
    }
    return 0;
}

static int
new_file(struct packed_writer *w, struct err *err)
{
    int fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0 && errno == EEXIST) {
        return err_set(err, ERR_CONFIG,
                       "%s is there already: continue it with --resume, or "
                       "remove it first",
                       w->path);
    }
    w->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (w->file == NULL) {
        return err_sys(err, "create %s", w->path);
    }
    return write_head(w, err);
}

static const struct writer_ops packed_writer_ops = {
    packed_begin, packed_put, packed_end, packed_finish, packed_free};

int
packed_create(struct archive_writer **out, const char *path, bool resume,
              struct err *err)
{
    struct packed_writer *w = xcalloc(1, sizeof(*w));
    int rc;

    w->base.ops = &packed_writer_ops;
    w->path = xstrdup(path);
    rc = resume && access(path, F_OK) == 0 ? resume_file(w, err)
                                           : new_file(w, err);
    if (rc != 0) {
        packed_free(&w->base);
        return rc;
    }
    *out = &w->base;
    return 0;
}
