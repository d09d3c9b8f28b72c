/* reconstruct: empty a node and let it copy its partition anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "flare-admin/admin.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"
#include "flare-admin/wait.h"
#include "tool/nodes.h"

enum { RETURN_MS = 1000, LOOK_MS = 200, STUBBORN_MS = 30000 };

/* What became of one node. */
enum outcome { REBUILT, SKIPPED, FAILED, QUIT, ENDS_ALL };

/* Other active slaves of the node's partition. */
static int
active_slaves(const struct cluster_map *map, const struct node *node)
{
    int n = 0;

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *other = &map->node[i];

        n += other != node && other->role == NODE_SLAVE &&
             other->state == NODE_ACTIVE && other->partition == node->partition;
    }
    return n;
}

static bool
is_reconstructable(const struct cluster_map *map, const struct node *node)
{
    return node->state == NODE_ACTIVE &&
           (node->role == NODE_SLAVE ||
            (node->role == NODE_MASTER && active_slaves(map, node) >= 1));
}

static bool
is_safe(const struct cluster_map *map, const struct node *node)
{
    return active_slaves(map, node) >= (node->role == NODE_MASTER ? 2 : 1);
}

/* Nobody answers any more. */
static enum outcome
unanswered(struct tool *tool, const struct node *node)
{
    if (prompt_interrupted()) {
        output_error(&tool->out, "INTERRUPTED");
    }
    output_error(&tool->out, "%s is left as it is.", node->key);
    return ENDS_ALL;
}

/* What an answer means; false: nothing. */
static bool
understand(const char *answer, enum outcome *outcome)
{
    static const struct {
        const char *answer;
        enum outcome outcome;
    } ways[] = {{"y", REBUILT}, {"n", SKIPPED}, {"a", REBUILT}, {"q", QUIT}};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (strcmp(answer, ways[i].answer) == 0) {
            *outcome = ways[i].outcome;
            return true;
        }
    }
    return false;
}

/* Five ways to answer; *asking is switched off by "a". */
static enum outcome
confirm(struct tool *tool, const struct node *node, bool *asking)
{
    enum outcome outcome = REBUILT;
    char question[NODE_KEY_MAX + 80];
    char answer[16];

    (void)snprintf(question, sizeof(question),
                   "reconstructing node (node=%s, role=%s) (y/n/a/q/h:help): ",
                   node->key, node_role_name(node->role));
    while (*asking) {
        if (!prompt_line(question, answer, sizeof(answer))) {
            return unanswered(tool, node);
        }
        *asking = strcmp(answer, "a") != 0;
        if (understand(answer, &outcome)) {
            break;
        }
        output_info(&tool->out, "y: execute, n: skip, a: execute all the left "
                                "nodes, q: quit, h: help");
    }
    return outcome;
}

/* It is a proxy that still has its data, and the way back. */
static enum outcome
stays_proxy(struct tool *tool, const struct node *node)
{
    output_error(&tool->out,
                 "%s is a proxy now and serves no data; its partition is "
                 "served by the others. When it is active, go on with: "
                 "flare-admin slave %s:%d:%d",
                 node->key, node->key, node->balance, node->partition);
    return FAILED;
}

enum comeback { IS_PROXY, KEEPS_ROLE, NOT_YET, UNKNOWN };

static enum comeback
look(struct tool *tool, const struct target *target)
{
    struct cluster_map *map = admin_map(tool);
    const struct node *node =
        map != NULL ? cluster_map_find(map, slice_str(target->key)) : NULL;
    enum comeback result = UNKNOWN;

    if (node != NULL && node->role != NODE_PROXY) {
        result = KEEPS_ROLE;
    } else if (node != NULL) {
        result = node->state == NODE_ACTIVE ? IS_PROXY : NOT_YET;
    }
    cluster_map_unref(map);
    return result;
}

/*
 * The index notices by itself that the node is alive; if it takes its time or
 * keeps to what the operator said, say so.
 */
