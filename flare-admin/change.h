/*
 * change: what is asked of the index and of nodes, with retries; and what
 * is only planned with --dry-run.
 */
#ifndef FLARE_FLARE_ADMIN_CHANGE_H
#define FLARE_FLARE_ADMIN_CHANGE_H

#include "flare-admin/admin.h"

/* What has been done, for the log; with --dry-run it has not. */
void change_say(struct tool *tool, const char *text);

/*
 * Make sure that the node knows it is a proxy, then empty it.  False: said why
 * not, and nothing was removed unless the node itself reported a failure.
 */
bool change_flush(struct tool *tool, const struct target *target);

/* "node role ..."; false: refused (said). */
bool change_role(struct tool *tool, const struct target *target,
                 enum node_role role, int balance, int partition);

/*
 * The same, as often as --retry says with growing pauses.  False: said why, or
 * that an interrupt ended it.
 */
bool change_role_stubbornly(struct tool *tool, const struct target *target,
                            enum node_role role, int balance, int partition);

/* "node state ..."; false: refused (said). */
bool change_state(struct tool *tool, const struct target *target,
                  const char *state);

/*
 * "node switchover ...": this slave and its master swap roles.  quietly: an
 * index that cannot do it (flare 1.3.4's) or a refusal is not said.
 */
bool change_switchover(struct tool *tool, const struct target *slave,
                       bool quietly);

/*
 * Before a master is taken down: let the slave that would follow take over
 * while both are well.  If that does not work the index decides as ever.
 */
void change_hand_over(struct tool *tool, const struct cluster_map *map,
                      const struct node *node);

/* "node remove ..."; false: refused (said). */
bool change_remove(struct tool *tool, const struct target *target);

#endif
