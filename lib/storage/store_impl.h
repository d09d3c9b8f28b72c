/*
 * store_impl: what the store's files share.
 *
 * Lock order: stream_lock, checkpoint_lock, sweep_lock, key locks, digest_lock,
 * then whatever engine, log and tombstones lock inside; the log's lock, then
 * that of the lineage.
 */
#ifndef FLARE_STORAGE_STORE_IMPL_H
#define FLARE_STORAGE_STORE_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "storage/engine.h"
#include "storage/keylock.h"
#include "storage/marks.h"
#include "storage/store.h"
#include "storage/store_lineage.h"
#include "storage/store_meta.h"
#include "storage/tombstones.h"

/* The thread that looks after checkpoints. */
struct store_keeper {
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, work;     /* under lock */
    _Atomic bool due;    /* a checkpoint is wanted */
    _Atomic bool asked;  /* work was set, do not lock again */
    _Atomic uint64_t at; /* bytes logged when the last one was made */
    uint64_t every;      /* bytes */
    struct log_limit complaints;
    _Atomic bool surveying; /* finding the largest version in an old file */
};

struct store {
    const struct engine_ops *ops;
    struct engine *engine;
    struct ulog *log;
    struct keylock locks;
    struct tombstones tombstones;
    struct marks marks;
    char *marks_path;
    char *data_dir;
    char *path;      /* the engine's file, or NULL */
    char *meta_path; /* see store_meta.h */
    uint64_t value_max;
    /*
     * The largest version given or seen.  When complete, no record has a
     * larger one, so that a change with a larger version needs no look at the
     * old record.
     */
    _Atomic uint64_t clock;
    _Atomic bool complete;
    _Atomic(const char *) trouble;
    bool closing;        /* checkpoints are the last ones */
    _Atomic bool broken; /* the engine failed: the trouble stays */
    pthread_mutex_t checkpoint_lock;
    struct store_keeper keeper;
    struct store_lineage lineage;
    _Atomic uint64_t epoch;    /* of changes made here; 0: no lineage */
    _Atomic bool keep_expired; /* the master says when they go */
    _Atomic bool building;     /* not all records are here; see building_path */
    char *building_path;       /* the mark of that, on the disk */
    pthread_mutex_t digest_lock; /* guards digest */
    struct store_digest *digest; /* the last one taken, or NULL */
    _Atomic uint64_t unlogged;   /* bytes written without a log entry */
    pthread_mutex_t stream_lock; /* store_replicate and what replaces the log */
    pthread_mutex_t sweep_lock;
    struct engine_cursor *sweep;
};

/* Raise the clock to at least version; returns what it was. */
uint64_t store_see_version(struct store *store, uint64_t version);

/*
 * Carry out the log entries after a position; see the plan of opening.  True in
 * *refused: it failed because the engine does not take what it should.
 */
int store_replay(struct store *store, uint64_t after, bool merge, bool *refused,
                 struct err *err);

/* Before all writers are stopped: so that it is not for long. */
static inline void
store_settle(struct store *store)
{
    if (store->ops->settle != NULL) {
        (void)store->ops->settle(store->engine);
    }
}
/* What is in the file, if it is sound. */
void store_marks_load(struct store *store);

/* Start and stop the thread; have it look after the log or a checkpoint. */
void store_keeper_start(struct store *store, uint64_t log_keep_bytes);
void store_keeper_stop(struct store *store);
void store_keeper_ask(struct store *store, bool checkpoint);

/* Bytes that a checkpoint takes care of. */
static inline uint64_t
store_written(struct store *store)
{
    return ulog_appended(store->log) +
           atomic_load_explicit(&store->unlogged, memory_order_relaxed);
}

/* Is there anything to be done?  Cheap. */
static inline void
store_keeper_look(struct store *store)
{
    struct store_keeper *k = &store->keeper;
    bool due = store_written(store) -
                   atomic_load_explicit(&k->at, memory_order_relaxed) >
               k->every;

    if ((due || ulog_untidy(store->log)) &&
        !atomic_load_explicit(&k->asked, memory_order_relaxed)) {
        store_keeper_ask(store, due);
    }
}

/* Remove the record under key if it has expired by now.  True: removed. */
bool store_expire(struct store *store, struct slice key, struct wall now);

/* Append a change of our own: with the node's epoch.  entry->seq is set. */
bool store_log_entry(struct store *store, struct ulog_entry *entry);

/* Something failed; `stays`: for good. */
void store_note_trouble(struct store *store, const char *text, bool stays);

extern const char store_no_room[], store_no_log_room[], store_engine_failed[];

/* What a log entry makes of the record it is about, whatever is there. */
enum store_effect {
    EFFECT_NONE,
    EFFECT_PUT,
    EFFECT_REMOVE,
    EFFECT_CLEAR, /* everything goes */
    EFFECT_FAILED,
};

/*
 * PUT: the bytes are in *record.  `merge`: the record may be newer than the
 * entry, and then stays.
 */
enum store_effect store_effect_of(struct store *store,
                                  const struct ulog_entry *entry, bool merge,
                                  struct buf *record);

/* Tombstones, marks and the clock after an effect was carried out. */
void store_effect_done(struct store *store, const struct ulog_entry *entry);

/* Note the position with the engine's file on the disk; locks are held. */
int store_save_position(struct store *store, uint64_t seq, bool cut,
                        struct err *err);

/* Under all key locks, the log being there.  False: it is not known. */
bool store_digest_take(struct store *store, uint64_t epoch, uint64_t seq);

/* The mark of an unfinished copy.  Durable. */
int store_mark_building(struct store *store, bool building, struct err *err);

#endif
