/*
 * admin: what the subcommands have in common.
 *
 * A subcommand is one file with one const struct subcommand; their list is in
 * admin.c.
 */
#ifndef FLARE_FLARE_ADMIN_ADMIN_H
#define FLARE_FLARE_ADMIN_ADMIN_H

#include "cli/prompt.h"
#include "cluster/map.h"
#include "tool/target.h"
#include "tool/tool.h"

enum { STATUS_OK = 0, STATUS_NG = 1, STATUS_USAGE = 2 };

extern const struct subcommand *const admin_subcommands[];

/* The nodes named on the command line. */
struct targets {
    struct target *all;
    int n;
};

/*
 * Parse words of this form.  False: none was given, or one is wrong and
 * "invalid argument 'WORD'.<hint>" was said.
 */
struct target_form {
    int min, max;     /* fields */
    const char *hint; /* follows the complaint */
};
bool targets_parse(struct tool *tool, int nwords, char **words,
                   struct target_form form, struct targets *out);
void targets_fini(struct targets *targets);

/* "invalid arguments: ..." */
void admin_refuse_words(struct tool *tool, int nwords, char **words);

/*
 * Ask the index for the map: NULL when it failed (said).  With --dry-run: the
 * map as it would be by now.
 */
struct cluster_map *admin_map(struct tool *tool);

/*
 * Print the table of the named nodes as they are now; through the log, which
 * adds an empty line, or directly.  targets NULL: of all nodes.
 */
bool admin_table(struct tool *tool, const struct targets *targets,
                 bool through_log);

/*
 * The same at the end of a subcommand that changes something; with --dry-run
 * the whole map as it would be, and what would be copied.
 */
bool admin_finish(struct tool *tool, const struct targets *targets,
                  bool through_log);

/* As prompt_yes(), and yes without asking with --force.  Says INTERRUPTED. */
enum prompt_answer admin_confirm(struct tool *tool, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "address:port" for questions. */
struct admin_place {
    char text[NODE_KEY_MAX + 1];
};
struct admin_place admin_place(const struct target *target);

#endif
