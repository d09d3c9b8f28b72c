/* text_read: the formats default and csv, read. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "archive/archive_impl.h"
#include "base/alloc.h"
#include "base/buf.h"

enum { NUMBER_MAX = 24, DATA_MAX = 1 << 30 };

struct text_reader {
    struct archive_reader base;
    FILE *file;
    char *path;
    bool csv;
    uint64_t records, size;
    struct buf key, data;
};

static int
bad(const struct text_reader *r, const char *what, struct err *err)
{
    return err_set(err, ERR_CORRUPT,
                   "%s: %s in entry %ju (before byte %jd); the entries before "
                   "are good",
                   r->path, what, (uintmax_t)r->records + 1,
                   (intmax_t)ftello(r->file));
}

/* Bytes up to a separator, which is dropped.  False: it does not come. */
static bool
take_until(struct text_reader *r, int separator, size_t max, struct buf *to)
{
    int c;

    buf_clear(to);
    while ((c = getc_unlocked(r->file)) != EOF && c != separator) {
        char byte = (char)c;

        if (buf_len(to) >= max || !buf_put(to, &byte, 1)) {
            return false;
        }
    }
    return c == separator;
}

static bool
take_number(struct text_reader *r, int separator, uint64_t *out)
{
    struct buf text = {0};
    bool ok = take_until(r, separator, NUMBER_MAX, &text) &&
              slice_u64(buf_slice(&text), UINT64_MAX, out);

    buf_fini(&text);
    return ok;
}

/* FLAG LEN VERSION EXPIRE, each followed by the separator. */
static bool
take_numbers(struct text_reader *r, int separator, struct archive_record *out,
             uint64_t *length)
{
    uint64_t flags, expire;

    if (!take_number(r, separator, &flags) ||
        !take_number(r, separator, length) ||
        !take_number(r, separator, &out->version) ||
        !take_number(r, separator, &expire) || flags > UINT32_MAX ||
        *length > DATA_MAX) {
        return false;
    }
    out->flags = (uint32_t)flags;
    out->expire = (int64_t)expire;
    return true;
}

static bool
take_bytes(struct text_reader *r, size_t n)
{
    buf_clear(&r->data);
    if (!buf_reserve(&r->data, n + 1) ||
        fread(buf_tail(&r->data), 1, n, r->file) != n) {
        return false;
    }
    buf_advance(&r->data, n);
    return true;
}

/* Behind a quote: '"' when it was one of two, otherwise as take_field(). */
static int
after_quote(struct text_reader *r)
{
    int c = getc_unlocked(r->file);

    return c == '"' || c == ',' || c == '\n' || c == EOF ? c : -2;
}

/* A field of csv.  Returns what ended it: ',', '\n' or EOF; -2: no field. */
static int
take_field(struct text_reader *r, struct buf *to)
{
    int c = getc_unlocked(r->file);
    bool quoted = c == '"';

    buf_clear(to);
    if (quoted) {
        c = getc_unlocked(r->file);
    }
    for (;; c = getc_unlocked(r->file)) {
        char byte = (char)c;

        if (c == EOF || (!quoted && (c == ',' || c == '\n'))) {
            return quoted ? -2 : c;
        }
        if (quoted && c == '"') {
            c = after_quote(r);
        }
        if (quoted && byte == '"' && c != '"') {
            return c;
        }
        if (buf_len(to) >= DATA_MAX || !buf_put(to, &byte, 1)) {
            return -2;
        }
    }
}

static int
next_default(struct text_reader *r, struct archive_record *out, struct err *err)
{
    uint64_t length;

    if (!take_until(r, ' ', 65536, &r->key) ||
        !take_numbers(r, ' ', out, &length)) {
        return bad(r, "no KEY FLAG LEN VERSION EXPIRE", err);
    }
    if (getc_unlocked(r->file) != '\'' || !take_bytes(r, length) ||
        getc_unlocked(r->file) != '\'' || getc_unlocked(r->file) != '\n') {
        return bad(r, "the data is not as long as it should be", err);
    }
    return 1;
}

static int
next_csv(struct text_reader *r, struct archive_record *out, struct err *err)
{
    uint64_t length;
    int end;

    if (take_field(r, &r->key) != ',' || !take_numbers(r, ',', out, &length)) {
        return bad(r, "no key, flag, len, version, expire", err);
    }
    end = take_field(r, &r->data);
    if ((end != '\n' && end != EOF) || buf_len(&r->data) != length) {
        return bad(r, "the data is not as long as it should be", err);
    }
    return 1;
}

static int
text_next(struct archive_reader *reader, struct archive_record *record,
          struct err *err)
{
    struct text_reader *r = (struct text_reader *)reader;
    int c = getc_unlocked(r->file);
    int rc;

    while (r->csv && c == '#' && r->records == 0) { /* the title */
        while (c != '\n' && c != EOF) {
            c = getc_unlocked(r->file);
        }
        c = getc_unlocked(r->file);
    }
    if (c == EOF) {
        return ferror(r->file) != 0 ? err_sys(err, "read %s", r->path) : 0;
    }
    (void)ungetc(c, r->file);
    rc = r->csv ? next_csv(r, record, err) : next_default(r, record, err);
    if (rc == 1) {
        record->key = buf_slice(&r->key);
        record->data = buf_slice(&r->data);
        r->records++;
    }
    return rc;
}

static void
text_place(const struct archive_reader *reader, uint64_t *done, uint64_t *total)
{
    const struct text_reader *r = (const struct text_reader *)reader;
    off_t at = ftello(r->file);

    *done = at > 0 ? (uint64_t)at : 0;
    *total = r->size;
}

static void
text_free(struct archive_reader *reader)
{
    struct text_reader *r = (struct text_reader *)reader;

    if (r->file != NULL) {
        (void)fclose(r->file);
    }
    buf_fini(&r->key);
    buf_fini(&r->data);
    free(r->path);
    free(r);
}

static const struct reader_ops text_reader_ops = {text_next, text_place,
                                                  text_free};

int
text_open(struct archive_reader **out, bool csv, const char *path,
          struct err *err)
{
    struct text_reader *r = xcalloc(1, sizeof(*r));
    struct stat st;

    r->base.ops = &text_reader_ops;
    r->path = xstrdup(path);
    r->csv = csv;
    r->file = fopen(path, "re");
    if (r->file == NULL || fstat(fileno(r->file), &st) != 0) {
        int rc = err_sys(err, "open %s", path);

        text_free(&r->base);
        return rc;
    }
    r->size = (uint64_t)st.st_size;
    *out = &r->base;
    return 0;
}
