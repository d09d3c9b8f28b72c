#include "storage/store_lineage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/log.h"

static const char title[] = "flare-lineage 1\n";

void
store_lineage_init(struct store_lineage *all)
{
    memset(all, 0, sizeof(*all));
    (void)pthread_mutex_init(&all->lock, NULL);
}

void
store_lineage_fini(struct store_lineage *all)
{
    (void)pthread_mutex_destroy(&all->lock);
    free(all->path);
}

/* --- the file ------------------------------------------------------------ */

static bool
parse_line(struct store_epochs *all, struct slice line)
{
    struct slice name = slice_word(&line);
    struct lineage *l = &all->lineage;
    uint64_t a = 0, b = 0;

    if (!slice_u64(slice_word(&line), UINT64_MAX, &a)) {
        return false;
    }
    if (slice_eq(name, SLICE("seen"))) {
        all->seen = a;
    } else if (slice_eq(name, SLICE("top"))) {
        all->top = a;
    } else if (slice_eq(name, SLICE("era"))) {
        if (l->n == LINEAGE_MAX ||
            !slice_u64(slice_word(&line), UINT64_MAX, &b)) {
            return false;
        }
        l->era[l->n++] = (struct era){a, b};
    }
    return true;
}

/* The last line is the checksum of all before it. */
static bool
parse(struct store_epochs *all, struct slice text)
{
    char crc[16];
    const size_t n = 13; /* "crc 01234567\n" */

    if (text.p == NULL || text.n < sizeof(title) - 1 + n ||
        memcmp(text.p, title, sizeof(title) - 1) != 0) {
        return false;
    }
    (void)snprintf(crc, sizeof(crc), "crc %08" PRIx32 "\n",
                   crc32c(0, text.p, text.n - n));
    if (memcmp(text.p + text.n - n, crc, n) != 0) {
        return false;
    }
    text.n -= n;
    (void)slice_until(&text, '\n');
    while (text.n > 0) {
        if (!parse_line(all, slice_until(&text, '\n'))) {
            return false;
        }
    }
    return true;
}

int
store_lineage_load(struct store_lineage *all, const char *path, struct err *err)
{
    struct buf text = {0};
    int rc;

    all->path = xstrdup(path);
    if (access(path, F_OK) != 0) {
        return 0;
    }
    rc = file_read_all(path, &text, err);
    if (rc == 0 && !parse(&all->now, buf_slice(&text))) {
        rc = err_set(err, ERR_CORRUPT, "%s: damaged", path);
    }
    buf_fini(&text);
    return rc;
}

static int
save(const struct store_epochs *all, const char *path, struct err *err)
{
    char text[64 * (LINEAGE_MAX + 4)];
    int n =
        snprintf(text, sizeof(text), "%sseen %" PRIu64 "\ntop %" PRIu64 "\n",
                 title, all->seen, all->top);

    for (unsigned i = 0; i < all->lineage.n; i++) {
        n += snprintf(text + n, sizeof(text) - (size_t)n,
                      "era %" PRIu64 " %" PRIu64 "\n",
                      all->lineage.era[i].epoch, all->lineage.era[i].first);
    }
    n += snprintf(text + n, sizeof(text) - (size_t)n, "crc %08" PRIx32 "\n",
                  crc32c(0, text, (size_t)n));
    return file_write_atomic(path, (struct slice){text, (size_t)n}, err);
}

/* --- changes ------------------------------------------------------------- */

/* Become `next`, if that can be made durable.  Under the lock. */
static int
become(struct store_lineage *all, const struct store_epochs *next,
       struct err *err)
{
    int rc = save(next, all->path, err);

    if (rc == 0) {
        all->now = *next;
    }
    return rc;
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool
store_lineage_begin(struct store_lineage *all, uint64_t epoch, uint64_t first)
{
    struct store_epochs next;
    struct err err;
    bool ok;

    (void)pthread_mutex_lock(&all->lock);
    next = all->now;
    next.lineage.seq = first - 1;
    lineage_begin(&next.lineage, epoch, first);
    next.top = larger(next.top, epoch);
    next.seen = larger(next.seen, epoch);
    ok = become(all, &next, &err) == 0;
    (void)pthread_mutex_unlock(&all->lock);
    if (!ok) {
        log_error("epoch %" PRIu64 " cannot begin: %s", epoch, err.msg);
    }
    return ok;
}

bool
store_lineage_see(struct store_lineage *all, uint64_t epoch)
{
    struct store_epochs next;
    struct err err;
    bool ok = true;

    (void)pthread_mutex_lock(&all->lock);
    if (epoch > all->now.seen) {
        next = all->now;
        next.seen = epoch;
        ok = become(all, &next, &err) == 0;
    }
    (void)pthread_mutex_unlock(&all->lock);
    if (!ok) {
        log_error("epoch %" PRIu64 " cannot be noted: %s", epoch, err.msg);
    }
    return ok;
}

int
store_lineage_cut(struct store_lineage *all, uint64_t seq, struct err *err)
{
    struct store_epochs next;
    int rc = 0;

    (void)pthread_mutex_lock(&all->lock);
    next = all->now;
    next.lineage.seq = UINT64_MAX - 2;
    lineage_cut(&next.lineage, seq);
    if (next.lineage.n != all->now.lineage.n) {
        rc = become(all, &next, err);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return rc;
}

int
store_lineage_adopt(struct store_lineage *all, const struct lineage *history,
                    struct err *err)
{
    struct store_epochs next;
    int rc = 0;

    (void)pthread_mutex_lock(&all->lock);
    if (history->n > 0 || all->now.lineage.n > 0) {
        next = all->now;
        next.lineage = *history;
        for (unsigned i = 0; i < history->n; i++) {
            next.top = larger(next.top, history->era[i].epoch);
        }
        next.seen = larger(next.seen, next.top);
        rc = become(all, &next, err);
    }
    (void)pthread_mutex_unlock(&all->lock);
    return rc;
}

void
store_lineage_get(struct store_lineage *all, struct store_epochs *out)
{
    (void)pthread_mutex_lock(&all->lock);
    *out = all->now;
    (void)pthread_mutex_unlock(&all->lock);
}
