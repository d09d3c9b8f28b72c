/* dump, dumpkey: what nodes hold, to a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/progress.h"
#include "flare-admin/commands.h"
#include "flare-admin/stream.h"
#include "tool/nodes.h"

/* Nodes to be dumped, and of which partition. */
struct dump_list {
    struct target *all;
    int n;
    int size; /* partitions */
};

/* Where it goes. */
struct drain {
    struct tool *tool;
    struct archive_writer *writer; /* NULL: keys, one a line */
    FILE *keys;
    struct progress progress;
    uint64_t records, bytes;
    bool failed;
};

static bool
drain_put(void *arg, const struct archive_record *record)
{
    struct drain *d = arg;
    struct err err;

    d->records++;
    d->bytes += record->key.n + record->data.n;
    progress_at(&d->progress, d->records, d->bytes);
    if (d->writer == NULL) {
        d->failed =
            fwrite(record->key.p, 1, record->key.n, d->keys) != record->key.n ||
            fputc('\n', d->keys) == EOF;
        if (d->failed) {
            output_error(&d->tool->out, "cannot write: the disk may be full");
        }
    } else if (archive_put(d->writer, record, &err) != 0) {
        output_error(&d->tool->out, "%s", err.msg);
        d->failed = true;
    }
    return !d->failed;
}

static bool
say_end(struct drain *d, const char *where, enum stream_result result)
{
    progress_end(&d->progress);
    switch (result) {
    case STREAM_DONE:
        (void)fprintf(stderr, "%ju\n", (uintmax_t)d->records);
        return true;
    case STREAM_INTERRUPTED:
        (void)fputc('\n', stderr);
        output_error(&d->tool->out, "INTERRUPTED");
        break;
    case STREAM_REFUSED:
    case STREAM_LOST:
    case STREAM_STOPPED:
        (void)fputc('\n', stderr);
        break;
    }
    output_error(&d->tool->out,
                 "The dump of %s is not complete: %ju entries were written.%s",
                 where, (uintmax_t)d->records,
                 strcmp(d->tool->options.format, "flare") == 0
                     ? " Go on with the same command and --resume."
                     : "");
    return false;
}

/* The number of records, for the progress; 0: not known. */
static uint64_t
items_of(struct server *server)
{
    uint64_t items = 0;
    bool known;

    server->quiet = true;
    known = server_stat_number(server, "curr_items", &items);
    server->quiet = false;
    return known ? items : 0;
}

static bool
dump_one(struct drain *d, const struct target *target, int size,
         const char *command)
{
    struct server server;
    char where[NODE_KEY_MAX + 64];
    bool ok;

    (void)snprintf(where, sizeof(where), "%s::%d of %d partitions", target->key,
                   target->partition, size);
    (void)fprintf(stderr, "dumping from %s ... ", where);
    (void)fflush(stderr);
    d->records = d->bytes = 0;
    ok = server_open(&server, d->tool, target->host, target->port, false);
    progress_start(&d->progress, where, "entries", ok ? items_of(&server) : 0);
    ok =
        say_end(d, where,
                ok ? stream_dump(&server, command, drain_put, d) : STREAM_LOST);
    server_close(&server);
    return ok;
}

static bool
dump_records(struct drain *d, const struct target *target, int size)
{
    bool raw = d->tool->options.raw;
    uint64_t kb = bandwidth_parse(d->tool->options.bwlimit) / 1024;
    char command[80], part[NODE_KEY_MAX + 64];
    bool have = false;
    struct err err;

    (void)snprintf(command, sizeof(command), "dump 0 %d %d %ju",
                   raw ? 0 : target->partition, raw ? 1 : size, (uintmax_t)kb);
    (void)snprintf(part, sizeof(part), "partition %d of %d%s%s",
                   target->partition, size,
                   d->tool->options.all && !raw ? "" : " on ",
                   d->tool->options.all && !raw ? "" : target->key);
    if (archive_begin(d->writer, part, &have, &d->records, &err) != 0) {
        output_error(&d->tool->out, "%s", err.msg);
        return false;
    }
    if (have) {
        output_note("%s is there already: %ju", part, (uintmax_t)d->records);
        return true;
    }
    if (!dump_one(d, target, size, command)) {
        return false;
    }
    if (archive_end(d->writer, &err) != 0) {
        output_error(&d->tool->out, "%s", err.msg);
        return false;
    }
    return true;
}

static bool
dump_keys(struct drain *d, const struct target *target, int size)
{
    const struct tool_options *o = &d->tool->options;
    const char *partition = o->partition, *partitions = o->partition_size;
    char command[80] = "dump_key";
    char own_size[16];

    (void)snprintf(own_size, sizeof(own_size), "%d", size);
    if (partition[0] != '\0') {
        (void)snprintf(command, sizeof(command), "dump_key %s %s", partition,
                       partitions[0] != '\0' ? partitions : own_size);
    }
    return dump_one(d, target, size, command);
}

