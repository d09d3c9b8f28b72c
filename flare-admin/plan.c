#include "flare-admin/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/meta.h"
#include "index/step.h"
#include "tool/nodes.h"

struct plan {
    struct cluster_map *before; /* as the index has it */
    struct cluster_map *map;
    struct meta meta;
    struct buf notes;
    struct table copies;
};

static const struct table_column copy_columns[] = {
    TABLE_COL_TEXT("node"),
    TABLE_COL_TEXT("from"),
    TABLE_COL_NUMBER("keys"),
    TABLE_COL_NUMBER("bytes"),
};

static void
plan_free(struct plan *plan)
{
    cluster_map_unref(plan->before);
    cluster_map_unref(plan->map);
    table_fini(&plan->copies);
    buf_fini(&plan->notes);
    free(plan);
}

static void
at_end(struct tool *tool)
{
    plan_free(tool->plan);
    tool->plan = NULL;
}

static struct plan *
plan_new(struct tool *tool)
{
    struct plan *plan = xcalloc(1, sizeof(*plan));

    plan->copies =
        (struct table){.columns = copy_columns, .ncolumns = 4, .fit = true};
    plan->before = nodes_fetch(&tool->index);
    if (plan->before != NULL && meta_fetch(&tool->index, &plan->meta)) {
        plan->map = cluster_map_copy(plan->before, 0);
    }
    if (plan->map == NULL) {
        plan_free(plan);
        return NULL;
    }
    tool->at_end = at_end;
    return plan;
}

struct cluster_map *
plan_map(struct tool *tool)
{
    if (tool->plan == NULL) {
        tool->plan = plan_new(tool);
    }
    return tool->plan != NULL ? cluster_map_ref(tool->plan->map) : NULL;
}

bool
plan_step(struct tool *tool, struct index_event event)
{
    struct plan *plan = tool->plan;
    struct index_plan next;

    event.answers = true;
    event.partition_size = (unsigned)plan->meta.partition_size;
    switch (index_step(plan->map, &event, &next)) {
    case INDEX_CHANGED:
        cluster_map_unref(plan->map);
        plan->map = next.map;
        return true;
    case INDEX_SAME:
        return true;
    case INDEX_REFUSED:
        break;
    }
    output_error(&tool->out, "The index would refuse this: %s.", next.why);
    return false;
}

void
plan_note(struct tool *tool, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)buf_vprintf(&tool->plan->notes, fmt, ap);
    va_end(ap);
    (void)buf_put_str(&tool->plan->notes, "\n");
}

/* What of a node's keys would live in partition `to` of n: 0 to 1. */
static double
share_that_moves(struct plan *plan, int from, int to, unsigned n)
{
    struct partition_table *table = NULL;
    const uint16_t *row = meta_row(&plan->meta, n, &table);
    uint64_t slots = plan->meta.slots, had = 0, moves = 0;
    uint16_t *old;

    if (row == NULL || n < 2) {
        partition_table_free(table);
        return 0;
    }
    old = xcalloc(slots, sizeof(*old));
    memcpy(old, row, slots * sizeof(*old));
    row = meta_row(&plan->meta, n - 1, &table);
    for (uint64_t i = 0; row != NULL && i < slots; i++) {
        had += row[i] == from;
        moves += row[i] == from && old[i] == to;
    }
    free(old);
    partition_table_free(table);
    return had > 0 ? (double)moves / (double)had : 0;
}

/* node would be given this share of what `from` holds. */
static void
note_copy(struct tool *tool, const struct node *node, const struct node *from,
          double share)
{
    struct table *table = &tool->plan->copies;
    struct server server;
    uint64_t keys = 0, bytes = 0;
    char host[NODE_HOST_MAX + 1];
    bool known;

    (void)snprintf(host, sizeof(host), "%.*s", (int)from->host_len, from->key);
    known = server_open_quietly(&server, tool, host, from->port) &&
            server_stat_number(&server, "curr_items", &keys) &&
            server_stat_number(&server, "bytes", &bytes);
    server_close(&server);
    table_cell(table, "%s", node->key);
    table_cell(table, "%s", from->key);
    if (known) {
        table_cell(table, "%.0f", (double)keys * share);
        table_cell(table, "%.0f", (double)bytes * share);
    } else {
        table_cell(table, "-");
        table_cell(table, "-");
    }
}

static void
note_copies(struct tool *tool, const struct node *node)
{
    const struct cluster_map *map = tool->plan->map;
    int partitions = cluster_map_partitions(map);

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *from = &map->node[i];

        if (from->role != NODE_MASTER || from->state != NODE_ACTIVE) {
            continue;
        }
        if (node->role == NODE_SLAVE && from->partition == node->partition) {
            note_copy(tool, node, from, 1);
        } else if (node->role == NODE_MASTER) {
            note_copy(tool, node, from,
                      share_that_moves(tool->plan, from->partition,
                                       node->partition,
                                       (unsigned)partitions + 1));
        }
    }
}

bool
plan_copied(struct tool *tool, const struct target *target)
{
    const struct node *node =
        cluster_map_find(tool->plan->map, slice_str(target->key));

    if (node == NULL || node->state != NODE_PREPARE) {
        return node != NULL;
    }
    note_copies(tool, node);
    return plan_step(tool,
                     (struct index_event){.type = INDEX_STATE,
                                          .host = slice_str(target->host),
                                          .port = target->port,
                                          .state = node->role == NODE_MASTER
                                                       ? NODE_READY
                                                       : NODE_ACTIVE});
}

bool
plan_show(struct tool *tool)
{
    struct cluster_map *map = plan_map(tool);
    const struct node **nodes;
    struct table table;

    if (map == NULL) {
        return false;
    }
    output_info(&tool->out, "Dry run: nothing was changed. The map would be:");
    nodes = nodes_in_order(map);
    table = nodes_table(nodes, map->nnodes, false);
    tool_put_table(tool, &table, " ", TOOL_DIRECT);
    free(nodes);
    cluster_map_unref(map);
    if (buf_len(&tool->plan->notes) > 0) {
        output_info(&tool->out, "%.*s", (int)buf_len(&tool->plan->notes) - 1,
                    buf_slice(&tool->plan->notes).p);
    }
    if (tool->plan->copies.ncells > 0 && !tool_for_programs(tool)) {
        output_info(&tool->out, "To be copied, about:");
        tool_put_table(tool, &tool->plan->copies, " ", TOOL_DIRECT);
    }
    return true;
}
