#include "storage/ulog_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"

enum { POPULATE_STEP = 1 << 20 };

void
ulog_boot_id(unsigned char *to)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    char text[36];

    memset(to, 0, ULOG_BOOT_ID);
    if (fd < 0) {
        return;
    }
    if (read(fd, text, sizeof(text)) == (ssize_t)sizeof(text)) {
        for (size_t i = 0; i < sizeof(text); i++) {
            to[i % ULOG_BOOT_ID] ^= (unsigned char)text[i];
        }
    }
    (void)close(fd);
}

void
ulog_segment_free(struct ulog_segment *s)
{
    if (s == NULL) {
        return;
    }
    if (s->map != NULL) {
        (void)munmap(s->map, s->size);
    }
    if (s->fd >= 0) {
        (void)close(s->fd);
    }
    free(s->path);
    free(s);
}

/* Takes path and fd over, also when it fails. */
static struct ulog_segment *
segment_new(char *path, int fd, size_t size)
{
    struct ulog_segment *s = xcalloc(1, sizeof(*s));
    void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int saved = errno;

    list_init(&s->link);
    s->path = path;
    s->fd = fd;
    s->size = size;
    s->file_bytes = size;
    s->refs = 1;
    if (map == MAP_FAILED) {
        ulog_segment_free(s);
        errno = saved;
        return NULL;
    }
    s->map = map;
    return s;
}

static bool
is_free(int fd, uint64_t bytes)
{
    struct statvfs st;

    return fstatvfs(fd, &st) != 0 ||
           (uint64_t)st.f_bavail * st.f_frsize >= bytes;
}

int
ulog_segment_prepare(struct ulog_segment **out, const char *path, size_t size,
                     uint64_t spare, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    *out = NULL;
    if (fd < 0) {
        return err_sys(err, "create %s", path);
    }
    errno = is_free(fd, size + spare) ? posix_fallocate(fd, 0, (off_t)size)
                                      : ENOSPC;
    if (errno != 0) {
        (void)err_sys(err, "make room for %s", path);
        (void)close(fd);
    } else {
        *out = segment_new(xstrdup(path), fd, size);
        if (*out == NULL) {
            (void)err_sys(err, "map %s", path);
        }
    }
    if (*out == NULL) {
        (void)unlink(path);
        return (int)err->code;
    }
    return 0;
}

int
ulog_segment_begin(struct ulog_segment *s, const char *folder, uint64_t first,
                   struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%020" PRIu64 ".ulog", folder, first);

    s->header.first = first;
    ulog_boot_id(s->header.boot);
    ulog_encode_header(s->map, &s->header);
    s->end = ULOG_HEADER;
    s->last = first - 1;
    if (rename(s->path, path) != 0) {
        return err_sys(err, "rename %s to %s", s->path, path);
    }
    free(s->path);
    s->path = STEAL(path);
    return 0;
}

/* Are most of its pages in memory? */
static bool
is_resident(const struct ulog_segment *s)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t n = (s->size + page - 1) / page;
    AUTO_FREE unsigned char *there = malloc(n);
    size_t sum = 0;

    if (there == NULL || mincore(s->map, s->size, there) != 0) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        sum += there[i] & 1;
    }
    return sum >= n - n / 8;
}

bool
ulog_segment_is_reusable(const struct ulog_segment *s, size_t size)
{
    return s->size == size && s->file_bytes == size && is_resident(s);
}

bool
ulog_segment_rename(struct ulog_segment *s, const char *path)
{
    if (rename(s->path, path) != 0) {
        return false;
    }
    free(s->path);
    s->path = xstrdup(path);
    return true;
}

/*
 * Its old header must be gone from the disk before it gets another name; so
 * must entries that were cut off, whose sequences were given again.
 */
bool
ulog_segment_renew(struct ulog_segment *s)
{
    static const size_t head = ULOG_HEADER + ULOG_ENTRY_HEADER;

    memset(s->map, 0, head);
    memset(s->map + s->end, 0, s->size - s->end);
    if (msync(s->map, head, MS_SYNC) != 0) {
        return false;
    }
    s->fd = open(s->path, O_RDWR | O_CLOEXEC);
    s->header = (struct ulog_header){0};
    s->end = 0;
    s->last = 0;
    s->sealed = false;
    s->discarded = false;
    s->unmapped = false;
    return s->fd >= 0;
}

void
ulog_segment_unmap(struct ulog_segment *s)
{
    s->unmapped = true;
    (void)madvise(s->map, s->size, MADV_DONTNEED);
}

void
ulog_segment_by_page(struct ulog_segment *s)
{
    (void)madvise(s->map, s->size, MADV_RANDOM);
}

void
ulog_segment_populate(struct ulog_segment *s)
{
#ifdef MADV_POPULATE_WRITE
    for (size_t at = 0; at < s->size; at += POPULATE_STEP) {
        size_t n = s->size - at;

        n = n < POPULATE_STEP ? n : POPULATE_STEP;
        if (madvise(s->map + at, n, MADV_POPULATE_WRITE) != 0) {
            break; /* an older kernel: appends find the pages themselves */
        }
    }
    /* They are there now, and count as ours when they are written to. */
    (void)madvise(s->map, s->size, MADV_DONTNEED);
#else
    (void)s;
#endif
}

/*
 * Is there an entry behind damage at `at` that can only have been written
 * after it?
 */
static bool
goes_on_behind(const struct ulog_segment *s, size_t at)
{
    uint64_t before = s->last;

    for (at += 8; at + ULOG_ENTRY_HEADER <= s->size; at += 8) {
        struct slice rest = {s->map + at, s->size - at};
        struct ulog_entry entry;
        size_t n;

        if (ulog_decode_entry(rest, &entry, &n) == ULOG_DECODED &&
            entry.seq > before && entry.seq - before < s->size) {
            return true;
        }
    }
    return false;
}

