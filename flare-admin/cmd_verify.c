/* verify: is every key where it belongs? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/strmap.h"
#include "cli/progress.h"
#include "flare-admin/commands.h"
#include "flare-admin/meta.h"
#include "flare-admin/stream.h"
#include "flare-admin/verify_copies.h"
#include "tool/nodes.h"

enum { TEST_KEYS = 10000, KEY_MAX = 32 };

struct verifying {
    struct tool *tool;
    struct cluster_map *map;
    struct meta meta;
    struct partition_table *table;
    const uint16_t *row;
    unsigned size;     /* partitions */
    struct strmap own; /* test keys not met yet; the values are unused */
    bool all_well;
};

/* One pass over one node. */
struct pass {
    struct verifying *v;
    int partition;
    uint64_t entries, wrong;
    struct progress progress;
    bool dump;
};

static bool
look_at(void *arg, const struct archive_record *record)
{
    struct pass *p = arg;
    struct verifying *v = p->v;
    uint32_t hash = keyhash(v->meta.hash, record->key);
    int home = v->row[hash % v->meta.slots];

    p->entries++;
    progress_at(&p->progress, p->entries, 0);
    if (home != p->partition) {
        p->wrong++;
        if (v->tool->options.verbose || v->tool->options.debug) {
            output_error(&v->tool->out, "%s belongs to partition %d, not to %d",
                         log_text(record->key).text, home, p->partition);
        }
    }
    if (p->dump) {
        (void)strmap_remove(&v->own, record->key);
    }
    return true;
}

static bool
pass_over(struct verifying *v, struct server *server, const struct node *node,
          bool dump, struct pass *p)
{
    enum stream_result result;
    char command[64];

    *p = (struct pass){.v = v, .partition = node->partition, .dump = dump};
    if (node->partition < 0) {
        return true; /* a proxy holds nothing that counts */
    }
    (void)snprintf(command, sizeof(command),
                   dump ? "dump 0 %d %u 0" : "dump_key %d %u", node->partition,
                   v->size);
    progress_start(&p->progress, node->key, dump ? "entries" : "keys", 0);
    result = stream_dump(server, command, look_at, p);
    progress_end(&p->progress);
    if (result == STREAM_INTERRUPTED) {
        output_error(&v->tool->out, "INTERRUPTED");
    }
    return result == STREAM_DONE;
}

static bool
check_node(struct verifying *v, const struct node *node)
{
    struct server server;
    struct pass keys = {.entries = 0};
    struct pass dump = {.entries = 0};
    char host[NODE_HOST_MAX + 1];
    bool ok;

    (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len, node->key);
    ok = server_open(&server, v->tool, host, node->port, false) &&
         pass_over(v, &server, node, false, &keys) &&
         pass_over(v, &server, node, true, &dump);
    server_close(&server);
    ok = ok && keys.wrong == 0 && dump.wrong == 0;
    output_note("checking %s ... keydump ... %ju entries. dump ... %ju "
                "entries. %s",
                node->key, (uintmax_t)keys.entries, (uintmax_t)dump.entries,
                ok ? "OK" : "NG");
    return ok;
}

/* --- test data -------------------------------------------------------------
 */

static void
test_key(int i, char *to)
{
    uint32_t a = crc32c(0x5eed, &i, sizeof(i));

    (void)snprintf(to, KEY_MAX, ".test.%08x%08x", a, crc32c(a, &i, sizeof(i)));
}

static bool
open_first(struct verifying *v, struct server *server)
{
    const struct node *node = &v->map->node[0];
    char host[NODE_HOST_MAX + 1];

    (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len, node->key);
    return server_open(server, v->tool, host, node->port, false);
}

static bool
store_test_data(struct verifying *v)
{
    struct server server = {.tool = v->tool};
    struct sink sink = {.server = &server};
    char key[KEY_MAX], value[16];
    bool ok = open_first(v, &server);

    output_info(&v->tool->out, "storing test data ...");
    for (int i = 1; ok && i <= TEST_KEYS; i++) {
        struct archive_record record = {.flags = 0};

        test_key(i, key);
        (void)snprintf(value, sizeof(value), "%d", i);
        record.key = slice_str(key);
        record.data = slice_str(value);
        (void)strmap_put(&v->own, record.key, v);
        ok = sink_put(&sink, &record);
    }
    ok = ok && sink_flush(&sink) && sink.refused == 0;
    if (sink.refused > 0) {
        output_error(&v->tool->out, "test data was refused: %s", sink.first);
    }
    sink_fini(&sink);
    server_close(&server);
    return ok;
}

/* Only what was stored here, never a key of somebody else. */
static void
delete_test_data(struct verifying *v)
{
    struct server server = {.tool = v->tool};
    char key[KEY_MAX];
    bool ok = open_first(v, &server);

    for (int i = 1; ok && i <= TEST_KEYS; i++) {
        test_key(i, key);
        ok = server_command(&server, "delete %s", key);
    }
    server_close(&server);
}

