/* create, scaleout: lay out masters and slaves over a list of proxies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/build.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"
#include "flare-admin/create.h"
#include "flare-admin/layout.h"

struct scheme {
    struct tool *tool;
    struct targets targets;
    struct layout_node *nodes; /* as targets */
    int first, partitions, copies, doubled;
};

/* Nodes that are no active proxies cannot be used. */
static bool
usable(struct tool *tool, const struct cluster_map *map,
       const struct target *target)
{
    const struct node *node = cluster_map_find(map, slice_str(target->key));

    if (node == NULL) {
        output_error(&tool->out,
                     "%s is not known to the index server. Start flared there "
                     "with --index-server-name %s --index-server-port %u.",
                     target->key, tool->index.host, (unsigned)tool->index.port);
        return false;
    }
    if (node->role != NODE_PROXY || node->state != NODE_ACTIVE) {
        output_error(&tool->out, "%s is %s/%s, not proxy/active.", node->key,
                     node_role_name(node->role), node_state_name(node->state));
        return false;
    }
    return true;
}

/* Says so. */
static bool
named_before(const struct scheme *s, int at)
{
    const struct targets *t = &s->targets;

    for (int i = 0; i < at; i++) {
        if (strcmp(t->all[i].key, t->all[at].key) == 0) {
            output_error(&s->tool->out, "%s is named twice.", t->all[at].key);
            return true;
        }
    }
    return false;
}

static bool
plan_scheme(struct scheme *s, const struct cluster_map *map)
{
    struct targets *t = &s->targets;

    s->first = cluster_map_partitions(map);
    s->copies = (int)s->tool->options.replicas + 1;
    s->partitions = t->n / s->copies;
    if (s->partitions == 0) {
        output_error(&s->tool->out,
                     "%d nodes are not enough for a master with %d slaves.",
                     t->n, s->copies - 1);
        return false;
    }
    s->nodes = xcalloc((size_t)t->n, sizeof(*s->nodes));
    for (int i = 0; i < t->n; i++) {
        if (!usable(s->tool, map, &t->all[i]) || named_before(s, i)) {
            return false;
        }
        s->nodes[i].host = slice_str(t->all[i].host);
    }
    s->doubled =
        layout_make(s->nodes, (size_t)t->n, s->first, s->partitions, s->copies);
    return true;
}

static void
put_copies(const struct scheme *s, int partition, bool masters,
           struct table *table)
{
    for (int i = 0; i < s->targets.n; i++) {
        if (s->nodes[i].partition == partition &&
            s->nodes[i].master == masters) {
            table_cell(table, "%d", partition);
            table_cell(table, masters ? "master" : "slave");
            table_cell(table, "%s", s->targets.all[i].key);
        }
    }
}

static void
show_scheme(const struct scheme *s)
{
    static const struct table_column columns[] = {
        TABLE_COL_NUMBER("partition"),
        TABLE_COL_TEXT("role"),
        TABLE_COL_TEXT("node"),
    };
    struct table table = {.columns = columns, .ncolumns = 3, .fit = true};
    struct buf text = {0};

    for (int p = s->first; p < s->first + s->partitions; p++) {
        put_copies(s, p, true, &table);
        put_copies(s, p, false, &table);
    }
    table_put(&table, "  ", &text);
    (void)fprintf(stderr, "%.*s", (int)buf_len(&text), buf_slice(&text).p);
    table_fini(&table);
    buf_fini(&text);
    for (int i = 0; i < s->targets.n; i++) {
        if (s->nodes[i].partition < 0) {
            output_note("%s is left over and stays a proxy.",
                        s->targets.all[i].key);
        }
    }
    if (s->doubled > 0) {
        output_note("WARNING: %d partitions have two copies on one host: when "
                    "it fails they are gone. Use more hosts.",
                    s->doubled);
    }
}

/* The targets of one role; free .all. */
static struct targets
of_role(const struct scheme *s, bool master)
{
    struct targets out = {xcalloc((size_t)s->targets.n, sizeof(*out.all)), 0};

    for (int i = 0; i < s->targets.n; i++) {
        if (s->nodes[i].partition >= 0 && s->nodes[i].master == master) {
            struct target *t = &out.all[out.n++];

            *t = s->targets.all[i];
            t->partition = s->nodes[i].partition;
            t->balance = 1;
        }
    }
    return out;
}

