#include "flare-admin/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/file.h"

static char *
path_of(const char *folder, const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

int
manifest_write(const struct manifest *m, const char *folder, struct err *err)
{
    struct buf text = {0};
    char *path = path_of(folder, "manifest");
    int rc;

    (void)buf_printf(&text,
                     "flare-backup 1\ntime %jd\ncut %s\nspan-ms %ju\n"
                     "partitions %zu\n",
                     (intmax_t)m->time, m->cut ? "yes" : "no",
                     (uintmax_t)m->span_ms, m->n);
    for (size_t i = 0; i < m->n; i++) {
        const struct backup_file *f = &m->files[i];

        (void)buf_printf(&text, "file %s %d %s %ju %ju %ju %08x\n", f->name,
                         f->partition, f->node, (uintmax_t)f->sequence,
                         (uintmax_t)f->records, (uintmax_t)f->bytes, f->crc);
    }
    (void)buf_printf(&text, "checksum %08x\n",
                     crc32c(0, buf_slice(&text).p, buf_len(&text)));
    rc = file_write_atomic(path, buf_slice(&text), err);
    buf_fini(&text);
    free(path);
    return rc;
}

static bool
take_hex(struct slice word, uint32_t *out)
{
    char text[16];
    char *end;

    (void)snprintf(text, sizeof(text), "%.*s", (int)word.n, word.p);
    *out = (uint32_t)strtoul(text, &end, 16);
    return word.n == 8 && *end == '\0';
}

static void
copy_word(char *to, size_t size, struct slice word)
{
    (void)snprintf(to, size, "%.*s", (int)word.n, word.p);
}

static bool
take_file(struct manifest *m, struct slice rest)
{
    struct backup_file *f;
    uint64_t partition;

    m->files = xreallocarray(m->files, m->n + 1, sizeof(*m->files));
    f = &m->files[m->n++];
    *f = (struct backup_file){.partition = -1};
    copy_word(f->name, sizeof(f->name), slice_word(&rest));
    if (!slice_u64(slice_word(&rest), INT32_MAX, &partition)) {
        return false;
    }
    f->partition = (int)partition;
    copy_word(f->node, sizeof(f->node), slice_word(&rest));
    return strchr(f->name, '/') == NULL &&
           slice_u64(slice_word(&rest), UINT64_MAX, &f->sequence) &&
           slice_u64(slice_word(&rest), UINT64_MAX, &f->records) &&
           slice_u64(slice_word(&rest), UINT64_MAX, &f->bytes) &&
           take_hex(slice_word(&rest), &f->crc);
}

static bool
take_line(struct manifest *m, struct slice line)
{
    struct slice rest = line;
    struct slice word = slice_word(&rest);

    if (slice_eq(word, SLICE("time"))) {
        return slice_i64(slice_word(&rest), 0, INT64_MAX / 2, &m->time);
    }
    if (slice_eq(word, SLICE("cut"))) {
        m->cut = slice_eq(slice_word(&rest), SLICE("yes"));
    } else if (slice_eq(word, SLICE("span-ms"))) {
        return slice_u64(slice_word(&rest), UINT64_MAX, &m->span_ms);
    } else if (slice_eq(word, SLICE("file"))) {
        return take_file(m, rest);
    }
    return true;
}

/* The last line names the checksum of all before it. */
static bool
is_whole(struct slice text)
{
    static const char word[] = "checksum ";
    size_t n = sizeof("checksum 01234567\n") - 1;
    uint32_t crc;

    return text.p != NULL && text.n > n &&
           memcmp(text.p, "flare-backup 1\n", 15) == 0 &&
           memcmp(text.p + text.n - n, word, sizeof(word) - 1) == 0 &&
           take_hex((struct slice){text.p + text.n - 9, 8}, &crc) &&
           crc32c(0, text.p, text.n - n) == crc;
}

int
manifest_read(struct manifest *m, const char *folder, struct err *err)
{
    char *path = path_of(folder, "manifest");
    struct buf text = {0};
    int rc = file_read_all(path, &text, err);
    struct slice rest = buf_slice(&text);

    *m = (struct manifest){.n = 0};
    if (rc == 0 && !is_whole(rest)) {
        rc = err_set(err, ERR_CORRUPT, "%s is damaged", path);
    }
    while (rc == 0 && rest.n > 0) {
        if (!take_line(m, slice_until(&rest, '\n'))) {
            rc = err_set(err, ERR_CORRUPT, "%s is damaged", path);
        }
    }
    buf_fini(&text);
    free(path);
    return rc;
}

void
manifest_fini(struct manifest *m)
{
    free(m->files);
    *m = (struct manifest){.n = 0};
}

static int
measure(const char *path, uint64_t *bytes, uint32_t *crc, struct err *err)
{
    char block[65536];
    FILE *f = fopen(path, "re");
    size_t n;
    int rc;

    *bytes = 0;
    *crc = 0;
    if (f == NULL) {
        return err_sys(err, "open %s", path);
    }
    while ((n = fread(block, 1, sizeof(block), f)) > 0) {
        *crc = crc32c(*crc, block, n);
        *bytes += n;
    }
    rc = ferror(f) != 0 ? err_sys(err, "read %s", path) : 0;
    (void)fclose(f);
    return rc;
}

int
manifest_measure(struct backup_file *file, const char *folder, struct err *err)
{
    char *path = path_of(folder, file->name);
    int rc = measure(path, &file->bytes, &file->crc, err);

    free(path);
    return rc;
}

int
manifest_check(const struct backup_file *file, const char *folder,
               struct err *err)
{
    char *path = path_of(folder, file->name);
    uint64_t bytes;
    uint32_t crc;
    int rc = measure(path, &bytes, &crc, err);

    if (rc == 0 && (bytes != file->bytes || crc != file->crc)) {
        rc = err_set(err, ERR_CORRUPT,
                     "%s is not what was written: its checksum is wrong", path);
    }
    free(path);
    return rc;
}
