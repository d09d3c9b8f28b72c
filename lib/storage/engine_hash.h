/*
 * engine_hash: what engine_hash.c and its cursors share.
 *
 * Tokyo Cabinet has one iterator a handle, which goes by file offset, and an
 * overwrite that grows a record moves it.  So a cursor that must be exact is
 * told of what happens to the key it stands on, and remembers the keys of
 * records that may have moved to where it has been, to read them at its end.
 */
#ifndef FLARE_STORAGE_ENGINE_HASH_H
#define FLARE_STORAGE_ENGINE_HASH_H

#include <pthread.h>
#include <stdatomic.h>
#include <tchdb.h>

#include "base/list.h"
#include "storage/engine.h"
#include "storage/room.h"

struct hash_engine {
    struct engine base;
    TCHDB *hdb;
    char *path, *wal_path;
    int fd; /* ours, for blocks and fsync; closed after the handle: locks */
    size_t extra; /* bytes a record takes beyond key and value, at most */
    bool packed;  /* records are compressed, sizes say nothing */
    struct room room;
    bool begun; /* a transaction; under walk */
    /*
     * Around every use of the handle, shared by those who only read.  Tokyo
     * Cabinet's own locks are not used: they spin, which on few cores costs
     * more than the work they guard.
     */
    pthread_rwlock_t walk;
    unsigned watchers;   /* exact cursors; under walk */
    struct list cursors; /* all of them; under walk */
};

/*
 * A record of `size` bytes (remove: SIZE_MAX) is about to be put under key:
 * cursors that stand on it go on first.  Under the exclusive lock.
 */
void hash_cursors_aside(struct hash_engine *engine, struct slice key,
                        size_t size);

/* The whole file was emptied: cursors are at their end. */
void hash_cursors_truncated(struct hash_engine *engine);

struct engine_cursor *hash_cursor_open(struct engine *engine, bool exact,
                                       struct slice from);
enum engine_result hash_cursor_next(struct engine_cursor *cursor,
                                    struct slice *key, struct slice *record);
void hash_cursor_close(struct engine_cursor *cursor);

/* engine_ops.get of this engine. */
enum engine_result hash_get(struct engine *engine, struct slice key,
                            size_t want, struct buf *out);

#endif
