/*
 * watch: the live view of flare-stats, on a terminal.
 *
 *     sampler (its own thread) -> round -> board -> lines -> the screen
 *     keys -----------------------------> board
 */
#ifndef FLARE_FLARE_STATS_WATCH_H
#define FLARE_FLARE_STATS_WATCH_H

#include "tool/tool.h"

/*
 * Until q, Ctrl-C or the end of the terminal; with --count of more than 1 so
 * many rounds.  The index is open.  Returns the exit status.
 */
int watch_run(struct tool *tool, int nwords, char **words);

#endif