/* --- which nodes -----------------------------------------------------------
 */

static bool
take_masters(const struct cluster_map *map, struct dump_list *list)
{
    const struct node **nodes = nodes_in_order(map);

    list->all = xcalloc(map->nnodes + 1, sizeof(*list->all));
    for (size_t i = 0; i < map->nnodes; i++) {
        if (nodes[i]->role == NODE_MASTER && nodes[i]->state == NODE_ACTIVE) {
            struct target *target = &list->all[list->n++];

            (void)target_parse(nodes[i]->key, target);
            target->partition = nodes[i]->partition;
        }
    }
    free(nodes);
    return true;
}

/* A word: host:port, or host:port:x:partition where that may be said. */
static bool
take_word(struct tool *tool, const struct cluster_map *map, const char *word,
          bool keys, struct target *target)
{
    const struct node *node;

    if (target_parse(word, target) != TARGET_OK ||
        (target->nfields != 2 && (keys || target->nfields != 4))) {
        output_error(&tool->out, "invalid argument '%s'.", word);
        return false;
    }
    node = cluster_map_find(map, slice_str(target->key));
    if (target->nfields == 4 && target->partition < 0) {
        output_error(&tool->out, "invalid partition number '%s'.", word);
        return false;
    }
    if (target->nfields == 2 && node == NULL) {
        output_error(&tool->out, "unknown host: %s", word);
        return false;
    }
    if (target->nfields == 2) {
        target->partition = node->partition;
    }
    if (target->partition < 0 && !keys && !tool->options.raw) {
        output_error(&tool->out,
                     "%s is a proxy and has no partition; --raw dumps what it "
                     "holds all the same.",
                     word);
        return false;
    }
    return true;
}

static bool
choose(struct tool *tool, int nwords, char **words, bool keys,
       struct dump_list *list)
{
    struct cluster_map *map = admin_map(tool);
    bool ok = map != NULL;

    *list = (struct dump_list){NULL, 0, 0};
    if (!ok) {
        return false;
    }
    list->size = cluster_map_partitions(map);
    if (tool->options.all) {
        ok = take_masters(map, list);
    } else {
        list->all = xcalloc((size_t)nwords, sizeof(*list->all));
        for (; ok && list->n < nwords; list->n++) {
            ok =
                take_word(tool, map, words[list->n], keys, &list->all[list->n]);
        }
    }
    cluster_map_unref(map);
    return ok;
}

static bool
check_words(struct tool *tool, int nwords)
{
    if (tool->options.all && nwords > 0) {
        output_note("don't specify any nodes with --all option.");
        return false;
    }
    if (!tool->options.all && nwords == 0) {
        output_note("please specify --all option to get complete dump.");
        return false;
    }
    return true;
}

/* --- dump ------------------------------------------------------------------
 */

static int
dump_all(struct drain *d, const struct dump_list *list)
{
    bool ok = true;
    struct err err;

    for (int i = 0; ok && i < list->n; i++) {
        ok = dump_records(d, &list->all[i], list->size);
    }
    if (!ok && strcmp(d->tool->options.format, "flare") == 0) {
        archive_abandon(d->writer); /* it can be continued */
        return STATUS_NG;
    }
    if (archive_finish(d->writer, &err) != 0) {
        output_error(&d->tool->out, "%s", err.msg);
        return STATUS_NG;
    }
    return ok ? STATUS_OK : STATUS_NG;
}

static int
run_dump(struct tool *tool, int nwords, char **words)
{
    const char *path = tool->options.output_file;
    struct drain drain = {.tool = tool};
    struct dump_list list = {NULL, 0, 0};
    enum archive_kind kind;
    int status = STATUS_NG;
    struct err err;

    if (!check_words(tool, nwords)) {
        return STATUS_NG;
    }
    if (!archive_kind_parse(slice_str(tool->options.format), &kind)) {
        output_note("unknown format: %s", tool->options.format);
        return STATUS_NG;
    }
    if (!tool_open_index(tool, nwords, words) ||
        !choose(tool, nwords, words, false, &list)) {
        free(list.all);
        return STATUS_NG;
    }
    if (archive_create(&drain.writer, kind, path[0] != '\0' ? path : NULL,
                       tool->options.resume, &err) != 0) {
        output_error(&tool->out, "%s", err.msg);
    } else {
        status = dump_all(&drain, &list);
    }
    free(list.all);
    return status;
}

