/* restore: what a file holds, into a cluster. */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/progress.h"
#include "flare-admin/commands.h"
#include "flare-admin/manifest.h"
#include "flare-admin/stream.h"

/* Which keys are wanted. */
struct filter {
    regex_t include, exclude;
    bool has_include, has_exclude;
    const char *prefix;
};

struct restoring {
    struct tool *tool;
    struct archive_reader *reader;
    struct sink sink;
    struct server node;
    struct filter filter;
    struct bandwidth bandwidth;
    struct progress progress;
    char *state_path; /* how far an earlier run came */
    uint64_t seen;    /* entries of the file so far */
    uint64_t skip;    /* of them an earlier run has restored */
    uint64_t safe;    /* all entries up to here are acknowledged */
    uint64_t wanted, bytes;
};

static bool
compile(struct tool *tool, const char *text, regex_t *out, bool *has)
{
    if (text[0] == '\0') {
        return true;
    }
    if (regcomp(out, text, REG_EXTENDED | REG_NOSUB) != 0) {
        output_error(&tool->out, "%s isn't a valid regular expression.", text);
        return false;
    }
    *has = true;
    return true;
}

static void
filter_fini(struct filter *f)
{
    if (f->has_include) {
        regfree(&f->include);
    }
    if (f->has_exclude) {
        regfree(&f->exclude);
    }
}

static bool
filter_passes(const struct filter *f, struct slice key)
{
    size_t n = strlen(f->prefix);
    char *text = xstrndup(key.p, key.n);
    bool passes = key.n >= n && memcmp(key.p, f->prefix, n) == 0;

    if (f->has_include) {
        passes = passes && regexec(&f->include, text, 0, NULL, 0) == 0;
    }
    if (f->has_exclude) {
        passes = passes && regexec(&f->exclude, text, 0, NULL, 0) != 0;
    }
    free(text);
    return passes;
}

/* --- resuming --------------------------------------------------------------
 */

static void
load_state(struct restoring *r)
{
    struct buf text = {0};
    struct err unused;
    struct slice s;

    if (r->tool->options.resume &&
        file_read_all(r->state_path, &text, &unused) == 0) {
        s = buf_slice(&text);
        s = slice_until(&s, '\n');
        if (slice_u64(s, UINT64_MAX, &r->skip) && r->skip > 0) {
            output_note("%ju entries were restored by an earlier run.",
                        (uintmax_t)r->skip);
        }
    }
    buf_fini(&text);
}

/* A run that ends early leaves a note for --resume, one that ends well none. */
static void
keep_state(struct restoring *r, bool complete)
{
    char text[BUF_U64_MAX + 2];
    struct err err;
    int n;

    if (complete || r->safe == 0) {
        (void)remove(r->state_path);
        return;
    }
    n = snprintf(text, sizeof(text), "%ju\n", (uintmax_t)r->safe);
    if (file_write_atomic(r->state_path, (struct slice){text, (size_t)n},
                          &err) == 0) {
        output_error(&r->tool->out,
                     "Go on with the same command and --resume (%s says how "
                     "far it came).",
                     r->state_path);
    } else {
        output_error(&r->tool->out, "%s", err.msg);
    }
}

/* --- the work --------------------------------------------------------------
 */

static bool
restore_one(struct restoring *r, const struct archive_record *record)
{
    size_t bytes = record->key.n + record->data.n;

    r->wanted++;
    r->bytes += bytes;
    if (r->tool->options.print_keys) {
        output_text(record->key);
        output_text(SLICE("\n"));
    }
    if (r->tool->options.dry_run) {
        return true;
    }
    if (!sink_put(&r->sink, record)) {
        return false;
    }
    if (r->sink.pending == 0) {
        r->safe = r->seen;
    }
    return bandwidth_spend(&r->bandwidth, bytes);
}

/* 1 until the file ends with 0; -1: it failed (said). */
static int
step(struct restoring *r)
{
    struct archive_record record;
    uint64_t done, total;
    struct err err;
    int rc = archive_next(r->reader, &record, &err);

    if (rc < 0) {
        output_error(&r->tool->out, "%s", err.msg);
        return -1;
    }
    if (rc == 0 || ++r->seen <= r->skip ||
        !filter_passes(&r->filter, record.key)) {
        return rc;
    }
    archive_place(r->reader, &done, &total);
    r->progress.total = total;
    progress_at(&r->progress, done, r->bytes);
    return restore_one(r, &record) ? 1 : -1;
}

static bool
work(struct restoring *r)
{
    int rc;

    do {
        rc = step(r);
    } while (rc == 1 && !prompt_interrupted());
    progress_end(&r->progress);
    if (prompt_interrupted()) {
        output_error(&r->tool->out, "INTERRUPTED");
    }
    if (r->tool->options.dry_run) {
        output_note("%ju entries of %ju bytes would be restored.",
                    (uintmax_t)r->wanted, (uintmax_t)r->bytes);
        return rc == 0;
    }
    if (rc == 0 && !sink_flush(&r->sink)) {
        rc = -1;
    }
    if (r->sink.pending == 0) {
        r->safe = r->seen;
    }
    output_note("%ju entries have been restored.", (uintmax_t)r->sink.stored);
    if (r->sink.refused > 0) {
        output_error(&r->tool->out, "%ju entries were refused. The first: %s",
                     (uintmax_t)r->sink.refused, r->sink.first);
    }
    keep_state(r, rc == 0);
    return rc == 0 && r->sink.refused == 0 && !prompt_interrupted();
}

