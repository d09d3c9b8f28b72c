/*
 * tool: what the operator's programs share: options, the way to the index
 * server, and the run of a subcommand.
 *
 * Texts, prompts, tables and exit status are those of flare-tools, because
 * scripts read them.
 */
#ifndef FLARE_TOOL_TOOL_H
#define FLARE_TOOL_TOOL_H

#include "cli/output.h"
#include "cli/subcommand.h"
#include "cli/table.h"
#include "tool/server.h"
#include "tool/target.h"

enum { TOOL_DEPLOY_MAX = 32 };

struct tool_options {
    bool help, version;
    bool debug;
    bool warn;        /* no effect */
    char *log_file;   /* "-": standard output */
    uint64_t timeout; /* s, 0: none */

    char *index_server;
    char *index_server_port;
    char *cluster;

    bool dry_run, force, all;
    bool activate, without_clean, clean;
    bool safe, unsafe;
    bool wait, numeric_hosts, qps, watch;
    uint64_t retry;
    uint64_t stall_timeout; /* s */
    uint64_t count, interval;
    char *delimiter;
    char *output_file;
    uint64_t increment;
    char *format, *bwlimit, *input_file;
    char *partition, *partition_size;
    char *include, *prefix_include, *exclude;
    bool raw, resume, print_keys;
    char *hash;
    bool use_test_data, wide, verbose, meta;
    uint64_t replicas, threshold, nodes, port;
    char *base, *index_options, *node_options;
    bool strict, simulate, master, masters, slaves, proxies;
    bool down, live, copies, repair;
    char *from;
    bool deploy_index, delete_first;
    char *flarei, *flared;
    char *deploy[TOOL_DEPLOY_MAX]; /* options of the daemons */
    char *report; /* table, json or csv; NULL: it reports nothing */
};

struct plan;

struct tool {
    const char *program; /* "flare-admin" */
    const char *command; /* "flare-admin list" */
    const struct subcommand *sub;
    struct tool_options options;
    struct output out;
    struct server index;
    bool quiet_rounds; /* nothing is said of nodes that do not answer */
    struct plan *plan; /* --dry-run: what would become; NULL: do it */
    void (*at_end)(struct tool *tool); /* NULL, or what cleans up */
};

#define TOOL_AT(field) offsetof(struct tool_options, field)

/* clang-format off */
#define TOOL_FLAG(option, short_form, field, text)                             \
    {.name = option, .letter = short_form, .type = OPTION_BOOL,                \
     .offset = TOOL_AT(field), .fallback = "false", .help = text}
#define TOOL_TEXT(option, short_form, field, value, kind, text)                \
    {.name = option, .letter = short_form, .type = OPTION_STRING,              \
     .offset = TOOL_AT(field), .fallback = value, .unit = kind, .help = text}
#define TOOL_UINT(option, short_form, field, most, value, kind, text)          \
    {.name = option, .letter = short_form, .type = OPTION_UINT,                \
     .offset = TOOL_AT(field), .max = most, .fallback = value, .unit = kind,   \
     .help = text}

#define TOOL_CHOICE(option, short_form, field, value, of, kind, text)           \
    {.name = option, .letter = short_form, .type = OPTION_CHOICE,              \
     .offset = TOOL_AT(field), .fallback = value, .choices = of,               \
     .unit = kind, .help = text}

#define TOOL_COMMON_ROWS                                                       \
    TOOL_FLAG("help", 'h', help, "show this message"),                         \
    TOOL_FLAG("version", 'v', version, "show the version"),                    \
    TOOL_FLAG("debug", 0, debug, "enable debug mode"),                         \
    TOOL_FLAG("warn", 0, warn, "turn on warnings"),                            \
    TOOL_TEXT("log-file", 0, log_file, "-", "LOGFILE",                         \
              "output log to LOGFILE"),                                        \
    TOOL_UINT("timeout", 0, timeout, 86400, "10", "SECOND", "specify timeout")

#define TOOL_INDEX_ROWS                                                        \
    TOOL_TEXT("index-server", 'i', index_server, "", "HOSTNAME",               \
              "index server hostname(default:127.0.0.1)"),                     \
    TOOL_TEXT("index-server-port", 'p', index_server_port, "", "PORT",         \
              "index server port(default:12120)"),                             \
    TOOL_TEXT("cluster", 0, cluster, "", "NAME", "specify a cluster name")

#define TOOL_DRY_RUN                                                           \
    TOOL_FLAG("dry-run", 'n', dry_run,                                         \
              "change nothing, show what would become")
#define TOOL_FORCE                                                             \
    TOOL_FLAG("force", 0, force, "commit changes without confirmation"),       \
    TOOL_FLAG("yes", 'y', force, "the same")
#define TOOL_REPORT                                                            \
    TOOL_CHOICE("output", 'o', report, "table", "table|json|csv", "FORMAT",    \
                "print the result as table, json or csv")
#define TOOL_RETRY(value)                                                      \
    TOOL_UINT("retry", 0, retry, 1000, value, "COUNT",                         \
              "specify retry count(default:" value ")")
#define TOOL_STALL                                                             \
    TOOL_UINT("stall-timeout", 0, stall_timeout, 864000, "600", "SECOND",      \
              "give up when nothing moves for so long(0:never)")
/* clang-format on */

/*
 * Parse the options, carry out the subcommand, clean up.  argv holds what
 * follows the subcommand's name.  Returns the exit status.
 */
int tool_run(const char *program, const char *command,
             const struct subcommand *sub, int argc, char **argv);

/* The rows every subcommand has, for what is said of all of them. */
extern const struct option_table tool_common_options;

/* Wrong usage: say the usage line.  Returns the exit status. */
int tool_misuse(struct tool *tool);

/* JSON or CSV is wanted: texts for people stay off standard output. */
bool tool_for_programs(const struct tool *tool);

enum tool_channel {
    TOOL_DIRECT,  /* standard output */
    TOOL_LOG,     /* the log */
    TOOL_LOG_GAP, /* the log, with an empty line behind */
};

/*
 * The one way results leave a tool: as -o says.  The separator and the channel
 * are those of a table for people.  Frees the table's cells.
 */
void tool_put_table(struct tool *tool, struct table *table,
                    const char *separator, enum tool_channel channel);

/* The index server that options and environment name, without asking it. */
bool tool_index_target(struct tool *tool, struct target *out);

/*
 * Find and open the index server, as options and environment say.  The words
 * that name nodes help to choose among several clusters.
 */
bool tool_open_index(struct tool *tool, int nwords, char **words);

#endif
