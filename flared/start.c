#include "flared/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/process.h"
#include "daemon/signals.h"
#include "daemon/watchdog.h"
#include "flared/access_file.h"
#include "flared/index_link.h"
#include "flared/intake.h"
#include "flared/maintain.h"
#include "flared/membership.h"
#include "flared/rebuild_run.h"
#include "flared/replicate.h"
#include "flared/server.h"
#include "flared/worker.h"
#include "net/loop_signals.h"

enum {
    GOODBYE_MS = 2000, /* for the index to take note */
    DRAIN_MS = 2000,   /* for copies to get what they have not yet */
    FILES_BESIDE = 256 /* descriptors that are no client connections */
};

struct running {
    struct flared *node;
    struct process process;
    struct loop_signals signals;
    struct replicator_join drained; /* of the copies, before it leaves */
    struct watchdog *watchdog;
    bool stopping;
};

/* --- options that other threads read ----------------------------------------
 */

static enum ulog_sync
log_sync_of(const struct flared_options *o)
{
    if (strcmp(o->log_sync, "always") == 0) {
        return ULOG_SYNC_ALWAYS;
    }
    return strcmp(o->log_sync, "everysec") == 0 ? ULOG_SYNC_EVERYSEC
                                                : ULOG_SYNC_NONE;
}

/* A thread of the log. */
static void
on_log_passed(void *arg, uint64_t seq)
{
    struct flared *node = arg;

    gate_set_durable(&node->gate, seq);
}

static void
publish_options(struct flared *node)
{
    const struct flared_options *o = &node->options;

    (void)log_open("flared", o->log_stderr, o->log_facility);
    log_set_level(log_level_parse(o->log_level));
    atomic_store(&node->replicate_sync,
                 strcmp(o->replication_type, "sync") == 0);
    atomic_store(&node->sync_timeout, o->sync_timeout);
    atomic_store(&node->failover_wait, o->failover_wait);
    atomic_store(&node->slowlog_us, o->slowlog_us);
    atomic_store(&node->slowlog_len, (unsigned)o->slowlog_len);
    atomic_store(&node->min_in_sync, o->min_in_sync);
    atomic_store(&node->reconstruction_interval, o->reconstruction_interval);
    atomic_store(&node->reconstruction_bwlimit, o->reconstruction_bwlimit);
}

static void
reload(struct flared *node)
{
    struct err err;

    if (conf_reload(node->conf, &err) != 0) {
        log_error("reload: %s; nothing was changed", err.msg);
        return;
    }
    publish_options(node);
    ulog_set_sync(store_log(node->store), log_sync_of(&node->options));
    server_reload(node->server);
    index_link_reload(node->index_link);
    log_info("options reloaded");
}

/* --- signals -----------------------------------------------------------------
 */

static void
on_goodbye(void *arg)
{
    struct running *running = arg;

    loop_stop(&running->node->control);
}

/* Every copy has what was answered for: somebody else may take over. */
static void
on_drained(struct mail *mail)
{
    struct running *running = LIST_ENTRY(mail, struct running, drained.mail);

    if (running->drained.why != NULL) {
        log_warn("a copy has not everything: it does not catch up");
    }
    index_link_goodbye(running->node->index_link, GOODBYE_MS, on_goodbye,
                       running);
}

/* A master takes no more writes, and its copies get what they have not yet. */
static void
drain(struct running *running)
{
    struct flared *node = running->node;

    if (atomic_load(&node->standing.epoch) != 0) {
        standing_hand_over(&node->standing, true);
    }
    running->drained.reply_to = &node->control.mailbox;
    running->drained.done = on_drained;
    replicator_await(node->replicator, &running->drained);
}

static void
on_stop(void *arg, int sig)
{
    struct running *running = arg;

    if (running->stopping) {
        return;
    }
    running->stopping = true;
    log_info("stopping on signal %d", sig);
    process_notify("STOPPING=1");
    server_stop(running->node->server);
    drain(running);
}

static void
on_reload(void *arg)
{
    struct running *running = arg;

    reload(running->node);
}

/* --- start and end
 * ------------------------------------------------------------ */

static int
open_store(struct flared *node, struct err *err)
{
    const struct flared_options *o = &node->options;
    const struct store_options store = {
        .data_dir = o->data_dir,
        .type = o->storage_type,
        .bucket_size = o->storage_bucket_size,
        .ap = (unsigned)o->storage_ap,
        .fp = (unsigned)o->storage_fp,
        .large = o->storage_large,
        .compress = o->storage_compress,
        .lmemb = (unsigned)o->storage_lmemb,
        .nmemb = (unsigned)o->storage_nmemb,
        .dfunit = (unsigned)o->storage_dfunit,
        .map_bytes = o->storage_map_size,
        .lock_stripes = (unsigned)o->mutex_slot,
        .tombstones = o->storage_cache_size,
        .value_max = o->value_max,
        .buffer_bytes = o->write_buffer_size,
        .log_segment_bytes = o->log_segment_bytes,
        .log_keep_bytes = o->log_keep_bytes,
        .log_sync = log_sync_of(o),
    };

    return store_open(&node->store, &store, err);
}

