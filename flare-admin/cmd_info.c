/* info, rowcount, tree, distribution: the cluster seen from several sides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/admin.h"
#include "flare-admin/commands.h"
#include "flare-admin/links.h"
#include "tool/nodes.h"
#include "tool/sample.h"

/* A view fills a table from what all nodes say. */
typedef void view_fn(struct tool *tool, const struct round *round,
                     struct table *table);

struct view {
    const struct table_column *columns;
    size_t ncolumns;
    view_fn *fill;
};

static int
run_view(struct tool *tool, int nwords, char **words, const struct view *view)
{
    struct round round = {.n = 0};
    int status = STATUS_NG;

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_USAGE;
    }
    if (tool_open_index(tool, 0, NULL) && round_take(&round, tool, 0, NULL)) {
        struct table table = {
            .columns = view->columns, .ncolumns = view->ncolumns, .fit = true};

        view->fill(tool, &round, &table);
        tool_put_table(tool, &table, "  ", TOOL_DIRECT);
        status = STATUS_OK;
    }
    round_fini(&round);
    return status;
}

static void
put_u64(struct table *table, bool known, uint64_t value)
{
    if (known) {
        table_cell(table, "%ju", (uintmax_t)value);
    } else {
        table_cell(table, "-");
    }
}

static int
partition_count(const struct round *round)
{
    int n = 0;

    for (size_t i = 0; i < round->n; i++) {
        n = round->nodes[i]->partition + 1 > n ? round->nodes[i]->partition + 1
                                               : n;
    }
    return n;
}

static const struct sample *
master_sample(const struct round *round, int partition)
{
    const struct node *master = cluster_map_master(round->map, partition);

    return master != NULL ? round_find(round, master->key) : NULL;
}

/* --- info ------------------------------------------------------------------
 */

static void
fill_info(struct tool *tool, const struct round *round, struct table *table)
{
    (void)tool;
    for (int p = 0; p < partition_count(round); p++) {
        const struct node *master = cluster_map_master(round->map, p);
        const struct sample *sample = master_sample(round, p);
        bool alive = sample != NULL && sample->alive;
        int slaves = 0, active = 0;

        for (size_t i = 0; i < round->n; i++) {
            const struct node *node = round->nodes[i];
            bool counts = node->role == NODE_SLAVE && node->partition == p;

            slaves += counts;
            active += counts && node->state == NODE_ACTIVE;
        }
        table_cell(table, "%d", p);
        table_cell(table, "%s", master != NULL ? master->key : "-");
        table_cell(table, "%s",
                   master != NULL ? node_state_name(master->state) : "-");
        table_cell(table, "%d", slaves);
        table_cell(table, "%d", active);
        put_u64(table, alive, alive ? sample->items : 0);
        put_u64(table, alive, alive ? sample->bytes : 0);
    }
}

static int
run_info(struct tool *tool, int nwords, char **words)
{
    static const struct table_column columns[] = {
        TABLE_COL_NUMBER("partition"), TABLE_COL_TEXT("master"),
        TABLE_COL_STATE("state"),      TABLE_COL_NUMBER("slaves"),
        TABLE_COL_NUMBER("active"),    TABLE_COL_NUMBER("items"),
        TABLE_COL_NUMBER("bytes"),
    };
    static const struct view view = {columns, 7, fill_info};

    return run_view(tool, nwords, words, &view);
}

/* --- rowcount --------------------------------------------------------------
 */

static void
fill_rows(struct tool *tool, const struct round *round, struct table *table)
{
    const struct node **nodes = nodes_in_order(round->map);

    (void)tool;
    for (size_t i = 0; i < round->map->nnodes; i++) {
        const struct node *node = nodes[i];
        const struct sample *own = round_find(round, node->key);
        const struct sample *master = master_sample(round, node->partition);
        bool comparable = own != NULL && own->alive && master != NULL &&
                          master->alive && node->role == NODE_SLAVE;

        table_cell(table, "%s", node->key);
        table_cell(table, node->partition < 0 ? "-" : "%d", node->partition);
        table_cell(table, "%s", node_role_name(node->role));
        put_u64(table, own != NULL && own->alive, own != NULL ? own->items : 0);
        if (comparable) {
            table_cell(table, "%jd",
                       (intmax_t)own->items - (intmax_t)master->items);
        } else {
            table_cell(table, "-");
        }
    }
    free(nodes);
}

static int
run_rowcount(struct tool *tool, int nwords, char **words)
{
    static const struct table_column columns[] = {
        TABLE_COL_TEXT("node"),         TABLE_COL_NUMBER("partition"),
        TABLE_COL_TEXT("role"),         TABLE_COL_NUMBER("rows"),
        TABLE_COL_NUMBER("difference"),
    };
    static const struct view view = {columns, 5, fill_rows};

    return run_view(tool, nwords, words, &view);
}

