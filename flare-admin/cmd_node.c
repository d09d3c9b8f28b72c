/* add-node, add-slave, del-node: one node in, one node out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/build.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"

/* How urgently a partition wants another copy, on another host if possible. */
struct need {
    int copies;
    bool on_host;
};

static struct need
need_of(const struct cluster_map *map, int partition, const char *host)
{
    struct need need = {0, false};

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (node->partition == partition && node->state != NODE_DOWN) {
            need.copies++;
            need.on_host =
                need.on_host || slice_eq(node_host(node), slice_str(host));
        }
    }
    return need;
}

/* The partition with an active master that has the fewest copies; -1: none. */
static int
neediest(const struct cluster_map *map, const char *host)
{
    struct need best = {0, false};
    int found = -1;

    for (int p = 0; p < cluster_map_partitions(map); p++) {
        const struct node *master = cluster_map_master(map, p);
        struct need need = need_of(map, p, host);

        if (master == NULL || master->state != NODE_ACTIVE) {
            continue;
        }
        if (found < 0 || need.copies < best.copies ||
            (need.copies == best.copies && best.on_host && !need.on_host)) {
            found = p;
            best = need;
        }
    }
    return found;
}

/* Fill in what was not said; false: it cannot be (said). */
static bool
choose_place(struct tool *tool, struct target *target)
{
    struct cluster_map *map = admin_map(tool);

    if (map == NULL) {
        return false;
    }
    if (target->nfields < 3) {
        target->balance = 1;
    }
    if (target->nfields < 4) {
        target->partition = tool->options.master ? cluster_map_partitions(map)
                                                 : neediest(map, target->host);
    }
    if (target->partition < 0) {
        output_error(&tool->out, "There is no partition with a living master "
                                 "to copy; use flare-admin create.");
    }
    cluster_map_unref(map);
    return target->partition >= 0;
}

static bool
add_one(struct tool *tool, struct target *target)
{
    struct targets one = {target, 1};
    int status = STATUS_OK;

    if (!choose_place(tool, target)) {
        return false;
    }
    output_info(&tool->out, "%s becomes %s of partition %d.", target->key,
                tool->options.master ? "master" : "a slave", target->partition);
    if (tool->options.master) {
        tool->options.activate = true;
        return build_masters(tool, &one);
    }
    return build_slaves(tool, &one, &status) && status == STATUS_OK;
}

static bool
numbers_are_good(struct tool *tool, const struct targets *targets)
{
    for (int i = 0; i < targets->n; i++) {
        const struct target *t = &targets->all[i];

        if ((t->nfields > 2 && t->balance < 0) ||
            (t->nfields > 3 && t->partition < 0)) {
            output_error(&tool->out, "invalid argument '%s'.", t->word);
            return false;
        }
    }
    return true;
}

static int
run_add(struct tool *tool, int nwords, char **words)
{
    struct targets targets;
    bool ok;

    if (!targets_parse(tool, nwords, words, (struct target_form){2, 4, ""},
                       &targets)) {
        return STATUS_USAGE;
    }
    if (!numbers_are_good(tool, &targets)) {
        targets_fini(&targets);
        return STATUS_USAGE;
    }
    ok = tool_open_index(tool, nwords, words);
    for (int i = 0; ok && i < targets.n; i++) {
        ok = add_one(tool, &targets.all[i]);
    }
    ok = ok && admin_finish(tool, &targets, false);
    targets_fini(&targets);
    return ok ? STATUS_OK : STATUS_NG;
}

/* --- del-node --------------------------------------------------------------
 */

/* Why it may not go, or NULL. */
static const char *
indispensable(const struct cluster_map *map, const struct node *node)
{
    int others = 0;

    if (node->role == NODE_PROXY) {
        return NULL;
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *other = &map->node[i];

        others += other != node && other->partition == node->partition &&
                  other->state == NODE_ACTIVE;
    }
    return others == 0 ? "it has the only active copy of its partition" : NULL;
}

