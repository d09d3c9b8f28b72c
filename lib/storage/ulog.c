#include "storage/ulog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "storage/ulog_impl.h"

enum {
    STRETCH = 4,     /* a reader may hold the log at so many times its size */
    DROPPED_MAX = 4, /* files an append leaves to ulog_tend() */
};

static const uint64_t default_segment = 64 << 20;

static void
add_segment(struct ulog *log, struct ulog_segment *s)
{
    list_append(&log->segments, &s->link);
    log->total_bytes += s->file_bytes;
    if (s->header.version > log->version) {
        log->version = s->header.version;
    }
    log->last = s->last;
}

/* Take it off the list; tidy() deletes the file. */
static void
drop_segment(struct ulog *log, struct ulog_segment *s)
{
    list_remove(&s->link);
    log->total_bytes -= s->file_bytes;
    atomic_store(&s->discarded, true);
    list_append(&log->dropped, &s->link);
    log->ndropped++;
    atomic_store(&log->untidy, true);
}

void
ulog_note_first(struct ulog *log)
{
    log->first = list_empty(&log->segments)
                     ? log->last + 1
                     : ulog_segment_of(log->segments.next)->header.first;
}

/* --- opening ------------------------------------------------------------ */

static int
is_segment_name(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return n == 25 && strcmp(entry->d_name + 20, ".ulog") == 0 &&
           strspn(entry->d_name, "0123456789") == 20;
}

static int
load_segment(struct ulog *log, const char *name, bool last, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", log->folder, name);
    struct ulog_segment *s;
    struct ulog_segment *before = ulog_newest(log);

    if (ulog_segment_open(&s, path, err) != 0) {
        return (int)err->code;
    }
    if (s == NULL) {
        return 0;
    }
    if (before != NULL && s->header.first != before->last + 1) {
        if (ulog_segment_is_of_before(before)) {
            /* What it promised to have written it has. */
            log_warn("%s: deleted, the machine went down before what belongs "
                     "in front of it was on the disk",
                     path);
            (void)unlink(path);
            ulog_segment_free(s);
            return 0;
        }
        ulog_segment_free(s);
        return err_set(err, ERR_CORRUPT,
                       "%s: entries are missing before it, after offset %zu "
                       "of %s",
                       path, (size_t)before->end, before->path);
    }
    if (!last && !s->sealed) {
        ulog_segment_seal(s);
    }
    add_segment(log, s);
    return 0;
}

static int
load_segments(struct ulog *log, struct err *err)
{
    struct dirent **names = NULL;
    int n = scandir(log->folder, &names, is_segment_name, alphasort);
    int rc = 0;

    if (n < 0) {
        return err_sys(err, "read folder %s", log->folder);
    }
    for (int i = 0; i < n; i++) {
        if (rc == 0) {
            rc = load_segment(log, names[i]->d_name, i == n - 1, err);
        }
        free(names[i]);
    }
    free(names);
    ulog_note_first(log);
    return rc;
}

