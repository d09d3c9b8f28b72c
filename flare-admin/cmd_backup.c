/* backup: every partition, from copies that stand still. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "cli/progress.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"
#include "flare-admin/manifest.h"
#include "flare-admin/stream.h"
#include "flare-admin/wait.h"

/* A partition and the copy it is taken from. */
struct source {
    struct target target;
    enum node_role role;
    int partition, balance;
    bool frozen;
};

struct backup {
    struct tool *tool;
    const char *folder;
    struct source *sources;
    struct manifest manifest;
    int n;
};

/* --- which copies ----------------------------------------------------------
 */

/* The active slave that reads least; live: the master. */
static const struct node *
choose(const struct cluster_map *map, int partition, bool live)
{
    const struct node *best = NULL;

    for (size_t i = 0; i < map->nnodes && !live; i++) {
        const struct node *node = &map->node[i];

        if (node->role == NODE_SLAVE && node->state == NODE_ACTIVE &&
            node->partition == partition &&
            (best == NULL || node->balance < best->balance)) {
            best = node;
        }
    }
    if (live) {
        best = cluster_map_master(map, partition);
    }
    return best != NULL && best->state == NODE_ACTIVE ? best : NULL;
}

static bool
choose_all(struct backup *b, const struct cluster_map *map)
{
    bool live = b->tool->options.live;

    b->n = cluster_map_partitions(map);
    b->sources = xcalloc((size_t)b->n + 1, sizeof(*b->sources));
    b->manifest.files = xcalloc((size_t)b->n + 1, sizeof(struct backup_file));
    for (int p = 0; p < b->n; p++) {
        const struct node *node = choose(map, p, live);

        if (node == NULL) {
            output_error(&b->tool->out,
                         live ? "partition %d has no active master."
                              : "partition %d has no active slave that could "
                                "stand still; add one, or use --live.",
                         p);
            return false;
        }
        (void)target_parse(node->key, &b->sources[p].target);
        b->sources[p].role = node->role;
        b->sources[p].partition = p;
        b->sources[p].balance = node->balance;
    }
    if (b->n == 0) {
        output_error(&b->tool->out, "The cluster has no partition.");
    }
    return b->n > 0;
}

/* --- standing still --------------------------------------------------------
 */

/* All within as short a time as can be. */
static bool
freeze(struct backup *b)
{
    struct mono since = clock_mono();
    bool ok = true;

    for (int i = 0; ok && i < b->n; i++) {
        ok = change_state(b->tool, &b->sources[i].target, "down");
        b->sources[i].frozen = ok;
    }
    b->manifest.span_ms = (uint64_t)mono_ms_between(since, clock_mono());
    return ok;
}

static bool
bring_back(struct backup *b, const struct source *s)
{
    char again[NODE_KEY_MAX + 64];

    (void)snprintf(again, sizeof(again), "flare-admin failback %s:%d:%d",
                   s->target.key, s->balance, s->partition);
    if (change_state(b->tool, &s->target, "active") &&
        change_role_stubbornly(b->tool, &s->target, NODE_SLAVE, 0,
                               s->partition) &&
        wait_for_slave(b->tool, &s->target, s->partition, again) == WAIT_DONE &&
        (s->balance == 0 || change_role(b->tool, &s->target, NODE_SLAVE,
                                        s->balance, s->partition))) {
        return true;
    }
    output_error(&b->tool->out, "%s is not back yet; bring it back with: %s",
                 s->target.key, again);
    return false;
}

static bool
thaw(struct backup *b)
{
    bool ok = true;

    prompt_take_interrupt(); /* they have to come back in any case */
    for (int i = 0; i < b->n; i++) {
        if (b->sources[i].frozen) {
            ok = bring_back(b, &b->sources[i]) && ok;
        }
    }
    return ok;
}

/* --- copying ---------------------------------------------------------------
 */

struct copying {
    struct tool *tool;
    struct archive_writer *writer;
    struct progress progress;
    uint64_t records, bytes;
    bool failed;
};

