/* cluster: clusters of processes on this machine, for trying and testing. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "flare-admin/admin.h"
#include "flare-admin/commands.h"
#include "flare-admin/create.h"
#include "flare-admin/local.h"

enum { WORDS = 48, KNOWN_MS = 10000, LOOK_MS = 50 };

struct session {
    struct tool *tool;
    char *base, *name;
    char *flarei, *flared; /* the programs */
    struct local local;
};

static int
fail(struct session *s, const struct err *err)
{
    output_error(&s->tool->out, "%s", err->msg);
    return STATUS_NG;
}

/* --- the programs ----------------------------------------------------------
 */

/* Beside flare-admin as installed, as built, or by PATH. */
static char *
find_program(const char *given, const char *name)
{
    char self[PATH_MAX] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = n > 0 ? strrchr(self, '/') : NULL;
    char path[2 * PATH_MAX];

    if (given[0] != '\0') {
        return xstrdup(given);
    }
    if (slash != NULL) {
        *slash = '\0';
    }
    for (int i = 0; i < 3; i++) {
        if (i == 0) {
            (void)snprintf(path, sizeof(path), "%s/../sbin/%s", self, name);
        } else if (i == 1) {
            (void)snprintf(path, sizeof(path), "%s/../%s/%s", self, name, name);
        } else {
            (void)snprintf(path, sizeof(path), "%s/%s", self, name);
        }
        if (access(path, X_OK) == 0) {
            return xstrdup(path);
        }
    }
    return xasprintf("/usr/sbin/%s", name);
}

/* A command line; words are ours. */
struct line {
    char *argv[WORDS + 1];
    int argc;
};

static void
add_word(struct line *line, const char *word)
{
    if (line->argc < WORDS) {
        line->argv[line->argc++] = xstrdup(word);
        line->argv[line->argc] = NULL;
    }
}

static void
add_option(struct line *line, const char *name, char *value)
{
    add_word(line, name);
    add_word(line, value);
    free(value);
}

/* What the operator gave: split at blanks. */
static void
add_words(struct line *line, const char *text)
{
    struct slice rest = slice_str(text);

    for (;;) {
        struct slice word = slice_word(&rest);
        char *copy;

        if (word.n == 0) {
            return;
        }
        copy = xstrndup(word.p, word.n);
        add_word(line, copy);
        free(copy);
    }
}

static void
line_fini(struct line *line)
{
    for (int i = 0; i < line->argc; i++) {
        free(line->argv[i]);
    }
}

static void
make_line(const struct session *s, uint64_t i, struct line *line)
{
    const struct local *l = &s->local;
    char who[32];

    *line = (struct line){.argc = 0};
    local_who(l, i, who, sizeof(who));
    add_word(line, i == 0 ? s->flarei : s->flared);
    add_word(line, "--stderr");
    add_option(line, "--bind", xstrdup("127.0.0.1"));
    add_option(line, "--server-name", xstrdup("127.0.0.1"));
    add_option(line, "--server-port",
               xasprintf("%ju", (uintmax_t)(l->port + i)));
    add_option(line, "--data-dir", xasprintf("%s/data/%s", l->folder, who));
    if (i == 0) {
        add_option(line, "--monitor-interval", xstrdup("1"));
        add_words(line, s->tool->options.index_options);
    } else {
        add_option(line, "--index-server-name", xstrdup("127.0.0.1"));
        add_option(line, "--index-server-port",
                   xasprintf("%ju", (uintmax_t)l->port));
        add_words(line, s->tool->options.node_options);
    }
}

/* --- start and stop --------------------------------------------------------
 */

static bool
ports_are_free(struct session *s)
{
    for (uint64_t i = 0; i <= s->local.nodes; i++) {
        if (local_pid(&s->local, i) == 0 &&
            local_port_taken(s->local.port + i)) {
            output_error(&s->tool->out,
                         "port %ju is taken by something else; nothing was "
                         "started. Choose others with --port.",
                         (uintmax_t)(s->local.port + i));
            return false;
        }
    }
    return true;
}

