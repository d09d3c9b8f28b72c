#include "test/bench/hist.h"

#include <stddef.h>

/* Row r > 0 covers 64 << (r - 1) up to twice that, in equal steps. */
static size_t
place(uint64_t ns)
{
    unsigned row;

    if (ns < HIST_STEPS) {
        return (size_t)ns;
    }
    row = 58U - (unsigned)__builtin_clzll(ns);
    if (row >= HIST_ROWS) {
        return HIST_ROWS * HIST_STEPS - 1;
    }
    return (size_t)row * HIST_STEPS + (size_t)(ns >> (row - 1)) % HIST_STEPS;
}

static uint64_t
value_at(size_t at)
{
    size_t row = at / HIST_STEPS, step = at % HIST_STEPS;

    return row == 0 ? step : (uint64_t)(HIST_STEPS + step) << (row - 1);
}

void
hist_add(struct hist *hist, uint64_t ns)
{
    hist->count[place(ns)]++;
    hist->total++;
}

double
hist_us(const struct hist *hist, double share)
{
    uint64_t want = (uint64_t)((double)hist->total * share), seen = 0;

    for (size_t i = 0; i < HIST_ROWS * HIST_STEPS; i++) {
        seen += hist->count[i];
        if (seen > want) {
            return (double)value_at(i) / 1000;
        }
    }
    return 0;
}
