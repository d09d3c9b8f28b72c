/* remove: take dead proxies out of the map. */
#include <string.h>

#include "flare-admin/admin.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"

static bool
remove_stubbornly(struct tool *tool, const struct target *target)
{
    for (uint64_t i = 0; i <= tool->options.retry; i++) {
        if (!tool->options.dry_run) {
            output_info(&tool->out, "removing %s.", target->key);
        }
        if (change_remove(tool, target)) {
            return true;
        }
    }
    output_error(&tool->out, "node remove failed. (node=%s)", target->key);
    return false;
}

/* False: the run ends here. */
static bool
remove_one(struct tool *tool, const struct cluster_map *map,
           const struct target *target, int *status)
{
    const struct node *node = cluster_map_find(map, slice_str(target->key));

    if (node == NULL) {
        output_error(&tool->out, "node not found in cluster. (node=%s)",
                     target->key);
        *status = STATUS_NG;
        return true;
    }
    if (node->role != NODE_PROXY || node->state != NODE_DOWN) {
        output_error(&tool->out,
                     "node should role=proxy and state=down. (node=%s role=%s "
                     "state=%s)",
                     target->key, node_role_name(node->role),
                     node_state_name(node->state));
        return false;
    }
    if (admin_confirm(tool,
                      "remove the node from a cluster (node=%s, role=%s, "
                      "state=%s) (y/n): ",
                      target->key, node_role_name(node->role),
                      node_state_name(node->state)) != PROMPT_YES) {
        return false;
    }
    return remove_stubbornly(tool, target);
}

static int
run_remove(struct tool *tool, int nwords, char **words)
{
    struct targets targets = {NULL, 0};
    struct cluster_map *map = NULL;
    int status = STATUS_OK;
    bool ok = true;

    if (nwords > 0 &&
        !targets_parse(tool, nwords, words,
                       (struct target_form){2, 2, " it must be hostname:port."},
                       &targets)) {
        return STATUS_NG;
    }
    if (tool_open_index(tool, nwords, words)) {
        map = admin_map(tool);
    }
    for (int i = 0; map != NULL && ok && i < targets.n; i++) {
        ok = remove_one(tool, map, &targets.all[i], &status);
    }
    ok = ok && map != NULL;
    if (ok) {
        change_say(tool, "");
        ok = admin_finish(tool, NULL, true);
    }
    cluster_map_unref(map);
    targets_fini(&targets);
    return ok ? status : STATUS_NG;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_RETRY("0"),
};
/* clang-format on */

const struct subcommand cmd_remove = {
    .name = "remove",
    .usage = "hostname:port ...",
    .summary = "remove a node. (only available when proxy and down)",
    .about = "Take proxies that are down out of the map. A node that still "
             "runs joins again when it is restarted.",
    .example = "flare-admin down node4:12121\n"
               "flare-admin remove node4:12121",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_remove,
};
