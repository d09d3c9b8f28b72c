/*
 * plan: what --dry-run changes instead of the cluster.
 *
 * The subcommands run as they would; what they ask of the index is decided by
 * the index's own rules (index/step.h) on a copy of its map, and what would be
 * copied is written down.
 */
#ifndef FLARE_FLARE_ADMIN_PLAN_H
#define FLARE_FLARE_ADMIN_PLAN_H

#include "flare-admin/admin.h"
#include "index/event.h"

/* The map as it would be; NULL: the index cannot be asked (said). */
struct cluster_map *plan_map(struct tool *tool);

/* Let something happen to that map.  False: refused (said). */
bool plan_step(struct tool *tool, struct index_event event);

/* A copy ends: the node becomes ready or active.  What moved is noted. */
bool plan_copied(struct tool *tool, const struct target *target);

/* A line about something that would be done to a node. */
void plan_note(struct tool *tool, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Print the map as it would be, and what would be copied. */
bool plan_show(struct tool *tool);

#endif
