/* switchover, failback, reset-distribution, force-failover: move the masters
 * while everybody is well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/build.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"
#include "flare-admin/folders.h"
#include "flare-admin/history.h"

/* Swap this active slave and its master.  False: it did not happen (said). */
static bool
promote(struct tool *tool, const struct cluster_map *map,
        const struct node *slave)
{
    const struct node *master = cluster_map_master(map, slave->partition);
    struct target target;

    if (master == NULL || master->state != NODE_ACTIVE) {
        output_error(&tool->out,
                     "partition %d has no living master to take "
                     "over from.",
                     slave->partition);
        return false;
    }
    switch (admin_confirm(tool,
                          "make %s master of partition %d instead of %s "
                          "(y/n): ",
                          slave->key, slave->partition, master->key)) {
    case PROMPT_YES:
        break;
    case PROMPT_NO:
    case PROMPT_END:
        output_error(&tool->out, "%s stays master.", master->key);
        return false;
    }
    (void)target_parse(slave->key, &target);
    if (!change_switchover(tool, &target, false)) {
        output_error(&tool->out,
                     "%s is still master of partition %d and serves; nothing "
                     "was lost. Try again when %s has caught up (flare-admin "
                     "tree).",
                     master->key, slave->partition, slave->key);
        return false;
    }
    return true;
}

static bool
switch_one(struct tool *tool, const struct target *target)
{
    struct cluster_map *map = admin_map(tool);
    const struct node *node =
        map != NULL ? cluster_map_find(map, slice_str(target->key)) : NULL;
    bool ok = false;

    if (map == NULL) {
        return false;
    }
    if (node == NULL) {
        output_error(&tool->out, "unknown host: %s", target->key);
    } else if (node->role == NODE_MASTER && node->state == NODE_ACTIVE) {
        output_note("%s is master of partition %d already.", node->key,
                    node->partition);
        ok = true;
    } else if (node->role != NODE_SLAVE || node->state != NODE_ACTIVE) {
        output_error(&tool->out,
                     "%s is %s/%s; only an active slave can take over.",
                     node->key, node_role_name(node->role),
                     node_state_name(node->state));
    } else {
        ok = promote(tool, map, node);
    }
    cluster_map_unref(map);
    return ok;
}

static int
switch_targets(struct tool *tool, struct targets *targets)
{
    bool ok = true;

    for (int i = 0; ok && i < targets->n; i++) {
        ok = switch_one(tool, &targets->all[i]);
    }
    ok = admin_finish(tool, NULL, false) && ok;
    targets_fini(targets);
    return ok ? STATUS_OK : STATUS_NG;
}

static int
run_switchover(struct tool *tool, int nwords, char **words)
{
    struct targets targets;

    if (!targets_parse(tool, nwords, words, (struct target_form){2, 2, ""},
                       &targets)) {
        return STATUS_USAGE;
    }
    if (!tool_open_index(tool, nwords, words)) {
        targets_fini(&targets);
        return STATUS_NG;
    }
    return switch_targets(tool, &targets);
}

/* --- reset-distribution ----------------------------------------------------
 */

static void
add_target(struct targets *targets, const char *key)
{
    targets->all = xreallocarray(targets->all, (size_t)targets->n + 1,
                                 sizeof(*targets->all));
    (void)target_parse(key, &targets->all[targets->n++]);
}

/* The masters there were before anything failed, where they are back. */
static bool
first_masters(struct tool *tool, struct targets *out, bool *missing)
{
    struct cluster_map *map = admin_map(tool);
    struct history history;

    if (map == NULL || !history_fetch(&history, tool)) {
        cluster_map_unref(map);
        return false;
    }
    for (int p = 0; p < cluster_map_partitions(map); p++) {
        const char *first = history_first_master(&history, p);
        const struct node *node =
            first != NULL ? cluster_map_find(map, slice_str(first)) : NULL;

        if (node == NULL) {
            continue;
        }
        if (node->role == NODE_SLAVE && node->partition == p &&
            node->state == NODE_ACTIVE) {
            add_target(out, node->key);
        } else if (node->role != NODE_MASTER || node->partition != p) {
            output_note("%s, once master of partition %d, is no active slave "
                        "of it; flare-admin failback makes it one.",
                        node->key, p);
            *missing = true;
        }
    }
    history_fini(&history);
    cluster_map_unref(map);
    return true;
}

