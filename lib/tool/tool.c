#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/args.h"
#include "cli/prompt.h"

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
        *status = EXIT_FAILURE; /* so has it always been */
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
    prompt_init();
    status = tool->sub->run(tool, nwords, words);
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
    } else {
        status = run(&tool, nwords, argv);
    }
    option_free(&sub->options, &tool.options);
    return status;
}
