#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "storage/ulog_impl.h"

enum { LOOK_BACK = 8 }; /* segments */

void
ulog_tidy(struct ulog *log, unsigned most)
{
    while (log->ndropped > most && !log->tidying) {
        struct ulog_segment *s = ulog_segment_of(log->dropped.next);
        bool last;

        log->tidying = true;
        (void)pthread_mutex_unlock(&log->lock);
        if (unlink(s->path) != 0 && errno != ENOENT) {
            log_warn_sys("cannot delete %s", s->path);
        }
        (void)pthread_mutex_lock(&log->lock);
        log->tidying = false;
        list_remove(&s->link);
        log->ndropped--;
        last = ulog_segment_unref(s);
        (void)pthread_mutex_unlock(&log->lock);
        if (last) {
            ulog_segment_free(s);
        }
        (void)pthread_mutex_lock(&log->lock);
    }
}

void
ulog_discard_spare(struct ulog *log)
{
    if (log->spare != NULL) {
        (void)unlink(log->spare_path);
        ulog_segment_free(log->spare);
        log->spare = NULL;
    }
}

/* On a disk that is nearly full its room is worth more than its pages. */
static bool
has_room(const struct ulog *log)
{
    struct statvfs st;

    return fstatvfs(log->lock_fd, &st) == 0 &&
           (uint64_t)st.f_bavail * st.f_frsize >=
               log->spare_bytes + 4 * log->segment_bytes;
}

/*
 * The oldest dropped segment as the next one, if that is worth while; under the
 * lock, but not while it takes time.
 */
static struct ulog_segment *
recycle(struct ulog *log)
{
    struct ulog_segment *s;
    bool ok;

    if (log->spare != NULL || log->tidying || list_empty(&log->dropped)) {
        return NULL;
    }
    s = ulog_segment_of(log->dropped.next);
    if (s->refs > 1 || !has_room(log)) {
        return NULL;
    }
    log->tidying = true;
    (void)pthread_mutex_unlock(&log->lock);
    ok = ulog_segment_is_reusable(s, log->segment_bytes);
    (void)pthread_mutex_lock(&log->lock);
    log->tidying = false;
    /* The files of others go only after this one has lost its name. */
    if (!ok || !ulog_segment_rename(s, log->spare_path)) {
        return NULL;
    }
    list_remove(&s->link);
    log->ndropped--;
    (void)pthread_mutex_unlock(&log->lock);
    if (!ulog_segment_renew(s)) {
        (void)unlink(log->spare_path);
        ulog_segment_free(s);
        s = NULL;
    }
    (void)pthread_mutex_lock(&log->lock);
    return s;
}

/* One of those that were finished last and still count as our memory. */
static struct ulog_segment *
find_mapped(struct ulog *log)
{
    struct list *at = log->segments.prev;

    for (int i = 0; i < LOOK_BACK && at != &log->segments; i++) {
        struct ulog_segment *s = ulog_segment_of(at);

        if (s->sealed && !s->unmapped) {
            return s;
        }
        at = at->prev;
    }
    return NULL;
}

/* Under the lock, but not while it takes time. */
static void
unmap_sealed(struct ulog *log)
{
    struct ulog_segment *s;
    bool last;

    while ((s = find_mapped(log)) != NULL) {
        ulog_segment_ref(s);
        (void)pthread_mutex_unlock(&log->lock);
        ulog_segment_unmap(s);
        (void)pthread_mutex_lock(&log->lock);
        last = ulog_segment_unref(s);
        if (last) {
            ulog_segment_free(s);
        }
    }
}

static struct ulog_segment *
make_spare(struct ulog *log)
{
    struct ulog_segment *spare = NULL;
    struct err err;

    /* No room is no harm yet: the append will try again. */
    (void)ulog_segment_prepare(&spare, log->spare_path, log->segment_bytes,
                               log->spare_bytes, &err);
    return spare;
}

bool
ulog_untidy(const struct ulog *log)
{
    return atomic_load_explicit(&log->untidy, memory_order_relaxed);
}

void
ulog_tend(struct ulog *log)
{
    struct ulog_segment *spare;
    struct ulog_segment *s;
    uint64_t life;
    bool wanted;

    (void)pthread_mutex_lock(&log->lock);
    life = atomic_load(&log->life);
    spare = recycle(log);
    ulog_tidy(log, 0);
    unmap_sealed(log);
    s = ulog_newest(log);
    wanted = spare == NULL && log->spare == NULL && s != NULL &&
             s->end > s->size / 2;
    (void)pthread_mutex_unlock(&log->lock);
    if (wanted) {
        spare = make_spare(log);
    }
    if (spare != NULL) {
        ulog_segment_populate(spare);
    }
    (void)pthread_mutex_lock(&log->lock);
    if (spare != NULL) {
        log->spare = spare;
    }
    if (life != atomic_load(&log->life)) {
        /* Sequences may begin lower than those left in it. */
        ulog_discard_spare(log);
    }
    atomic_store(&log->untidy, false);
    (void)pthread_mutex_unlock(&log->lock);
}
