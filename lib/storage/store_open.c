#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "storage/engine_front.h"
#include "storage/store_impl.h"

static const uint64_t default_tombstones = 65536;
static const uint64_t full_disk = 16 << 20; /* bytes free, or less */

static const struct engine_ops *const engines[] = {
    &engine_hash_front,
    &engine_btree_front,
    &engine_mem,
};

/* What has to be done with the log after the file was opened. */
struct plan {
    bool replay;
    uint64_t after; /* from the entry after this one */
    bool merge;     /* the file may be newer than the log */
    bool forget;    /* the log is not this file's history */
    uint64_t last;  /* where numbering goes on then */
};

static const struct engine_ops *
find_engine(const char *name)
{
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
        if (name != NULL && strcmp(engines[i]->name, name) == 0) {
            return engines[i];
        }
    }
    return NULL;
}

/* --- a damaged file is kept aside --------------------------------------- */

static void
set_aside(const char *path, const char *stamp)
{
    AUTO_FREE char *aside = xasprintf("%s.damaged-%s", path, stamp);

    if (rename(path, aside) != 0 && errno != ENOENT) {
        log_warn_sys("cannot rename %s to %s", path, aside);
    }
}

static int
on_damaged(struct store *store, struct err *err)
{
    AUTO_FREE char *log = xasprintf("%s/log", store->data_dir);
    char stamp[24];
    char why[sizeof(err->msg)];

    (void)snprintf(stamp, sizeof(stamp), "%" PRId64, clock_wall().s);
    memcpy(why, err->msg, sizeof(why));
    set_aside(store->path, stamp);
    set_aside(log, stamp);
    return err_set(err, ERR_CORRUPT,
                   "%.120s; kept aside with the ending .damaged-%s: start "
                   "again with an empty store and reconstruct it",
                   why, stamp);
}

/* --- the steps of opening ----------------------------------------------- */

static int
make_folder(const char *path, struct err *err)
{
    return mkdir(path, 0755) != 0 && errno != EEXIST
               ? err_sys(err, "make folder %s", path)
               : 0;
}

static int
open_engine(struct store *store, const struct store_options *options,
            struct engine_found *found, struct err *err)
{
    if (store->ops->open(&store->engine, options, store->path, found, err) ==
        0) {
        return 0;
    }
    return err->code == ERR_CORRUPT ? on_damaged(store, err) : (int)err->code;
}

static bool
on_era(void *arg, uint64_t epoch, uint64_t first)
{
    struct store *store = arg;

    return store_lineage_begin(&store->lineage, epoch, first);
}

static int
open_log(struct store *store, const struct store_options *options,
         struct err *err)
{
    AUTO_FREE char *folder = xasprintf("%s/log", store->data_dir);
    const struct ulog_options log = {
        .folder = folder,
        .segment_bytes = options->log_segment_bytes,
        .keep_bytes = options->log_keep_bytes,
        .sync = options->log_sync,
        .spare_bytes = store->ops->spare_bytes,
        .era = on_era,
        .arg = store,
    };

    store->meta_path = xasprintf("%s/checkpoint", folder);
    store->marks_path = xasprintf("%s/marks", folder);
    if (ulog_open(&store->log, &log, err) == 0) {
        return 0;
    }
    return err->code == ERR_CORRUPT
               ? err_wrap(err,
                          "the log is damaged; move %s away and "
                          "reconstruct this node",
                          store->data_dir)
               : (int)err->code;
}

/* Does the file look otherwise than noted? */
static bool
is_touched(const struct store *store, const struct store_meta *meta)
{
    struct store_meta now = {.exists = true};
    struct err err;

    return store_meta_stat(&now, store->path, &err) != 0 ||
           now.size != meta->size || now.mtime_ns != meta->mtime_ns;
}