static bool
take_out(struct tool *tool, const struct target *target,
         const struct cluster_map *map, const struct node *node)
{
    change_hand_over(tool, map, node);
    if (node->state != NODE_DOWN && !change_state(tool, target, "down")) {
        return false;
    }
    return change_remove(tool, target);
}

static bool
delete_one(struct tool *tool, const struct target *target)
{
    struct cluster_map *map = admin_map(tool);
    const struct node *node =
        map != NULL ? cluster_map_find(map, slice_str(target->key)) : NULL;
    const char *why = node != NULL ? indispensable(map, node) : NULL;
    bool ok = false;

    if (map != NULL && node == NULL) {
        output_error(&tool->out, "unknown host: %s", target->key);
    } else if (why != NULL) {
        output_error(&tool->out, "%s cannot go: %s. Add a slave first.",
                     target->key, why);
    } else if (node != NULL) {
        ok = admin_confirm(tool,
                           "take the node out of the cluster (node=%s, "
                           "role=%s, state=%s, partition=%d) (y/n): ",
                           target->key, node_role_name(node->role),
                           node_state_name(node->state),
                           node->partition) == PROMPT_YES &&
             take_out(tool, target, map, node);
    }
    cluster_map_unref(map);
    return ok;
}

static int
run_delete(struct tool *tool, int nwords, char **words)
{
    struct targets targets;
    bool ok;

    if (!targets_parse(tool, nwords, words, (struct target_form){2, 2, ""},
                       &targets)) {
        return STATUS_USAGE;
    }
    ok = tool_open_index(tool, nwords, words);
    for (int i = 0; ok && i < targets.n; i++) {
        ok = delete_one(tool, &targets.all[i]);
    }
    ok = ok && admin_finish(tool, NULL, false);
    targets_fini(&targets);
    return ok ? STATUS_OK : STATUS_NG;
}

/* clang-format off */
#define ADD_ROWS                                                               \
    TOOL_COMMON_ROWS,                                                          \
    TOOL_INDEX_ROWS,                                                           \
    TOOL_REPORT,                                                               \
    TOOL_DRY_RUN,                                                              \
    TOOL_FORCE,                                                                \
    TOOL_RETRY("10"),                                                          \
    TOOL_STALL,                                                                \
    TOOL_FLAG("without-clean", 0, without_clean,                               \
              "don't clear datastore before construction")

static const struct option_row slave_rows[] = {ADD_ROWS};
static const struct option_row add_rows[] = {
    ADD_ROWS,
    TOOL_FLAG("master", 0, master, "as the master of a new partition"),
};
static const struct option_row delete_rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
};
/* clang-format on */

const struct subcommand cmd_add_node = {
    .name = "add-node",
    .usage = "hostname:port[:balance[:partition]] ...",
    .summary = "give proxies a place in the cluster.",
    .about = "Without a partition the node becomes a slave of the partition "
             "that has the fewest copies, of one without a copy on its host if "
             "there is a choice; with --master the master of a new partition.",
    .example = "flare-admin add-node node5:12121\n"
               "flare-admin add-node --master node6:12121",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {add_rows, sizeof(add_rows) / sizeof(add_rows[0])},
    .run = run_add,
};

const struct subcommand cmd_add_slave = {
    .name = "add-slave",
    .usage = "hostname:port[:balance[:partition]] ...",
    .summary = "make proxies slaves where they are needed most.",
    .about = "As slave, but the partition is chosen when none is named: the "
             "one that has the fewest copies.",
    .example = "flare-admin add-slave node5:12121",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {slave_rows, sizeof(slave_rows) / sizeof(slave_rows[0])},
    .run = run_add,
};

const struct subcommand cmd_del_node = {
    .name = "del-node",
    .usage = "hostname:port ...",
    .summary = "take nodes out of the cluster for good.",
    .about =
        "Down and remove in one. A slave takes over from a master. Refused "
        "for the only active copy of a partition.",
    .example = "flare-admin del-node node5:12121",
    .complete = "node",
    .flags = SUB_CHANGES,
    .options = {delete_rows, sizeof(delete_rows) / sizeof(delete_rows[0])},
    .run = run_delete,
};
