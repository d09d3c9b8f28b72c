/* deploy: folders to start daemons from, as flare-deploy made them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "flare-admin/admin.h"
#include "flare-admin/commands.h"
#include "flare-admin/erase.h"

/* Options of the daemons: name, default of flare-deploy ("": leave it out). */
#define DEPLOY_INDEX_TABLE(X)                                                  \
    X(INDEX_LOG_FACILITY, "index-log-facility", "local0", "log-facility")      \
    X(INDEX_MAX_CONNECTION, "index-max-connection", "256", "max-connection")   \
    X(MONITOR_THRESHOLD, "monitor-threshold", "3", "monitor-threshold")        \
    X(MONITOR_INTERVAL, "monitor-interval", "1", "monitor-interval")           \
    X(INDEX_THREAD_POOL_SIZE, "index-thread-pool-size", "8",                   \
      "thread-pool-size")                                                      \
    X(PARTITION_SIZE, "partition-size", "", "partition-size")                  \
    X(KEY_HASH_ALGORITHM, "key-hash-algorithm", "", "key-hash-algorithm")      \
    X(PARTITION_MODULAR_HINT, "partition-modular-hint", "",                    \
      "partition-modular-hint")                                                \
    X(PARTITION_MODULAR_VIRTUAL, "partition-modular-virtual", "",              \
      "partition-modular-virtual")
#define DEPLOY_NODE_TABLE(X)                                                   \
    X(LOG_FACILITY, "log-facility", "local1", "log-facility")                  \
    X(MAX_CONNECTION, "max-connection", "256", "max-connection")               \
    X(MUTEX_SLOT, "mutex-slot", "32", "mutex-slot")                            \
    X(PROXY_CONCURRENCY, "proxy-concurrency", "2", "proxy-concurrency")        \
    X(STORAGE_TYPE, "storage-type", "tch", "storage-type")                     \
    X(THREAD_POOL_SIZE, "thread-pool-size", "16", "thread-pool-size")          \
    X(REPLICATION_TYPE, "replication-type", "", "replication-type")            \
    X(RECONSTRUCTION_INTERVAL, "reconstruction-interval", "",                  \
      "reconstruction-interval")                                               \
    X(RECONSTRUCTION_BWLIMIT, "reconstruction-bwlimit", "",                    \
      "reconstruction-bwlimit")                                                \
    X(NET_READ_TIMEOUT, "net-read-timeout", "", "net-read-timeout")            \
    X(STORAGE_BUCKET_SIZE, "storage-bucket-size", "", "storage-bucket-size")   \
    X(STORAGE_COMPRESS, "storage-compress", "", "storage-compress")            \
    X(STORAGE_LARGE, "storage-large", "", "storage-large")

#define X(id, name, value, as) DEPLOY_##id,
enum { DEPLOY_INDEX_TABLE(X) DEPLOY_NODE_TABLE(X) DEPLOY_OPTIONS };
#undef X

struct deploy_option {
    const char *name; /* of flare-admin */
    const char *as;   /* in the daemon's file */
};

#define X(id, name, value, as) {name, as},
static const struct deploy_option index_options[] = {DEPLOY_INDEX_TABLE(X)};
static const struct deploy_option node_options[] = {DEPLOY_NODE_TABLE(X)};
#undef X

enum {
    INDEX_OPTIONS = sizeof(index_options) / sizeof(index_options[0]),
    NODE_OPTIONS = sizeof(node_options) / sizeof(node_options[0]),
};

_Static_assert((int)DEPLOY_OPTIONS <= TOOL_DEPLOY_MAX,
               "room in struct tool_options");

/* One daemon. */
struct plot {
    struct tool *tool;
    const char *daemon;  /* "flared" */
    const char *program; /* its path */
    const struct target *target;
    struct buf conf;
    char *folder; /* absolute */
};

static bool
write_file(const struct plot *plot, const char *name, struct slice text,
           mode_t mode)
{
    char *path = xasprintf("%s/%s", plot->folder, name);
    struct err err;
    bool ok = file_write_atomic(path, text, &err) == 0;

    if (!ok) {
        output_error(&plot->tool->out, "%s", err.msg);
    } else if (chmod(path, mode) != 0) {
        output_error(&plot->tool->out, "chmod %s: %s", path, strerror(errno));
        ok = false;
    }
    free(path);
    return ok;
}

static bool
write_script(const struct plot *p, const char *name, const char *fmt)
{
    struct buf text = {0};
    bool ok;

    (void)buf_printf(&text,
                     "#!/bin/sh\nset -e\npidfile=%s/data/%s.pid\n"
                     "program=%s\nconf=%s/%s.conf\n%s",
                     p->folder, p->daemon, p->program, p->folder, p->daemon,
                     fmt);
    ok = write_file(p, name, buf_slice(&text), 0744);
    buf_fini(&text);
    return ok;
}

static bool
write_scripts(const struct plot *p)
{
    static const char start[] =
        "start-stop-daemon --start --pidfile \"$pidfile\" --exec "
        "\"$program\" -- --config \"$conf\" --daemonize\n";
    static const char stop[] =
        "start-stop-daemon --stop --oknodo --retry 30 --pidfile "
        "\"$pidfile\" --exec \"$program\"\n";
    char *restart = xasprintf("%s%s", stop, start);
    bool ok = write_script(p, "start.sh", start) &&
              write_script(p, "stop.sh", stop) &&
              write_script(p, "restart.sh", restart);

    free(restart);
    return ok;
}