static bool
put(void *arg, const struct archive_record *record)
{
    struct copying *c = arg;
    struct err err;

    c->records++;
    c->bytes += record->key.n + record->data.n;
    progress_at(&c->progress, c->records, c->bytes);
    c->failed = archive_put(c->writer, record, &err) != 0;
    if (c->failed) {
        output_error(&c->tool->out, "%s", err.msg);
    }
    return !c->failed;
}

static bool
copy_records(struct backup *b, const struct source *s, struct copying *c,
             struct backup_file *file)
{
    struct server server;
    enum stream_result result = STREAM_LOST;
    uint64_t items = 0;
    char command[80];

    (void)snprintf(
        command, sizeof(command), "dump 0 %d %d %ju", s->partition, b->n,
        (uintmax_t)(bandwidth_parse(b->tool->options.bwlimit) / 1024));
    if (server_open(&server, b->tool, s->target.host, s->target.port, false)) {
        (void)server_stat_number(&server, "log_last", &file->sequence);
        (void)server_stat_number(&server, "curr_items", &items);
        progress_start(&c->progress, s->target.key, "entries", items);
        result = stream_dump(&server, command, put, c);
        progress_end(&c->progress);
    }
    server_close(&server);
    if (result == STREAM_INTERRUPTED) {
        output_error(&b->tool->out, "INTERRUPTED");
    }
    return result == STREAM_DONE;
}

static bool
write_archive(struct backup *b, const struct source *s, const char *path,
              struct backup_file *file)
{
    struct copying c = {.tool = b->tool};
    uint64_t unused;
    char part[64];
    struct err err = {.msg = ""};
    bool have, ok;

    (void)snprintf(part, sizeof(part), "partition %d of %d", s->partition,
                   b->n);
    if (archive_create(&c.writer, ARCHIVE_FLARE, path, false, &err) != 0) {
        output_error(&b->tool->out, "%s", err.msg);
        return false;
    }
    ok = archive_begin(c.writer, part, &have, &unused, &err) == 0 &&
         copy_records(b, s, &c, file) && archive_end(c.writer, &err) == 0;
    file->records = c.records;
    if (!ok) {
        archive_abandon(c.writer);
    } else {
        ok = archive_finish(c.writer, &err) == 0;
    }
    if (!ok && err.msg[0] != '\0') {
        output_error(&b->tool->out, "%s", err.msg);
    }
    return ok;
}

static bool
copy_one(struct backup *b, const struct source *s)
{
    struct backup_file *file = &b->manifest.files[b->manifest.n];
    char *path;
    struct err err;
    bool ok;

    *file = (struct backup_file){.partition = s->partition};
    (void)snprintf(file->name, sizeof(file->name), "partition-%d.flare",
                   s->partition);
    (void)snprintf(file->node, sizeof(file->node), "%s", s->target.key);
    path = xasprintf("%s/%s", b->folder, file->name);
    ok = write_archive(b, s, path, file);
    if (ok && manifest_measure(file, b->folder, &err) != 0) {
        output_error(&b->tool->out, "%s", err.msg);
        ok = false;
    }
    b->manifest.n += ok;
    free(path);
    return ok;
}

static bool
copy_all(struct backup *b)
{
    bool ok = true;
    struct err err;

    for (int i = 0; ok && i < b->n; i++) {
        ok = copy_one(b, &b->sources[i]);
    }
    b->manifest.time = clock_wall().s;
    b->manifest.cut = !b->tool->options.live;
    if (ok && manifest_write(&b->manifest, b->folder, &err) != 0) {
        output_error(&b->tool->out, "%s", err.msg);
        ok = false;
    }
    return ok;
}

/* --- the run ---------------------------------------------------------------
 */

