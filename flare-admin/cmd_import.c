/* import: take over what a running memcached, Redis or flare holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "flare-admin/commands.h"
#include "flare-admin/import.h"
#include "tool/nodes.h"

struct importing {
    struct tool *tool;
    struct target from, to;
    struct server node;
    struct sink sink;
    struct bandwidth bandwidth;
    struct progress progress;
    uint64_t records, bytes;
    bool sink_failed;
};

static bool
take(void *arg, const struct archive_record *record)
{
    struct importing *im = arg;
    size_t bytes = record->key.n + record->data.n;

    im->records++;
    im->bytes += bytes;
    progress_at(&im->progress, im->records, im->bytes);
    if (!im->tool->options.dry_run && !sink_put(&im->sink, record)) {
        im->sink_failed = true;
        return false;
    }
    return bandwidth_spend(&im->bandwidth, bytes) && prompt_go_on();
}

static bool
from_other(struct importing *im, int (*run)(struct import *, struct err *))
{
    struct import import = {.each = take, .arg = im};
    struct err err;
    int rc = wire_open(&import.wire, im->from.host, im->from.port,
                       (int64_t)im->tool->options.timeout * 1000, &err);

    if (rc == 0) {
        rc = run(&import, &err);
    }
    wire_close(&import.wire);
    progress_end(&im->progress);
    if (rc < 0) {
        output_error(&im->tool->out, "%s", err.msg);
    }
    if (import.skipped > 0) {
        output_error(&im->tool->out, "%ju keys were left out. The first: %s",
                     (uintmax_t)import.skipped, import.first);
    }
    return rc == 0;
}

/* Every active master of the cluster that the source knows. */
static bool
from_flare(struct importing *im)
{
    struct server source;
    struct cluster_map *map = NULL;
    bool ok = true;

    if (server_open(&source, im->tool, im->from.host, im->from.port, false)) {
        map = nodes_fetch(&source);
    }
    server_close(&source);
    for (size_t i = 0; ok && map != NULL && i < map->nnodes; i++) {
        const struct node *node = &map->node[i];
        char host[NODE_HOST_MAX + 1], command[64];

        if (node->role != NODE_MASTER || node->state != NODE_ACTIVE) {
            continue;
        }
        (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len,
                       node->key);
        (void)snprintf(command, sizeof(command), "dump 0 %d %d 0",
                       node->partition, cluster_map_partitions(map));
        ok = server_open(&source, im->tool, host, node->port, false) &&
             stream_dump(&source, command, take, im) == STREAM_DONE;
        server_close(&source);
    }
    progress_end(&im->progress);
    cluster_map_unref(map);
    return ok && map != NULL;
}

static bool
read_source(struct importing *im)
{
    const char *kind = im->tool->options.from;

    if (strcmp(kind, "memcached") == 0) {
        return from_other(im, import_memcached);
    }
    if (strcmp(kind, "redis") == 0) {
        return from_other(im, import_redis);
    }
    return from_flare(im);
}

static bool
say_end(struct importing *im, bool ok)
{
    struct tool *tool = im->tool;

    if (tool->options.dry_run) {
        output_info(&tool->out, "%ju entries of %ju bytes would be imported.",
                    (uintmax_t)im->records, (uintmax_t)im->bytes);
        return ok;
    }
    output_info(&tool->out, "%ju entries were imported.",
                (uintmax_t)im->sink.stored);
    if (prompt_interrupted()) {
        output_error(&tool->out, "INTERRUPTED");
    }
    if (im->sink.refused > 0) {
        output_error(&tool->out, "%ju entries were refused. The first: %s",
                     (uintmax_t)im->sink.refused, im->sink.first);
    }
    if (!ok) {
        output_error(&tool->out, "It is not complete; it may be run again.");
    }
    return ok && im->sink.refused == 0;
}

static int
run_import(struct tool *tool, int nwords, char **words)
{
    struct importing im = {.tool = tool};
    bool ok;

    if (nwords != 2 || target_parse(words[0], &im.from) != TARGET_OK ||
        target_parse(words[1], &im.to) != TARGET_OK || im.from.nfields != 2 ||
        im.to.nfields != 2) {
        return tool_misuse(tool);
    }
    if (!tool->options.dry_run &&
        !server_open(&im.node, tool, im.to.host, im.to.port, false)) {
        return STATUS_NG;
    }
    im.sink.server = &im.node;
    im.bandwidth.limit = bandwidth_parse(tool->options.bwlimit);
    progress_start(&im.progress, "import", "entries", 0);
    ok = read_source(&im);
    ok =
        (tool->options.dry_run || im.sink_failed || sink_flush(&im.sink)) && ok;
    ok = say_end(&im, ok);
    sink_fini(&im.sink);
    server_close(&im.node);
    return ok ? STATUS_OK : STATUS_NG;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_DRY_RUN,
    TOOL_CHOICE("from", 0, from, "memcached", "memcached|redis|flare", "KIND",
                "what the source is(default:memcached)"),
    TOOL_TEXT("bwlimit", 0, bwlimit, "0", "BANDWIDTH",
              "bits a second, with k, M or G; with B behind it bytes"),
};
/* clang-format on */

const struct subcommand cmd_import = {
    .name = "import",
    .usage = "source-host:port hostname:port",
    .summary = "take over what another store holds.",
    .about = "Read everything from a running memcached, Redis or flare, by its "
             "protocol, and set it through a node of this cluster, with flags "
             "and expiry times. Of Redis the strings are taken. The source is "
             "not changed; what is written there meanwhile may be missed, so "
             "let clients write here first, or import again. An entry that is "
             "here already is overwritten.",
    .example = "flare-admin import --from=redis redis1:6379 node1:12121\n"
               "flare-admin import --from=flare other-index:12120 node1:12121",
    .status = "it failed, or some entries were refused",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_import,
};
