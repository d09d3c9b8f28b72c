/* slave: make proxies the slaves of partitions. */
#include <stdio.h>
#include <string.h>

#include "flare-admin/admin.h"
#include "flare-admin/build.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"
#include "flare-admin/wait.h"

static enum prompt_answer
confirm(struct tool *tool, const struct target *target, const struct node *node)
{
    return admin_confirm(
        tool,
        "making node slave (node=%s, role=%s -> slave)%s (y/n): ", target->key,
        node_role_name(node->role),
        tool->options.without_clean
            ? ""
            : "\nitems stored in the node will be cleaned up (exec flush_all) "
              "before constructing it");
}

/* True: it has its balance, or shall not have one. */
static bool
give_balance(struct tool *tool, const struct target *target)
{
    if (target->balance == 0) {
        return true;
    }
    switch (admin_confirm(
        tool, "changing node's balance (node=%s, balance=0 -> %d) (y/n): ",
        target->key, target->balance)) {
    case PROMPT_YES:
        return change_role(tool, target, NODE_SLAVE, target->balance,
                           target->partition);
    case PROMPT_NO:
        return true;
    case PROMPT_END:
        break;
    }
    output_error(&tool->out,
                 "%s is an active slave with balance 0: it gets all writes "
                 "and no reads until flare-admin balance.",
                 target->key);
    return false;
}

static bool
construct(struct tool *tool, const struct target *target)
{
    char again[NODE_KEY_MAX + 64];

    (void)snprintf(again, sizeof(again), "flare-admin slave %s", target->word);
    if (!tool->options.without_clean) {
        if (!change_flush(tool, target)) {
            output_note("executing flush_all failed.");
            return false;
        }
        change_say(tool, "executed flush_all command before constructing the "
                         "slave node.");
    }
    if (!change_role_stubbornly(tool, target, NODE_SLAVE, 0,
                                target->partition)) {
        return false;
    }
    change_say(tool, "started constructing slave node...");
    return wait_for_slave(tool, target, target->partition, again) ==
               WAIT_DONE &&
           give_balance(tool, target);
}

/* False: the run ends here. */
static bool
slave_one(struct tool *tool, const struct target *target, int *status)
{
    struct cluster_map *map = admin_map(tool);
    const struct node *node =
        map != NULL ? cluster_map_find(map, slice_str(target->key)) : NULL;
    bool go_on = true;

    if (map == NULL) {
        go_on = false;
    } else if (node == NULL) {
        output_error(&tool->out, "invalid 'hostname:port' pair: %s",
                     target->key);
        go_on = false;
    } else if (node->role != NODE_PROXY) {
        output_error(&tool->out, "%s is not a proxy.", target->key);
        if (node->role != NODE_SLAVE || node->partition != target->partition) {
            *status = STATUS_NG;
        }
    } else {
        switch (confirm(tool, target, node)) {
        case PROMPT_YES:
            go_on = construct(tool, target);
            break;
        case PROMPT_NO:
            break;
        case PROMPT_END:
            output_error(&tool->out, "%s is left as it is.", target->key);
            go_on = false;
            break;
        }
    }
    cluster_map_unref(map);
    return go_on;
}

static bool
check(struct tool *tool, struct targets *targets)
{
    for (int i = 0; i < targets->n; i++) {
        struct target *target = &targets->all[i];

        if (target->balance < 0) {
            output_error(&tool->out, "invalid balance '%s'.", target->word);
            return false;
        }
        if (target->nfields < 4) {
            target->partition = 0;
        }
        if (target->partition < 0) {
            output_error(&tool->out, "invalid partition '%s'.", target->word);
            return false;
        }
    }
    return true;
}

bool
build_slaves(struct tool *tool, struct targets *targets, int *status)
{
    bool go_on = true;

    *status = STATUS_OK;
    for (int i = 0; go_on && i < targets->n; i++) {
        go_on = slave_one(tool, &targets->all[i], status);
    }
    return go_on;
}

static int
run_slave(struct tool *tool, int nwords, char **words)
{
    struct targets targets;
    int status = STATUS_OK;

    if (!targets_parse(
            tool, nwords, words,
            (struct target_form){
                3, 4, " it must be hostname:port:balance:partition."},
            &targets)) {
        return STATUS_NG;
    }
    if (!check(tool, &targets) || !tool_open_index(tool, nwords, words) ||
        !build_slaves(tool, &targets, &status) ||
        !admin_finish(tool, &targets, false)) {
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
    TOOL_RETRY("10"),
    TOOL_STALL,
    TOOL_FLAG("without-clean", 0, without_clean,
              "don't clear datastore before construction"),
    TOOL_FLAG("clean", 0, clean,
              "clear datastore before construction (default)"),
};
/* clang-format on */

const struct subcommand cmd_slave = {
    .name = "slave",
    .usage = "hostname:port:balance:partition ...",
    .summary = "construct slaves from proxy nodes.",
    .about = "Empty a proxy (unless --without-clean) and make it a slave of "
             "a partition, 0 if none is named. It copies everything from its "
             "master and becomes active; then it is given its balance.",
    .example = "flare-admin slave node2:12121:1:0",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_slave,
};
