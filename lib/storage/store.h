/*
 * store: the node's records, with policy applied.
 *
 * Facade over an engine, the update log and the tombstones.  Every function
 * may be called from any thread.  A change is one pass: under the key's lock
 * the old record is read, item/decide.h decides, the log gets the entry, the
 * engine gets the record.  So the log's order is the order of each key.
 */
#ifndef FLARE_STORAGE_STORE_H
#define FLARE_STORAGE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "item/change.h"
#include "item/item.h"
#include "item/lineage.h"
#include "storage/digest.h"
#include "storage/ulog.h"

struct store;

struct store_options {
    const char *data_dir;
    const char *type;      /* "tch", "tcb" or "mem" */
    uint64_t bucket_size;  /* tch: buckets of a new file; 0: chosen by us */
    unsigned ap, fp;       /* Tokyo Cabinet's alignment and free-pool powers */
    bool large;            /* 64-bit buckets */
    const char *compress;  /* "", "deflate", "bz2", "tcbs" */
    unsigned lmemb, nmemb; /* tcb: members of a leaf, of a node */
    unsigned dfunit;       /* auto defragmentation step, 0: off */
    uint64_t map_bytes;    /* tch: how much of the file to map; 0: 1 GiB */
    unsigned lock_stripes; /* key locks (mutex-slot) */
    uint64_t tombstones;   /* remembered deletions; 0: 65536 */
    uint64_t value_max;    /* bytes */
    uint64_t buffer_bytes; /* for recent writes; 0: 64 MiB */
    uint64_t log_segment_bytes;
    uint64_t log_keep_bytes;
    enum ulog_sync log_sync;
};

/*
 * Open or create the files in data_dir (made when missing) and bring the
 * engine up to the end of the log.  ERR_CONFIG, ERR_IO, ERR_CORRUPT and
 * ERR_CONFLICT (another process has it open) name the file.
 */
int store_open(struct store **out, const struct store_options *options,
               struct err *err);

/* Flush and close.  Failure to write is reported; the store is gone anyway. */
int store_close(struct store *store, struct err *err);

enum store_status { STORE_OK, STORE_MISS, STORE_ERROR };

/*
 * Look a key up.  A hit fills *out, whose value points into *scratch (cleared
 * first, kept between calls by the caller) and lives as long as it is not
 * touched.  An expired record is a miss, and is removed.
 */
/* Keys with these strmap_hash()es will be asked for; only a hint. */
void store_prefetch(struct store *store, const uint64_t *hash, unsigned n);

enum store_status store_get(struct store *store, struct slice key,
                            struct wall now, struct buf *scratch,
                            struct item *out);

struct outcome {
    enum change_answer answer;
    bool changed;     /* a log entry was made */
    uint64_t seq;     /* of that entry */
    uint64_t number;  /* CHANGE_NUMBER */
    uint64_t version; /* the record's, when it was written; else 0 */
    /*
     * The record as it is now, value in *scratch: after every change but a
     * removal, TOUCHED, and CHANGE_META if there is one.
     */
    struct item item;
    unsigned marks;     /* CHANGE_META: before the change */
    int64_t was_expire; /* likewise */
    bool won, created;  /* likewise; see item/decide.h */
};

/* Carry out a change.  CHANGE_FAILED: storage trouble, see store_trouble(). */
void store_apply(struct store *store, const struct change *change,
                 struct wall now, struct buf *scratch, struct outcome *out);

/* The marks (item/change.h) of this version of the key. */
unsigned store_marks(struct store *store, struct slice key, uint64_t version);

/*
 * Note marks, as the master has them, and log them.  They count when the
 * record gets this version, be it later.  False: storage trouble.
 */
bool store_mark(struct store *store, struct slice key, uint64_t version,
                unsigned marks);

/* Log all marks anew, for a copy that has not seen them. */
void store_log_marks(struct store *store);

/*
 * Everything this thread changed since its last call is safe against the death
 * of this process when it returns true (tcb keeps pages in memory; tch needs
 * nothing).  Called once a loop turn, before replies leave.
 */
bool store_commit(struct store *store);

/*
 * Remove all records stored before now; one log entry.  False: storage
 * trouble.  Versions go on rising.
 */
bool store_flush_all(struct store *store, uint64_t *seq);

/* Versions given from now on are more than n above all seen so far. */
void store_skip_versions(struct store *store, uint64_t n);

/* --- the log as a copy of another node's; see item/lineage.h -------------- */

/* How far the log is, and the epochs it has had. */
void store_lineage(struct store *store, struct lineage *out);

/* The highest epoch heard of; see: durable when it returns true. */
uint64_t store_epoch_seen(struct store *store);
bool store_see_epoch(struct store *store, uint64_t epoch);

/*
 * Changes made here have this epoch from now on: this node is master.  0: they
 * have no lineage, which is so after opening.  Durable when it returns true;
 * refused when the log had such an epoch before its latest, or a higher one was
 * heard of.
 */
bool store_begin_epoch(struct store *store, uint64_t epoch, struct err *err);

/*
 * True: expired records are hidden but not removed, because the master says
 * when.  False, as after opening: who comes upon one removes it, with a log
 * entry.
 */
void store_keep_expired(struct store *store, bool keep);