static bool
carry_out(struct scheme *s)
{
    struct targets masters = of_role(s, true);
    struct targets slaves = of_role(s, false);
    int status = STATUS_OK;
    bool ok;

    s->tool->options.force = true; /* it was agreed to as a whole */
    s->tool->options.activate = true;
    ok = build_masters(s->tool, &masters) &&
         build_slaves(s->tool, &slaves, &status) && status == STATUS_OK;
    targets_fini(&masters);
    targets_fini(&slaves);
    return ok;
}

static int
agree_and_do(struct scheme *s)
{
    show_scheme(s);
    switch (admin_confirm(s->tool, "%sGo ahead (y/n): ",
                          s->tool->options.without_clean
                              ? ""
                              : "These nodes will be emptied. ")) {
    case PROMPT_YES:
        break;
    case PROMPT_NO:
    case PROMPT_END:
        output_error(&s->tool->out, "Nothing was changed.");
        return STATUS_NG;
    }
    if (!carry_out(s)) {
        output_error(&s->tool->out,
                     "It is not complete. flare-admin check says what is "
                     "missing.");
        return STATUS_NG;
    }
    return admin_finish(s->tool, NULL, false) ? STATUS_OK : STATUS_NG;
}

static int
make_layout(struct tool *tool, int nwords, char **words, bool create)
{
    struct scheme s = {.tool = tool};
    struct cluster_map *map;
    int status = STATUS_NG;

    if (!targets_parse(tool, nwords, words, (struct target_form){2, 2, ""},
                       &s.targets)) {
        return STATUS_USAGE;
    }
    map = admin_map(tool);
    if (map != NULL && create && cluster_map_partitions(map) > 0) {
        output_error(&tool->out,
                     "The cluster has %d partitions already; add more with "
                     "flare-admin scaleout.",
                     cluster_map_partitions(map));
    } else if (map != NULL && !create && cluster_map_partitions(map) == 0) {
        output_error(&tool->out, "The cluster has no partition yet; use "
                                 "flare-admin create.");
    } else if (map != NULL && plan_scheme(&s, map)) {
        status = agree_and_do(&s);
    }
    cluster_map_unref(map);
    targets_fini(&s.targets);
    free(s.nodes);
    return status;
}

int
create_layout(struct tool *tool, int nwords, char **words)
{
    return make_layout(tool, nwords, words, true);
}

static int
run_layout(struct tool *tool, int nwords, char **words, bool create)
{
    struct targets unused;

    if (!targets_parse(tool, nwords, words, (struct target_form){2, 2, ""},
                       &unused)) {
        return STATUS_USAGE;
    }
    targets_fini(&unused);
    return tool_open_index(tool, nwords, words)
               ? make_layout(tool, nwords, words, create)
               : STATUS_NG;
}

static int
run_create(struct tool *tool, int nwords, char **words)
{
    return run_layout(tool, nwords, words, true);
}

static int
run_scaleout(struct tool *tool, int nwords, char **words)
{
    return run_layout(tool, nwords, words, false);
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_UINT("replicas", 'r', replicas, 100, "1", "COUNT",
              "slaves of each partition(default:1)"),
    TOOL_FLAG("without-clean", 0, without_clean,
              "don't clear datastore before construction"),
    TOOL_RETRY("10"),
    TOOL_STALL,
};
/* clang-format on */

const struct subcommand cmd_create = {
    .name = "create",
    .usage = "hostname:port ...",
    .summary = "make a cluster out of these nodes.",
    .about = "The nodes are started flareds, active proxies. As many "
             "partitions are made as there are nodes for, each with a master "
             "and --replicas slaves; never two copies on one host if it can "
             "be helped. The layout is shown before anything is done.",
    .example = "flare-admin create --replicas=1 node1:12121 node2:12121 "
               "node3:12121 node4:12121",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_create,
};

const struct subcommand cmd_scaleout = {
    .name = "scaleout",
    .usage = "hostname:port ...",
    .summary = "add partitions made out of these nodes.",
    .about = "As create, for a cluster that has partitions: the new ones come "
             "behind them, one after the other, and copy their keys from the "
             "existing masters while these go on serving.",
    .example = "flare-admin scaleout --dry-run node5:12121 node6:12121",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_scaleout,
};
