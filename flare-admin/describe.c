/*
 * describe: parts of the manual page and the completion script, from the
 * tables.  Usage: describe subcommands|options|completion
 */
#include <stdio.h>
#include <string.h>

#include "flare-admin/admin.h"

int
main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    struct buf text = {0};

    if (strcmp(what, "subcommands") == 0) {
        subcommand_put_manual(admin_subcommands, &tool_common_options, &text);
    } else if (strcmp(what, "options") == 0) {
        subcommand_put_options_manual(&tool_common_options, &text);
    } else {
        subcommand_put_completion(admin_subcommands, "flare-admin", &text);
    }
    output_text(buf_slice(&text));
    buf_fini(&text);
    return 0;
}