static enum comeback
come_back(struct tool *tool, const struct target *target)
{
    struct mono since = clock_mono();
    bool told = false;

    for (;;) {
        enum comeback seen = look(tool, target);
        int64_t waited = mono_ms_between(since, clock_mono());

        if (seen != NOT_YET || waited > STUBBORN_MS) {
            return seen;
        }
        if (!told && (waited >= RETURN_MS || tool->options.dry_run)) {
            told = change_state(tool, target, "active");
        }
        if (!prompt_pause(LOOK_MS)) {
            output_error(&tool->out, "INTERRUPTED");
            return NOT_YET;
        }
    }
}

static bool
turn_down(struct tool *tool, const struct target *target,
          const struct cluster_map *map, const struct node *node)
{
    change_say(tool, "turning down...");
    change_hand_over(tool, map, node);
    if (!change_state(tool, target, "down")) {
        output_error(&tool->out, "%s is left as it is.", node->key);
        return false;
    }
    change_say(tool, "waiting for node to be active again...");
    switch (come_back(tool, target)) {
    case IS_PROXY:
        return true;
    case KEEPS_ROLE:
        output_error(&tool->out,
                     "%s has the only copy of its partition now; it keeps its "
                     "role and its data.",
                     node->key);
        (void)change_state(tool, target, "active");
        return false;
    case NOT_YET:
    case UNKNOWN:
        break;
    }
    (void)stays_proxy(tool, node);
    return false;
}

static enum outcome
give_balance(struct tool *tool, const struct target *target,
             const struct node *node)
{
    enum prompt_answer answer = PROMPT_YES;

    if (!tool->options.force && !tool->options.dry_run) {
        char question[NODE_KEY_MAX + 80];

        (void)snprintf(question, sizeof(question),
                       "changing node's balance (node=%s, balance=0 -> %d) "
                       "(y/n): ",
                       node->key, node->balance);
        output_text(slice_str(question));
        answer = prompt_yes("");
    }
    if (answer == PROMPT_YES && !change_role(tool, target, NODE_SLAVE,
                                             node->balance, node->partition)) {
        return FAILED;
    }
    if (answer == PROMPT_END) {
        output_error(&tool->out,
                     "%s is an active slave with balance 0: it gets all "
                     "writes and no reads until flare-admin balance %s:%d",
                     node->key, node->key, node->balance);
        return ENDS_ALL;
    }
    change_say(tool, "done.");
    return REBUILT;
}

/* node is as it was before. */
static enum outcome
rebuild(struct tool *tool, const struct target *target,
        const struct cluster_map *map, const struct node *node)
{
    char again[NODE_KEY_MAX + 64];

    (void)snprintf(again, sizeof(again), "flare-admin slave %s:%d:%d",
                   node->key, node->balance, node->partition);
    if (!turn_down(tool, target, map, node)) {
        return prompt_interrupted() ? ENDS_ALL : FAILED;
    }
    if (!change_flush(tool, target)) {
        return stays_proxy(tool, node);
    }
    if (!change_role_stubbornly(tool, target, NODE_SLAVE, 0, node->partition)) {
        (void)stays_proxy(tool, node);
        return prompt_interrupted() ? ENDS_ALL : FAILED;
    }
    change_say(tool, "started constructing node...");
    switch (wait_for_slave(tool, target, node->partition, again)) {
    case WAIT_DONE:
        return give_balance(tool, target, node);
    case WAIT_FAILED:
        return FAILED;
    case WAIT_INTERRUPTED:
        break;
    }
    return ENDS_ALL;
}

static enum outcome
reconstruct_node(struct tool *tool, const struct cluster_map *map,
                 const struct target *target, bool *asking)
{
    const struct node *node = cluster_map_find(map, slice_str(target->key));
    enum outcome outcome;

    if (node == NULL) {
        output_error(&tool->out, "%s is not found in this cluster.",
                     target->key);
        return ENDS_ALL;
    }
    if (!is_reconstructable(map, node)) {
        output_error(&tool->out, "%s is not reconstructable.", node->key);
        return FAILED;
    }
    if (!is_safe(map, node) && !tool->options.unsafe) {
        output_error(&tool->out,
                     "The partition needs one more slave to reconstruct %s "
                     "safely.",
                     node->key);
        return FAILED;
    }
    if (!is_safe(map, node) && !tool->options.force) {
        output_warn(&tool->out,
                    "you are trying to reconstruct %s without redanduncy.",
                    node->key);
    }
    outcome = confirm(tool, node, asking);
    if (outcome == REBUILT) {
        outcome = rebuild(tool, target, map, node);
    }
    return outcome;
}

