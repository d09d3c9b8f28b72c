#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "storage/ulog_impl.h"

/*
 * Delete the newest segment.  At once, not by ulog_tend(): the next segment may
 * get the same name.  Newest first, so that who is killed leaves no gap.
 */
static void
remove_newest(struct ulog *log, struct ulog_segment *s)
{
    list_remove(&s->link);
    log->total_bytes -= s->file_bytes;
    atomic_store(&s->discarded, true);
    if (unlink(s->path) != 0 && errno != ENOENT) {
        log_warn_sys("cannot delete %s", s->path);
    }
    if (ulog_segment_unref(s)) {
        ulog_segment_free(s);
    }
}

/* Those that ulog_tend() would delete later: new ones may get their names. */
static void
remove_dropped(struct ulog *log)
{
    while (log->tidying) {
        static const struct timespec moment = {0, 200000};

        (void)pthread_mutex_unlock(&log->lock);
        (void)nanosleep(&moment, NULL);
        (void)pthread_mutex_lock(&log->lock);
    }
    while (!list_empty(&log->dropped)) {
        struct ulog_segment *s = ulog_segment_of(log->dropped.next);

        (void)unlink(s->path);
        list_remove(&s->link);
        log->ndropped--;
        if (ulog_segment_unref(s)) {
            ulog_segment_free(s);
        }
    }
}

/* Where in the segment the entry after seq begins; 0: not found. */
static size_t
offset_after(const struct ulog_segment *s, uint64_t seq)
{
    size_t at = ULOG_HEADER;

    while (at < s->end) {
        struct slice rest = {s->map + at, s->end - at};
        struct ulog_entry entry;
        size_t n = 0;

        if (ulog_decode_entry(rest, &entry, &n) != ULOG_DECODED) {
            return 0;
        }
        if (entry.seq > seq) {
            return at;
        }
        at += n;
    }
    return at;
}

/* Nothing follows seq in the newest segment.  False: it is damaged. */
static bool
cut_newest(struct ulog *log, struct ulog_segment *s, uint64_t seq)
{
    size_t at = offset_after(s, seq);

    if (at == 0) {
        return false;
    }
    log->total_bytes -= s->file_bytes;
    ulog_segment_cut(s, at, seq);
    log->total_bytes += s->file_bytes;
    return true;
}

static bool
cut(struct ulog *log, uint64_t seq)
{
    struct ulog_segment *s = ulog_newest(log);

    while (s != NULL && s->header.first > seq) {
        remove_newest(log, s);
        s = ulog_newest(log);
    }
    log->last = seq;
    ulog_syncer_cut(log, seq);
    return s == NULL || s->last == seq || cut_newest(log, s, seq);
}

/* So that a log without entries knows after a restart where it goes on. */
static int
settle(struct ulog *log, struct err *err)
{
    bool ok = true;

    if (list_empty(&log->segments) && log->last > 0) {
        ok = ulog_extend(log, 0) != NULL;
    }
    ulog_note_first(log);
    if (!ok) {
        return err_set(err, ERR_IO, "%s: no room for a new log file",
                       log->folder);
    }
    return fsync(log->lock_fd) != 0 ? err_sys(err, "fsync %s", log->folder) : 0;
}

int
ulog_cut(struct ulog *log, uint64_t seq, struct err *err)
{
    int rc = 0;

    (void)pthread_mutex_lock(&log->lock);
    if (seq > log->last || seq + 1 < log->first) {
        rc = err_set(err, ERR_CONFIG,
                     "the log has the entries %" PRIu64 " to %" PRIu64
                     ", it cannot be cut after %" PRIu64,
                     ulog_first(log), ulog_last(log), seq);
    } else if (seq < log->last) {
        atomic_fetch_add(&log->life, 1);
        rc = cut(log, seq)
                 ? settle(log, err)
                 : err_set(err, ERR_CORRUPT, "%s: damaged", log->folder);
    }
    (void)pthread_mutex_unlock(&log->lock);
    return rc;
}

int
ulog_reset(struct ulog *log, uint64_t last, struct err *err)
{
    struct ulog_segment *s;
    int rc;

    (void)pthread_mutex_lock(&log->lock);
    atomic_fetch_add(&log->life, 1);
    remove_dropped(log);
    ulog_discard_spare(log);
    while ((s = ulog_newest(log)) != NULL) {
        remove_newest(log, s);
    }
    log->last = last;
    ulog_syncer_cut(log, last);
    log->version = 0;
    rc = settle(log, err);
    (void)pthread_mutex_unlock(&log->lock);
    return rc;
}
