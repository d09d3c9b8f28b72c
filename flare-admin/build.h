/*
 * build: make proxies masters and slaves, as the subcommands of these names
 * do, for the subcommands that do it among other things.
 */
#ifndef FLARE_FLARE_ADMIN_BUILD_H
#define FLARE_FLARE_ADMIN_BUILD_H

#include "flare-admin/admin.h"

/*
 * All four fields of the targets are set.  Asks, waits and says what happens;
 * false when something went wrong.  A slave that is something else already is
 * passed over, with *status set.  Sorts the masters.
 */
bool build_masters(struct tool *tool, struct targets *targets);
bool build_slaves(struct tool *tool, struct targets *targets, int *status);

#endif
