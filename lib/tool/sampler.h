/*
 * sampler: rounds of samples, taken on a thread of its own.
 *
 * So that whoever shows them goes on answering keys while a node hangs.
 */
#ifndef FLARE_TOOL_SAMPLER_H
#define FLARE_TOOL_SAMPLER_H

#include "tool/sample.h"

struct sampler;

/*
 * Begin.  The tool's connection to the index, which is open, and its log are
 * the thread's until sampler_stop(); it says nothing on the terminal.  NULL:
 * there is no thread to be had.
 */
struct sampler *sampler_start(struct tool *tool, int nwords, char **words,
                              int64_t every_ms);

/* A round that was not taken before, the caller's now; false: none yet. */
bool sampler_take(struct sampler *sampler, struct round *out);

/* Since when the index has not answered; false: it did, last time. */
bool sampler_in_trouble(struct sampler *sampler, struct mono *since);

/* Waits for the round under way, for some seconds at most. */
void sampler_stop(struct sampler *sampler);

#endif
