/* index: the map as the file that an index server keeps. */
#include <string.h>

#include "base/file.h"
#include "cluster/map_text.h"
#include "flare-admin/admin.h"
#include "flare-admin/commands.h"

/* The archive version is always 4: the lowest that every flarei reads. */
static void
put_document(struct buf *out, const struct cluster_map *map)
{
    static const char ours[] = " version=\"18\">\n<version>";
    static const char wanted[] = " version=\"4\">\n<version>";
    struct buf text = {0};
    struct slice rest;
    const char *at;

    if (!map_text_put_xml(&text, map) || text.base == NULL) {
        buf_fini(&text);
        return;
    }
    rest = buf_slice(&text);
    at = memmem(rest.p, rest.n, ours, sizeof(ours) - 1);
    if (at != NULL) {
        size_t before = (size_t)(at - rest.p);

        (void)(buf_put(out, rest.p, before) && buf_put_str(out, wanted));
        rest.p += before + sizeof(ours) - 1;
        rest.n -= before + sizeof(ours) - 1;
    }
    (void)buf_put_slice(out, rest);
    buf_fini(&text);
}

static int
write_out(struct tool *tool, struct slice text)
{
    const char *path = tool->options.output_file;
    struct err err;

    if (text.n == 0) {
        output_error(&tool->out, "out of memory");
        return STATUS_NG;
    }
    if (path[0] == '\0') {
        output_info(&tool->out, "%.*s", (int)text.n - 1, text.p);
        return STATUS_OK;
    }
    text.n--; /* a file ends in one line end */
    if (file_write_atomic(path, text, &err) != 0) {
        output_error(&tool->out, "%s", err.msg);
        return STATUS_NG;
    }
    return STATUS_OK;
}

static int
run_index(struct tool *tool, int nwords, char **words)
{
    struct cluster_map *map;
    struct buf text = {0};
    uint64_t version = 0;
    int status;

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_NG;
    }
    if (!tool_open_index(tool, 0, NULL)) {
        return STATUS_NG;
    }
    map = admin_map(tool);
    if (map == NULL) {
        return STATUS_NG;
    }
    if (map->nnodes == 0) {
        map->next_thread_type = 0;
    }
    if (server_stat_number(&tool->index, "node_map_version", &version)) {
        map->version = version + tool->options.increment;
    }
    put_document(&text, map);
    status = write_out(tool, buf_slice(&text));
    buf_fini(&text);
    cluster_map_unref(map);
    return status;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_TEXT("output", 0, output_file, "", "FILE", "output index to a file"),
    TOOL_UINT("increment", 0, increment, 1000000000, "0", "NUM",
              "increment node_map_version by NUM"),
};
/* clang-format on */

const struct subcommand cmd_index = {
    .name = "index",
    .usage = "",
    .summary = "print the index XML document generated from a cluster "
               "information.",
    .about = "The map as the file flare.xml that flarei(8) keeps, its "
             "version raised by --increment: to start an index server from, "
             "when its own is lost.",
    .example = "flare-admin index --increment=10 --output=flare.xml",
    .flags = SUB_CLASSIC,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_index,
};