/* False: the run ends here. */
static bool
reconstruct_one(struct tool *tool, const struct target *target, bool *asking,
                int *status)
{
    struct cluster_map *map = admin_map(tool);
    bool in_all_mode = !*asking && !tool->options.force;
    enum outcome outcome = ENDS_ALL;

    if (map != NULL) {
        outcome = reconstruct_node(tool, map, target, asking);
        in_all_mode = in_all_mode || (!*asking && !tool->options.force);
        cluster_map_unref(map);
    }
    if (outcome == FAILED || outcome == ENDS_ALL) {
        *status = STATUS_NG;
    }
    if (outcome == ENDS_ALL && prompt_interrupted() && in_all_mode) {
        prompt_take_interrupt();
        *asking = true;
        return true;
    }
    return outcome != ENDS_ALL && outcome != QUIT;
}

/* --all: masters and slaves, in the order of list. */
static bool
select_all(struct tool *tool, struct targets *out)
{
    struct cluster_map *map = admin_map(tool);
    const struct node **nodes;

    *out = (struct targets){NULL, 0};
    if (map == NULL) {
        return false;
    }
    nodes = nodes_in_order(map);
    out->all = xcalloc(map->nnodes + 1, sizeof(*out->all));
    for (size_t i = 0; i < map->nnodes; i++) {
        if (nodes[i]->role != NODE_PROXY) {
            (void)target_parse(nodes[i]->key, &out->all[out->n++]);
        }
    }
    free(nodes);
    cluster_map_unref(map);
    return true;
}

static bool
select_targets(struct tool *tool, int nwords, char **words, struct targets *out)
{
    if (!tool->options.all) {
        return targets_parse(
                   tool, nwords, words,
                   (struct target_form){2, 2, " it must be hostname:port."},
                   out) &&
               tool_open_index(tool, nwords, words);
    }
    if (nwords > 0) {
        output_error(&tool->out, "don't specify any nodes with --all option.");
        return false;
    }
    return tool_open_index(tool, 0, NULL) && select_all(tool, out);
}

static int
run_reconstruct(struct tool *tool, int nwords, char **words)
{
    struct targets targets = {NULL, 0};
    int status = STATUS_OK;
    bool asking = !tool->options.force;
    bool ok = select_targets(tool, nwords, words, &targets);
    bool go_on =
        ok && (tool_for_programs(tool) || admin_table(tool, &targets, true));

    ok = go_on;
    for (int i = 0; go_on && i < targets.n; i++) {
        go_on = reconstruct_one(tool, &targets.all[i], &asking, &status);
    }
    if (!ok || !admin_finish(tool, &targets, true)) {
        status = STATUS_NG;
    }
    targets_fini(&targets);
    return status;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_FLAG("unsafe", 0, unsafe, "reconstruct a node unsafely"),
    TOOL_FLAG("safe", 0, safe, "reconstruct a node safely (default)"),
    TOOL_RETRY("10"),
    TOOL_STALL,
    TOOL_FLAG("all", 0, all, "reconstruct all nodes"),
};
/* clang-format on */

const struct subcommand cmd_reconstruct = {
    .name = "reconstruct",
    .usage = "[hostname:port] ...",
    .summary = "reconstruct the database of nodes by copying.",
    .about = "Turn a node down, empty it and let it copy its partition anew; "
             "a master comes back as a slave. Refused when the partition "
             "would be left with one copy only, unless --unsafe is given. "
             "The question may be answered with y (yes), n (not this node), "
             "a (this one and all that follow) or q (end).",
    .example = "flare-admin reconstruct node2:12121\n"
               "flare-admin reconstruct --all",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_reconstruct,
};
