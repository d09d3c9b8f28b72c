/* completion: the script that completes command lines in bash. */
#include "flare-admin/admin.h"
#include "flare-admin/commands.h"

static int
run_completion(struct tool *tool, int nwords, char **words)
{
    struct buf text = {0};

    if (nwords > 0) {
        admin_refuse_words(tool, nwords, words);
        return STATUS_USAGE;
    }
    subcommand_put_completion(admin_subcommands, tool->program, &text);
    output_text(buf_slice(&text));
    buf_fini(&text);
    return STATUS_OK;
}

/* clang-format off */
static const struct option_row rows[] = {
    TOOL_COMMON_ROWS,
};
/* clang-format on */

const struct subcommand cmd_completion = {
    .name = "completion",
    .usage = "",
    .summary = "print the completion script for bash.",
    .about = "Subcommands, options, their values and the cluster's nodes are "
             "completed. Packages install it; otherwise source it.",
    .example = "source <(flare-admin completion)",
    .options = {rows, sizeof(rows) / sizeof(rows[0])},
    .run = run_completion,
};