/* clang-format off */
static const struct option_row dump_rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_TEXT("output", 'o', output_file, "", "FILE", "output to FILE"),
    TOOL_TEXT("format", 'f', format, "", "FORMAT",
              "default, csv, tch or flare"),
    TOOL_TEXT("bwlimit", 0, bwlimit, "0", "BANDWIDTH",
              "bits a second, with k, M or G; with B behind it bytes"),
    TOOL_FLAG("all", 0, all, "dump from all partitions"),
    TOOL_FLAG("raw", 0, raw, "everything a node holds, of all partitions"),
    TOOL_FLAG("resume", 0, resume,
              "continue a file of the format flare that is not complete"),
};
/* clang-format on */

const struct subcommand cmd_dump = {
    .name = "dump",
    .usage = "[hostname:port[:x:partition]] ...",
    .summary = "dump data from nodes.",
    .about = "Write what nodes hold, or with --all the master of every "
             "partition, to a file or to standard output. Formats: default, a "
             "line an entry; csv; tch, a Tokyo Cabinet hash database that is "
             "added to; flare, compressed and with checksums, which knows "
             "whether it is complete and can be continued with --resume, "
             "partition by partition.",
    .example = "flare-admin dump --all -f flare -o all.flare\n"
               "flare-admin dump -f csv --bwlimit=10MB node1:12121",
    .complete = "node",
    .flags = SUB_CLASSIC,
    .options = {dump_rows, sizeof(dump_rows) / sizeof(dump_rows[0])},
    .run = run_dump,
};

/* --- dumpkey ---------------------------------------------------------------
 */

static int
keys_all(struct drain *d, const struct dump_list *list)
{
    const char *path = d->tool->options.output_file;
    bool ok = true;

    d->keys = path[0] != '\0' ? fopen(path, "we") : stdout;
    if (d->keys == NULL) {
        output_error(&d->tool->out, "cannot write %s", path);
        return STATUS_NG;
    }
    if (strcmp(d->tool->options.format, "csv") == 0) {
        (void)fputs("# key\n", d->keys);
    }
    for (int i = 0; ok && i < list->n; i++) {
        ok = dump_keys(d, &list->all[i], list->size);
    }
    if (fflush(d->keys) != 0) {
        output_error(&d->tool->out, "cannot write: the disk may be full");
        ok = false;
    }
    if (d->keys != stdout) {
        (void)fclose(d->keys);
    }
    return ok ? STATUS_OK : STATUS_NG;
}

static int
run_dumpkey(struct tool *tool, int nwords, char **words)
{
    const char *format = tool->options.format;
    struct drain drain = {.tool = tool};
    struct dump_list list = {NULL, 0, 0};
    int status = STATUS_NG;

    if (!check_words(tool, nwords)) {
        return STATUS_NG;
    }
    if (format[0] != '\0' && strcmp(format, "csv") != 0) {
        output_info(&tool->out, "unknown format: %s", format);
        return STATUS_NG;
    }
    if (tool_open_index(tool, nwords, words) &&
        choose(tool, nwords, words, true, &list)) {
        status = keys_all(&drain, &list);
    }
    free(list.all);
    return status;
}

/* clang-format off */
static const struct option_row key_rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_TEXT("index-server", 'i', index_server, "", "HOSTNAME",
              "index server hostname(default:127.0.0.1)"),
    TOOL_TEXT("index-server-port", 0, index_server_port, "", "PORT",
              "index server port(default:12120)"),
    TOOL_TEXT("cluster", 0, cluster, "", "NAME", "specify a cluster name"),
    TOOL_TEXT("output", 'o', output_file, "", "FILE", "output to FILE"),
    TOOL_TEXT("format", 'f', format, "", "FORMAT", "csv: with a title line"),
    TOOL_TEXT("partition", 'p', partition, "", "N",
              "only keys of this partition"),
    TOOL_TEXT("partition-size", 's', partition_size, "", "N",
              "of so many partitions (default: those there are)"),
    TOOL_TEXT("bwlimit", 0, bwlimit, "0", "BANDWIDTH", "no effect"),
    TOOL_FLAG("all", 0, all, "dump from all partitions"),
};
/* clang-format on */

const struct subcommand cmd_dumpkey = {
    .name = "dumpkey",
    .usage = "[hostname:port] ...",
    .summary = "dump keys from nodes.",
    .about = "Print the keys that nodes hold, or with --all the master of "
             "every partition, one a line.",
    .example = "flare-admin dumpkey --all -o keys\n"
               "flare-admin dumpkey -p 1 -s 4 node1:12121",
    .complete = "node",
    .flags = SUB_CLASSIC,
    .options = {key_rows, sizeof(key_rows) / sizeof(key_rows[0])},
    .run = run_dumpkey,
};
