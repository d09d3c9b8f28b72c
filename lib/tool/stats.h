/*
 * stats: one line of numbers a node, once or again and again.
 *
 * The subcommand of flare-admin and all of flare-stats.
 */
#ifndef FLARE_TOOL_STATS_H
#define FLARE_TOOL_STATS_H

#include "cli/subcommand.h"

extern const struct subcommand tool_stats;

/* Seconds as the largest whole unit: "59s", "1m", "3h", "2d". */
void stats_uptime(uint64_t seconds, char *out, size_t size);

#endif
