#include "flared/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "daemon/process.h"
#include "flared/latency.h"
#include "net/trust.h"

#define AT(field) offsetof(struct flared_options, field)
#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

/* clang-format off */
static const struct option_row rows[] = {
    CONF_COMMON_ROWS,
    {.name = "pid", .letter = 'p', .type = OPTION_STRING,
     .flags = OPTION_COMMAND_LINE, .offset = AT(pid), .fallback = "",
     .help = "File for the process id; flared.pid in data-dir when not "
             "given."},
    {.name = "stderr", .letter = 's', .type = OPTION_BOOL,
     .flags = OPTION_COMMAND_LINE, .offset = AT(log_stderr),
     .fallback = "false",
     .help = "Log to standard error instead of syslog."},
    {.name = "ready-fd", .type = OPTION_UINT, .flags = OPTION_COMMAND_LINE,
     .offset = AT(ready_fd), .max = 65535, .fallback = "0",
     .unit = "(file descriptor)",
     .help = "Write \"host:port\" and a newline to this descriptor and close "
             "it as soon as the node serves; 0 for none."},

    {.name = "data-dir", .type = OPTION_STRING, .flags = OPTION_REQUIRED,
     .offset = AT(data_dir), .fallback = "", .example = "/var/lib/flare/node",
     .help = "Folder for the data; made when it is missing."},
    {.name = "daemonize", .type = OPTION_BOOL, .offset = AT(daemonize),
     .fallback = "false",
     .help = "Detach from the terminal. The command returns when the node "
             "serves, or with status 1 when it could not start."},
    {.name = "log-facility", .type = OPTION_CHOICE,
     .flags = OPTION_RELOADABLE, .offset = AT(log_facility),
     .choices = "auth|daemon|user|local0|local1|local2|local3|local4|local5|"
                "local6|local7",
     .fallback = "user", .help = "Syslog facility."},
    {.name = "log-level", .type = OPTION_CHOICE, .flags = OPTION_RELOADABLE,
     .offset = AT(log_level), .choices = "error|warn|info|debug",
     .fallback = "info", .help = "How much is logged."},

    {.name = "index-servers", .type = OPTION_STRING,
     .flags = OPTION_RELOADABLE, .offset = AT(index_servers), .fallback = "",
     .help = "Index servers as host:port,host:port. Instead of "
             "index-server-name and index-server-port."},
    {.name = "index-server-name", .type = OPTION_STRING,
     .flags = OPTION_RELOADABLE, .offset = AT(index_server_name),
     .fallback = "", .example = "localhost",
     .help = "Host of the index server."},
    {.name = "index-server-port", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(index_server_port), .min = 1,
     .max = 65535, .fallback = "12120", .help = "Port of the index server."},

    {.name = "server-name", .type = OPTION_STRING, .offset = AT(server_name),
     .fallback = "",
     .help = "Name under which the other nodes and the index reach this node; "
             "the host's full name when not given."},
    {.name = "server-port", .type = OPTION_UINT, .offset = AT(server_port),
     .max = 65535, .fallback = "12121",
     .help = "Port to listen on; 0 for any that is free."},
    {.name = "server-socket", .type = OPTION_STRING,
     .offset = AT(server_socket), .fallback = "",
     .help = "Unix socket to listen on as well."},
    {.name = "bind", .type = OPTION_STRING, .offset = AT(bind),
     .fallback = "0.0.0.0",
     .help = "Addresses to listen on, separated by commas; [::] for IPv6."},
    {.name = "trusted", .type = OPTION_STRING, .offset = AT(trusted),
     .fallback = "any", .example = "10.1.0.0/16,192.0.2.7",
     .help = "Who may use the commands node, kill, shutdown, dump, dump_key "
             "and repl, and speak as another node: numeric addresses and "
             "networks of nodes, index servers and administrators, separated "
             "by commas, or any. This machine and the index servers always "
             "may; maps are taken from nobody else but those named here."},
    {.name = "max-connection", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(max_connection), .min = 1,
     .max = 1000000, .fallback = "1024", .unit = "connections",
     .help = "Clients at a time. The limit on open files is raised to fit."},
    {.name = "back-log", .type = OPTION_UINT, .offset = AT(back_log), .min = 1,
     .max = 65535, .fallback = "1024", .unit = "connections",
     .help = "Connections that may wait to be accepted."},
    {.name = "net-read-timeout", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(net_read_timeout), .min = 1,
     .max = 31536000, .fallback = "600", .unit = "seconds",
     .help = "How long a connection may be idle."},
    {.name = "threads", .type = OPTION_UINT, .offset = AT(threads), .max = 256,
     .fallback = "0", .unit = "threads",
     .help = "Threads that serve clients; 0 for one a core."},
    {.name = "line-max", .type = OPTION_BYTES, .offset = AT(line_max),
     .min = 2048, .max = GIB, .fallback = "1m", .unit = "bytes",
     .help = "Longest request line. A longer one is answered with an error "
             "and the connection is closed."},
    {.name = "key-max", .type = OPTION_UINT, .offset = AT(key_max), .min = 1,
     .max = 8191, .fallback = "8191", .unit = "bytes",
     .help = "Longest key."},
    {.name = "value-max", .type = OPTION_BYTES, .offset = AT(value_max),
     .min = 1, .max = GIB, .fallback = "128m", .unit = "bytes",
     .help = "Largest value. A larger one is skipped and answered with "
             "SERVER_ERROR object too large for cache."},
    {.name = "keys-per-get", .type = OPTION_UINT, .offset = AT(keys_per_get),
     .min = 1, .max = 10000000, .fallback = "100000", .unit = "keys",
     .help = "Most keys of one get. More of them are answered with "
             "CLIENT_ERROR too many keys."},
    {.name = "answer-max", .type = OPTION_BYTES, .offset = AT(answer_max),
     .min = 4096, .max = 64 * GIB, .fallback = "256m", .unit = "bytes",
     .help = "A get of many keys whose answer exceeds this before its last "
             "value is answered with SERVER_ERROR out of memory writing get "
             "response."},
    {.name = "pipeline-max", .type = OPTION_BYTES, .offset = AT(pipeline_max),
     .min = 4096, .max = GIB, .fallback = "4m", .unit = "bytes",
     .help = "With this many bytes of requests and answers waiting behind "
             "one that is not answered yet, no more are read from a "
             "client."},
    {.name = "enable-shutdown", .type = OPTION_BOOL,
     .offset = AT(enable_shutdown), .fallback = "false",
     .help = "Let any client end the node with the command shutdown."},
    {.name = "output-high", .type = OPTION_BYTES, .offset = AT(output_high),
     .min = 4096, .max = GIB, .fallback = "4m", .unit = "bytes",
     .help = "With this much waiting to be sent to a client, no more requests "
             "are read from it."},
    {.name = "output-low", .type = OPTION_BYTES, .offset = AT(output_low),
     .max = GIB, .fallback = "1m", .unit = "bytes",
     .help = "Requests are read again when less than this is waiting."},

    {.name = "replication-type", .type = OPTION_CHOICE,
     .flags = OPTION_RELOADABLE, .offset = AT(replication_type),
     .choices = "async|sync", .fallback = "async",
     .help = "With sync, a write is answered when all slaves of the partition "
             "have it."},
    {.name = "sync-timeout", .type = OPTION_UINT, .flags = OPTION_RELOADABLE,
     .offset = AT(sync_timeout), .min = 1, .max = 3600000,
     .fallback = "10000", .unit = "milliseconds",
     .help = "How long a write may wait for its slaves before it is answered "
             "with an error."},
    {.name = "failover-wait", .type = OPTION_UINT, .flags = OPTION_RELOADABLE,
     .offset = AT(failover_wait), .max = 60000, .fallback = "1000",
     .unit = "milliseconds",
     .help = "How long a request may wait for another master when its own is "
             "gone, before it is answered with an error; 0: not at all."},
    {.name = "slowlog-log-slower-than-us", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(slowlog_us), .max = 3600000000,
     .fallback = "10000", .unit = "microseconds",
     .help = "Requests that took longer are kept for \"stats slowlog\"; 0 for "
             "none. From 10000 on it costs next to nothing, and is told to a "
             "few milliseconds."},
    {.name = "slowlog-max-len", .type = OPTION_UINT, .flags = OPTION_RELOADABLE,
     .offset = AT(slowlog_len), .min = 1, .max = SLOW_MAX, .fallback = "128",
     .unit = "requests", .help = "How many of them are shown, the latest."},
    {.name = "min-in-sync", .type = OPTION_UINT, .flags = OPTION_RELOADABLE,
     .offset = AT(min_in_sync), .min = 1, .max = 1000, .fallback = "1",
     .unit = "copies",
     .help = "A synchronous write is refused while fewer copies, the master "
             "included, would confirm it."},
    {.name = "reconstruction-interval", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(reconstruction_interval),
     .max = 60000000, .fallback = "0", .unit = "microseconds",
     .help = "Pause after each record while this node copies another."},
    {.name = "reconstruction-bwlimit", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(reconstruction_bwlimit),
     .max = 1000000000, .fallback = "0", .unit = "KiB/s",
     .help = "Limit of the speed at which this node copies another; 0 for "
             "none."},

    {.name = "storage-type", .type = OPTION_CHOICE,
     .offset = AT(storage_type), .choices = "tch|tcb|mem", .fallback = "tch",
     .help = "tch: hash database, tcb: B+tree (both Tokyo Cabinet), mem: "
             "memory only, for tests."},
    {.name = "storage-ap", .type = OPTION_UINT, .offset = AT(storage_ap),
     .max = 24, .fallback = "4", .unit = "(power of 2)",
     .help = "Alignment of records."},
    {.name = "storage-fp", .type = OPTION_UINT, .offset = AT(storage_fp),
     .max = 20, .fallback = "10", .unit = "(power of 2)",
     .help = "Size of the pool of free blocks."},
    {.name = "storage-bucket-size", .type = OPTION_UINT,
     .offset = AT(storage_bucket_size), .max = UINT64_C(1) << 40,
     .fallback = "0", .unit = "buckets",
     .help = "Buckets of a new file; 0 for a number chosen for storage-type. "
             "About twice the number of records is best."},
    {.name = "storage-cache-size", .type = OPTION_UINT,
     .offset = AT(storage_cache_size), .max = 1000000000, .fallback = "65536",
     .unit = "entries",
     .help = "Deletions that are remembered, so that an older write that "
             "arrives late does not bring a key back."},
    {.name = "storage-compress", .type = OPTION_STRING,
     .offset = AT(storage_compress), .fallback = "",
     .help = "Compression of a new file: deflate, bz2 or tcbs; empty for "
             "none."},
    {.name = "storage-large", .type = OPTION_BOOL,
     .offset = AT(storage_large), .fallback = "false",
     .help = "Allow a new file to grow beyond 64 GiB (2 GiB with storage-ap "
             "0)."},
    {.name = "storage-lmemb", .type = OPTION_UINT,
     .offset = AT(storage_lmemb), .min = 4, .max = 65536, .fallback = "128",
     .unit = "records", .help = "Records of a leaf page (tcb)."},
    {.name = "storage-nmemb", .type = OPTION_UINT,
     .offset = AT(storage_nmemb), .min = 4, .max = 65536, .fallback = "256",
     .unit = "entries", .help = "Entries of an inner page (tcb)."},
    {.name = "storage-dfunit", .type = OPTION_UINT,
     .offset = AT(storage_dfunit), .max = 65536, .fallback = "0",
     .unit = "(step)",
     .help = "Step of the automatic defragmentation; 0 for none."},
    {.name = "write-buffer-size", .type = OPTION_BYTES,
     .offset = AT(write_buffer_size), .min = MIB, .max = 64 * GIB,
     .fallback = "64m", .unit = "bytes",
     .help = "Memory for recent writes on their way to the data file; the "
             "update log keeps them safe meanwhile."},
    {.name = "storage-map-size", .type = OPTION_BYTES,
     .offset = AT(storage_map_size), .min = MIB, .max = KIB * GIB,
     .fallback = "1g", .unit = "bytes",
     .help = "How much of the data file is mapped into memory (tch)."},
    {.name = "mutex-slot", .type = OPTION_UINT, .offset = AT(mutex_slot),
     .min = 1, .max = 65536, .fallback = "1024", .unit = "locks",
     .help = "Locks among which the keys are spread."},
    {.name = "log-segment-bytes", .type = OPTION_BYTES,
     .offset = AT(log_segment_bytes), .min = MIB, .max = 2 * GIB,
     .fallback = "64m", .unit = "bytes",
     .help = "Size of a file of the update log."},
    {.name = "log-keep-bytes", .type = OPTION_BYTES,
     .offset = AT(log_keep_bytes), .min = MIB, .max = KIB * GIB,
     .fallback = "1g", .unit = "bytes",
     .help = "How much of the update log is kept, so that a node that was "
             "away can catch up instead of copying everything."},
    {.name = "log-sync", .type = OPTION_CHOICE, .flags = OPTION_RELOADABLE,
     .offset = AT(log_sync), .choices = "none|everysec|always",
     .fallback = "none",
     .help = "When the update log is written to the disk: none leaves it to "
             "the system (a change survives the death of the process, not "
             "that of the machine), everysec loses a second at most, always "
             "answers a change when it is there."},
    {.name = "moved-keep", .type = OPTION_UINT, .offset = AT(moved_keep),
     .max = 31536000, .fallback = "60", .unit = "seconds",
     .help = "Records that moved to a new partition are removed so long after "
             "it went into use; 0 keeps them."},
    {.name = "sweep-interval", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(sweep_interval),
     .max = 86400000, .fallback = "100", .unit = "milliseconds",
     .help = "Time between two looks for expired records; 0: they are only "
             "removed when somebody asks for them."},

#define IGNORED(option, kind, most, value)                                     \
    {.name = option, .type = kind, .flags = OPTION_IGNORED, .max = most,       \
     .fallback = value,                                                        \
     .help = "Accepted so that a configuration for flare 1.3.4 starts this "   \
             "program; has no effect."}
    IGNORED("stack-size", OPTION_UINT, 1048576, "128"),
    IGNORED("thread-pool-size", OPTION_UINT, 1048576, "5"),
    IGNORED("noreply-window-limit", OPTION_UINT, UINT32_MAX, "0"),
    IGNORED("proxy-concurrency", OPTION_UINT, 1048576, "2"),
    IGNORED("max-total-thread-queue", OPTION_UINT, UINT32_MAX, "0"),
    IGNORED("proxy-prior-netmask", OPTION_UINT, 32, "0"),
    IGNORED("time-watcher-enabled", OPTION_BOOL, 0, "false"),
    IGNORED("time-watcher-polling-interval-msec", OPTION_UINT, UINT32_MAX,
            "0"),
    IGNORED("storage-access-watch-threshold-warn-msec", OPTION_UINT,
            UINT32_MAX, "0"),
    IGNORED("storage-access-watch-threshold-ping-ng-msec", OPTION_UINT,
            UINT32_MAX, "0"),
    IGNORED("cluster-replication", OPTION_BOOL, 0, "false"),
    IGNORED("cluster-replication-server-name", OPTION_STRING, 0, ""),
    IGNORED("cluster-replication-server-port", OPTION_UINT, 65535, "12121"),
    IGNORED("cluster-replication-concurrency", OPTION_UINT, 65535, "2"),
    IGNORED("cluster-replication-mode", OPTION_STRING, 0, "duplicate"),
};
/* clang-format on */