/* Did somebody write the file who did not write the log? */
static bool
is_foreign(const struct store_meta *meta, const struct engine_found *found,
           bool touched)
{
    if (meta->clean) {
        return touched;
    }
    /* We did not close it, but somebody did. */
    return found->clean && !found->emptied && !meta->settled;
}

static struct plan
make_plan(struct store *store, const struct store_meta *meta,
          const struct engine_found *found, bool foreign)
{
    uint64_t last = ulog_last(store->log);

    if (found->created && !found->emptied) {
        if (last > 0 && store->ops->file != NULL) {
            log_warn("%s is new: the log beside it is not its history and "
                     "begins anew",
                     store->path);
        }
        return (struct plan){.forget = true};
    }
    if (!meta->exists) {
        if (!found->clean) {
            log_warn("%s was not closed by whoever wrote it", store->path);
        }
        return (struct plan){.replay = true, .merge = true};
    }
    if (strcmp(meta->engine, store->ops->name) != 0 || foreign) {
        log_warn("%s was written by another program since: the log begins "
                 "anew",
                 store->path);
        return (struct plan){
            .replay =
                strcmp(meta->engine, store->ops->name) == 0 && !meta->clean,
            .after = meta->seq,
            .merge = true,
            .forget = true,
        };
    }
    if (last < meta->seq) {
        log_warn("the log ends at %" PRIu64 ", before the last checkpoint",
                 last);
        return (struct plan){.forget = true, .last = meta->seq};
    }
    return (struct plan){
        .replay = !meta->clean,
        .after = meta->seq,
    };
}

/*
 * A cut that was begun is finished; eras whose entries the disk has lost are
 * no more.
 */
static int
open_lineage(struct store *store, const struct store_meta *meta,
             struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/log/lineage", store->data_dir);
    struct store_epochs all;
    uint64_t last;

    store->building_path = xasprintf("%s/log/building", store->data_dir);
    store->building = access(store->building_path, F_OK) == 0;
    if (store->building) {
        log_warn("%s is not complete: a copy from another node was not "
                 "finished",
                 store->data_dir);
    }
    if (store_lineage_load(&store->lineage, path, err) != 0) {
        return (int)err->code;
    }
    if (meta->cut && ulog_last(store->log) > meta->seq &&
        ulog_first(store->log) <= meta->seq + 1 &&
        ulog_cut(store->log, meta->seq, err) != 0) {
        return (int)err->code;
    }
    last = ulog_last(store->log);
    last = last > meta->seq ? last : meta->seq;
    if (store_lineage_cut(&store->lineage, last, err) != 0) {
        return (int)err->code;
    }
    store_lineage_get(&store->lineage, &all);
    ulog_set_epoch(store->log,
                   all.lineage.n > 0 ? all.lineage.era[0].epoch : 0);
    return 0;
}

/* The log begins anew, and with it its history, unless it goes on from last. */
static int
forget_log(struct store *store, uint64_t last, struct err *err)
{
    static const struct lineage none;

    if (ulog_reset(store->log, last, err) != 0) {
        return (int)err->code;
    }
    if (last > 0) {
        return 0;
    }
    ulog_set_epoch(store->log, 0);
    return store_lineage_adopt(&store->lineage, &none, err);
}

/*
 * The log from its first entry on is all that is needed: begin with an empty
 * file.
 */
static int
rebuild_from_log(struct store *store, const struct store_options *options,
                 struct err *err)
{
    struct engine_found found;
    struct err ignored;
    char stamp[24];
    bool refused;

    (void)snprintf(stamp, sizeof(stamp), "%" PRId64, clock_wall().s);
    log_warn("%s; the file is kept as %s.damaged-%s and made anew from the "
             "log, which has every change ever made",
             err->msg, store->path, stamp);
    if (store->ops->give_up != NULL) {
        store->ops->give_up(store->engine);
    }
    (void)store->ops->close(store->engine, &ignored);
    store->engine = NULL;
    set_aside(store->path, stamp);
    if (open_engine(store, options, &found, err) != 0) {
        return (int)err->code;
    }
    return store_replay(store, 0, false, &refused, err);
}

