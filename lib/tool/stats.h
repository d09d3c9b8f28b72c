/*
 * stats: one line of numbers a node, once or again and again.
 *
 * The subcommand of flare-admin and all of flare-stats.
 */
#ifndef FLARE_TOOL_STATS_H
#define FLARE_TOOL_STATS_H

#include "cli/subcommand.h"
#include "tool/tool.h"

extern const struct subcommand tool_stats;

/* clang-format off */
#define TOOL_STATS_ROWS                                                        \
    TOOL_COMMON_ROWS,                                                          \
    TOOL_INDEX_ROWS,                                                           \
    TOOL_FLAG("qps", 'q', qps, "show qps"),                                    \
    TOOL_UINT("wait", 'w', interval, 86400, "1", "SECOND",                     \
              "specify wait time for repeat(second)"),                         \
    TOOL_UINT("count", 'c', count, 1000000000, "1", "REPEATTIME",              \
              "specify repeat count"),                                         \
    TOOL_TEXT("delimiter", 'd', delimiter, " ", "CHAR",                        \
              "specify delimiter"),                                            \
    TOOL_REPORT
/* clang-format on */

/* False, and said: one of the words is no HOST:PORT. */
bool stats_check_words(struct tool *tool, int nwords, char **words);

/* Seconds as the largest whole unit: "59s", "1m", "3h", "2d". */
void stats_uptime(uint64_t seconds, char *out, size_t size);

#endif