static bool
start_one(struct session *s, uint64_t i)
{
    struct line line;
    struct err err;
    char who[32];
    bool ok = true;

    local_who(&s->local, i, who, sizeof(who));
    if (local_pid(&s->local, i) != 0) {
        output_info(&s->tool->out, "%s runs already", who);
        return true;
    }
    make_line(s, i, &line);
    if (s->tool->options.dry_run) {
        output_info(&s->tool->out, "would start %s on port %ju: %s", who,
                    (uintmax_t)(s->local.port + i), line.argv[0]);
    } else if (local_start(&s->local, i, line.argv, &err) != 0) {
        output_error(&s->tool->out, "%s: %s", who, err.msg);
        ok = false;
    } else {
        output_info(&s->tool->out, "started %s on port %ju", who,
                    (uintmax_t)(s->local.port + i));
    }
    line_fini(&line);
    return ok;
}

static int
stop_all(struct session *s)
{
    bool dry_run = s->tool->options.dry_run;

    /* Nodes before the index, which takes note of their leaving. */
    for (uint64_t i = s->local.nodes + 1; i-- > 0;) {
        char who[32];
        bool ran =
            dry_run ? local_pid(&s->local, i) != 0 : local_stop(&s->local, i);

        local_who(&s->local, i, who, sizeof(who));
        if (ran) {
            output_info(&s->tool->out, "%s %s",
                        dry_run ? "would stop" : "stopped", who);
        }
    }
    return STATUS_OK;
}

static int
start_all(struct session *s)
{
    bool ok = ports_are_free(s);

    for (uint64_t i = 0; ok && i <= s->local.nodes; i++) {
        ok = start_one(s, i) && !prompt_interrupted();
        if (!ok) {
            output_error(&s->tool->out, "The rest was not started.");
        }
    }
    return ok ? STATUS_OK : STATUS_NG;
}

/* --- the actions -----------------------------------------------------------
 */

static int
load(struct session *s)
{
    struct err err;

    return local_load(&s->local, s->base, s->name, &err) == 0 ? STATUS_OK
                                                              : fail(s, &err);
}

static int
do_start(struct session *s)
{
    return load(s) != STATUS_OK ? STATUS_NG : start_all(s);
}

static int
do_stop(struct session *s)
{
    return load(s) != STATUS_OK ? STATUS_NG : stop_all(s);
}

static int
do_restart(struct session *s)
{
    if (load(s) != STATUS_OK) {
        return STATUS_NG;
    }
    (void)stop_all(s);
    return s->tool->options.dry_run ? STATUS_OK : start_all(s);
}

/* A node serves a moment before the index has heard of it. */
static bool
all_are_known(struct session *s)
{
    struct mono until = mono_after_ms(clock_mono(), KNOWN_MS);
    uint64_t active = 0;

    while (active < s->local.nodes && !mono_reached(until, clock_mono())) {
        struct cluster_map *map = admin_map(s->tool);

        active = 0;
        for (size_t i = 0; map != NULL && i < map->nnodes; i++) {
            active += map->node[i].state == NODE_ACTIVE;
        }
        cluster_map_unref(map);
        if (active < s->local.nodes && !prompt_pause(LOOK_MS)) {
            break;
        }
    }
    if (active < s->local.nodes) {
        output_error(&s->tool->out,
                     "Only %ju of %ju nodes have registered; see the logs in "
                     "%s/log.",
                     (uintmax_t)active, (uintmax_t)s->local.nodes,
                     s->local.folder);
    }
    return active >= s->local.nodes;
}

