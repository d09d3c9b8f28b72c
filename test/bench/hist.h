/*
 * hist: how long requests took, to within 2 per cent, in a fixed table.
 */
#ifndef FLARE_TEST_BENCH_HIST_H
#define FLARE_TEST_BENCH_HIST_H

#include <stdint.h>

enum { HIST_STEPS = 64, HIST_ROWS = 36 };

struct hist {
    uint64_t count[HIST_ROWS * HIST_STEPS];
    uint64_t total;
};

/* Time in ns; anything above about an hour counts as that. */
void hist_add(struct hist *hist, uint64_t ns);

/* The time that `share` (0..1) of all requests needed at most, in us. */
double hist_us(const struct hist *hist, double share);

#endif
