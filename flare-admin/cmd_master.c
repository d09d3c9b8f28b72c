/* master: make proxies the masters of partitions. */
#include <stdlib.h>
#include <string.h>

#include "flare-admin/admin.h"
#include "flare-admin/build.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"
#include "flare-admin/wait.h"

/* What became of one node. */
enum outcome {
    GOES_ON,  /* done or not wanted */
    FAILED,   /* the rest is worked off, without a table at the end */
    ENDS_ALL, /* nothing more happens */
};

/* Why this node may not become a master there; true when it may. */
static bool
may_become_master(struct tool *tool, const struct cluster_map *map,
                  const struct target *target, enum outcome *outcome)
{
    const struct node *node = cluster_map_find(map, slice_str(target->key));
    const struct node *master = cluster_map_master(map, target->partition);

    *outcome = FAILED;
    if (node == NULL) {
        output_error(&tool->out, "unknown host: %s", target->key);
        *outcome = ENDS_ALL;
        return false;
    }
    if (node->role == NODE_MASTER) {
        output_error(&tool->out, "no need to change the role of %s.",
                     admin_place(target).text);
        if (node->partition == target->partition) {
            *outcome = GOES_ON;
        }
        return false;
    }
    if (master != NULL &&
        (!tool->options.force || master->state != NODE_DOWN)) {
        output_error(&tool->out, "the partiton already has a master %s.",
                     master->key);
        return false;
    }
    if (node->role != NODE_PROXY) {
        output_error(&tool->out, "%s is not a proxy.", target->key);
        return false;
    }
    return true;
}

static enum prompt_answer
confirm(struct tool *tool, const struct cluster_map *map,
        const struct target *target)
{
    const struct node *node = cluster_map_find(map, slice_str(target->key));

    return admin_confirm(
        tool, "making the node master (node=%s, role=%s -> master)%s (y/n): ",
        admin_place(target).text, node_role_name(node->role),
        tool->options.without_clean
            ? ""
            : "\nitems stored in the node will be cleaned up (exec flush_all) "
              "before constructing it");
}

static enum outcome
activate(struct tool *tool, const struct target *target)
{
    switch (admin_confirm(
        tool, "changing node's state (node=%s, state=ready -> active) (y/n): ",
        admin_place(target).text)) {
    case PROMPT_YES:
        break;
    case PROMPT_NO:
        return GOES_ON;
    case PROMPT_END:
        output_error(&tool->out,
                     "%s is ready and has all its data, but serves nothing "
                     "until flare-admin activate.",
                     target->key);
        return ENDS_ALL;
    }
    if (!change_state(tool, target, "active")) {
        output_error(&tool->out, "failed to activate %s", target->key);
        return FAILED;
    }
    return GOES_ON;
}

static enum outcome
construct(struct tool *tool, const struct target *target)
{
    char again[NODE_KEY_MAX + 64];
    enum node_state state;

    (void)snprintf(again, sizeof(again), "flare-admin master %s", target->word);
    if (!tool->options.without_clean) {
        if (!change_flush(tool, target)) {
            output_note("executing flush_all failed.");
            return ENDS_ALL;
        }
        change_say(tool, "executed flush_all command before constructing the "
                         "master node.");
    }
    if (!change_role_stubbornly(tool, target, NODE_MASTER, target->balance,
                                target->partition)) {
        return prompt_interrupted() ? ENDS_ALL : FAILED;
    }
    change_say(tool, "started constructing the master node...");
    switch (wait_for_master(tool, target, target->partition, again, &state)) {
    case WAIT_DONE:
        break;
    case WAIT_FAILED:
        return FAILED;
    case WAIT_INTERRUPTED:
        return ENDS_ALL;
    }
    return tool->options.activate && state == NODE_READY
               ? activate(tool, target)
               : GOES_ON;
}

static enum outcome
master_one(struct tool *tool, const struct target *target)
{
    struct cluster_map *map = admin_map(tool);
    enum outcome outcome = ENDS_ALL;

    if (map == NULL) {
        return ENDS_ALL;
    }
    if (may_become_master(tool, map, target, &outcome)) {
        switch (confirm(tool, map, target)) {
        case PROMPT_YES:
            outcome = construct(tool, target);
            break;
        case PROMPT_NO:
            outcome = GOES_ON;
            break;
        case PROMPT_END:
            output_error(&tool->out, "%s is left as it is.", target->key);
            outcome = ENDS_ALL;
            break;
        }
    }
    cluster_map_unref(map);
    return outcome;
}

static int
by_partition(const void *va, const void *vb)
{
    const struct target *a = va;
    const struct target *b = vb;

    if (a->partition != b->partition) {
        return a->partition < b->partition ? -1 : 1;
    }
    return strcmp(a->key, b->key);
}

static bool
check(struct tool *tool, const struct targets *targets)
{
    for (int i = 0; i < targets->n; i++) {
        if (targets->all[i].balance <= 0) {
            output_error(&tool->out, "invalid balance '%s'.",
                         targets->all[i].word);
            return false;
        }
        if (targets->all[i].partition < 0) {
            output_error(&tool->out, "invalid partition '%s'.",
                         targets->all[i].word);
            return false;
        }
    }
    return true;
}

bool
build_masters(struct tool *tool, struct targets *targets)
{
    enum outcome outcome = GOES_ON;

    if (targets->n > 0) {
        qsort(targets->all, (size_t)targets->n, sizeof(*targets->all),
              by_partition);
    }
    for (int i = 0; outcome != ENDS_ALL && i < targets->n; i++) {
        enum outcome this = master_one(tool, &targets->all[i]);

        outcome = this > outcome ? this : outcome;
    }
    return outcome == GOES_ON;
}

static int
run_master(struct tool *tool, int nwords, char **words)
{
    struct targets targets;
    bool ok;

    if (!targets_parse(tool, nwords, words, (struct target_form){4, 4, ""},
                       &targets)) {
        return STATUS_NG;
    }
    ok = check(tool, &targets) && tool_open_index(tool, nwords, words) &&
         build_masters(tool, &targets) && admin_finish(tool, &targets, false);
    targets_fini(&targets);
    return ok ? STATUS_OK : STATUS_NG;
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
    TOOL_FLAG("activate", 0, activate, "change node's state from ready to "
              "active"),
    TOOL_FLAG("without-clean", 0, without_clean,
              "don't clear datastore before construction"),
};
/* clang-format on */

const struct subcommand cmd_master = {
    .name = "master",
    .usage = "hostname:port:balance:partition ...",
    .summary = "construct partitions with proxy nodes for masters.",
    .about = "Empty a proxy (unless --without-clean) and make it the master "
             "of a partition: of one whose number is the next free one, or "
             "with --force of one whose master is down. The first partition "
             "serves at once. Another one copies its keys from the existing "
             "masters, is ready then, and serves when it is activated: with "
             "--activate at once, otherwise with flare-admin activate.",
    .example = "flare-admin master node1:12121:1:0\n"
               "flare-admin master --activate node3:12121:1:1",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_master,
};