/* Lay out what was started, as flare-admin create does. */
static int
lay_out(struct session *s)
{
    char **words = xcalloc(s->local.nodes + 1, sizeof(*words));
    int status = STATUS_NG;

    for (uint64_t i = 0; i < s->local.nodes; i++) {
        words[i] =
            xasprintf("127.0.0.1:%ju", (uintmax_t)(s->local.port + 1 + i));
    }
    s->tool->options.force = true; /* it is all new */
    s->tool->options.retry = 10;
    if (server_open(&s->tool->index, s->tool, "127.0.0.1",
                    (uint16_t)s->local.port, false)) {
        s->tool->index.is_index = true;
        if (all_are_known(s)) {
            status = create_layout(s->tool, (int)s->local.nodes, words);
        }
    }
    for (uint64_t i = 0; i < s->local.nodes; i++) {
        free(words[i]);
    }
    free(words);
    return status;
}

static int
do_create(struct session *s)
{
    const struct tool_options *o = &s->tool->options;
    struct err err;
    int status;

    if (o->dry_run) {
        output_info(&s->tool->out,
                    "would make %s/%s with an index server and %ju nodes",
                    s->base, s->name, (uintmax_t)o->nodes);
        return STATUS_OK;
    }
    if (local_make(&s->local, s->base, s->name, o->port, o->nodes, &err) != 0) {
        return fail(s, &err);
    }
    status = start_all(s);
    if (status == STATUS_OK && !o->proxies) {
        status = lay_out(s);
    }
    if (status != STATUS_OK) {
        (void)stop_all(s);
        output_error(&s->tool->out,
                     "%s was stopped; flare-admin cluster clean removes it.",
                     s->local.folder);
        return STATUS_NG;
    }
    if (local_use(s->base, s->name, &err) != 0) {
        return fail(s, &err);
    }
    output_info(&s->tool->out, "export FLARE_INDEX_SERVER=127.0.0.1:%ju",
                (uintmax_t)s->local.port);
    return STATUS_OK;
}

static int
do_clean(struct session *s)
{
    struct err err;

    if (load(s) != STATUS_OK) {
        return STATUS_NG;
    }
    if (s->tool->options.dry_run) {
        output_info(&s->tool->out, "would stop and remove %s", s->local.folder);
        return STATUS_OK;
    }
    if (admin_confirm(s->tool,
                      "stop the cluster and remove %s with all its "
                      "data (y/n): ",
                      s->local.folder) != PROMPT_YES) {
        output_error(&s->tool->out, "Nothing was changed.");
        return STATUS_NG;
    }
    (void)stop_all(s);
    return local_remove(&s->local, &err) == 0 ? STATUS_OK : fail(s, &err);
}

static int
do_use(struct session *s)
{
    struct err err;

    if (load(s) != STATUS_OK) {
        return STATUS_NG;
    }
    if (!s->tool->options.dry_run && local_use(s->base, s->name, &err) != 0) {
        return fail(s, &err);
    }
    output_info(&s->tool->out, "export FLARE_INDEX_SERVER=127.0.0.1:%ju",
                (uintmax_t)s->local.port);
    return STATUS_OK;
}

static int
do_ls(struct session *s)
{
    static const struct table_column columns[] = {
        TABLE_COL_TEXT("name"),      TABLE_COL_YES_NO("current"),
        TABLE_COL_TEXT("index"),     TABLE_COL_NUMBER("nodes"),
        TABLE_COL_NUMBER("running"), TABLE_COL_TEXT("folder"),
    };
    struct table table = {.columns = columns, .ncolumns = 6, .fit = true};
    char **names = local_list(s->base);
    char *current = local_current(s->base);

    for (size_t i = 0; names[i] != NULL; i++) {
        struct local local;
        struct err unused;

        if (local_load(&local, s->base, names[i], &unused) == 0) {
            table_cell(&table, "%s", names[i]);
            table_cell(&table, strcmp(names[i], current) == 0 ? "yes" : "no");
            table_cell(&table, "127.0.0.1:%ju", (uintmax_t)local.port);
            table_cell(&table, "%ju", (uintmax_t)local.nodes);
            table_cell(&table, "%ju", (uintmax_t)local_running(&local));
            table_cell(&table, "%s", local.folder);
        }
        local_fini(&local);
        free(names[i]);
    }
    tool_put_table(s->tool, &table, "  ", TOOL_DIRECT);
    free(names);
    free(current);
    return STATUS_OK;
}