enum store_stream {
    STREAM_OK,
    STREAM_DAMAGED, /* no log entries, or not as they were written */
    STREAM_GAP,     /* not the ones after the last */
    STREAM_EPOCH,   /* of an epoch before the last one's, or of none */
    STREAM_FAILED,  /* storage trouble; those up to *last were taken */
};

/*
 * Append entries as ulog_reader_bytes() gave them elsewhere, and do what they
 * say, whatever is there.  Unless they are all right nothing is done.  *last is
 * the log's last sequence then.
 */
enum store_stream store_replicate(struct store *store, struct slice bytes,
                                  struct buf *scratch, uint64_t *last);

struct store_record {
    struct slice key;
    bool present; /* else there is to be none */
    struct item item;
    unsigned marks;
};

/* Make a record like this one whatever is there, without a log entry. */
bool store_force(struct store *store, const struct store_record *record);

/*
 * The entries above seq are given up, and every record they were about has
 * been forced: the log ends with seq.  If the process dies before, they are
 * all still there.  Local changes have no lineage then.
 */
int store_rewind_end(struct store *store, uint64_t seq, struct err *err);

/* --- are two copies equal? ----------------------------------------------- */

struct store_digest {
    uint64_t epoch, seq; /* what it says is true right after this entry */
    bool known;
    uint64_t records;
    struct digest_sum all; /* the sum of the parts */
    struct digest_sum part[DIGEST_BUCKETS];
};

/*
 * Log a mark, and take the digest there; every node that mirrors this log takes
 * its own there, too, so that they can be compared.  Writers wait for a moment.
 * False: storage trouble.
 */
bool store_digest_mark(struct store *store, uint64_t *seq);

enum store_digest_state {
    STORE_DIGEST_OK,
    STORE_DIGEST_LATER,   /* the log has not come that far */
    STORE_DIGEST_GONE,    /* there is none, or no longer */
    STORE_DIGEST_UNKNOWN, /* it is being computed anew; some other time */
};

/* The digest taken at a mark. */
enum store_digest_state store_digest_at(struct store *store, uint64_t seq,
                                        struct store_digest *out);

/* What a record adds to the sums. */
struct digest_sum store_hash(struct slice key, const struct item *item);

/* Log a record as it is, or that there is none, for copies that differ. */
bool store_relog(struct store *store, struct slice key, uint64_t *seq);

/* --- being filled -------------------------------------------------------- */

enum store_data {
    STORE_COMPLETE,
    STORE_EMPTY,    /* no record, and no change ever */
    STORE_BUILDING, /* a copy was begun and not finished, perhaps long ago */
};

enum store_data store_data(struct store *store);

/*
 * A copy about to be built.  With truncate: emptied, without a log entry, and
 * from now on BUILDING.  While building, every deletion is remembered, however
 * many, so that CHANGE_DUMP, which is not logged, cannot bring one back.
 * Nobody may be fed from this store before the end.  `complete`: a checkpoint
 * is made, then it is COMPLETE; false from it: it could not.
 */
bool store_rebuild_begin(struct store *store, bool truncate);
bool store_rebuild_end(struct store *store, bool complete);

/*
 * Likewise, and the log goes on where another one is, whose history becomes
 * ours: the next entry is history->seq + 1.
 */
int store_restart_at(struct store *store, const struct lineage *history,
                     struct err *err);

/* ------------------------------------------------------------------------ */

/*
 * How many records there are, expired ones included.  Waits for what was
 * written so far to reach the engine, half a second at most: while many write
 * it never is all there, and who asks has to be answered even so.
 */
uint64_t store_count(struct store *store);
uint64_t store_file_size(struct store *store); /* bytes */
struct ulog *store_log(struct store *store);

/*
 * Make the engine's file durable and note how far in the log it is, so that a
 * start after a crash replays only what came later and older log entries are
 * free to go.  Waits for the disk; any thread.  The store does it by itself
 * when much was logged since the last time, and when it is closed.
 */
int store_checkpoint(struct store *store, struct err *err);

/*
 * NULL, or why the storage failed last (ping answers an error then).  A full
 * disk is forgotten at the next write that succeeds, a failed engine is not.
 */
const char *store_trouble(struct store *store);

/*
 * Remove up to `budget` expired records, going round; for a timer.  Returns
 * how many were removed.
 */
unsigned store_sweep(struct store *store, struct wall now, unsigned budget);

/* --- walking all records ------------------------------------------------ */

struct store_cursor;

/*
 * Each record that is there from the opening to the end is seen exactly once
 * or, when it is rewritten meanwhile, at least once in its old or new form.
 * Any number of cursors at a time; writers are not stopped between steps.
 */
struct store_cursor *store_cursor_open(struct store *store);
void store_cursor_close(struct store_cursor *cursor);

/*
 * The next record, expired ones included; key and item point into the cursor
 * and live until the next call.  Records that do not decode are skipped.
 * STORE_MISS: the end.
 */
enum store_status store_cursor_next(struct store_cursor *cursor,
                                    struct slice *key, struct item *item);

/*
 * Keys that begin with prefix, in order, at most `limit`: each is appended to
 * *out as "KEY key\r\n".  STORE_ERROR: the engine has no order (tch).
 */
enum store_status store_prefix(struct store *store, struct slice prefix,
                               uint64_t limit, struct buf *out);

#endif
