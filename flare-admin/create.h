/*
 * create: a layout for the subcommands that make clusters.
 */
#ifndef FLARE_FLARE_ADMIN_CREATE_H
#define FLARE_FLARE_ADMIN_CREATE_H

#include "flare-admin/admin.h"

/*
 * What flare-admin create does, with the index open.  Returns the exit status.
 */
int create_layout(struct tool *tool, int nwords, char **words);

#endif
