#include "flarei/start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/process.h"
#include "daemon/signals.h"
#include "daemon/watchdog.h"
#include "flarei/index.h"
#include "flarei/member.h"
#include "flarei/server.h"
#include "net/loop_signals.h"
#include "net/trust.h"

enum { FILES_BESIDE = 1024 }; /* descriptors that are no client connections */

struct running {
    struct flarei *flarei;
    struct process process;
    struct loop_signals signals;
    struct watchdog *watchdog;
};

static void
open_log(const struct flarei_options *o)
{
    (void)log_open("flarei", o->log_stderr, o->log_facility);
    log_set_level(log_level_parse(o->log_level));
}

static void
raise_files(const struct flarei_options *o)
{
    struct err err;

    if (process_raise_files(o->max_connection + FILES_BESIDE, &err) != 0) {
        log_warn("max-connection: %s", err.msg);
    }
}

static void
on_stop(void *arg, int sig)
{
    struct running *running = arg;

    log_info("stopping on signal %d", sig);
    process_notify("STOPPING=1");
    loop_stop(&running->flarei->loop);
}

static void
on_reload(void *arg)
{
    struct flarei *flarei = ((struct running *)arg)->flarei;
    struct slice key;
    struct err err;
    void *value;
    size_t at = 0;

    if (conf_reload(flarei->conf, &err) != 0) {
        log_error("reload: %s; nothing was changed", err.msg);
        return;
    }
    open_log(&flarei->options);
    raise_files(&flarei->options);
    server_reload(flarei->server);
    while (strmap_next(&flarei->members, &at, &key, &value)) {
        member_reload(value);
    }
    log_info("options reloaded");
}

/* The folder of file:///folder; its form was checked with the options. */
static const char *
state_folder(const struct flarei_options *o)
{
    return o->index_db + strlen("file://");
}

/* What must be ours before anybody may hear of us. */
static int
open_state(struct running *running, struct err *err)
{
    struct flarei *flarei = running->flarei;
    const struct flarei_options *o = &flarei->options;
    int rc = 0;

    signals_init();
    raise_files(o);
    if (o->daemonize) {
        rc = process_detach(&running->process, err);
    }
    if (rc == 0) {
        rc = coord_file_open(&flarei->coord, state_folder(o), err);
    }
    if (rc == 0) {
        rc = index_load(flarei, err);
    }
    if (rc == 0) {
        rc = process_pid_file(&running->process, o->pid, err);
    }
    return rc;
}

static int
start(struct running *running, struct err *err)
{
    struct flarei *flarei = running->flarei;
    const struct flarei_options *o = &flarei->options;
    AUTO_FREE char *address = NULL;
    int rc = trust_parse(&flarei->trust, o->trusted, err);

    if (rc == 0) {
        rc = server_listen(flarei, err);
    }

    if (rc == 0) {
        rc = server_start(flarei, err);
    }
    if (rc == 0) {
        rc = loop_signals_start(&running->signals, &flarei->loop, err);
    }
    if (rc != 0) {
        return rc;
    }
    flarei->started = flarei->loop.wall;
    index_start(flarei);
    running->watchdog = watchdog_new(&flarei->loop);
    address = xasprintf("%s:%u", o->server_name,
                        (unsigned)server_port(flarei->server));
    log_info("serving as %s with map version %ju of %zu nodes, kept in %s",
             address, (uintmax_t)flarei->map->version, flarei->map->nnodes,
             flarei->coord->where[COORD_MAP]);
    process_ready(&running->process, o->ready_fd, address);
    return 0;
}

static void
stop(struct running *running)
{
    struct flarei *flarei = running->flarei;

    loop_signals_stop(&running->signals);
    watchdog_free(running->watchdog);
    server_free(flarei->server); /* first: its sessions wait for the index */
    index_stop(flarei);
    free(flarei->trust);
    loop_fini(&flarei->loop);
}

/* Start-up failed: tell the terminal too when the log is elsewhere. */
static void
complain(const struct flarei_options *o, const struct err *err)
{
    log_error("cannot start: %s", err->msg);
    if (!o->log_stderr) {
        (void)fprintf(stderr, "flarei: %s\n", err->msg);
    }
}

static int
serve(struct running *running, struct err *err)
{
    int rc = loop_init(&running->flarei->loop, err);

    if (rc != 0) {
        return rc;
    }
    rc = start(running, err);
    if (rc == 0) {
        loop_run(&running->flarei->loop);
    }
    stop(running);
    return rc;
}

int
flarei_main(struct flarei *flarei)
{
    struct running running = {
        .flarei = flarei,
        .process = PROCESS_NONE,
        .signals = {.on_stop = on_stop, .on_reload = on_reload},
    };
    struct err err;
    int rc;

    running.signals.arg = &running;
    open_log(&flarei->options);
    conf_warn_ignored(flarei->conf);
    rc = open_state(&running, &err);
    if (rc == 0) {
        rc = serve(&running, &err);
    }
    cluster_map_unref(flarei->map);
    coord_close(flarei->coord);
    if (rc != 0) {
        complain(&flarei->options, &err);
    } else {
        log_info("stopped");
    }
    process_fini(&running.process);
    return rc == 0 ? 0 : 1;
}