/* Entries that are needed are not there any more. */
static int
check_gap(struct store *store, const struct plan *plan, struct err *err)
{
    uint64_t first = ulog_first(store->log);

    if (!plan->replay || plan->merge || first <= plan->after + 1) {
        return 0;
    }
    return err_set(err, ERR_CORRUPT,
                   "%s: the log entries %" PRIu64 " to %" PRIu64
                   " are missing; move %s away and reconstruct this node",
                   store->path != NULL ? store->path : store->ops->name,
                   plan->after + 1, first - 1, store->data_dir);
}

/* An engine without room to write looks like one that is damaged. */
static bool
is_disk_full(const struct store *store)
{
    struct statvfs st;

    return statvfs(store->data_dir, &st) == 0 &&
           (uint64_t)st.f_bavail * st.f_frsize < full_disk;
}

static int
replay(struct store *store, const struct store_options *options,
       const struct plan *plan, struct err *err)
{
    bool refused = false;

    if (!plan->replay ||
        store_replay(store, plan->after, plan->merge, &refused, err) == 0) {
        return 0;
    }
    if (!refused || store->path == NULL) {
        return (int)err->code;
    }
    if (is_disk_full(store)) {
        return err_set(err, ERR_IO,
                       "%s: cannot replay the log: the disk is full or the "
                       "file is damaged",
                       store->path);
    }
    return ulog_first(store->log) == 1 && !plan->merge && !store->building
               ? rebuild_from_log(store, options, err)
               : on_damaged(store, err);
}

static int
recover(struct store *store, const struct store_options *options,
        const struct engine_found *found, const struct store_meta *meta,
        bool foreign, struct err *err)
{
    struct plan plan = make_plan(store, meta, found, foreign);
    uint64_t version = ulog_version(store->log);

    store->clock = meta->version > version ? meta->version : version;
    store->complete = found->created || (meta->exists && meta->complete &&
                                         !plan.merge && !plan.forget);
    if (meta->exists && !found->created) {
        store_marks_load(store);
    }
    if ((plan.merge || plan.forget) && store->ops->digest_doubt != NULL &&
        !found->created) {
        store->ops->digest_doubt(store->engine);
    }
    if (check_gap(store, &plan, err) != 0 ||
        replay(store, options, &plan, err) != 0) {
        return (int)err->code;
    }
    if (plan.forget && (ulog_last(store->log) > 0 || plan.last > 0) &&
        forget_log(store, plan.last, err) != 0) {
        return (int)err->code;
    }
    return store_checkpoint(store, err);
}

/*
 * The file is about to be marked as open, which changes it: who is killed there
 * shall not find that somebody else did.
 */
static int
note_opening(const struct store_meta *meta, const char *path, bool touched,
             struct err *err)
{
    struct store_meta opening = *meta;

    opening.clean = false;
    opening.settled = true;
    return meta->clean && !touched ? store_meta_save(&opening, path, err) : 0;
}

/*
 * What was noted about the file has to be compared with it before the engine
 * touches it; the folder of the log may not exist yet.
 */
static int
open_files(struct store *store, const struct store_options *options,
           struct err *err)
{
    AUTO_FREE char *meta_path = xasprintf("%s/log/checkpoint", store->data_dir);
    struct engine_found found;
    struct store_meta meta;
    bool touched;

    if (make_folder(store->data_dir, err) != 0 ||
        store_meta_load(&meta, meta_path, err) != 0) {
        return (int)err->code;
    }
    touched = store->path == NULL || is_touched(store, &meta);
    if (note_opening(&meta, meta_path, touched, err) != 0 ||
        open_engine(store, options, &found, err) != 0 ||
        open_log(store, options, err) != 0 ||
        open_lineage(store, &meta, err) != 0) {
        return (int)err->code;
    }
    return recover(store, options, &found, &meta,
                   is_foreign(&meta, &found, touched), err);
}

