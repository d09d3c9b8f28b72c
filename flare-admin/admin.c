#include "flare-admin/admin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/commands.h"
#include "flare-admin/plan.h"
#include "tool/nodes.h"
#include "tool/stats.h"

enum { QUESTION_MAX = 1024 };

bool
targets_parse(struct tool *tool, int nwords, char **words,
              struct target_form form, struct targets *out)
{
    *out = (struct targets){NULL, 0};
    if (nwords == 0) {
        (void)tool_misuse(tool);
        return false;
    }
    out->all = xcalloc((size_t)nwords, sizeof(*out->all));
    for (out->n = 0; out->n < nwords; out->n++) {
        struct target *target = &out->all[out->n];

        if (target_parse(words[out->n], target) == TARGET_BAD_FORM ||
            target->nfields < form.min || target->nfields > form.max) {
            output_error(&tool->out, "invalid argument '%s'.%s", words[out->n],
                         form.hint);
            targets_fini(out);
            return false;
        }
        if (target->port == 0) {
            output_error(&tool->out, "invalid nodekey '%s'.", words[out->n]);
            targets_fini(out);
            return false;
        }
    }
    return true;
}

void
admin_refuse_words(struct tool *tool, int nwords, char **words)
{
    struct buf text = {0};

    for (int i = 0; i < nwords; i++) {
        (void)(buf_put_str(&text, i > 0 ? " " : "") &&
               buf_put_str(&text, words[i]));
    }
    output_error(&tool->out, "invalid arguments: %.*s", (int)buf_len(&text),
                 buf_slice(&text).p);
    buf_fini(&text);
}

void
targets_fini(struct targets *targets)
{
    free(targets->all);
    *targets = (struct targets){NULL, 0};
}

struct cluster_map *
admin_map(struct tool *tool)
{
    if (tool->options.dry_run) {
        return plan_map(tool);
    }
    return nodes_fetch(&tool->index);
}

static bool
is_named(const struct node *node, const struct targets *targets)
{
    for (int i = 0; targets != NULL && i < targets->n; i++) {
        if (strcmp(targets->all[i].key, node->key) == 0) {
            return true;
        }
    }
    return targets == NULL;
}

bool
admin_table(struct tool *tool, const struct targets *targets, bool through_log)
{
    struct cluster_map *map = admin_map(tool);
    const struct node **nodes;
    struct table table;

    if (map == NULL) {
        return false;
    }
    nodes = xcalloc(map->nnodes + 1, sizeof(const void *));
    for (size_t i = 0; i < map->nnodes; i++) {
        nodes[i] = is_named(&map->node[i], targets) ? &map->node[i] : NULL;
    }
    table = nodes_table(nodes, map->nnodes, false);
    tool_put_table(tool, &table, " ", through_log ? TOOL_LOG_GAP : TOOL_DIRECT);
    free(nodes);
    cluster_map_unref(map);
    return true;
}

bool
admin_finish(struct tool *tool, const struct targets *targets, bool through_log)
{
    if (tool->options.dry_run) {
        return plan_show(tool);
    }
    return admin_table(tool, targets, through_log);
}

enum prompt_answer
admin_confirm(struct tool *tool, const char *fmt, ...)
{
    char question[QUESTION_MAX];
    enum prompt_answer answer;
    va_list ap;

    if (tool->options.force ||
        (tool->options.dry_run && (tool->sub->flags & SUB_CLASSIC) == 0)) {
        return PROMPT_YES;
    }
    va_start(ap, fmt);
    (void)vsnprintf(question, sizeof(question), fmt, ap);
    va_end(ap);
    answer = prompt_yes(question);
    if (answer == PROMPT_END && prompt_interrupted()) {
        output_error(&tool->out, "INTERRUPTED");
    }
    return answer;
}

struct admin_place
admin_place(const struct target *target)
{
    char address[NODE_HOST_MAX + 1];
    struct admin_place place;

    target_address(target->host, address, sizeof(address));
    (void)snprintf(place.text, sizeof(place.text), "%s:%u", address,
                   (unsigned)target->port);
    return place;
}

/* clang-format off */
const struct subcommand *const admin_subcommands[] = {
    &cmd_activate,
    &cmd_add_node,
    &cmd_add_slave,
    &cmd_backup,
    &cmd_balance,
    &cmd_call,
    &cmd_check,
    &cmd_cluster,
    &cmd_completion,
    &cmd_create,
    &cmd_del_node,
    &cmd_deploy,
    &cmd_distribution,
    &cmd_down,
    &cmd_dump,
    &cmd_dumpkey,
    &cmd_failback,
    &cmd_failover_list,
    &cmd_failover_with_dir,
    &cmd_fix,
    &cmd_force_failover,
    &cmd_import,
    &cmd_index,
    &cmd_info,
    &cmd_list,
    &cmd_master,
    &cmd_masters_with_dir,
    &cmd_nodes_with_dir,
    &cmd_part,
    &cmd_ping,
    &cmd_rebalance,
    &cmd_reconstruct,
    &cmd_remove,
    &cmd_reset_distribution,
    &cmd_restore,
    &cmd_rowcount,
    &cmd_scaleout,
    &cmd_slave,
    &tool_stats,
    &cmd_summary,
    &cmd_switchover,
    &cmd_threads,
    &cmd_tree,
    &cmd_verify,
    NULL,
};
/* clang-format on */
