/*
 * hist: how long things took, in buckets that are narrow where times are short.
 *
 * Log-linear, as HdrHistogram: every power of two is cut in 32, so a value is
 * known to 3 %, from 1 us to a minute.  One thread writes, any may read.
 */
#ifndef FLARE_STATS_HIST_H
#define FLARE_STATS_HIST_H

#include <stdatomic.h>
#include <stdint.h>

enum {
    HIST_SUB_BITS = 5,    /* buckets in a power of two: 32 */
    HIST_FIRST_BITS = 10, /* below 1024 ns everything is one bucket */
    HIST_LAST_BITS = 36,  /* beyond 69 s too */
    HIST_BUCKETS = 2 + ((HIST_LAST_BITS - HIST_FIRST_BITS) << HIST_SUB_BITS),
};

struct hist {
    _Atomic(uint64_t) bucket[HIST_BUCKETS];
    _Atomic(uint64_t) sum_ns;
    _Atomic(uint64_t) max_ns;
};

/* Of several threads, added up. */
struct hist_total {
    uint64_t bucket[HIST_BUCKETS];
    uint64_t count, sum_ns, max_ns;
};

/* `n` things took so long each; negative counts as 0.  The owner's thread. */
void hist_add(struct hist *hist, int64_t ns, uint64_t n);

/* Likewise. */
void hist_reset(struct hist *hist);

/* Any thread.  Begin with a zeroed total. */
void hist_sum(struct hist_total *to, const struct hist *from);

unsigned hist_bucket_of(uint64_t ns);
uint64_t hist_upper_ns(unsigned bucket); /* no value in it is longer */

/*
 * What so many of 10,000 did not exceed, to the upper end of their bucket, and
 * never more than the longest; 0 of nothing.
 */
uint64_t hist_quantile_ns(const struct hist_total *total, unsigned of_10000);

#endif