static const struct {
    const char *name;
    int (*run)(struct session *s);
} actions[] = {
    {"start", do_start},     {"create", do_create}, {"stop", do_stop},
    {"restart", do_restart}, {"clean", do_clean},   {"ls", do_ls},
    {"use", do_use},
};

/* Where clusters are kept: --base, FLARE_CLUSTER_BASE, ~/.flare. */
static char *
base_folder(const struct tool *tool)
{
    const char *given = tool->options.base;
    const char *variable = getenv("FLARE_CLUSTER_BASE");
    const char *home = getenv("HOME");
    char *base, *full;

    if (given[0] == '\0' && variable != NULL && *variable != '\0') {
        given = variable;
    }
    if (given[0] != '\0') {
        base = xstrdup(given);
    } else {
        base = xasprintf("%s/.flare", home != NULL ? home : "/tmp");
    }
    if (base[0] != '/') { /* daemons change their folder */
        char *here = getcwd(NULL, 0);

        full = xasprintf("%s/%s", here != NULL ? here : ".", base);
        free(here);
        free(base);
        base = full;
    }
    return base;
}

static int
run_cluster(struct tool *tool, int nwords, char **words)
{
    struct session s = {.tool = tool};
    int status = STATUS_USAGE;
    size_t i = 0;

    while (i < sizeof(actions) / sizeof(actions[0]) &&
           (nwords < 1 || strcmp(actions[i].name, words[0]) != 0)) {
        i++;
    }
    if (i == sizeof(actions) / sizeof(actions[0]) || nwords > 2) {
        return tool_misuse(tool);
    }
    s.base = base_folder(tool);
    s.name = nwords > 1 ? xstrdup(words[1]) : local_current(s.base);
    s.flarei = find_program(tool->options.flarei, "flarei");
    s.flared = find_program(tool->options.flared, "flared");
    status = actions[i].run(&s);
    local_fini(&s.local);
    free(s.base);
    free(s.name);
    free(s.flarei);
    free(s.flared);
    return status;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_TEXT("base", 0, base, "", "FOLDER",
              "where clusters are kept(default: FLARE_CLUSTER_BASE or "
              "~/.flare)"),
    TOOL_UINT("nodes", 0, nodes, 200, "4", "COUNT",
              "create: so many nodes(default:4)"),
    TOOL_UINT("replicas", 'r', replicas, 100, "1", "COUNT",
              "create: slaves of each partition(default:1)"),
    TOOL_UINT("port", 'p', port, 65000, "0", "PORT",
              "create: the index server's; nodes get those behind it "
              "(default: the next free ones from 12120)"),
    TOOL_FLAG("proxies", 0, proxies,
              "create: give the nodes no roles, leave them proxies"),
    TOOL_TEXT("index-options", 0, index_options, "", "WORDS",
              "further options for flarei"),
    TOOL_TEXT("node-options", 0, node_options, "", "WORDS",
              "further options for every flared"),
    TOOL_TEXT("flarei", 0, flarei, "", "PATH", "the program to run"),
    TOOL_TEXT("flared", 0, flared, "", "PATH", "the program to run"),
    TOOL_STALL,
};
/* clang-format on */

const struct subcommand cmd_cluster = {
    .name = "cluster",
    .usage = "create|start|stop|restart|clean|use|ls [name]",
    .summary = "run clusters on this machine, for trying and testing.",
    .about =
        "create makes a cluster of processes on 127.0.0.1, lays it out and "
        "makes it the one in use; start, stop and restart keep its data, "
        "clean removes it. use changes which one is meant when no name is "
        "given and prints the line for the shell; ls lists them. A "
        "cluster is a folder with data, logs and process ids.",
    .example = "flare-admin cluster create\n"
               "eval \"$(flare-admin cluster use default)\"\n"
               "flare-admin cluster create --nodes=6 --replicas=2 second\n"
               "flare-admin cluster ls",
    .complete = "create start stop restart clean use ls",
    .flags = SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_cluster,
};
