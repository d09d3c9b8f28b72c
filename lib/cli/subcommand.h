/*
 * subcommand: one thing a tool can do, described as data.
 */
#ifndef FLARE_CLI_SUBCOMMAND_H
#define FLARE_CLI_SUBCOMMAND_H

#include "base/buf.h"
#include "conf/option.h"

struct tool;

struct subcommand {
    const char *name;
    const char *usage;   /* the words behind the options */
    const char *summary; /* a phrase */
    struct option_table options;
    /* words: what is left beside the options.  Returns the exit status. */
    int (*run)(struct tool *tool, int nwords, char **words);
};

/* NULL when there is none of that name.  The list ends with NULL. */
const struct subcommand *subcommand_find(const struct subcommand *const *list,
                                         const char *name);

/* The options, one a line (more for long ones). */
void subcommand_put_options(const struct subcommand *sub, struct buf *out);

/* `command` is how it is called: "flare-admin list". */
void subcommand_put_help(const struct subcommand *sub, const char *command,
                         struct buf *out);

/* All of them, in the order of the list. */
void subcommand_put_list(const struct subcommand *const *list,
                         const char *program, struct buf *out);

#endif
