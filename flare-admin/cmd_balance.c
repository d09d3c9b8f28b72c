/* balance: change the share of the reads that nodes get. */
#include <string.h>

#include "flare-admin/admin.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"

/* True to go on with the next node. */
static bool
balance_one(struct tool *tool, const struct cluster_map *map,
            const struct target *target, int *status)
{
    const struct node *node = cluster_map_find(map, slice_str(target->key));
    struct admin_place place = admin_place(target);
    enum prompt_answer answer;

    if (node == NULL) {
        output_error(&tool->out, "unknown host: %s", target->key);
        *status = STATUS_NG;
        return false;
    }
    if (node->balance == target->balance && !tool->options.force) {
        output_note("no need to change the balance of %s.", place.text);
        return true;
    }
    answer = admin_confirm(
        tool,
        "updating node balance (node=%s, balance=%d -> %d) (y/n): ", place.text,
        node->balance, target->balance);
    if (answer == PROMPT_END) {
        output_error(&tool->out, "%s is left as it is.", target->key);
        *status = STATUS_NG;
        return false;
    }
    if (answer == PROMPT_YES &&
        !change_role(tool, target, node->role, target->balance,
                     node->partition)) {
        *status = STATUS_NG;
    }
    return true;
}

static bool
check_balances(struct tool *tool, const struct targets *targets)
{
    for (int i = 0; i < targets->n; i++) {
        if (targets->all[i].balance < 0) {
            output_error(&tool->out, "invalid balance '%s'.",
                         targets->all[i].word);
            return false;
        }
    }
    return true;
}

static int
run_balance(struct tool *tool, int nwords, char **words)
{
    struct targets targets;
    struct cluster_map *map = NULL;
    int status = STATUS_OK;
    bool go_on = true;

    if (!targets_parse(tool, nwords, words, (struct target_form){3, 3, ""},
                       &targets)) {
        return STATUS_NG;
    }
    if (check_balances(tool, &targets) &&
        tool_open_index(tool, nwords, words)) {
        map = admin_map(tool);
    }
    for (int i = 0; map != NULL && go_on && i < targets.n; i++) {
        go_on = balance_one(tool, map, &targets.all[i], &status);
    }
    if (map == NULL || (go_on && !admin_finish(tool, &targets, false))) {
        status = STATUS_NG;
    }
    cluster_map_unref(map);
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
};
/* clang-format on */

const struct subcommand cmd_balance = {
    .name = "balance",
    .usage = "hostname:port:balance ...",
    .summary = "set the balance values of nodes.",
    .about = "Change the share of a partition's reads that nodes get. With 0 "
             "a node gets none; one node of a partition has to have more.",
    .example = "flare-admin balance node1:12121:1 node2:12121:3",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_balance,
};
