#include "cli/subcommand.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_WIDTH = 32 };

const struct subcommand *
subcommand_find(const struct subcommand *const *list, const char *name)
{
    for (; *list != NULL; list++) {
        if (strcmp((*list)->name, name) == 0) {
            return *list;
        }
    }
    return NULL;
}

void
subcommand_put_options(const struct subcommand *sub, struct buf *out)
{
    for (size_t i = 0; i < sub->options.nrows; i++) {
        const struct option_row *row = &sub->options.rows[i];
        char left[80];
        char letter[5] = "    ";

        if (row->letter != '\0') {
            (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
        }
        (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
                       row->unit != NULL ? "=" : "",
                       row->unit != NULL ? row->unit : "");
        if (strlen(left) > OPTION_WIDTH) {
            (void)buf_printf(out, "    %s\n%*s%s\n", left, OPTION_WIDTH + 5, "",
                             row->help);
        } else {
            (void)buf_printf(out, "    %-*s %s\n", OPTION_WIDTH, left,
                             row->help);
        }
    }
}

void
subcommand_put_help(const struct subcommand *sub, const char *command,
                    struct buf *out)
{
    (void)buf_printf(out, "Flare-tools version %s\nUsage: %s [options]%s%s\n",
                     PACKAGE_VERSION, command, sub->usage[0] != '\0' ? " " : "",
                     sub->usage);
    subcommand_put_options(sub, out);
}

void
subcommand_put_list(const struct subcommand *const *list, const char *program,
                    struct buf *out)
{
    (void)buf_put_str(out, "subcommands:\n");
    for (; *list != NULL; list++) {
        (void)buf_printf(out, "[%s] %s\n", (*list)->name, (*list)->summary);
        subcommand_put_options(*list, out);
        (void)buf_printf(out, "  Usage: %s %s %s\n\n", program, (*list)->name,
                         (*list)->usage);
    }
}