/* Why it could not be made; false unless it is there and may be emptied. */
static bool
reuse_folder(const struct plot *p, int error)
{
    struct err err;

    if (error != EEXIST) {
        output_error(&p->tool->out, "%s: %s", p->folder, strerror(error));
        return false;
    }
    if (!p->tool->options.delete_first) {
        output_error(&p->tool->out, "directory already exists: %s", p->folder);
        return false;
    }
    if (erase_folder(p->folder, false, &err) != 0) {
        output_error(&p->tool->out, "%s", err.msg);
        return false;
    }
    return true;
}

static bool
make_folders(const struct plot *p)
{
    char *data = xasprintf("%s/data", p->folder);
    bool ok = true;

    if (mkdir(p->folder, 0755) != 0) {
        ok = reuse_folder(p, errno);
    }
    if (ok && mkdir(data, 0755) != 0) {
        output_error(&p->tool->out, "%s: %s", data, strerror(errno));
        ok = false;
    }
    free(data);
    return ok;
}

static bool
deploy_one(struct plot *p)
{
    char *name = xasprintf("%s.conf", p->daemon);
    bool ok = true;

    output_info(&p->tool->out, "generating ... %s", p->target->key);
    if (!p->tool->options.dry_run) {
        ok = make_folders(p) &&
             write_file(p, name, buf_slice(&p->conf), 0644) && write_scripts(p);
    }
    free(name);
    return ok;
}

static void
begin(struct plot *p, const struct deploy_option *options, size_t n,
      char *const *values)
{
    char *here = getcwd(NULL, 0);

    p->folder = xasprintf("%s/%s", here != NULL ? here : ".", p->target->key);
    free(here);
    (void)buf_printf(&p->conf,
                     "data-dir = %s/data\nserver-name = %s\n"
                     "server-port = %u\n",
                     p->folder, p->target->host, (unsigned)p->target->port);
    for (size_t i = 0; i < n; i++) {
        if (values[i][0] != '\0') {
            (void)buf_printf(&p->conf, "%s = %s\n", options[i].as, values[i]);
        }
    }
}

static void
end(struct plot *p)
{
    buf_fini(&p->conf);
    free(p->folder);
}

static bool
deploy_index(struct tool *tool, const struct target *index)
{
    struct plot p = {.tool = tool,
                     .daemon = "flarei",
                     .program = tool->options.flarei,
                     .target = index};
    bool ok;

    begin(&p, index_options, INDEX_OPTIONS, tool->options.deploy);
    ok = deploy_one(&p);
    end(&p);
    return ok;
}

static bool
deploy_node(struct tool *tool, const struct target *index,
            const struct target *node)
{
    struct plot p = {.tool = tool,
                     .daemon = "flared",
                     .program = tool->options.flared,
                     .target = node};
    bool ok;

    begin(&p, node_options, NODE_OPTIONS, tool->options.deploy + INDEX_OPTIONS);
    (void)buf_printf(&p.conf,
                     "index-server-name = %s\nindex-server-port = %u\n",
                     index->host, (unsigned)index->port);
    ok = deploy_one(&p);
    end(&p);
    return ok;
}

static int
run_deploy(struct tool *tool, int nwords, char **words)
{
    struct targets targets = {NULL, 0};
    struct target index;
    bool ok;

    if (nwords == 0 && !tool->options.deploy_index) {
        return tool_misuse(tool);
    }
    if (nwords > 0 &&
        !targets_parse(tool, nwords, words, (struct target_form){2, 4, ""},
                       &targets)) {
        return subcommand_misuse(tool->sub);
    }
    ok = tool_index_target(tool, &index) &&
         (!tool->options.deploy_index || deploy_index(tool, &index));
    for (int i = 0; ok && i < targets.n; i++) {
        ok = deploy_node(tool, &index, &targets.all[i]);
    }
    targets_fini(&targets);
    return ok ? STATUS_OK : STATUS_NG;
}

#define X(id, option, value, as)                                               \
    {.name = option,                                                           \
     .type = OPTION_STRING,                                                    \
     .offset = TOOL_AT(deploy) + DEPLOY_##id * sizeof(char *),                 \
     .fallback = value,                                                        \
     .unit = "VALUE",                                                          \
     .help = "written as " as},

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_DRY_RUN,
    TOOL_FLAG("deploy-index", 0, deploy_index,
              "make the folder of the index server, too"),
    TOOL_FLAG("delete", 0, delete_first,
              "empty folders that are there already"),
    TOOL_TEXT("flarei", 0, flarei, "/usr/local/sbin/flarei", "PATH",
              "the program in the scripts"),
    TOOL_TEXT("flared", 0, flared, "/usr/local/sbin/flared", "PATH",
              "the program in the scripts"),
    DEPLOY_INDEX_TABLE(X)
    DEPLOY_NODE_TABLE(X)
};
/* clang-format on */
#undef X

const struct subcommand cmd_deploy = {
    .name = "deploy",
    .usage = "hostname:port[:balance:partition] ...",
    .summary = "make folders with configuration and start scripts.",
    .about = "For each node, and with --deploy-index for the index server, a "
             "folder HOST:PORT in the working directory with its "
             "configuration, data/, start.sh, stop.sh and restart.sh. Nobody "
             "is contacted and nothing is started.",
    .example = "flare-admin deploy -i index1:12120 --deploy-index "
               "node1:12121 node2:12121",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_deploy,
};
