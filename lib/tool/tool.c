#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/prompt.h"

/* clang-format off */
static const struct option_row common_rows[] = {
    TOOL_COMMON_ROWS,
    TOOL_INDEX_ROWS,
    TOOL_DRY_RUN,
    TOOL_FORCE,
    TOOL_REPORT,
};
/* clang-format on */

const struct option_table tool_common_options = {
    common_rows, sizeof(common_rows) / sizeof(common_rows[0])};

int
tool_misuse(struct tool *tool)
{
    output_error(&tool->out, "Usage: %s [options]%s%s", tool->command,
                 tool->sub->usage[0] != '\0' ? " " : "", tool->sub->usage);
    return subcommand_misuse(tool->sub);
}

bool
tool_for_programs(const struct tool *tool)
{
    return tool->options.report != NULL &&
           strcmp(tool->options.report, "table") != 0;
}

static bool
may_paint(void)
{
    const char *never = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) == 1 && (never == NULL || *never == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

void
tool_put_table(struct tool *tool, struct table *table, const char *separator,
               enum tool_channel channel)
{
    struct buf text = {0};

    if (tool_for_programs(tool)) {
        if (strcmp(tool->options.report, "json") == 0) {
            table_put_json(table, &text);
        } else {
            table_put_csv(table, &text);
        }
        channel = TOOL_DIRECT;
    } else {
        table->paint = may_paint() && tool->out.file == NULL;
        table_put(table, separator, &text);
    }
    if (channel == TOOL_DIRECT) {
        output_text(buf_slice(&text));
    } else {
        buf_truncate(&text, buf_len(&text) - (channel == TOOL_LOG ? 1 : 0));
        output_info(&tool->out, "%.*s", (int)buf_len(&text),
                    buf_slice(&text).p);
    }
    table_fini(table);
    buf_fini(&text);
}

static void
say_help(const struct tool *tool)
{
    struct buf text = {0};

    subcommand_put_help(tool->sub, tool->command, &text);
    output_text(buf_slice(&text));
    buf_fini(&text);
}

/* Options that end the run before it begins; status is set then. */
static bool
ends_early(const struct tool *tool, int *status)
{
    if (tool->options.version) {
        (void)printf("%s %s\n", tool->program, PACKAGE_VERSION);
        *status = EXIT_SUCCESS;
        return true;
    }
    if (tool->options.help) {
        say_help(tool);
        *status = subcommand_misuse(tool->sub) == EXIT_FAILURE
                      ? EXIT_FAILURE /* so has it always been */
                      : EXIT_SUCCESS;
        return true;
    }
    return false;
}

static int
run(struct tool *tool, int nwords, char **words)
{
    const char *log_file = tool->options.log_file;
    struct err err;
    int status;

    if (ends_early(tool, &status)) {
        return status;
    }
    if (strcmp(log_file, "-") == 0) {
        log_file = NULL;
    }
    if (output_open(&tool->out, tool->command, log_file, &err) != 0) {
        (void)printf("%s\n", err.msg);
        return EXIT_FAILURE;
    }
    tool->out.aside = tool_for_programs(tool);
    prompt_init();
    status = tool->sub->run(tool, nwords, words);
    if (tool->at_end != NULL) {
        tool->at_end(tool);
    }
    server_close(&tool->index);
    output_close(&tool->out);
    return status;
}

int
tool_run(const char *program, const char *command, const struct subcommand *sub,
         int argc, char **argv)
{
    struct tool tool = {.program = program, .command = command, .sub = sub};
    struct err err;
    int nwords;
    int status = EXIT_FAILURE;

    if (option_defaults(&sub->options, &tool.options, &err) != 0) {
        (void)printf("%s\n", err.msg);
    } else if (args_parse(&sub->options, &tool.options, argc, argv, &nwords,
                          &err) != 0) {
        (void)printf("%s\n", err.msg);
        say_help(&tool);
        status = subcommand_misuse(sub);
    } else {
        status = run(&tool, nwords, argv);
    }
    option_free(&sub->options, &tool.options);
    return status;
}