static bool
is_compression(const char *text)
{
    return text[0] == '\0' || strcmp(text, "deflate") == 0 ||
           strcmp(text, "bz2") == 0 || strcmp(text, "tcbs") == 0;
}

/* "host:port,host:port", each part with both halves. */
static bool
is_server_list(const char *text)
{
    struct slice rest = slice_str(text);

    do {
        struct slice item = slice_until(&rest, ',');
        size_t colon = item.n;
        uint64_t port;

        while (colon > 0 && item.p[colon - 1] != ':') {
            colon--;
        }
        if (colon < 2 ||
            !slice_u64((struct slice){item.p + colon, item.n - colon}, 65535,
                       &port) ||
            port == 0) {
            return false;
        }
    } while (rest.n > 0);
    return true;
}

static int
check_index(const struct flared_options *options, struct err *err)
{
    bool has_list = options->index_servers[0] != '\0';
    bool has_name = options->index_server_name[0] != '\0';

    if (has_list && has_name) {
        return err_set(err, ERR_CONFIG,
                       "index-servers and index-server-name are both given; "
                       "one of them is allowed");
    }
    if (!has_list && !has_name) {
        return err_set(err, ERR_CONFIG,
                       "the index server is missing: give index-servers or "
                       "index-server-name");
    }
    if (has_list && !is_server_list(options->index_servers)) {
        return err_set(err, ERR_CONFIG,
                       "index-servers: \"%s\" is not host:port,host:port",
                       options->index_servers);
    }
    return 0;
}

