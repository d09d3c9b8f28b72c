/*
 * subcommand: one thing a tool can do, described as data.
 *
 * --help, the manual page and the completion for bash are made from these
 * rows; what a subcommand does not say here it does not do.
 */
#ifndef FLARE_CLI_SUBCOMMAND_H
#define FLARE_CLI_SUBCOMMAND_H

#include "base/buf.h"
#include "conf/option.h"

struct tool;

enum subcommand_flags {
    /* Of flare-tools: wrong usage and --help end with 1, as they always did. */
    SUB_CLASSIC = 1 << 0,
    SUB_CHANGES = 1 << 1, /* it changes something; has --dry-run and --yes */
};

struct subcommand {
    const char *name;
    const char *usage;   /* the words behind the options */
    const char *summary; /* a phrase */
    const char *about;   /* what one has to know, in sentences; or NULL */
    const char *example; /* command lines, one a line; or NULL */
    const char *status;  /* what an exit status of 1 means; NULL: it failed */
    /*
     * What the words are, for completion: "node", "file", or the words
     * themselves; NULL: nothing to offer.
     */
    const char *complete;
    unsigned flags;
    struct option_table options;
    /* words: what is left beside the options.  Returns the exit status. */
    int (*run)(struct tool *tool, int nwords, char **words);
};

/* NULL when there is none of that name.  The list ends with NULL. */
const struct subcommand *subcommand_find(const struct subcommand *const *list,
                                         const char *name);

/* What wrong usage ends with. */
int subcommand_misuse(const struct subcommand *sub);

/* The options, one a line (more for long ones). */
void subcommand_put_options(const struct subcommand *sub, struct buf *out);

/* `command` is how it is called: "flare-admin list". */
void subcommand_put_help(const struct subcommand *sub, const char *command,
                         struct buf *out);

/* All of them, in the order of the list. */
void subcommand_put_list(const struct subcommand *const *list,
                         const char *program, struct buf *out);

/*
 * For the manual page: a paragraph each.  Rows of `common` are left out: they
 * are described once for all, by the other function.
 */
void subcommand_put_manual(const struct subcommand *const *list,
                           const struct option_table *common, struct buf *out);
void subcommand_put_options_manual(const struct option_table *options,
                                   struct buf *out);

/* A script that completes the program's command lines in bash. */
void subcommand_put_completion(const struct subcommand *const *list,
                               const char *program, struct buf *out);

#endif
