/*
 * ulog_impl: what the log's files share.
 */
#ifndef FLARE_STORAGE_ULOG_IMPL_H
#define FLARE_STORAGE_ULOG_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "storage/ulog.h"
#include "storage/ulog_segment.h"

struct ulog {
    char *folder;
    int lock_fd; /* the folder, with an advisory lock */
    uint64_t segment_bytes;
    uint64_t keep_bytes;
    uint64_t spare_bytes;
    pthread_mutex_t lock; /* everything below that is not atomic */
    struct list segments; /* oldest first; appends go to the last */
    struct list dropped;  /* deleted, the files still there */
    unsigned ndropped;
    bool tidying;               /* the first of them is being deleted */
    struct ulog_segment *spare; /* made ready to be the next, or NULL */
    char *spare_path;
    uint64_t total_bytes;  /* of the segment files */
    uint64_t protected_at; /* entries above it stay */
    _Atomic uint64_t first;
    _Atomic uint64_t last;
    _Atomic uint64_t version;
    _Atomic uint64_t epoch;
    /* Counts cuts and resets: what readers stand on is no more. */
    _Atomic uint64_t life;
    bool (*era)(void *arg, uint64_t epoch, uint64_t first);
    void *era_arg;
    uint64_t wanted_after; /* entries above it stay if they can */
    struct ulog_syncer {
        pthread_t thread;
        bool running, stop;
        bool idle;   /* wants to be signalled */
        bool folder; /* there are new names in it */
        _Atomic(enum ulog_sync) how;
        pthread_cond_t wake;  /* with the log's lock */
        pthread_mutex_t busy; /* one at a time; before the log's lock */
        _Atomic uint64_t durable;
        _Atomic uint64_t shown; /* what `passed` was told last */
        pthread_mutex_t telling;
        void (*passed)(void *arg, uint64_t seq); /* under telling */
        void *arg;
    } syncer;
    _Atomic bool failed; /* the disk */
    _Atomic uint64_t appended;
    _Atomic bool untidy; /* there is work for ulog_tend() */
    _Atomic bool armed;
    void (*wake)(void *);
    void *wake_arg;
};

static inline struct ulog_segment *
ulog_segment_of(struct list *link)
{
    return LIST_ENTRY(link, struct ulog_segment, link);
}

/* The segment that is appended to, or NULL.  This and more: under the lock. */
static inline struct ulog_segment *
ulog_newest(struct ulog *log)
{
    struct list *last = list_last(&log->segments);

    return last != NULL ? ulog_segment_of(last) : NULL;
}

void ulog_note_first(struct ulog *log);

/*
 * Delete the files of dropped segments, down to `most` of them, oldest first:
 * who is killed in between must not leave a gap.  Not under the lock while a
 * file is being deleted; one thread at a time.
 */
void ulog_tidy(struct ulog *log, unsigned most);

void ulog_discard_spare(struct ulog *log);

/* Start and stop the thread that writes. */
int ulog_syncer_start(struct ulog *log, struct err *err);
void ulog_syncer_stop(struct ulog *log);

/* What was written above seq is no more. */
static inline void
ulog_syncer_cut(struct ulog *log, uint64_t seq)
{
    if (atomic_load(&log->syncer.durable) > seq) {
        atomic_store(&log->syncer.durable, seq);
    }
}

/* There is a new entry. */
static inline void
ulog_syncer_wake(struct ulog *log)
{
    if (log->syncer.idle) {
        log->syncer.idle = false;
        (void)pthread_cond_signal(&log->syncer.wake);
    }
}

/* A new segment for entries of `size` bytes at the end, or NULL. */
struct ulog_segment *ulog_extend(struct ulog *log, size_t size);

#endif
