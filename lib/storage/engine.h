/*
 * engine: where records lie; no policy.
 *
 * A record is whatever bytes stand under a key (item/item.h knows them).  Any
 * thread may call get, count and size at any time.  put and remove of one key,
 * and everything of one cursor, come from one thread at a time.  truncate,
 * checkpoint and cursor_open are called while nobody writes.
 */
#ifndef FLARE_STORAGE_ENGINE_H
#define FLARE_STORAGE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "storage/digest.h"

struct store_options;

struct engine {
    const struct engine_ops *ops;
};

struct engine_cursor {
    const struct engine_ops *ops;
};

enum engine_result { ENGINE_OK, ENGINE_MISS, ENGINE_ERROR };

/* What the file was like when it was opened. */
struct engine_found {
    bool created; /* there was none */
    bool clean;   /* whoever had it open before closed it */
    bool emptied; /* it was being emptied when its last writer died */
};

struct engine_ops {
    const char *name;
    const char *file; /* in the data folder; NULL: nothing outlives a close */
    bool ordered;     /* cursors go by key, and cursor_open takes a start */

    /* Checkpoints are due after so many bytes of log; 0: as the log likes. */
    uint64_t checkpoint_bytes;

    uint64_t spare_bytes; /* of the disk: for its own files, not for the log */

    /* ERR_CONFLICT: somebody else has it; ERR_CORRUPT: it is no such file. */
    int (*open)(struct engine **out, const struct store_options *options,
                const char *path, struct engine_found *found, struct err *err);
    int (*close)(struct engine *engine, struct err *err);
    /* Its file is going to be put aside: close it, whatever has happened. */
    void (*give_up)(struct engine *engine); /* NULL: nothing to do for that */

    /* Keys with these hashes will be asked for; a hint.  NULL: no need. */
    void (*prefetch)(struct engine *engine, const uint64_t *hash, unsigned n);

    /* Append the record, or at least its first `want` bytes, to *out. */
    enum engine_result (*get)(struct engine *engine, struct slice key,
                              size_t want, struct buf *out);
    /*
     * Make sure that the put of a record of n bytes under key will find room
     * on the disk.  Each success is followed by one release.
     */
    bool (*reserve)(struct engine *engine, struct slice key, size_t n);
    void (*release)(struct engine *engine, struct slice key, size_t n);
    bool (*put)(struct engine *engine, struct slice key, struct slice record);
    enum engine_result (*remove)(struct engine *engine, struct slice key);

    /*
     * Around several puts and removes by one thread: if the process dies before
     * commit, none of them was made, and the file is sound.  NULL: it cannot.
     */
    bool (*begin)(struct engine *engine);
    bool (*commit)(struct engine *engine);

    uint64_t (*count)(struct engine *engine);
    uint64_t (*size)(struct engine *engine); /* bytes of the file */
    bool (*truncate)(struct engine *engine);
    /* As checkpoint, while others write: it leaves that one little to do. */
    bool (*settle)(struct engine *engine); /* NULL: nothing to do */
    /* All that was put so far is to be in the file after the next sync. */
    bool (*checkpoint)(struct engine *engine);
    /*
     * The same in two steps, of which only the first, a short one, needs that
     * nobody writes.  NULL: it can only be done at once.
     */
    void (*mark)(struct engine *engine);
    bool (*carry_marked)(struct engine *engine);
    bool (*sync)(struct engine *engine); /* the file is on the disk */

    /*
     * Copy the sums over all records (storage/digest.h), when nobody writes.
     * False: they are not known at the moment.  NULL: never.
     */
    bool (*digest)(struct engine *engine, struct digest_sum *sums,
                   uint64_t *records);
    /* Somebody else may have written the file: compute them anew. */
    void (*digest_doubt)(struct engine *engine);

    /*
     * An exact cursor keeps the promise of storage/store.h; another may miss
     * or repeat records that are rewritten meanwhile but costs writers
     * nothing.  Ordered engines begin at the first key not below `from`.
     * NULL: not now, the engine is in trouble.
     */
    struct engine_cursor *(*cursor_open)(struct engine *engine, bool exact,
                                         struct slice from);
    /* The slices live until the next call. */
    enum engine_result (*cursor_next)(struct engine_cursor *cursor,
                                      struct slice *key, struct slice *record);
    void (*cursor_close)(struct engine_cursor *cursor);
};

extern const struct engine_ops engine_hash;  /* Tokyo Cabinet hash: tch */
extern const struct engine_ops engine_btree; /* Tokyo Cabinet B+ tree: tcb */
extern const struct engine_ops engine_mem;   /* memory, for tests: mem */

#endif
