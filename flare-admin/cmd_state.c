/* down, activate: change the state of nodes. */
#include <string.h>

#include "flare-admin/admin.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"

struct wish {
    const char *verb;  /* of the question */
    const char *shown; /* the new state in the question */
    const char *state; /* the new state */
    enum node_state reached;
    bool through_log;
};

/* True to go on with the next node. */
static bool
change_one(struct tool *tool, const struct wish *wish,
           const struct cluster_map *map, const struct target *target,
           int *status)
{
    const struct node *node = cluster_map_find(map, slice_str(target->key));
    struct admin_place place = admin_place(target);
    enum prompt_answer answer;

    if (node == NULL) {
        output_error(&tool->out, "invalid 'hostname:port' pair: %s",
                     target->key);
        *status = STATUS_NG;
        return false;
    }
    if (node->state == wish->reached) {
        output_error(&tool->out, "%s is already %s.", place.text, wish->state);
        return true;
    }
    answer = admin_confirm(
        tool, "turning node %s (node=%s, state=%s -> %s) (y/n): ", wish->verb,
        place.text, node_state_name(node->state), wish->shown);
    if (answer == PROMPT_END) {
        output_error(&tool->out, "%s is left as it is.", target->key);
        *status = STATUS_NG;
        return false;
    }
    if (answer == PROMPT_YES && wish->reached == NODE_DOWN) {
        change_hand_over(tool, map, node);
    }
    if (answer == PROMPT_YES && !change_state(tool, target, wish->state)) {
        *status = STATUS_NG;
    }
    return true;
}

static int
run_state(struct tool *tool, int nwords, char **words, const struct wish *wish)
{
    struct targets targets;
    struct cluster_map *map = NULL;
    int status = STATUS_OK;
    bool go_on = true;

    if (!targets_parse(tool, nwords, words, (struct target_form){2, 2, ""},
                       &targets)) {
        return STATUS_NG;
    }
    if (tool_open_index(tool, nwords, words)) {
        map = admin_map(tool);
    }
    for (int i = 0; map != NULL && go_on && i < targets.n; i++) {
        go_on = change_one(tool, wish, map, &targets.all[i], &status);
    }
    if (map == NULL ||
        (go_on && !admin_finish(tool, &targets, wish->through_log))) {
        status = STATUS_NG;
    }
    cluster_map_unref(map);
    targets_fini(&targets);
    return status;
}

static int
run_down(struct tool *tool, int nwords, char **words)
{
    static const struct wish wish = {"down", "down", "down", NODE_DOWN, true};

    return run_state(tool, nwords, words, &wish);
}

static int
run_activate(struct tool *tool, int nwords, char **words)
{
    static const struct wish wish = {"up", "activate", "active", NODE_ACTIVE,
                                     false};

    return run_state(tool, nwords, words, &wish);
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
};
/* clang-format on */

const struct subcommand cmd_down = {
    .name = "down",
    .usage = "hostname:port ...",
    .summary = "turn down nodes and move them to proxy state.",
    .about = "Take a node out of service. A slave becomes a proxy. A master "
             "hands its role to an active slave; without one it keeps the "
             "role and the partition is out of service.",
    .example = "flare-admin down node2:12121",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_down,
};

const struct subcommand cmd_activate = {
    .name = "activate",
    .usage = "hostname:port ...",
    .summary = "activate nodes.",
    .about = "Make a node active: a master that is ready, or a node that was "
             "turned down.",
    .example = "flare-admin activate node3:12121",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_activate,
};