static void
fill_in(struct flared_options *options)
{
    if (options->threads == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);

        options->threads = cores > 0 ? (uint64_t)cores : 1;
    }
    if (options->server_name[0] == '\0') {
        free(options->server_name);
        options->server_name = process_host_name();
    }
    if (options->pid[0] == '\0') {
        free(options->pid);
        options->pid = xasprintf("%s/flared.pid", options->data_dir);
    }
}

static int
check(void *target, struct err *err)
{
    struct flared_options *options = target;

    if (!is_compression(options->storage_compress)) {
        return err_set(err, ERR_CONFIG,
                       "storage-compress: \"%s\" is not deflate, bz2, tcbs or "
                       "empty",
                       options->storage_compress);
    }
    if (options->output_low > options->output_high) {
        return err_set(err, ERR_CONFIG,
                       "output-low: %ju is above output-high, which is %ju",
                       (uintmax_t)options->output_low,
                       (uintmax_t)options->output_high);
    }
    if (trust_check(options->trusted, err) != 0) {
        return err_wrap(err, "trusted");
    }
    fill_in(options);
    return check_index(options, err);
}

char *
flared_options_index(const struct flared_options *options)
{
    if (options->index_servers[0] != '\0') {
        return xstrdup(options->index_servers);
    }
    return xasprintf("%s:%ju", options->index_server_name,
                     (uintmax_t)options->index_server_port);
}

const struct conf_spec flared_conf_spec = {
    .program = "flared",
    .version = PACKAGE_VERSION,
    .summary = "Serve a share of a flare cluster's data and forward requests "
               "for the rest of it.",
    .table = {rows, sizeof(rows) / sizeof(rows[0])},
    .target_size = sizeof(struct flared_options),
    .check = check,
};