/* --- tree ------------------------------------------------------------------
 */

static void
put_branch(const struct tool *tool, const struct node *node,
           const struct sample *own, const struct links *links,
           struct table *table)
{
    const struct link_state *link = links_find(links, node->key);
    bool people = !tool_for_programs(tool);

    table_cell(table, node->partition < 0 ? "-" : "%d", node->partition);
    table_cell(table, "%s%s", people && node->role == NODE_SLAVE ? "`- " : "",
               node->key);
    table_cell(table, "%s", node_role_name(node->role));
    table_cell(table, "%s", node_state_name(node->state));
    table_cell(table, "%d", node->balance);
    table_cell(table, "%s",
               own == NULL || !own->alive ? "down"
               : node->role == NODE_SLAVE ? links_word(link)
                                          : "up");
    put_u64(table, link != NULL, link != NULL ? link->behind : 0);
}

static void
fill_tree(struct tool *tool, const struct round *round, struct table *table)
{
    const struct node **nodes = nodes_in_order(round->map);
    struct links links;

    links_take(&links, tool, round->map);
    for (size_t i = 0; i < round->map->nnodes; i++) {
        put_branch(tool, nodes[i], round_find(round, nodes[i]->key), &links,
                   table);
    }
    links_fini(&links);
    free(nodes);
}

static int
run_tree(struct tool *tool, int nwords, char **words)
{
    static const struct table_column columns[] = {
        TABLE_COL_NUMBER("partition"), TABLE_COL_TEXT("node"),
        TABLE_COL_TEXT("role"),        TABLE_COL_STATE("state"),
        TABLE_COL_NUMBER("balance"),   TABLE_COL_STATE("link"),
        TABLE_COL_NUMBER("behind"),
    };
    static const struct view view = {columns, 7, fill_tree};

    return run_view(tool, nwords, words, &view);
}

/* --- distribution ----------------------------------------------------------
 */

static bool
seen_before(const struct cluster_map *map, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (slice_eq(node_host(&map->node[i]), node_host(&map->node[at]))) {
            return true;
        }
    }
    return false;
}

static void
put_host(const struct cluster_map *map, struct slice host, struct table *table)
{
    int role[3] = {0};
    int down = 0;

    for (size_t i = 0; i < map->nnodes; i++) {
        if (slice_eq(node_host(&map->node[i]), host)) {
            role[map->node[i].role]++;
            down += map->node[i].state == NODE_DOWN;
        }
    }
    table_cell(table, "%.*s", (int)host.n, host.p);
    table_cell(table, "%d", role[NODE_MASTER]);
    table_cell(table, "%d", role[NODE_SLAVE]);
    table_cell(table, "%d", role[NODE_PROXY]);
    table_cell(table, "%d", down);
}

static void
fill_hosts(struct tool *tool, const struct round *round, struct table *table)
{
    const struct cluster_map *map = round->map;

    (void)tool;
    for (size_t i = 0; i < map->nnodes; i++) {
        if (!seen_before(map, i)) {
            put_host(map, node_host(&map->node[i]), table);
        }
    }
}

static int
run_distribution(struct tool *tool, int nwords, char **words)
{
    static const struct table_column columns[] = {
        TABLE_COL_TEXT("host"),     TABLE_COL_NUMBER("masters"),
        TABLE_COL_NUMBER("slaves"), TABLE_COL_NUMBER("proxies"),
        TABLE_COL_NUMBER("down"),
    };
    static const struct view view = {columns, 5, fill_hosts};

    return run_view(tool, nwords, words, &view);
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
};
/* clang-format on */

const struct subcommand cmd_info = {
    .name = "info",
    .usage = "",
    .summary = "show a line for every partition.",
    .about = "The partition's master and its state, the slaves and how many of "
             "them are active, and the master's items and bytes.",
    .example = "flare-admin info",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_info,
};

const struct subcommand cmd_rowcount = {
    .name = "rowcount",
    .usage = "",
    .summary = "show how many entries every node has.",
    .about = "A slave's difference to its master is shown; while clients "
             "write it is rarely 0 on an asynchronous slave.",
    .example = "flare-admin rowcount -o csv",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_rowcount,
};

const struct subcommand cmd_tree = {
    .name = "tree",
    .usage = "",
    .summary = "show masters with their slaves and the links between them.",
    .about = "A slave's link is up when its master is connected to it, idle "
             "when it has not had to; behind "
             "is the number of changes it has not confirmed yet. Of other "
             "nodes the link says whether they answer.",
    .example = "flare-admin tree",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_tree,
};

const struct subcommand cmd_distribution = {
    .name = "distribution",
    .usage = "",
    .summary = "show masters and slaves per host.",
    .about = "How many nodes of each role every host has, and how many of all "
             "are down.",
    .example = "flare-admin distribution",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_distribution,
};
