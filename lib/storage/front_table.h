/*
 * front_table: recent writes in memory, by key, in rings of fixed size.
 *
 * Split into shards by a hash of the key, each with one lock, an index and a
 * ring in which the entries lie in the order they came:
 *
 *     tail ... clean ... done ... head
 *          |         |        `-- dirty: nobody has them but the table
 *          |         `----------- begun: on their way to the engine
 *          `--------------------- clean: the engine has them too
 *
 * A write of a key that is dirty overwrites it in place where it fits, and
 * else makes the older entry void.  The oldest dirty entries are carried over
 * by one thread at a time: begin, carry, end.  Clean ones are found by reads
 * until their place in the ring is needed.
 */
#ifndef FLARE_STORAGE_FRONT_TABLE_H
#define FLARE_STORAGE_FRONT_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { FRONT_SHARDS = 32 };

struct front_entry;

struct front_shard {
    _Alignas(64) pthread_mutex_t lock;
    pthread_cond_t room; /* entries were taken off */
    struct front_entry **index;
    uint32_t mask;  /* slots of the index less one */
    uint32_t begun; /* entries between begin and end */
    char *ring;
    uint64_t size;  /* bytes of the ring */
    uint64_t head;  /* where the next entry goes; counts on, never wraps */
    uint64_t tail;  /* the oldest entry */
    uint64_t clean; /* the oldest that the engine does not have */
    uint64_t done;  /* behind those that were begun */
    uint64_t mark;  /* behind those there were at front_table_mark(), or more */
};

struct front_table {
    struct front_shard *shard; /* FRONT_SHARDS */
};

/* `bytes` for all rings together; false: out of memory. */
bool front_table_init(struct front_table *table, uint64_t bytes);
void front_table_fini(struct front_table *table);

enum front_found {
    FRONT_FOUND,   /* appended to *out, its first `want` bytes at least */
    FRONT_REMOVED, /* known not to be there */
    FRONT_UNKNOWN, /* ask the engine */
    FRONT_NO_MEMORY,
};

enum front_found front_table_get(struct front_table *table, struct slice key,
                                 size_t want, struct buf *out);

/* Have what the table knows of keys with these hashes in the cache soon. */
void front_table_prefetch(struct front_table *table, const uint64_t *hash,
                          unsigned n);

/* Small enough to go into the table at all. */
bool front_table_fits(const struct front_table *table, struct slice key,
                      struct slice record);

struct front_write {
    struct slice key, record;
    bool removes;
    /* Set by front_table_put(): */
    size_t replaced_n; /* bytes of the dirty record it replaced, or SIZE_MAX */
    bool crowded;      /* more than half of the ring is dirty */
};

/* False: there is no room at the moment; see front_table_wait(). */
bool front_table_put(struct front_table *table, struct front_write *write);

/* Wait a moment for room where this key goes. */
void front_table_wait(struct front_table *table, struct slice key);

/*
 * Make what is there of the key void.  True: a dirty record, of *n bytes.
 * No entries may be begun.
 */
bool front_table_forget(struct front_table *table, struct slice key, size_t *n);

/*
 * Forget all, as nobody writes; `gone` is told of each dirty record.  No
 * entries may be begun.
 */
void front_table_clear(struct front_table *table,
                       void (*gone)(void *arg, struct slice key, size_t n),
                       void *arg);

/* Nothing is dirty; wait until what is dirty now no longer is. */
bool front_table_is_clean(struct front_table *table);
void front_table_wait_clean(struct front_table *table, int64_t ms);
void front_table_wake_writers(struct front_table *table);

/*
 * Remember what is there now, as nobody writes.  Until it is carried over,
 * front_shard_is_marked() says that some of a shard is not.  An entry that is
 * made void before its turn is carried over in the shape of its successor.
 */
void front_table_mark(struct front_table *table);
bool front_shard_is_marked(struct front_shard *shard);

/* --- carrying entries over; one thread at a time
 * -------------------------------
 */

/*
 * The oldest dirty entries, at most max, that came before `older_than`
 * (front_now_ms) or, when the shard is crowded, whatever their age.  NULL for
 * void ones. They do not change until end or abort.
 */
unsigned front_shard_begin(struct front_shard *shard,
                           struct front_entry **batch, unsigned max,
                           int64_t older_than);
void front_shard_end(struct front_shard *shard); /* they are clean */

/*
 * They stay; `gone` is told of those records that were overwritten since the
 * beginning and that nobody will carry over.
 */
void front_shard_abort(struct front_shard *shard,
                       struct front_entry *const *batch, unsigned n,
                       void (*gone)(void *arg, struct slice key, size_t n),
                       void *arg);

struct slice front_entry_key(const struct front_entry *entry);
struct slice front_entry_record(const struct front_entry *entry);
bool front_entry_removes(const struct front_entry *entry);

int64_t front_now_ms(void);

#endif
