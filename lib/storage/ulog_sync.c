#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "storage/ulog_impl.h"

/*
 * Group commit: while the disk writes, entries gather, and the next round
 * writes them all at once.
 */

/* What one round writes. */
struct round {
    struct ulog_segment **segment;
    size_t n;
    bool folder;
    uint64_t last;
};

/* Under the log's lock. */
static void
begin_round(struct ulog *log, struct round *round)
{
    uint64_t durable = atomic_load(&log->syncer.durable);
    size_t most = 0;

    for (struct list *at = log->segments.prev; at != &log->segments;
         at = at->prev) {
        most++;
    }
    *round = (struct round){
        .segment = xcalloc(most + 1, sizeof(struct ulog_segment *)),
        .folder = log->syncer.folder,
        .last = log->last,
    };
    for (struct list *at = log->segments.next; at != &log->segments;
         at = at->next) {
        struct ulog_segment *s = ulog_segment_of(at);

        if (s->last > durable) {
            ulog_segment_ref(s);
            round->segment[round->n++] = s;
        }
    }
    log->syncer.folder = false;
}

/* Its own descriptor: that of the segment may be closed at any time. */
static int
write_segment(const struct ulog_segment *s, struct err *err)
{
    AUTO_CLOSE int fd = open(s->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return s->discarded ? 0 : err_sys(err, "open %s", s->path);
    }
    return fdatasync(fd) != 0 ? err_sys(err, "write %s", s->path) : 0;
}

static int
write_round(struct ulog *log, const struct round *round, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < round->n; i++) {
        rc = write_segment(round->segment[i], err);
    }
    if (rc == 0 && round->folder && fsync(log->lock_fd) != 0) {
        rc = err_sys(err, "fsync %s", log->folder);
    }
    return rc;
}

static void
end_round(struct ulog *log, struct round *round)
{
    for (size_t i = 0; i < round->n; i++) {
        bool last;

        (void)pthread_mutex_lock(&log->lock);
        last = ulog_segment_unref(round->segment[i]);
        (void)pthread_mutex_unlock(&log->lock);
        if (last) {
            ulog_segment_free(round->segment[i]);
        }
    }
    free(round->segment);
}

static void
tell(struct ulog *log)
{
    struct ulog_syncer *y = &log->syncer;
    uint64_t passed;

    (void)pthread_mutex_lock(&y->telling);
    passed = ulog_passed(log);
    if (y->passed != NULL && passed != atomic_load(&y->shown)) {
        atomic_store(&y->shown, passed);
        y->passed(y->arg, passed);
    }
    (void)pthread_mutex_unlock(&y->telling);
}

int
ulog_write_out(struct ulog *log, struct err *err)
{
    struct round round;
    uint64_t life;
    int rc;

    (void)pthread_mutex_lock(&log->syncer.busy);
    (void)pthread_mutex_lock(&log->lock);
    begin_round(log, &round);
    life = log->life;
    (void)pthread_mutex_unlock(&log->lock);
    rc = atomic_load(&log->failed)
             ? err_set(err, ERR_IO, "%s: the disk failed before", log->folder)
             : write_round(log, &round, err);
    (void)pthread_mutex_lock(&log->lock);
    if (rc != 0) {
        atomic_store(&log->failed, true);
    } else if (life == log->life) {
        atomic_store(&log->syncer.durable, round.last);
    }
    (void)pthread_mutex_unlock(&log->lock);
    end_round(log, &round);
    (void)pthread_mutex_unlock(&log->syncer.busy);
    if (rc == 0) {
        tell(log);
    }
    return rc;
}

/* --- the thread ---------------------------------------------------------- */

static void
wait_a_second(struct ulog *log)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    while (!log->syncer.stop && log->syncer.how == ULOG_SYNC_EVERYSEC &&
           pthread_cond_timedwait(&log->syncer.wake, &log->lock, &until) == 0) {
    }
}

static bool
is_due(struct ulog *log)
{
    return log->last > atomic_load(&log->syncer.durable) && !log->failed;
}

/* Until there is something to be written.  Under the lock; false: stop. */
static bool
wait_for_work(struct ulog *log)
{
    struct ulog_syncer *y = &log->syncer;
    bool due = false;

    while (!y->stop && !due) {
        if (y->how == ULOG_SYNC_EVERYSEC) {
            wait_a_second(log);
            due = is_due(log);
        } else if (y->how == ULOG_SYNC_ALWAYS && is_due(log)) {
            due = true;
        } else {
            y->idle = y->how == ULOG_SYNC_ALWAYS;
            (void)pthread_cond_wait(&y->wake, &log->lock);
        }
    }
    return !y->stop;
}

static void *
run(void *arg)
{
    struct ulog *log = arg;
    struct err err;

    (void)pthread_setname_np(pthread_self(), "log-sync");
    (void)pthread_mutex_lock(&log->lock);
    while (wait_for_work(log)) {
        (void)pthread_mutex_unlock(&log->lock);
        if (ulog_write_out(log, &err) != 0) {
            log_error("%s; nothing is written any more", err.msg);
        }
        (void)pthread_mutex_lock(&log->lock);
    }
    (void)pthread_mutex_unlock(&log->lock);
    return NULL;
}

int
ulog_syncer_start(struct ulog *log, struct err *err)
{
    struct ulog_syncer *y = &log->syncer;
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&y->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&y->busy, NULL);
    (void)pthread_mutex_init(&y->telling, NULL);
    atomic_store(&y->shown, UINT64_MAX);
    y->folder = true;
    y->running = pthread_create(&y->thread, NULL, run, log) == 0;
    if (y->running) {
        return 0;
    }
    (void)pthread_cond_destroy(&y->wake);
    return err_set(err, ERR_NOMEM,
                   "cannot start the thread that writes the "
                   "log to the disk");
}

void
ulog_syncer_stop(struct ulog *log)
{
    struct ulog_syncer *y = &log->syncer;
    struct err err;

    if (!y->running) {
        return;
    }
    (void)pthread_mutex_lock(&log->lock);
    y->stop = true;
    (void)pthread_cond_signal(&y->wake);
    (void)pthread_mutex_unlock(&log->lock);
    (void)pthread_join(y->thread, NULL);
    if (y->how != ULOG_SYNC_NONE && ulog_write_out(log, &err) != 0) {
        log_error("%s", err.msg);
    }
    y->running = false;
    (void)pthread_cond_destroy(&y->wake);
    (void)pthread_mutex_destroy(&y->busy);
    (void)pthread_mutex_destroy(&y->telling);
}

void
ulog_set_sync(struct ulog *log, enum ulog_sync sync)
{
    (void)pthread_mutex_lock(&log->lock);
    log->syncer.how = sync;
    (void)pthread_cond_signal(&log->syncer.wake);
    (void)pthread_mutex_unlock(&log->lock);
    tell(log);
}

uint64_t
ulog_durable(const struct ulog *log)
{
    return atomic_load(&log->syncer.durable);
}

uint64_t
ulog_passed(const struct ulog *log)
{
    return log->syncer.how == ULOG_SYNC_ALWAYS ? ulog_durable(log) : UINT64_MAX;
}

void
ulog_on_passed(struct ulog *log, void (*passed)(void *arg, uint64_t seq),
               void *arg)
{
    (void)pthread_mutex_lock(&log->syncer.telling);
    log->syncer.passed = passed;
    log->syncer.arg = arg;
    atomic_store(&log->syncer.shown, UINT64_MAX);
    (void)pthread_mutex_unlock(&log->syncer.telling);
    tell(log);
}
