/*
 * ulog: the update log, every accepted change in order.
 *
 * Segment files under a folder, each a shared mapping: an appended entry
 * survives the death of the process.  Entries are numbered from 1 without a
 * gap; the number (sequence) of the last one is the log's position.  Each has
 * a CRC32C; a torn tail is cut when the log is opened, damage before the tail
 * is reported and nothing behind it is served.
 *
 * Any thread may append and read; appending serialises on one lock.
 */
#ifndef FLARE_STORAGE_ULOG_H
#define FLARE_STORAGE_ULOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct ulog;

enum ulog_op {
    ULOG_SET = 1,
    ULOG_DELETE,
    ULOG_TOUCH,
    ULOG_FLUSH,
    ULOG_MARK,   /* flags are the marks of this version, see item/change.h */
    ULOG_DIGEST, /* changes nothing: whose log gets it takes its digest */
};

struct ulog_entry {
    uint64_t seq;
    uint64_t epoch; /* see item/lineage.h; 0: no lineage */
    enum ulog_op op;
    uint32_t flags;
    int64_t expire;
    uint64_t version;
    struct slice key;
    struct slice value; /* ULOG_SET; TOUCH has none */
};

enum ulog_sync {
    ULOG_SYNC_NONE,     /* the system writes when it likes */
    ULOG_SYNC_EVERYSEC, /* once a second */
    ULOG_SYNC_ALWAYS,   /* all the time, as much as came meanwhile */
};

struct ulog_options {
    const char *folder;     /* made when it is missing */
    uint64_t segment_bytes; /* size of a file; a larger entry gets its own */
    uint64_t keep_bytes;    /* old segments beyond this may be deleted */
    enum ulog_sync sync;
    uint64_t spare_bytes; /* of the disk, to be left to others */
    /*
     * The entry `first` is about to be the first of another epoch than the one
     * before it: make that durable.  False: refuse the entry.  Called with the
     * log's lock held.  NULL: nobody wants to know.
     */
    bool (*era)(void *arg, uint64_t epoch, uint64_t first);
    void *arg;
};

/*
 * ERR_CORRUPT names file and offset; ERR_CONFLICT: another process has it
 * open.  *out is NULL on failure.
 */
int ulog_open(struct ulog **out, const struct ulog_options *options,
              struct err *err);
void ulog_close(struct ulog *log);

/*
 * Append; entry->seq is set.  False when the disk is full or memory is out:
 * nothing was appended.  The entry's slices are copied.
 */
bool ulog_append(struct ulog *log, struct ulog_entry *entry);

/*
 * Append an entry of another log as it is: its bytes, which were decoded to
 * *entry.  False also when it is not the next one in sequence.
 */
bool ulog_mirror(struct ulog *log, const struct ulog_entry *entry,
                 struct slice bytes);

/* The epoch of the last entry, or begun since: what `era` was told last. */
uint64_t ulog_epoch(const struct ulog *log);
void ulog_set_epoch(struct ulog *log, uint64_t epoch); /* after opening */

/* The next entry has this epoch: tell `era` now.  False: it said no. */
bool ulog_begin_epoch(struct ulog *log, uint64_t epoch);

/*
 * Give up the entries above seq, durably; ERR_CONFIG when those before are not
 * there.  Nobody appends meanwhile.  Readers get ULOG_READ_GONE from then on,
 * and must be opened anew; likewise with reset.
 */
int ulog_cut(struct ulog *log, uint64_t seq, struct err *err);

/* Delete every entry; the next one is numbered last + 1. */
int ulog_reset(struct ulog *log, uint64_t last, struct err *err);

/*
 * Entries above seq are needed for recovery and stay whatever keep_bytes says.
 * Nothing is protected before the first call.
 */
void ulog_protect_after(struct ulog *log, uint64_t seq);

/*
 * Somebody who is away will want the entries above seq: they stay until the log
 * has become four times keep_bytes.  UINT64_MAX: nobody.
 */
void ulog_want_after(struct ulog *log, uint64_t seq);

/* --- the disk ------------------------------------------------------------ */

/*
 * All entries there are now are on the disk when it returns 0.  When the disk
 * fails, nothing is appended any more: what it has is not known then.
 */
int ulog_write_out(struct ulog *log, struct err *err);

void ulog_set_sync(struct ulog *log, enum ulog_sync sync);

/* Entries up to here are on the disk. */
uint64_t ulog_durable(const struct ulog *log);

/*
 * With ULOG_SYNC_ALWAYS: entries up to here may be acknowledged; UINT64_MAX
 * otherwise.  `passed` is told of each change, on a thread of the log.
 */
uint64_t ulog_passed(const struct ulog *log);
void ulog_on_passed(struct ulog *log, void (*passed)(void *arg, uint64_t seq),
                    void *arg);

/*
 * Work that takes time and that appends would have to do otherwise: delete old
 * files, make the next one ready.  One thread; whenever ulog_untidy().
 */
bool ulog_untidy(const struct ulog *log);
void ulog_tend(struct ulog *log);

/* Bytes appended since the log was opened. */
uint64_t ulog_appended(const struct ulog *log);

/* Bytes of the segment files. */
uint64_t ulog_size(struct ulog *log);

/* The largest version in any entry that is still there; 0: none. */
uint64_t ulog_version(const struct ulog *log);

uint64_t ulog_first(const struct ulog *log); /* oldest still there, or last+1 */
uint64_t ulog_last(const struct ulog *log);  /* 0: none yet */

/*
 * A reader holds what it has yet to read; close it or the log cannot shrink
 * (unless it is so slow that the log has become four times its size).
 */
struct ulog_reader;

/* The first entry read will be the oldest with a sequence above `after`. */
struct ulog_reader *ulog_reader_open(struct ulog *log, uint64_t after);
void ulog_reader_close(struct ulog_reader *reader);

enum ulog_read { ULOG_READ_OK, ULOG_READ_END, ULOG_READ_GONE };

/*
 * The next entry; its slices are good until the next call on this reader.
 * END: no more for now.  GONE: what comes next was deleted (keep_bytes) or is
 * damaged, the reader cannot go on.
 */
enum ulog_read ulog_reader_next(struct ulog_reader *reader,
                                struct ulog_entry *out);

/*
 * The next entries as they lie in the log, to be sent to another one: whole
 * ones of one epoch, from *first to *last, `max` bytes at most or else a single
 * one.  The bytes are good until the next call on this reader.
 */
enum ulog_read ulog_reader_bytes(struct ulog_reader *reader, size_t max,
                                 struct slice *bytes, uint64_t *first,
                                 uint64_t *last);

/*
 * Call `wake` on the appending thread after an append that follows a quiet
 * spell: at most once until ulog_rearm().  One subscriber.
 */
void ulog_subscribe(struct ulog *log, void (*wake)(void *), void *arg);
void ulog_rearm(struct ulog *log);

#endif
