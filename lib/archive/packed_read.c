#include "archive/packed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "archive/archive_impl.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/crc32c.h"

void
packed_put_u32(char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (char)(unsigned char)(value >> (8 * i));
    }
}

void
packed_put_u64(char *to, uint64_t value)
{
    packed_put_u32(to, (uint32_t)value);
    packed_put_u32(to + 4, (uint32_t)(value >> 32));
}

uint32_t
packed_u32(const char *from)
{
    uint32_t value = 0;

    for (int i = 3; i >= 0; i--) {
        value = value << 8 | (unsigned char)from[i];
    }
    return value;
}

uint64_t
packed_u64(const char *from)
{
    return packed_u32(from) | (uint64_t)packed_u32(from + 4) << 32;
}

int
packed_read_head(FILE *file, const char *path, struct err *err)
{
    char head[PACKED_HEAD];

    if (fread(head, 1, sizeof(head), file) != sizeof(head) ||
        memcmp(head, packed_magic, sizeof(packed_magic)) != 0) {
        return err_set(err, ERR_CORRUPT, "%s is no dump in the format flare",
                       path);
    }
    if (packed_u32(head + 12) != crc32c(0, head, 12)) {
        return err_set(err, ERR_CORRUPT, "%s: the head is damaged", path);
    }
    if (packed_u32(head + 8) != PACKED_VERSION) {
        return err_set(err, ERR_CORRUPT, "%s has version %u of the format",
                       path, (unsigned)packed_u32(head + 8));
    }
    return 0;
}

static int
damaged(FILE *file, const char *path, const char *what, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "%s: %s before byte %jd", path, what,
                   (intmax_t)ftello(file));
}

int
packed_read_block(FILE *file, const char *path, struct packed_block *block,
                  struct err *err)
{
    char head[PACKED_BLOCK];
    AUTO_FREE char *stored = NULL;
    size_t got = fread(head, 1, sizeof(head), file);
    size_t plain_n = packed_u32(head + 4), stored_n = packed_u32(head + 8);
    uLongf length = plain_n;

    buf_clear(&block->plain);
    if (got == 0 && feof(file) != 0) {
        return 0;
    }
    if (got != sizeof(head)) {
        return damaged(file, path, "the file ends inside a block", err);
    }
    if (plain_n > PACKED_PLAIN_MAX || stored_n > PACKED_PLAIN_MAX) {
        return damaged(file, path, "a block has an impossible size", err);
    }
    if (buf_reserve(&block->plain, plain_n + 1)) {
        stored = malloc(stored_n + 1);
    }
    if (stored == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a block of %s", path);
    }
    if (fread(stored, 1, stored_n, file) != stored_n) {
        return damaged(file, path, "the file ends inside a block", err);
    }
    if (crc32c(crc32c(0, head, 12), stored, stored_n) !=
        packed_u32(head + 12)) {
        return damaged(file, path, "a checksum is wrong", err);
    }
    if (uncompress((Bytef *)buf_tail(&block->plain), &length,
                   (const Bytef *)stored, stored_n) != Z_OK ||
        length != plain_n) {
        return damaged(file, path, "a block does not decompress", err);
    }
    buf_advance(&block->plain, plain_n);
    block->kind = (enum packed_kind)packed_u32(head);
    return 1;
}

struct packed_reader {
    struct archive_reader base;
    FILE *file;
    char *path;
    struct packed_block block;
    size_t at; /* in its payload */
    uint64_t records, part_records, size;
    bool ended;
};

static int
bad(const struct packed_reader *r, const char *what, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "%s: %s before byte %jd; the %ju records before are good",
                   r->path, what, (intmax_t)ftello(r->file),
                   (uintmax_t)r->records);
}

/* A block that is not of records.  0, or an error. */
static int
take_mark(struct packed_reader *r, struct err *err)
{
    struct slice payload = buf_slice(&r->block.plain);
    bool counted = r->block.kind == PACKED_DONE || r->block.kind == PACKED_END;
    uint64_t wanted =
        r->block.kind == PACKED_DONE ? r->part_records : r->records;

    if (counted && (payload.n != 8 || packed_u64(payload.p) != wanted)) {
        return bad(r, "records are missing", err);
    }
    r->ended = r->block.kind == PACKED_END;
    r->part_records = 0;
    return 0;
}

/* 1 when there are records at r->at, 0 at the end of the file. */
static int
next_block(struct packed_reader *r, struct err *err)
{
    while (r->at >= buf_len(&r->block.plain)) {
        int rc =
            r->ended ? 0 : packed_read_block(r->file, r->path, &r->block, err);

        if (rc == 0 && !r->ended) {
            return bad(r, "the dump was not finished; it ends", err);
        }
        if (rc <= 0) {
            return rc;
        }
        r->at = 0;
        if (r->block.kind != PACKED_RECORDS) {
            rc = take_mark(r, err);
            buf_clear(&r->block.plain);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 1;
}

static int
packed_next(struct archive_reader *reader, struct archive_record *record,
            struct err *err)
{
    struct packed_reader *r = (struct packed_reader *)reader;
    int rc = next_block(r, err);
    struct slice payload = buf_slice(&r->block.plain);
    const char *p = payload.p + r->at;
    size_t left = payload.n - r->at, key, data;

    if (rc <= 0) {
        return rc;
    }
    key = left >= PACKED_RECORD ? packed_u32(p) : 0;
    data = left >= PACKED_RECORD ? packed_u32(p + 4) : 0;
    if (left < PACKED_RECORD + key + data) {
        return bad(r, "a record is cut short", err);
    }
    *record = (struct archive_record){
        .key = {p + PACKED_RECORD, key},
        .data = {p + PACKED_RECORD + key, data},
        .flags = packed_u32(p + 8),
        .expire = (int64_t)packed_u64(p + 12),
        .version = packed_u64(p + 20),
    };
    r->at += PACKED_RECORD + key + data;
    r->records++;
    r->part_records++;
    return 1;
}

static void
packed_place(const struct archive_reader *reader, uint64_t *done,
             uint64_t *total)
{
    const struct packed_reader *r = (const struct packed_reader *)reader;
    off_t at = ftello(r->file);

    *done = at > 0 ? (uint64_t)at : 0;
    *total = r->size;
}

static void
packed_free(struct archive_reader *reader)
{
    struct packed_reader *r = (struct packed_reader *)reader;

    if (r->file != NULL) {
        (void)fclose(r->file);
    }
    buf_fini(&r->block.plain);
    free(r->path);
    free(r);
}

static const struct reader_ops packed_reader_ops = {packed_next, packed_place,
                                                    packed_free};

int
packed_open(struct archive_reader **out, const char *path, struct err *err)
{
    struct packed_reader *r = xcalloc(1, sizeof(*r));
    struct stat st;
    int rc = 0;

    r->base.ops = &packed_reader_ops;
    r->path = xstrdup(path);
    r->file = fopen(path, "re");
    if (r->file == NULL || fstat(fileno(r->file), &st) != 0) {
        rc = err_sys(err, "open %s", path);
    } else {
        r->size = (uint64_t)st.st_size;
        rc = packed_read_head(r->file, path, err);
    }
    if (rc != 0) {
        packed_free(&r->base);
        return rc;
    }
    *out = &r->base;
    return 0;
}
