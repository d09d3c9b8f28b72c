#include "flarei/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "daemon/process.h"
#include "net/trust.h"

#define AT(field) offsetof(struct flarei_options, field)

/* clang-format off */
static const struct option_row rows[] = {
    CONF_COMMON_ROWS,
    {.name = "pid", .letter = 'p', .type = OPTION_STRING,
     .flags = OPTION_COMMAND_LINE, .offset = AT(pid), .fallback = "",
     .help = "File for the process id; flarei.pid in data-dir when not "
             "given."},
    {.name = "stderr", .letter = 's', .type = OPTION_BOOL,
     .flags = OPTION_COMMAND_LINE, .offset = AT(log_stderr),
     .fallback = "false",
     .help = "Log to standard error instead of syslog."},
    {.name = "ready-fd", .type = OPTION_UINT, .flags = OPTION_COMMAND_LINE,
     .offset = AT(ready_fd), .max = 65535, .fallback = "0",
     .unit = "(file descriptor)",
     .help = "Write \"host:port\" and a newline to this descriptor and close "
             "it as soon as the index serves; 0 for none."},

    {.name = "data-dir", .type = OPTION_STRING, .flags = OPTION_REQUIRED,
     .offset = AT(data_dir), .fallback = "", .example = "/var/lib/flare/index",
     .help = "Folder for the map of the cluster; made when it is missing."},
    {.name = "index-db", .type = OPTION_STRING, .offset = AT(index_db),
     .fallback = "",
     .help = "Where the map is kept, as file:///folder; data-dir when not "
             "given."},
    {.name = "daemonize", .type = OPTION_BOOL, .offset = AT(daemonize),
     .fallback = "false",
     .help = "Detach from the terminal. The command returns when the index "
             "serves, or with status 1 when it could not start."},
    {.name = "log-facility", .type = OPTION_CHOICE,
     .flags = OPTION_RELOADABLE, .offset = AT(log_facility),
     .choices = "auth|daemon|user|local0|local1|local2|local3|local4|local5|"
                "local6|local7",
     .fallback = "user", .help = "Syslog facility."},
    {.name = "log-level", .type = OPTION_CHOICE, .flags = OPTION_RELOADABLE,
     .offset = AT(log_level), .choices = "error|warn|info|debug",
     .fallback = "info", .help = "How much is logged."},

    {.name = "server-name", .type = OPTION_STRING, .offset = AT(server_name),
     .fallback = "",
     .help = "Name of this index server; the host's full name when not "
             "given."},
    {.name = "server-port", .type = OPTION_UINT, .offset = AT(server_port),
     .max = 65535, .fallback = "12120",
     .help = "Port to listen on; 0 for any that is free."},
    {.name = "server-socket", .type = OPTION_STRING,
     .offset = AT(server_socket), .fallback = "",
     .help = "Unix socket to listen on as well."},
    {.name = "bind", .type = OPTION_STRING, .offset = AT(bind),
     .fallback = "0.0.0.0",
     .help = "Addresses to listen on, separated by commas; [::] for IPv6."},
    {.name = "trusted", .type = OPTION_STRING, .offset = AT(trusted),
     .fallback = "any", .example = "10.1.0.0/16,192.0.2.7",
     .help = "Who may use the commands node, kill and shutdown: numeric "
             "addresses and networks of nodes and administrators, separated "
             "by commas, or any. This machine always may."},
    {.name = "max-connection", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(max_connection), .min = 1,
     .max = 1000000, .fallback = "1024", .unit = "connections",
     .help = "Clients and nodes at a time. The limit on open files is raised "
             "to fit."},
    {.name = "net-read-timeout", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(net_read_timeout), .min = 1,
     .max = 31536000, .fallback = "600", .unit = "seconds",
     .help = "How long a connection may be idle."},

    {.name = "monitor-threshold", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(monitor_threshold), .min = 1,
     .max = 10000, .fallback = "3", .unit = "pings",
     .help = "Unanswered pings in a row after which a node counts as down. A "
             "closed or refused connection counts at once, once confirmed."},
    {.name = "monitor-interval", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(monitor_interval), .min = 1,
     .max = 86400, .fallback = "5", .unit = "seconds",
     .help = "Time between two pings to a node."},
    {.name = "monitor-interval-ms", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(monitor_interval_ms),
     .max = 86400000, .fallback = "0", .unit = "milliseconds",
     .help = "The same in milliseconds; 0: monitor-interval counts."},
    {.name = "monitor-read-timeout", .type = OPTION_UINT,
     .flags = OPTION_RELOADABLE, .offset = AT(monitor_read_timeout), .min = 1,
     .max = 3600000, .fallback = "1000", .unit = "milliseconds",
     .help = "How long the answer to a ping is waited for."},

    {.name = "partition-size", .type = OPTION_UINT,
     .offset = AT(partition_size), .min = 2, .max = 65535, .fallback = "1024",
     .unit = "partitions",
     .help = "One more than the most partitions there may be. May not change "
             "while there is data."},
    {.name = "partition-modular-hint", .type = OPTION_UINT,
     .offset = AT(partition_modular_hint), .min = 1, .max = 65535,
     .fallback = "1", .unit = "partitions",
     .help = "Up to this number of partitions, keys are dealt out evenly "
             "instead of moved. May not change while there is data."},
    {.name = "partition-modular-virtual", .type = OPTION_UINT,
     .offset = AT(partition_modular_virtual), .min = 1, .max = 1048576,
     .fallback = "4096", .unit = "slots",
     .help = "Slots that the keys are spread over; a power of 2 of at least "
             "4096 is best. May not change while there is data."},
    {.name = "partition-type", .type = OPTION_CHOICE,
     .offset = AT(partition_type), .choices = "modular",
     .fallback = "modular", .help = "How keys map to partitions."},
    {.name = "key-hash-algorithm", .type = OPTION_CHOICE,
     .offset = AT(key_hash_algorithm), .choices = "simple|crc32|jenkins",
     .fallback = "simple",
     .help = "Hash of the keys. simple is flare's default and spreads badly; "
             "crc32 is better for a new cluster. May not change while there "
             "is data."},

#define IGNORED(option, most, value)                                           \
    {.name = option, .type = OPTION_UINT, .flags = OPTION_IGNORED,             \
     .max = most, .fallback = value,                                           \
     .help = "Accepted so that a configuration for flare 1.3.4 starts this "   \
             "program; has no effect."}
    IGNORED("stack-size", 1048576, "128"),
    IGNORED("thread-pool-size", 1048576, "5"),
};
/* clang-format on */

