/* check, fix: what is wrong with the cluster, and mending it. */
#include <stdio.h>
#include <string.h>

#include "flare-admin/build.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"
#include "flare-admin/findings.h"

static void
print(struct tool *tool, const struct findings *findings)
{
    static const struct table_column columns[] = {
        TABLE_COL_STATE("level"),      TABLE_COL_TEXT("node"),
        TABLE_COL_NUMBER("partition"), TABLE_COL_TEXT("finding"),
        TABLE_COL_TEXT("advice"),
    };
    struct table table = {.columns = columns, .ncolumns = 5, .fit = true};

    if (findings->n == 0 && !tool_for_programs(tool)) {
        output_info(&tool->out, "Everything is well.");
        return;
    }
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->all[i];

        table_cell(&table, f->level == FINDING_ERROR ? "error" : "warning");
        table_cell(&table, "%s", f->node[0] != '\0' ? f->node : "-");
        table_cell(&table, f->partition < 0 ? "-" : "%d", f->partition);
        table_cell(&table, "%s", f->text);
        table_cell(&table, "%s", f->advice);
    }
    tool_put_table(tool, &table, "  ", TOOL_DIRECT);
}

static int
run_check(struct tool *tool, int nwords, char **words)
{
    struct findings findings = {NULL, 0, 0};
    int status = STATUS_NG;

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_USAGE;
    }
    if (tool_open_index(tool, 0, NULL) && findings_take(&findings, tool)) {
        print(tool, &findings);
        if (findings.errors == 0 &&
            (findings.n == 0 || !tool->options.strict)) {
            status = STATUS_OK;
        }
    }
    findings_fini(&findings);
    return status;
}

static bool
mend(struct tool *tool, const struct finding *f)
{
    struct target target;
    struct targets one = {&target, 1};
    int status = STATUS_OK;

    (void)target_parse(f->node, &target);
    switch (f->remedy) {
    case REMEDY_ACTIVATE:
        return change_state(tool, &target, "active");
    case REMEDY_BALANCE:
        return change_role(tool, &target, NODE_MASTER, 1, f->partition);
    case REMEDY_SLAVE:
        target.balance = 1;
        target.partition = f->partition;
        return build_slaves(tool, &one, &status) && status == STATUS_OK;
    case REMEDY_NONE:
        break;
    }
    return false;
}

/* False: nobody answers, or it failed. */
static bool
offer(struct tool *tool, const struct finding *f)
{
    bool forced = tool->options.force;
    bool ok = true;

    if (f->remedy == REMEDY_NONE) {
        output_info(&tool->out, "%s: %s. This needs you: %s",
                    f->node[0] != '\0' ? f->node : "cluster", f->text,
                    f->advice);
        return f->level == FINDING_WARNING;
    }
    switch (admin_confirm(tool, "%s: %s. Do \"%s\" (y/n): ", f->node, f->text,
                          f->advice)) {
    case PROMPT_YES:
        tool->options.force = true; /* it was agreed to */
        ok = mend(tool, f);
        tool->options.force = forced;
        break;
    case PROMPT_NO:
        break;
    case PROMPT_END:
        ok = false;
        break;
    }
    return ok;
}

static int
run_fix(struct tool *tool, int nwords, char **words)
{
    struct findings findings = {NULL, 0, 0};
    bool ok;

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_USAGE;
    }
    ok = tool_open_index(tool, 0, NULL) && findings_take(&findings, tool);
    if (ok && findings.n == 0) {
        output_info(&tool->out, "Everything is well.");
    }
    for (size_t i = 0; i < findings.n && !prompt_interrupted(); i++) {
        ok = offer(tool, &findings.all[i]) && ok;
    }
    ok = ok && admin_finish(tool, NULL, false);
    findings_fini(&findings);
    return ok ? STATUS_OK : STATUS_NG;
}

/* clang-format off */
static const struct option_row check_rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_FLAG("strict", 0, strict, "warnings make it end with 1, too"),
};

static const struct option_row fix_rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_REPORT,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_RETRY("10"),
    TOOL_STALL,
    TOOL_FLAG("without-clean", 0, without_clean,
              "don't clear datastore before construction"),
};
/* clang-format on */

const struct subcommand cmd_check = {
    .name = "check",
    .usage = "",
    .summary = "look for anything that is wrong with the cluster.",
    .about = "Does every node answer and have the index server's map? Is every "
             "partition served, by more than one copy, on more than one host? "
             "Are the slaves connected and close to their masters, the "
             "versions equal? Every finding comes with what to do about it. "
             "Made for monitoring.",
    .example = "flare-admin check\nflare-admin check --strict -o json",
    .status = "there are errors (with --strict: or warnings), or the index "
              "server cannot be asked",
    .options = {check_rows, sizeof(check_rows) / sizeof(check_rows[0])},
    .run = run_check,
};

const struct subcommand cmd_fix = {
    .name = "fix",
    .usage = "",
    .summary = "mend what check finds, step by step.",
    .about = "Each step is shown and confirmed: nodes that answer but are down "
             "are activated, partitions with one copy get a spare proxy as "
             "slave, a partition nobody reads from gets a balance. What needs "
             "a person is said.",
    .example = "flare-admin fix --dry-run\nflare-admin fix",
    .status = "a step failed, or something is left that needs a person",
    .flags = SUB_CHANGES,
    .options = {fix_rows, sizeof(fix_rows) / sizeof(fix_rows[0])},
    .run = run_fix,
};