static void
report(struct backup *b)
{
    static const struct table_column columns[] = {
        TABLE_COL_NUMBER("partition"), TABLE_COL_TEXT("node"),
        TABLE_COL_NUMBER("sequence"),  TABLE_COL_NUMBER("records"),
        TABLE_COL_NUMBER("bytes"),     TABLE_COL_TEXT("file"),
    };
    struct table table = {.columns = columns, .ncolumns = 6, .fit = true};

    for (size_t i = 0; i < b->manifest.n; i++) {
        const struct backup_file *f = &b->manifest.files[i];

        table_cell(&table, "%d", f->partition);
        table_cell(&table, "%s", f->node);
        table_cell(&table, "%ju", (uintmax_t)f->sequence);
        table_cell(&table, "%ju", (uintmax_t)f->records);
        table_cell(&table, "%ju", (uintmax_t)f->bytes);
        table_cell(&table, "%s", f->name);
    }
    tool_put_table(b->tool, &table, "  ", TOOL_DIRECT);
}

static bool
agreed(struct backup *b)
{
    struct tool *tool = b->tool;

    for (int i = 0; i < b->n; i++) {
        output_note("partition %d from %s (%s)", i, b->sources[i].target.key,
                    node_role_name(b->sources[i].role));
    }
    if (tool->options.live || tool->options.dry_run) {
        return true;
    }
    return admin_confirm(tool,
                         "These slaves stand still while they are copied, and "
                         "then catch up; until then their partitions have one "
                         "copy less. Go ahead (y/n): ") == PROMPT_YES;
}

static bool
carry_out(struct backup *b)
{
    bool ok;

    if (mkdir(b->folder, 0755) != 0) {
        output_error(&b->tool->out, "make %s: %s", b->folder, strerror(errno));
        return false;
    }
    ok = b->tool->options.live || freeze(b);
    ok = ok && copy_all(b);
    ok = (b->tool->options.live || thaw(b)) && ok;
    if (ok) {
        report(b);
    } else {
        output_error(&b->tool->out, "The backup in %s is not complete.",
                     b->folder);
    }
    return ok;
}

static int
run_backup(struct tool *tool, int nwords, char **words)
{
    struct backup b = {.tool = tool, .folder = tool->options.output_file};
    struct cluster_map *map = NULL;
    bool ok = false;

    if (nwords > 0 || b.folder[0] == '\0') {
        (void)words;
        return tool_misuse(tool);
    }
    tool->options.retry = 10;
    if (tool_open_index(tool, 0, NULL)) {
        map = admin_map(tool);
    }
    ok = map != NULL && choose_all(&b, map);
    if (ok && !agreed(&b)) {
        output_error(&tool->out, "Nothing was changed.");
        ok = false;
    }
    ok = ok && (tool->options.dry_run ? admin_finish(tool, NULL, false)
                                      : carry_out(&b));
    cluster_map_unref(map);
    manifest_fini(&b.manifest);
    free(b.sources);
    return ok ? STATUS_OK : STATUS_NG;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_STALL,
    TOOL_TEXT("output", 'o', output_file, "", "FILE",
              "the folder to make for it"),
    TOOL_FLAG("live", 0, live,
              "copy the masters while they are written to: no point in time"),
    TOOL_TEXT("bwlimit", 0, bwlimit, "0", "BANDWIDTH",
              "bits a second, with k, M or G; with B behind it bytes"),
};
/* clang-format on */

const struct subcommand cmd_backup = {
    .name = "backup",
    .usage = "--output=FOLDER",
    .summary = "back up every partition to a folder.",
    .about = "A slave of each partition stands still, all within a few "
             "milliseconds (the manifest says how many), is copied, and "
             "catches up: so what is in a file is the partition at one point "
             "of its history. The files are compressed and have checksums, "
             "and the manifest has theirs. restore --input=FOLDER brings it "
             "into a cluster with any number of partitions.",
    .example = "flare-admin backup --yes -o /backup/monday\n"
               "flare-admin restore -i /backup/monday node1:12121",
    .flags = SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_backup,
};