static int
run_reset(struct tool *tool, int nwords, char **words)
{
    struct targets targets = {NULL, 0};
    bool missing = false;

    if (nwords > 0 &&
        !targets_parse(tool, nwords, words, (struct target_form){2, 2, ""},
                       &targets)) {
        return STATUS_USAGE;
    }
    if (!tool_open_index(tool, nwords, words) ||
        (nwords == 0 && !first_masters(tool, &targets, &missing))) {
        targets_fini(&targets);
        return STATUS_NG;
    }
    if (targets.n == 0 && missing) {
        return STATUS_NG;
    }
    if (targets.n == 0) {
        output_info(&tool->out, "The masters are where they were at first.");
        return STATUS_OK;
    }
    return switch_targets(tool, &targets);
}

/* --- force-failover, failover-with-dir -------------------------------------
 */

/* The slave to take over: the one that reads most, on another host. */
static const struct node *
heir_elsewhere(const struct cluster_map *map, const struct node *master)
{
    const struct node *heir = NULL;

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (node->role == NODE_SLAVE && node->state == NODE_ACTIVE &&
            node->partition == master->partition &&
            !slice_eq(node_host(node), node_host(master)) &&
            (heir == NULL || node->balance > heir->balance)) {
            heir = node;
        }
    }
    return heir;
}

/* Which nodes are to be left: those of a host, or of a folder of it. */
struct evacuation {
    struct tool *tool;
    const char *host;
    const struct folders *folders; /* NULL: whatever the folder */
    int moved, stuck;
};

static bool
is_meant(const struct evacuation *e, const struct node *node)
{
    return slice_eq(node_host(node), slice_str(e->host)) &&
           (e->folders == NULL || folders_have(e->folders, node->key));
}

static void
leave_master(struct evacuation *e, const struct cluster_map *map,
             const struct node *master)
{
    const struct node *heir = heir_elsewhere(map, master);

    if (heir == NULL) {
        output_error(&e->tool->out,
                     "%s is master of partition %d and no active slave of it "
                     "is on another host. flare-admin add-slave makes one.",
                     master->key, master->partition);
        e->stuck++;
    } else if (promote(e->tool, map, heir)) {
        e->moved++;
    } else {
        e->stuck++;
    }
}

static void
take_down(struct evacuation *e, const struct node *node)
{
    struct target target;

    (void)target_parse(node->key, &target);
    if (!change_state(e->tool, &target, "down")) {
        e->stuck++;
    }
}

/* Masters first, then, with --down, everybody. */
static bool
evacuate(struct evacuation *e)
{
    struct cluster_map *map = admin_map(e->tool);
    int met = 0;

    for (size_t i = 0; map != NULL && i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        met += is_meant(e, node);
        if (is_meant(e, node) && node->role == NODE_MASTER &&
            node->state == NODE_ACTIVE) {
            leave_master(e, map, node);
        }
    }
    cluster_map_unref(map);
    if (map != NULL && met == 0) {
        output_error(&e->tool->out, "No node is there.");
        return false;
    }
    map = e->tool->options.down && e->stuck == 0 ? admin_map(e->tool) : NULL;
    for (size_t i = 0; map != NULL && i < map->nnodes; i++) {
        if (is_meant(e, &map->node[i]) && map->node[i].state != NODE_DOWN) {
            take_down(e, &map->node[i]);
        }
    }
    cluster_map_unref(map);
    output_info(&e->tool->out, "%d masters were moved, %d were not.", e->moved,
                e->stuck);
    return met > 0 && e->stuck == 0;
}

static int
run_force(struct tool *tool, int nwords, char **words)
{
    struct evacuation e = {.tool = tool};
    bool ok;

    if (nwords != 1) {
        return tool_misuse(tool);
    }
    e.host = words[0];
    if (!tool_open_index(tool, 0, NULL)) {
        return STATUS_NG;
    }
    ok = evacuate(&e);
    ok = admin_finish(tool, NULL, false) && ok;
    return ok ? STATUS_OK : STATUS_NG;
}

static int
run_with_dir(struct tool *tool, int nwords, char **words)
{
    struct folders folders;
    struct evacuation e = {.tool = tool, .folders = &folders};
    bool ok;

    if (nwords != 2) {
        return tool_misuse(tool);
    }
    e.host = words[0];
    if (!tool_open_index(tool, 0, NULL) ||
        !folders_take(&folders, tool, words[0], words[1])) {
        return STATUS_NG;
    }
    ok = evacuate(&e);
    ok = admin_finish(tool, NULL, false) && ok;
    folders_fini(&folders);
    return ok ? STATUS_OK : STATUS_NG;
}

/* --- failback --------------------------------------------------------------
 */