/* When keys were last asked for, over an orderly restart. */
static void
carry_access(struct flared *node, bool save)
{
    AUTO_FREE char *path = xasprintf("%s/last_access", node->options.data_dir);
    struct err err;

    if ((save ? access_save(&node->access, path, &err)
              : access_load(&node->access, path, &err)) != 0) {
        log_warn("%s", err.msg);
    }
}

/* Everything that runs, from what nobody depends on to what depends on all. */
static int
start_parts(struct flared *node, struct err *err)
{
    sigset_t before;
    int rc;

    gate_init(&node->gate, node);
    standing_init(&node->standing);
    node->intake = intake_new(node);
    node->nworkers = (unsigned)node->options.threads;
    node->started = clock_wall();
    rc = server_listen(&node->server, node, err);
    if (rc != 0) {
        return rc;
    }
    signals_block(&before); /* only the control thread gets them */
    node->replicator = replicator_new(node, err);
    rc = node->replicator != NULL ? 0 : (int)err->code;
    if (rc == 0) {
        node->rebuilder =
            rebuilder_new(node, replicator_loop(node->replicator));
        node->membership = membership_new(node);
        node->index_link = index_link_new(node);
        rc = maintain_start(&node->maintain, node, err);
    }
    if (rc == 0) {
        rc = workers_start(node, err);
    }
    if (rc == 0) {
        ulog_on_passed(store_log(node->store), on_log_passed, node);
    }
    signals_restore(&before);
    if (rc == 0) {
        rc = server_start(node->server, err);
    }
    if (rc == 0) {
        index_link_start(node->index_link);
    }
    return rc;
}

/*
 * First whoever writes, then replication, so that all that was answered for
 * reaches the copies; it reports to the index link and moves the workers' gate
 * until it ends.
 */
static void
stop_parts(struct running *running)
{
    struct flared *node = running->node;
    struct err err;

    rebuilder_free(node->rebuilder);
    workers_stop(node);
    maintain_stop(node->maintain);
    replicator_free(node->replicator, DRAIN_MS);
    ulog_on_passed(store_log(node->store), NULL, NULL);
    index_link_free(node->index_link);
    membership_free(node->membership);
    node->membership = NULL;
    mailbox_drain(&node->control.mailbox); /* answers go to the workers */
    workers_free(node);
    watchdog_free(running->watchdog); /* whose mail they still had */
    server_free(node->server);
    intake_free(node->intake);
    if (node->has_meta) {
        partition_table_free(node->meta.table);
    }
    loop_fini(&node->control);
    carry_access(node, true);
    if (store_close(node->store, &err) != 0) {
        log_error("close: %s", err.msg);
    }
}

static int
become_daemon(struct running *running, struct err *err)
{
    const struct flared_options *o = &running->node->options;
    AUTO_FREE char *pid = o->pid[0] != '\0'
                              ? xstrdup(o->pid)
                              : xasprintf("%s/flared.pid", o->data_dir);
    struct err files;
    int rc = 0;

    signals_init();
    if (process_raise_files(o->max_connection + FILES_BESIDE, &files) != 0) {
        log_warn("max-connection: %s", files.msg);
    }
    if (o->daemonize) {
        rc = process_detach(&running->process, err);
    }
    if (rc == 0) {
        rc = open_store(running->node, err);
    }
    if (rc == 0) {
        carry_access(running->node, false);
        rc = process_pid_file(&running->process, pid, err);
    }
    return rc;
}

static int
start(struct running *running, struct err *err)
{
    struct flared *node = running->node;
    int rc = become_daemon(running, err);

    if (rc == 0) {
        rc = loop_init(&node->control, err);
    }
    if (rc == 0) {
        rc = start_parts(node, err);
    }
    if (rc == 0) {
        rc = loop_signals_start(&running->signals, &node->control, err);
    }
    if (rc != 0) {
        return rc;
    }
    running->watchdog = watchdog_new(&node->control);
    for (unsigned i = 0; i < node->nworkers; i++) {
        watchdog_watch(running->watchdog, &node->workers[i].loop);
    }
    log_info("serving as %s with %u workers, %ju records in %s", node->self,
             node->nworkers, (uintmax_t)store_count(node->store),
             node->options.data_dir);
    process_ready(&running->process, node->options.ready_fd, node->self);
    return 0;
}

/* Start-up failed: tell the terminal too when the log is elsewhere. */
static void
complain(const struct flared_options *o, const struct err *err)
{
    log_error("cannot start: %s", err->msg);
    if (!o->log_stderr) {
        (void)fprintf(stderr, "flared: %s\n", err->msg);
    }
}

int
node_main(struct flared *node)
{
    struct running running = {
        .node = node,
        .process = PROCESS_NONE,
        .signals = {.on_stop = on_stop, .on_reload = on_reload},
    };
    struct err err;

    running.signals.arg = &running;
    publish_options(node);
    conf_warn_ignored(node->conf);
    if (start(&running, &err) != 0) {
        complain(&node->options, &err);
        process_fini(&running.process);
        return 1;
    }
    loop_run(&node->control);
    loop_signals_stop(&running.signals);
    stop_parts(&running);
    log_info("stopped");
    process_fini(&running.process);
    return 0;
}
