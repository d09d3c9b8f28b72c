/* flare-admin: change and look at a flare cluster. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/admin.h"

static const char program[] = "flare-admin";

/* Status 1 even when it was asked for: so has it always been. */
static int
say_subcommands(const char *word)
{
    struct buf text = {0};

    if (strcmp(word, "help") != 0 && strcmp(word, "--help") != 0 &&
        strcmp(word, "-h") != 0) {
        (void)buf_printf(&text, "unknown subcommand '%s'\n", word);
    }
    subcommand_put_list(admin_subcommands, program, &text);
    output_text(buf_slice(&text));
    buf_fini(&text);
    return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    bool help = strcmp(word, "help") == 0 && argc > 2;
    const struct subcommand *sub =
        subcommand_find(admin_subcommands, help ? argv[2] : word);
    char *ask_help[] = {xstrdup("--help")};
    char *command;
    int status;

    if (strcmp(word, "--version") == 0 || strcmp(word, "-v") == 0) {
        (void)printf("%s %s\n", program, PACKAGE_VERSION);
        status = EXIT_SUCCESS;
    } else if (sub == NULL) {
        status = say_subcommands(help ? argv[2] : word);
    } else {
        command = xasprintf("%s %s", program, sub->name);
        status = help ? tool_run(program, command, sub, 1, ask_help)
                      : tool_run(program, command, sub, argc - 2, argv + 2);
        free(command);
    }
    free(ask_help[0]);
    return status;
}