static void
store_free(struct store *store)
{
    if (store->sweep != NULL) {
        store->ops->cursor_close(store->sweep);
    }
    ulog_close(store->log);
    keylock_fini(&store->locks);
    tombstones_fini(&store->tombstones);
    marks_fini(&store->marks);
    (void)pthread_mutex_destroy(&store->checkpoint_lock);
    (void)pthread_mutex_destroy(&store->stream_lock);
    (void)pthread_mutex_destroy(&store->digest_lock);
    free(store->digest);
    store_lineage_fini(&store->lineage);
    free(store->building_path);
    (void)pthread_mutex_destroy(&store->sweep_lock);
    free(store->data_dir);
    free(store->path);
    free(store->meta_path);
    free(store->marks_path);
    free(store);
}

static struct store *
store_new(const struct store_options *options, const struct engine_ops *ops)
{
    struct store *store = xcalloc(1, sizeof(*store));

    store->ops = ops;
    store->data_dir = xstrdup(options->data_dir);
    if (ops->file != NULL) {
        store->path = xasprintf("%s/%s", options->data_dir, ops->file);
    }
    store->value_max = options->value_max;
    keylock_init(&store->locks, options->lock_stripes);
    tombstones_init(&store->tombstones, options->tombstones > 0
                                            ? options->tombstones
                                            : default_tombstones);
    marks_init(&store->marks, default_tombstones);
    (void)pthread_mutex_init(&store->checkpoint_lock, NULL);
    (void)pthread_mutex_init(&store->stream_lock, NULL);
    (void)pthread_mutex_init(&store->digest_lock, NULL);
    store_lineage_init(&store->lineage);
    (void)pthread_mutex_init(&store->sweep_lock, NULL);
    return store;
}

int
store_open(struct store **out, const struct store_options *options,
           struct err *err)
{
    const struct engine_ops *ops = find_engine(options->type);
    struct store *store;

    *out = NULL;
    if (ops == NULL) {
        return err_set(err, ERR_CONFIG, "unknown storage type [%s]",
                       options->type != NULL ? options->type : "");
    }
    store = store_new(options, ops);
    if (open_files(store, options, err) != 0) {
        struct err ignored;

        if (store->engine != NULL) {
            (void)ops->close(store->engine, &ignored);
        }
        store_free(store);
        return (int)err->code;
    }
    store_keeper_start(store, options->log_keep_bytes);
    *out = store;
    return 0;
}

/* Note that nothing needs to be replayed, and what the file looks like. */
static int
save_clean(struct store *store, struct err *err)
{
    struct store_meta meta = {
        .clean = true,
        .complete = store->complete,
        .seq = ulog_last(store->log),
        .version = store->clock,
    };

    memcpy(meta.engine, store->ops->name, strlen(store->ops->name) + 1);
    if (store->path != NULL && store_meta_stat(&meta, store->path, err) != 0) {
        return (int)err->code;
    }
    if (marks_save(&store->marks, store->marks_path, err) != 0) {
        return (int)err->code;
    }
    return store_meta_save(&meta, store->meta_path, err);
}

int
store_close(struct store *store, struct err *err)
{
    struct err ignored;
    int rc;

    if (store == NULL) {
        return 0;
    }
    store_keeper_stop(store);
    if (store->sweep != NULL) {
        store->ops->cursor_close(store->sweep);
        store->sweep = NULL;
    }
    store->closing = true;
    rc = store_checkpoint(store, err);
    if (store->ops->close(store->engine, rc == 0 ? err : &ignored) != 0 &&
        rc == 0) {
        rc = (int)err->code;
    }
    if (rc == 0) {
        rc = save_clean(store, err);
    }
    store_free(store);
    return rc;
}