static bool
complete(struct tool *tool, const struct history *history,
         struct target *target)
{
    if (target->nfields < 3) {
        target->balance = 1;
    }
    if (target->nfields < 4) {
        target->partition = history_partition_of(history, target->key);
    }
    if (target->partition < 0) {
        output_error(&tool->out,
                     "The index server does not remember which partition %s "
                     "had; say %s:1:PARTITION.",
                     target->key, target->key);
        return false;
    }
    return true;
}

static int
run_failback(struct tool *tool, int nwords, char **words)
{
    struct targets targets;
    struct history history = {NULL, 0};
    int status = STATUS_OK;
    bool ok;

    if (!targets_parse(tool, nwords, words, (struct target_form){2, 4, ""},
                       &targets)) {
        return STATUS_USAGE;
    }
    ok = tool_open_index(tool, nwords, words) && history_fetch(&history, tool);
    for (int i = 0; ok && i < targets.n; i++) {
        ok = complete(tool, &history, &targets.all[i]);
    }
    tool->options.without_clean = true; /* by difference: what it has counts */
    ok = ok && build_slaves(tool, &targets, &status) &&
         admin_finish(tool, &targets, false);
    history_fini(&history);
    targets_fini(&targets);
    return ok ? status : STATUS_NG;
}

/* clang-format off */
#define MOVE_ROWS                                                              \
    TOOL_COMMON_ROWS,                                                          \
    TOOL_INDEX_ROWS,                                                           \
    TOOL_REPORT,                                                               \
    TOOL_DRY_RUN,                                                              \
    TOOL_FORCE

static const struct option_row move_rows[] = {MOVE_ROWS};
static const struct option_row leave_rows[] = {
    MOVE_ROWS,
    TOOL_FLAG("down", 0, down, "then take all nodes there down"),
};
static const struct option_row back_rows[] = {
    MOVE_ROWS,
    TOOL_RETRY("10"),
    TOOL_STALL,
};
/* clang-format on */

const struct subcommand cmd_switchover = {
    .name = "switchover",
    .usage = "hostname:port ...",
    .summary = "make a slave the master, without losing a write.",
    .about = "The slave and its master swap roles while both are well: the "
             "master holds its writes, sees that the slave has all of them, "
             "and only then the map changes. If anything goes wrong the "
             "master goes on as before.",
    .example = "flare-admin switchover node2:12121",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {move_rows, sizeof(move_rows) / sizeof(move_rows[0])},
    .run = run_switchover,
};

const struct subcommand cmd_reset_distribution = {
    .name = "reset-distribution",
    .usage = "[hostname:port] ...",
    .summary = "bring the masters back to where they belong.",
    .about = "The named nodes become masters by switchover; without names "
             "those that were masters before the first failover that the "
             "index server remembers.",
    .example = "flare-admin reset-distribution --dry-run",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {move_rows, sizeof(move_rows) / sizeof(move_rows[0])},
    .run = run_reset,
};

const struct subcommand cmd_force_failover = {
    .name = "force-failover",
    .usage = "hostname",
    .summary = "move all masters away from a host.",
    .about = "Every master on the host swaps roles with an active slave on "
             "another host. With --down all nodes there are taken down then, "
             "so that the host can be switched off. The host is named as in "
             "flare-admin list.",
    .example = "flare-admin force-failover node3\n"
               "flare-admin force-failover --down --yes node3",
    .status = "a master could not be moved",
    .flags = SUB_CHANGES,
    .options = {leave_rows, sizeof(leave_rows) / sizeof(leave_rows[0])},
    .run = run_force,
};

const struct subcommand cmd_failover_with_dir = {
    .name = "failover-with-dir",
    .usage = "hostname folder",
    .summary = "move all masters away from a disk.",
    .about = "As force-failover, for the nodes of the host whose data is in or "
             "below the folder.",
    .example = "flare-admin failover-with-dir --down node3 /disk2",
    .status = "a master could not be moved",
    .flags = SUB_CHANGES,
    .options = {leave_rows, sizeof(leave_rows) / sizeof(leave_rows[0])},
    .run = run_with_dir,
};

const struct subcommand cmd_failback = {
    .name = "failback",
    .usage = "hostname:port[:balance[:partition]] ...",
    .summary = "bring returned nodes in as slaves, by difference.",
    .about = "A node that was master and came back as a proxy becomes a slave "
             "of the partition it had, as the index server remembers it. It "
             "is not emptied: it gets what it missed, or everything if its "
             "past does not fit. switchover makes it master again.",
    .example = "flare-admin failback node1:12121",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {back_rows, sizeof(back_rows) / sizeof(back_rows[0])},
    .run = run_failback,
};
