/* text: the formats default and csv, written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_impl.h"
#include "base/alloc.h"

struct text_writer {
    struct archive_writer base;
    FILE *file;
    char *path;
    bool csv;
};

static int
write_failed(const struct text_writer *w, struct err *err)
{
    return err_sys(err, "write %s", w->path);
}

static void
put_quoted(FILE *f, struct slice s)
{
    static const char special[] = ",\"\r\n";
    bool quote = s.n == 0;

    for (size_t i = 0; i < s.n && !quote; i++) {
        quote = memchr(special, s.p[i], sizeof(special) - 1) != NULL;
    }
    if (!quote) {
        (void)fwrite(s.p, 1, s.n, f);
        return;
    }
    (void)fputc('"', f);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"') {
            (void)fputc('"', f);
        }
        (void)fputc(s.p[i], f);
    }
    (void)fputc('"', f);
}

static int
text_put(struct archive_writer *writer, const struct archive_record *r,
         struct err *err)
{
    struct text_writer *w = (struct text_writer *)writer;

    if (w->csv) {
        put_quoted(w->file, r->key);
        (void)fprintf(w->file, ",%u,%zu,%ju,%jd,", r->flags, r->data.n,
                      (uintmax_t)r->version, (intmax_t)r->expire);
        put_quoted(w->file, r->data);
        (void)fputc('\n', w->file);
    } else {
        (void)fwrite(r->key.p, 1, r->key.n, w->file);
        (void)fprintf(w->file, " %u %zu %ju %jd '", r->flags, r->data.n,
                      (uintmax_t)r->version, (intmax_t)r->expire);
        (void)fwrite(r->data.p, 1, r->data.n, w->file);
        (void)fputs("'\n", w->file);
    }
    return ferror(w->file) == 0 ? 0 : write_failed(w, err);
}

static int
text_finish(struct archive_writer *writer, struct err *err)
{
    struct text_writer *w = (struct text_writer *)writer;
    bool to_disk = w->file != stdout;

    if (fflush(w->file) != 0 || (to_disk && fsync(fileno(w->file)) != 0)) {
        return write_failed(w, err);
    }
    return 0;
}

static void
text_free(struct archive_writer *writer)
{
    struct text_writer *w = (struct text_writer *)writer;

    if (w->file != NULL && w->file != stdout) {
        (void)fclose(w->file);
    }
    free(w->path);
    free(w);
}

static const struct writer_ops text_writer_ops = {NULL, text_put, NULL,
                                                  text_finish, text_free};

int
text_create(struct archive_writer **out, bool csv, const char *path,
            struct err *err)
{
    struct text_writer *w = xcalloc(1, sizeof(*w));

    w->base.ops = &text_writer_ops;
    w->path = xstrdup(path != NULL ? path : "standard output");
    w->csv = csv;
    w->file = path != NULL ? fopen(path, "we") : stdout;
    if (w->file == NULL) {
        int rc = err_sys(err, "create %s", path);

        text_free(&w->base);
        return rc;
    }
    if (csv) {
        (void)fputs("# key, flag, len, version, expire, data\n", w->file);
    }
    *out = &w->base;
    return 0;
}