static void
fill_in(struct flarei_options *options)
{
    if (options->server_name[0] == '\0') {
        free(options->server_name);
        options->server_name = process_host_name();
    }
    if (options->pid[0] == '\0') {
        free(options->pid);
        options->pid = xasprintf("%s/flarei.pid", options->data_dir);
    }
    if (options->index_db[0] == '\0') {
        free(options->index_db);
        options->index_db = xasprintf("file://%s", options->data_dir);
    }
}

static int
check(void *target, struct err *err)
{
    struct flarei_options *options = target;

    if (options->index_db[0] != '\0' &&
        (strncmp(options->index_db, "file://", 7) != 0 ||
         options->index_db[7] == '\0')) {
        return err_set(err, ERR_CONFIG,
                       "index-db: \"%s\" is not of the form file:///folder",
                       options->index_db);
    }
    if (trust_check(options->trusted, err) != 0) {
        return err_wrap(err, "trusted");
    }
    fill_in(options);
    return 0;
}

uint64_t
flarei_options_interval_ms(const struct flarei_options *options)
{
    return options->monitor_interval_ms != 0 ? options->monitor_interval_ms
                                             : options->monitor_interval * 1000;
}

const struct conf_spec flarei_conf_spec = {
    .program = "flarei",
    .version = PACKAGE_VERSION,
    .summary = "Keep the map of a flare cluster: which node serves what.",
    .table = {rows, sizeof(rows) / sizeof(rows[0])},
    .target_size = sizeof(struct flarei_options),
    .check = check,
};
