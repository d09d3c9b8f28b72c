/* part: whole partitions, masters first, then their slaves. */
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/build.h"
#include "flare-admin/change.h"
#include "flare-admin/commands.h"

static bool
check(struct tool *tool, const struct targets *targets)
{
    for (int i = 0; i < targets->n; i++) {
        const struct target *target = &targets->all[i];

        if (target->balance < 0 || target->partition < 0) {
            output_error(&tool->out, "invalid argument '%s'.", target->word);
            return false;
        }
    }
    return true;
}

/* Was the partition named before? */
static bool
named_before(const struct targets *all, int at)
{
    for (int i = 0; i < at; i++) {
        if (all->all[i].partition == all->all[at].partition) {
            return true;
        }
    }
    return false;
}

/* Of each partition the first node becomes its master. */
static void
divide(const struct targets *all, struct targets *masters,
       struct targets *slaves)
{
    for (int i = 0; i < all->n; i++) {
        struct targets *to = named_before(all, i) ? slaves : masters;

        to->all[to->n++] = all->all[i];
    }
}

static int
run_part(struct tool *tool, int nwords, char **words)
{
    struct targets all;
    struct targets masters = {NULL, 0};
    struct targets slaves = {NULL, 0};
    int status = STATUS_OK;
    bool ok;

    if (!targets_parse(tool, nwords, words, (struct target_form){4, 4, ""},
                       &all)) {
        return STATUS_NG;
    }
    masters.all = xcalloc((size_t)all.n, sizeof(*all.all));
    slaves.all = xcalloc((size_t)all.n, sizeof(*all.all));
    divide(&all, &masters, &slaves);
    ok = check(tool, &all) && tool_open_index(tool, nwords, words);
    if (ok) {
        change_say(tool, "master:");
        ok = build_masters(tool, &masters);
    }
    if (ok && !tool->options.dry_run && !tool_for_programs(tool)) {
        ok = admin_table(tool, &masters, false);
    }
    if (ok) {
        change_say(tool, "slaves:");
        ok = build_slaves(tool, &slaves, &status) &&
             admin_finish(tool, &slaves, false);
    }
    targets_fini(&all);
    targets_fini(&masters);
    targets_fini(&slaves);
    return ok ? status : STATUS_NG;
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
    {.name = "activate", .type = OPTION_BOOL, .offset = TOOL_AT(activate),
     .fallback = "true", .help = "activate the masters (always so)"},
    TOOL_FLAG("without-clean", 0, without_clean,
              "don't clear datastore before construction"),
};
/* clang-format on */

const struct subcommand cmd_part = {
    .name = "part",
    .usage = "hostname:port:balance:partition ...",
    .summary = "construct whole partitions with proxy nodes.",
    .about = "Of each partition the first node named becomes its master and is "
             "activated, in the order of the partitions; then the others "
             "become slaves. It is master --activate and slave in one.",
    .example = "flare-admin part node1:12121:1:0 node2:12121:1:0 "
               "node3:12121:1:1",
    .complete = "node",
    .flags = SUB_CLASSIC | SUB_CHANGES,
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_part,
};