static int
lock_folder(struct ulog *log, struct err *err)
{
    if (mkdir(log->folder, 0755) != 0 && errno != EEXIST) {
        return err_sys(err, "make folder %s", log->folder);
    }
    log->lock_fd = open(log->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (log->lock_fd < 0) {
        return err_sys(err, "open folder %s", log->folder);
    }
    if (flock(log->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? err_set(err, ERR_CONFLICT,
                             "another process uses the log in %s", log->folder)
                   : err_sys(err, "lock folder %s", log->folder);
    }
    return 0;
}

/* It is held for the time of a copy: waiting awake is cheaper. */
static void
init_lock(struct ulog *log)
{
    pthread_mutexattr_t attr;

    (void)pthread_mutexattr_init(&attr);
    (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
    (void)pthread_mutex_init(&log->lock, &attr);
    (void)pthread_mutexattr_destroy(&attr);
}

int
ulog_open(struct ulog **out, const struct ulog_options *options,
          struct err *err)
{
    struct ulog *log = xcalloc(1, sizeof(*log));
    int rc;

    *out = NULL;
    log->folder = xstrdup(options->folder);
    log->segment_bytes =
        options->segment_bytes > 0 ? options->segment_bytes : default_segment;
    log->keep_bytes = options->keep_bytes;
    log->spare_bytes = options->spare_bytes;
    log->protected_at = UINT64_MAX;
    log->wanted_after = UINT64_MAX;
    log->syncer.how = options->sync;
    log->era = options->era;
    log->era_arg = options->arg;
    log->lock_fd = -1;
    list_init(&log->segments);
    list_init(&log->dropped);
    log->spare_path = xasprintf("%s/next.ulog", log->folder);
    init_lock(log);
    rc = lock_folder(log, err);
    if (rc == 0) {
        (void)unlink(log->spare_path);
        rc = load_segments(log, err);
    }
    if (rc == 0) {
        rc = ulog_syncer_start(log, err);
    }
    if (rc != 0) {
        ulog_close(log);
        return rc;
    }
    *out = log;
    return 0;
}

void
ulog_close(struct ulog *log)
{
    if (log == NULL) {
        return;
    }
    ulog_syncer_stop(log);
    (void)pthread_mutex_lock(&log->lock);
    ulog_tidy(log, 0);
    (void)pthread_mutex_unlock(&log->lock);
    ulog_discard_spare(log);
    while (!list_empty(&log->segments)) {
        struct ulog_segment *s = ulog_segment_of(log->segments.next);

        list_remove(&s->link);
        ulog_segment_free(s);
    }
    if (log->lock_fd >= 0) {
        (void)close(log->lock_fd);
    }
    (void)pthread_mutex_destroy(&log->lock);
    free(log->folder);
    free(log->spare_path);
    free(log);
}

/* --- appending ---------------------------------------------------------- */

static bool
is_wanted(const struct ulog *log, const struct ulog_segment *s)
{
    return s->refs > 1 || s->last > log->wanted_after;
}

/* Delete what is old enough and not needed by anybody. */
static void
shrink(struct ulog *log)
{
    while (log->total_bytes > log->keep_bytes) {
        struct ulog_segment *s = ulog_segment_of(log->segments.next);

        if (s == ulog_newest(log) || s->last > log->protected_at ||
            (is_wanted(log, s) &&
             log->total_bytes / STRETCH <= log->keep_bytes)) {
            break;
        }
        drop_segment(log, s);
    }
    ulog_note_first(log);
}

/* The disk is full: delete one segment more.  False: all are needed. */
static bool
shed(struct ulog *log)
{
    struct ulog_segment *s = ulog_segment_of(log->segments.next);

    if (list_empty(&log->segments) || s == ulog_newest(log) ||
        s->last > log->protected_at || s->refs > 1) {
        return false;
    }
    drop_segment(log, s);
    for (struct list *at = log->dropped.next; at != &log->dropped;
         at = at->next) {
        (void)unlink(ulog_segment_of(at)->path);
    }
    list_remove(&s->link);
    log->ndropped--;
    ulog_segment_free(s);
    ulog_note_first(log);
    return true;
}

/* A file for the next segment, with room for so much. */
static struct ulog_segment *
new_segment(struct ulog *log, size_t want)
{
    AUTO_FREE char *path = NULL;
    struct ulog_segment *s = log->spare;
    struct err err;
    int rc;

    if (s != NULL && s->size >= want) {
        log->spare = NULL;
        return s;
    }
    path = xasprintf("%s/large.ulog", log->folder);
    do {
        rc = ulog_segment_prepare(&s, path, want, log->spare_bytes, &err);
    } while (rc != 0 && shed(log));
    if (s != NULL) {
        ulog_segment_by_page(s);
    }
    return s;
}

struct ulog_segment *
ulog_extend(struct ulog *log, size_t size)
{
    struct ulog_segment *before = ulog_newest(log);
    size_t want = log->segment_bytes;
    struct ulog_segment *s;
    struct err err;

    if (want < ULOG_HEADER + size) {
        want = ULOG_HEADER + size;
    }
    if (before != NULL && !before->sealed) {
        log->total_bytes -= before->file_bytes;
        ulog_segment_seal(before);
        log->total_bytes += before->file_bytes;
    }
    s = new_segment(log, want);
    if (s == NULL) {
        return NULL;
    }
    if (ulog_segment_begin(s, log->folder, log->last + 1, &err) != 0) {
        (void)unlink(s->path);
        ulog_segment_free(s);
        return NULL;
    }
    add_segment(log, s);
    log->syncer.folder = true;
    shrink(log);
    return s;
}

/* The segment that takes an entry of size bytes, or NULL. */
static struct ulog_segment *
segment_for(struct ulog *log, size_t size)
{
    struct ulog_segment *s = ulog_newest(log);

    if (atomic_load_explicit(&log->failed, memory_order_relaxed)) {
        return NULL;
    }
    if (s != NULL && !s->sealed && s->size - s->end >= size) {
        return s;
    }
    return ulog_extend(log, size);
}

/* The next entry has this epoch.  Under the lock; false: not so. */
static bool
enter_epoch(struct ulog *log, uint64_t epoch)
{
    if (epoch == atomic_load_explicit(&log->epoch, memory_order_relaxed)) {
        return true;
    }
    if (log->era != NULL && !log->era(log->era_arg, epoch, log->last + 1)) {
        return false;
    }
    atomic_store(&log->epoch, epoch);
    return true;
}

/* The file may have had entries before: where the new ones end is a zero. */
static void
end_behind(struct ulog_segment *s, size_t at)
{
    static const char nothing[8];

    if (s->size - at >= sizeof(nothing)) {
        memcpy(s->map + at, nothing, sizeof(nothing));
    }
}

/* Entry number last + 1 lies at the end of s.  Under the lock. */
static void
count_entry(struct ulog *log, struct ulog_segment *s, size_t size,
            uint64_t version)
{
    uint64_t seq = log->last + 1;

    if (version > s->header.version) {
        s->header.version = version;
    }
    if (version > log->version) {
        log->version = version;
    }
    s->last = seq;
    atomic_store_explicit(&s->end, s->end + size, memory_order_release);
    atomic_fetch_add_explicit(&log->appended, size, memory_order_relaxed);
    atomic_store(&log->last, seq);
    ulog_syncer_wake(log);
    if (log->spare == NULL && s->end > s->size / 2 &&
        !atomic_load_explicit(&log->untidy, memory_order_relaxed)) {
        atomic_store(&log->untidy, true);
    }
    ulog_tidy(log, DROPPED_MAX);
}

static void
wake_subscriber(struct ulog *log)
{
    if (atomic_load_explicit(&log->armed, memory_order_seq_cst) &&
        atomic_exchange(&log->armed, false)) {
        log->wake(log->wake_arg);
    }
}

bool
ulog_append(struct ulog *log, struct ulog_entry *entry)
{
    size_t size = ulog_entry_size(entry);
    struct ulog_segment *s;

    if (size == 0) {
        return false;
    }
    (void)pthread_mutex_lock(&log->lock);
    s = enter_epoch(log, entry->epoch) ? segment_for(log, size) : NULL;
    if (s != NULL) {
        entry->seq = log->last + 1;
        end_behind(s, s->end + size);
        ulog_encode_entry(s->map + s->end, entry);
        count_entry(log, s, size, entry->version);
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (s != NULL) {
        wake_subscriber(log);
    }
    return s != NULL;
}

bool
ulog_mirror(struct ulog *log, const struct ulog_entry *entry,
            struct slice bytes)
{
    struct ulog_segment *s = NULL;

    (void)pthread_mutex_lock(&log->lock);
    if (entry->seq == log->last + 1 && enter_epoch(log, entry->epoch)) {
        s = segment_for(log, bytes.n);
    }
    if (s != NULL) {
        end_behind(s, s->end + bytes.n);
        memcpy(s->map + s->end, bytes.p, bytes.n);
        count_entry(log, s, bytes.n, entry->version);
    }
    (void)pthread_mutex_unlock(&log->lock);
    if (s != NULL) {
        wake_subscriber(log);
    }
    return s != NULL;
}

uint64_t
ulog_epoch(const struct ulog *log)
{
    return atomic_load(&log->epoch);
}

void
ulog_set_epoch(struct ulog *log, uint64_t epoch)
{
    atomic_store(&log->epoch, epoch);
}

bool
ulog_begin_epoch(struct ulog *log, uint64_t epoch)
{
    bool ok;

    (void)pthread_mutex_lock(&log->lock);
    ok = enter_epoch(log, epoch);
    (void)pthread_mutex_unlock(&log->lock);
    return ok;
}

void
ulog_protect_after(struct ulog *log, uint64_t seq)
{
    (void)pthread_mutex_lock(&log->lock);
    log->protected_at = seq;
    if (!list_empty(&log->segments)) {
        shrink(log);
    }
    (void)pthread_mutex_unlock(&log->lock);
}

void
ulog_want_after(struct ulog *log, uint64_t seq)
{
    (void)pthread_mutex_lock(&log->lock);
    log->wanted_after = seq;
    (void)pthread_mutex_unlock(&log->lock);
}

/* --- looking ------------------------------------------------------------ */

uint64_t
ulog_appended(const struct ulog *log)
{
    return atomic_load_explicit(&log->appended, memory_order_relaxed);
}

uint64_t
ulog_size(struct ulog *log)
{
    uint64_t total;

    (void)pthread_mutex_lock(&log->lock);
    total = log->total_bytes;
    (void)pthread_mutex_unlock(&log->lock);
    return total;
}

uint64_t
ulog_version(const struct ulog *log)
{
    return atomic_load(&log->version);
}

uint64_t
ulog_first(const struct ulog *log)
{
    return atomic_load(&log->first);
}

uint64_t
ulog_last(const struct ulog *log)
{
    return atomic_load(&log->last);
}

void
ulog_subscribe(struct ulog *log, void (*wake)(void *), void *arg)
{
    log->wake = wake;
    log->wake_arg = arg;
    atomic_store(&log->armed, wake != NULL);
}

void
ulog_rearm(struct ulog *log)
{
    atomic_store(&log->armed, log->wake != NULL);
}