static bool
find_kind(struct tool *tool, enum archive_kind *kind)
{
    const char *format = tool->options.format;
    const char *path = tool->options.input_file;

    if (format[0] != '\0' && !archive_kind_parse(slice_str(format), kind)) {
        output_note("unknown format: %s", format);
        return false;
    }
    if (path[0] == '\0') {
        output_error(&tool->out, "input file not specified.");
        return false;
    }
    if (format[0] == '\0' && !archive_kind_guess(path, kind)) {
        output_error(&tool->out, "invalid format: say it with --format.");
        return false;
    }
    return true;
}

static bool
prepare(struct restoring *r, const char *word, struct target *target)
{
    struct tool *tool = r->tool;
    enum archive_kind kind;
    struct err err;

    if (target_parse(word, target) != TARGET_OK || target->nfields != 2) {
        output_error(&tool->out, "invalid argument '%s'.", word);
        return false;
    }
    if (tool->options.include[0] != '\0' &&
        tool->options.prefix_include[0] != '\0') {
        output_note("--include option is specified.");
        return false;
    }
    r->filter.prefix = tool->options.prefix_include;
    r->bandwidth.limit = bandwidth_parse(tool->options.bwlimit);
    if (!compile(tool, tool->options.include, &r->filter.include,
                 &r->filter.has_include) ||
        !compile(tool, tool->options.exclude, &r->filter.exclude,
                 &r->filter.has_exclude) ||
        !find_kind(tool, &kind)) {
        return false;
    }
    if (archive_open(&r->reader, kind, tool->options.input_file, &err) != 0) {
        output_error(&tool->out, "%s", err.msg);
        return false;
    }
    r->state_path = xasprintf("%s.restoring", tool->options.input_file);
    load_state(r);
    return true;
}

static bool
restore_file(struct tool *tool, const char *word)
{
    struct restoring r = {.tool = tool};
    struct target target;
    bool ok;

    ok = prepare(&r, word, &target) &&
         (tool->options.dry_run ||
          server_open(&r.node, tool, target.host, target.port, false));
    if (ok) {
        r.sink.server = &r.node;
        progress_start(&r.progress, "restore", "bytes of the file", 0);
        ok = work(&r);
    }
    sink_fini(&r.sink);
    server_close(&r.node);
    archive_close(r.reader);
    filter_fini(&r.filter);
    free(r.state_path);
    return ok;
}

/* Every file is looked at before the first is restored. */
static bool
check_backup(struct tool *tool, const struct manifest *m, const char *folder)
{
    struct err err;

    for (size_t i = 0; i < m->n; i++) {
        if (manifest_check(&m->files[i], folder, &err) != 0) {
            output_error(&tool->out, "%s", err.msg);
            return false;
        }
    }
    return true;
}

static bool
restore_backup(struct tool *tool, const char *word)
{
    char *folder = tool->options.input_file;
    struct manifest manifest;
    struct err err;
    bool ok = manifest_read(&manifest, folder, &err) == 0;

    if (!ok) {
        output_error(&tool->out, "%s", err.msg);
    }
    ok = ok && check_backup(tool, &manifest, folder);
    for (size_t i = 0; ok && i < manifest.n; i++) {
        tool->options.input_file =
            xasprintf("%s/%s", folder, manifest.files[i].name);
        output_note("%s", manifest.files[i].name);
        ok = restore_file(tool, word);
        free(tool->options.input_file);
    }
    tool->options.input_file = folder;
    manifest_fini(&manifest);
    return ok;
}

static int
run_restore(struct tool *tool, int nwords, char **words)
{
    struct stat st;
    bool folder;

    if (nwords == 0) {
        return tool_misuse(tool);
    }
    folder = stat(tool->options.input_file, &st) == 0 && S_ISDIR(st.st_mode);
    return (folder ? restore_backup(tool, words[0])
                   : restore_file(tool, words[0]))
               ? STATUS_OK
               : STATUS_NG;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_DRY_RUN,
    TOOL_TEXT("input", 'i', input_file, "", "FILE",
              "input from FILE, or from the folder of a backup"),
    TOOL_TEXT("format", 'f', format, "", "FORMAT",
              "default, csv, tch or flare (default: tch or flare, as the file "
              "says)"),
    TOOL_TEXT("bwlimit", 0, bwlimit, "0", "BANDWIDTH",
              "bits a second, with k, M or G; with B behind it bytes"),
    TOOL_TEXT("include", 0, include, "", "REGEX",
              "only keys that match this"),
    TOOL_TEXT("prefix-include", 0, prefix_include, "", "STRING",
              "only keys that begin so"),
    TOOL_TEXT("exclude", 0, exclude, "", "REGEX",
              "no keys that match this"),
    TOOL_FLAG("print-keys", 0, print_keys, "print the keys as they are set"),
    TOOL_FLAG("resume", 0, resume, "go on where an earlier run ended"),
};
/* clang-format on */

const struct subcommand cmd_restore = {
    .name = "restore",
    .usage = "hostname:port",
    .summary = "restore data to a cluster from a file.",
    .about = "Set every entry of the file through this node, in the order of "
             "the file; the node passes on what belongs elsewhere. Versions "
             "are not restored. A run that ends early says how to go on.",
    .example = "flare-admin restore -f flare -i all.flare node1:12121\n"
               "flare-admin restore -f tch -i old.tch --include=^user: "
               "node1:12121",
    .status = "it failed, or some entries were refused",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_restore,
};