bool
ulog_segment_is_of_before(const struct ulog_segment *s)
{
    unsigned char boot[ULOG_BOOT_ID];

    ulog_boot_id(boot);
    return memcmp(boot, s->header.boot, sizeof(boot)) != 0;
}

static int
on_damage(struct ulog_segment *s, size_t at, struct err *err)
{
    if (!goes_on_behind(s, at)) {
        log_info("%s: an entry was cut short at offset %zu, cut it off",
                 s->path, at);
    } else if (ulog_segment_is_of_before(s)) {
        /* The machine went down: pages reach the disk in any order. */
        log_warn("%s: damaged at offset %zu since the machine went down, "
                 "what follows is lost",
                 s->path, at);
    } else {
        return err_set(err, ERR_CORRUPT, "%s: damaged at offset %zu", s->path,
                       at);
    }
    ulog_segment_seal(s);
    return 0;
}

/* Walk to the end of a segment that was not finished. */
static int
scan(struct ulog_segment *s, struct err *err)
{
    size_t at = ULOG_HEADER;

    s->last = s->header.first - 1;
    s->header.version = 0;
    for (;;) {
        struct slice rest = {s->map + at, s->size - at};
        struct ulog_entry entry;
        enum ulog_decoded decoded;
        size_t n = 0;

        decoded = ulog_decode_entry(rest, &entry, &n);
        s->end = at;
        if (decoded == ULOG_DECODED && entry.seq != s->last + 1) {
            decoded = ULOG_DAMAGED;
        }
        if (decoded == ULOG_DAMAGED) {
            return on_damage(s, at, err);
        }
        if (decoded == ULOG_NOTHING) {
            return 0;
        }
        s->last = entry.seq;
        if (entry.version > s->header.version) {
            s->header.version = entry.version;
        }
        at += n;
    }
}

/* The magic is written last: without it and without entries, never begun. */
static bool
is_unborn(const struct ulog_segment *s)
{
    static const char zeros[8];

    return memcmp(s->map, zeros, sizeof(zeros)) == 0 &&
           (s->size < ULOG_HEADER + sizeof(zeros) ||
            memcmp(s->map + ULOG_HEADER, zeros, sizeof(zeros)) == 0);
}

static int
map_existing(struct ulog_segment **out, const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    struct stat st;
    struct ulog_segment *s;

    *out = NULL;
    if (fd < 0) {
        return err_sys(err, "open %s", path);
    }
    if (fstat(fd, &st) != 0) {
        (void)err_sys(err, "stat %s", path);
        (void)close(fd);
        return (int)err->code;
    }
    if (st.st_size < 8) {
        (void)close(fd);
        (void)unlink(path);
        return 0;
    }
    s = segment_new(xstrdup(path), fd, (size_t)st.st_size);
    if (s == NULL) {
        return err_sys(err, "map %s", path);
    }
    *out = s;
    return 0;
}

static int
find_end(struct ulog_segment *s, struct err *err)
{
    if (!s->header.sealed) {
        errno = posix_fallocate(s->fd, 0, (off_t)s->size);
        return errno != 0 ? err_sys(err, "make room for %s", s->path)
                          : scan(s, err);
    }
    if (s->header.end > s->size) {
        return err_set(err, ERR_CORRUPT, "%s: cut short at offset %zu", s->path,
                       s->size);
    }
    s->end = s->header.end;
    s->last = s->header.last;
    s->sealed = true;
    (void)close(s->fd);
    s->fd = -1;
    return 0;
}

int
ulog_segment_open(struct ulog_segment **out, const char *path, struct err *err)
{
    struct ulog_segment *s;
    int rc = map_existing(&s, path, err);

    *out = NULL;
    if (rc != 0 || s == NULL) {
        return rc;
    }
    if (ulog_decode_header((struct slice){s->map, s->size}, &s->header)) {
        rc = find_end(s, err);
    } else if (is_unborn(s)) {
        (void)unlink(path);
        ulog_segment_free(s);
        return 0;
    } else {
        rc = err_set(err, ERR_CORRUPT, "%s: damaged at offset 0", path);
    }
    if (rc != 0) {
        ulog_segment_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

void
ulog_segment_seal(struct ulog_segment *s)
{
    size_t unused = s->size - s->end;

    s->header.end = s->end;
    s->header.last = s->last;
    ulog_encode_seal(s->map, &s->header);
    /* Readers never look behind end, so cutting the file is safe. */
    if (unused > s->size / 8) {
        if (ftruncate(s->fd, (off_t)s->end) == 0) {
            s->file_bytes = s->end;
        } else {
            log_warn_sys("%s: cannot give back unused room", s->path);
        }
    }
    (void)close(s->fd);
    s->fd = -1;
    atomic_store(&s->sealed, true);
}

void
ulog_segment_cut(struct ulog_segment *s, size_t end, uint64_t last)
{
    atomic_store(&s->end, end);
    s->last = last;
    s->header.end = end;
    s->header.last = last;
    ulog_encode_seal(s->map, &s->header);
    if (msync(s->map, ULOG_HEADER, MS_SYNC) != 0) {
        log_warn_sys("%s: cannot write", s->path);
    }
    /* The file keeps its length: a reader may be in what was cut off. */
    if (s->fd >= 0) {
        (void)close(s->fd);
        s->fd = -1;
    }
    atomic_store(&s->sealed, true);
}

void
ulog_segment_ref(struct ulog_segment *s)
{
    s->refs++;
}

bool
ulog_segment_unref(struct ulog_segment *s)
{
    return --s->refs == 0;
}