static bool
account_for_test_data(struct verifying *v)
{
    struct slice key;
    void *unused;

    if (v->own.count == 0) {
        return true;
    }
    output_error(&v->tool->out, "failed: not found %zu keys", v->own.count);
    for (size_t at = 0; v->tool->options.verbose &&
                        strmap_next(&v->own, &at, &key, &unused);) {
        output_error(&v->tool->out, "%s", log_text(key).text);
    }
    return false;
}

/* --- the run ---------------------------------------------------------------
 */

static bool
set_up(struct verifying *v)
{
    struct tool *tool = v->tool;
    const char *hash = tool->options.hash;

    output_info(&tool->out, "setting up key resolver ...");
    if (!meta_fetch(&tool->index, &v->meta)) {
        return false;
    }
    if (hash[0] != '\0' && !keyhash_parse(slice_str(hash), &v->meta.hash)) {
        output_error(&tool->out, "unknown type: %s", hash);
        return false;
    }
    output_info(&tool->out, "key_hash_algorithm = %s",
                keyhash_name(v->meta.hash));
    if (v->map->nnodes == 0) {
        output_note("no nodes");
        return false;
    }
    v->size = (unsigned)cluster_map_partitions(v->map);
    if (v->size == 0) {
        output_error(&tool->out, "no need to verify.");
        return false;
    }
    output_info(&tool->out, "partition_size: %u", v->size);
    v->row = meta_row(&v->meta, v->size, &v->table);
    if (v->row == NULL) {
        output_error(&tool->out, "partition-size is too small for %u", v->size);
        return false;
    }
    return true;
}

static int
by_partition(const void *va, const void *vb)
{
    const struct node *a = *(const struct node *const *)va;
    const struct node *b = *(const struct node *const *)vb;

    if (a->partition != b->partition) {
        return a->partition < b->partition ? -1 : 1;
    }
    return strcmp(a->key, b->key);
}

static void
check_all(struct verifying *v)
{
    const struct node **nodes = nodes_in_order(v->map);
    size_t n = v->map->nnodes;

    qsort(nodes, n, sizeof(const void *), by_partition);
    for (size_t i = 0; i < n && !prompt_interrupted(); i++) {
        v->all_well = check_node(v, nodes[i]) && v->all_well;
    }
    free(nodes);
}

static int
run_verify(struct tool *tool, int nwords, char **words)
{
    struct verifying v = {.tool = tool, .all_well = true};

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_NG;
    }
    if (!tool->options.copies && !tool->options.repair) {
        output_info(&tool->out, "connecting to index ...");
    }
    if (!tool_open_index(tool, 0, NULL) || (v.map = admin_map(tool)) == NULL) {
        return STATUS_NG;
    }
    if (tool->options.copies || tool->options.repair) {
        bool equal = verify_copies(tool, v.map);

        cluster_map_unref(v.map);
        return equal ? STATUS_OK : STATUS_NG;
    }
    v.all_well =
        set_up(&v) && (!tool->options.use_test_data || store_test_data(&v));
    if (v.all_well) {
        check_all(&v);
        v.all_well = account_for_test_data(&v) && v.all_well;
        output_note("%s", v.all_well ? "OK" : "NG");
    }
    if (tool->options.use_test_data && v.row != NULL) {
        delete_test_data(&v);
    }
    strmap_fini(&v.own);
    partition_table_free(v.table);
    cluster_map_unref(v.map);
    return v.all_well ? STATUS_OK : STATUS_NG;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_FLAG("copies", 0, copies,
              "instead: are the copies of each partition equal?"),
    TOOL_FLAG("repair", 0, repair,
              "the same, and send anew what differs (asks)"),
    TOOL_TEXT("key-hash-algorithm", 0, hash, "", "NAME",
              "hash with this (default: as the index says)"),
    TOOL_FLAG("use-test-data", 0, use_test_data,
              "store 10000 keys first, look for them, and delete them"),
    TOOL_FLAG("64bit", 0, wide, "no effect"),
    TOOL_FLAG("verbose", 0, verbose, "name the keys that are wrong or missing"),
    TOOL_FLAG("meta", 0, meta, "no effect: the index is always asked"),
    TOOL_FLAG("quiet", 0, safe, "no effect"),
};
/* clang-format on */

const struct subcommand cmd_verify = {
    .name = "verify",
    .usage = "",
    .summary = "verify that every key is in its partition.",
    .about = "Read all keys and all entries of every node and check that they "
             "belong to the node's partition. With --copies: compare the "
             "copies of each partition by digests taken at the same place of "
             "its history, while clients go on writing; with --repair the "
             "master sends every entry anew in which a copy differs.",
    .example = "flare-admin verify --use-test-data\n"
               "flare-admin verify --copies -o json\n"
               "flare-admin verify --repair",
    .status =
        "a key is not where it belongs, copies differ, or it could not be "
        "checked",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_verify,
};
