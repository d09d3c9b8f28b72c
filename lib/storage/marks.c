#include "storage/marks.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/file.h"

/*
 * The file: the title, then entries of version u64, bits u8, length of the key
 * u16, the key; at the end the CRC32C of all that, u32.  Little-endian.
 */
static const char title[] = "flare-marks 1\n";

enum { TITLE = sizeof(title) - 1, ENTRY = 11, CRC = 4 };

struct mark {
    struct list link;
    uint64_t version;
    unsigned bits;
    size_t n;
    char key[];
};

void
marks_init(struct marks *marks, uint64_t max)
{
    *marks = (struct marks){.max = max};
    (void)pthread_mutex_init(&marks->lock, NULL);
    list_init(&marks->age);
}

static void
forget(struct marks *marks, struct mark *mark)
{
    (void)strmap_remove(&marks->map, (struct slice){mark->key, mark->n});
    list_remove(&mark->link);
    free(mark);
    marks->count--;
    marks->changed = true;
}

static void
forget_down_to(struct marks *marks, uint64_t max)
{
    while (marks->count > max && !list_empty(&marks->age)) {
        forget(marks, LIST_ENTRY(marks->age.next, struct mark, link));
    }
}

void
marks_fini(struct marks *marks)
{
    forget_down_to(marks, 0);
    strmap_fini(&marks->map);
    (void)pthread_mutex_destroy(&marks->lock);
}

static struct mark *
add(struct marks *marks, struct slice key)
{
    struct mark *mark = xcalloc(1, sizeof(*mark) + key.n);

    mark->n = key.n;
    memcpy(mark->key, key.p, key.n);
    (void)strmap_put(&marks->map, key, mark);
    list_append(&marks->age, &mark->link);
    marks->count++;
    forget_down_to(marks, marks->max);
    return mark;
}

static void
put(struct marks *marks, struct slice key, uint64_t version, unsigned bits)
{
    struct mark *mark = strmap_find(&marks->map, key);

    if (mark == NULL) {
        mark = add(marks, key);
    } else if (mark->version > version) {
        return;
    }
    mark->version = version;
    mark->bits = bits;
    marks->changed = true;
}

void
marks_put(struct marks *marks, struct slice key, uint64_t version,
          unsigned bits)
{
    (void)pthread_mutex_lock(&marks->lock);
    put(marks, key, version, bits);
    (void)pthread_mutex_unlock(&marks->lock);
}

unsigned
marks_find(struct marks *marks, struct slice key, uint64_t version)
{
    const struct mark *mark;
    unsigned bits = 0;

    if (atomic_load_explicit(&marks->count, memory_order_relaxed) == 0) {
        return 0;
    }
    (void)pthread_mutex_lock(&marks->lock);
    mark = strmap_find(&marks->map, key);
    if (mark != NULL && mark->version == version) {
        bits = mark->bits;
    }
    (void)pthread_mutex_unlock(&marks->lock);
    return bits;
}

void
marks_tidy(struct marks *marks, struct slice key, uint64_t version)
{
    struct mark *mark;

    if (atomic_load_explicit(&marks->count, memory_order_relaxed) == 0) {
        return;
    }
    (void)pthread_mutex_lock(&marks->lock);
    mark = strmap_find(&marks->map, key);
    if (mark != NULL && mark->version != version) {
        forget(marks, mark);
    }
    (void)pthread_mutex_unlock(&marks->lock);
}

void
marks_clear(struct marks *marks)
{
    (void)pthread_mutex_lock(&marks->lock);
    forget_down_to(marks, 0);
    (void)pthread_mutex_unlock(&marks->lock);
}

void
marks_walk(struct marks *marks,
           void (*each)(void *arg, struct slice key, uint64_t version,
                        unsigned bits),
           void *arg)
{
    (void)pthread_mutex_lock(&marks->lock);
    for (struct list *l = marks->age.next; l != &marks->age; l = l->next) {
        const struct mark *mark = LIST_ENTRY(l, struct mark, link);

        each(arg, (struct slice){mark->key, mark->n}, mark->version,
             mark->bits);
    }
    (void)pthread_mutex_unlock(&marks->lock);
}

/* --- the file ------------------------------------------------------------- */

struct writing {
    struct buf out;
    bool failed;
};

static void
put_entry(void *arg, struct slice key, uint64_t version, unsigned bits)
{
    struct writing *w = arg;
    uint64_t v = htole64(version);
    uint16_t n = htole16((uint16_t)key.n);
    char b = (char)bits;

    w->failed = w->failed || !buf_put(&w->out, &v, sizeof(v)) ||
                !buf_put(&w->out, &b, 1) || !buf_put(&w->out, &n, sizeof(n)) ||
                !buf_put_slice(&w->out, key);
}

static bool
take_changed(struct marks *marks)
{
    bool changed;

    (void)pthread_mutex_lock(&marks->lock);
    changed = marks->changed;
    marks->changed = false;
    (void)pthread_mutex_unlock(&marks->lock);
    return changed;
}

int
marks_save(struct marks *marks, const char *path, struct err *err)
{
    struct writing w = {.failed = false};
    uint32_t crc;
    int rc;

    if (!take_changed(marks)) {
        return 0;
    }
    w.failed = !buf_put(&w.out, title, TITLE);
    marks_walk(marks, put_entry, &w);
    crc = htole32(crc32c(0, buf_slice(&w.out).p, buf_len(&w.out)));
    if (w.failed || !buf_put(&w.out, &crc, sizeof(crc))) {
        rc = err_set(err, ERR_IO, "%s: memory is out", path);
    } else {
        rc = file_write_atomic(path, buf_slice(&w.out), err);
    }
    buf_fini(&w.out);
    return rc;
}

static bool
parse(struct marks *marks, struct slice text)
{
    uint32_t crc;

    if (text.n < TITLE + CRC) {
        return false;
    }
    assert(text.p != NULL);
    if (memcmp(text.p, title, TITLE) != 0) {
        return false;
    }
    text.n -= CRC;
    memcpy(&crc, text.p + text.n, sizeof(crc));
    if (le32toh(crc) != crc32c(0, text.p, text.n)) {
        return false;
    }
    text.p += TITLE;
    text.n -= TITLE;
    while (text.n >= ENTRY) {
        uint64_t version;
        uint16_t n;

        memcpy(&version, text.p, sizeof(version));
        memcpy(&n, text.p + 9, sizeof(n));
        n = le16toh(n);
        if (text.n - ENTRY < n) {
            return false;
        }
        put(marks, (struct slice){text.p + ENTRY, n}, le64toh(version),
            (unsigned char)text.p[8]);
        text.p += ENTRY + n;
        text.n -= ENTRY + (size_t)n;
    }
    return text.n == 0;
}

int
marks_load(struct marks *marks, const char *path, struct err *err)
{
    struct buf text = {0};
    int rc;

    if (access(path, F_OK) != 0) {
        return 0;
    }
    rc = file_read_all(path, &text, err);
    if (rc == 0 && !parse(marks, buf_slice(&text))) {
        rc = err_set(err, ERR_CORRUPT, "%s is damaged", path);
    }
    marks->changed = false;
    buf_fini(&text);
    return rc;
}
