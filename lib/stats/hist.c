#include "stats/hist.h"

enum { SUB = 1 << HIST_SUB_BITS };

unsigned
hist_bucket_of(uint64_t ns)
{
    unsigned bits;

    if (ns >> HIST_FIRST_BITS == 0) {
        return 0;
    }
    if (ns >> HIST_LAST_BITS != 0) {
        return HIST_BUCKETS - 1;
    }
    bits = 63 - (unsigned)__builtin_clzll(ns);
    return 1 + ((bits - HIST_FIRST_BITS) << HIST_SUB_BITS) +
           (unsigned)((ns >> (bits - HIST_SUB_BITS)) & (SUB - 1));
}

uint64_t
hist_upper_ns(unsigned bucket)
{
    unsigned bits;
    uint64_t sub;

    if (bucket == 0) {
        return (UINT64_C(1) << HIST_FIRST_BITS) - 1;
    }
    if (bucket >= HIST_BUCKETS - 1) {
        return UINT64_MAX;
    }
    bits = HIST_FIRST_BITS + ((bucket - 1) >> HIST_SUB_BITS);
    sub = SUB + ((bucket - 1) & (SUB - 1));
    return ((sub + 1) << (bits - HIST_SUB_BITS)) - 1;
}

/* One writer: no read-modify-write is needed. */
static void
add(_Atomic(uint64_t) *to, uint64_t n)
{
    atomic_store_explicit(to,
                          atomic_load_explicit(to, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void
hist_add(struct hist *hist, int64_t ns, uint64_t n)
{
    uint64_t took = ns > 0 ? (uint64_t)ns : 0;

    add(&hist->bucket[hist_bucket_of(took)], n);
    add(&hist->sum_ns, took * n);
    if (took > atomic_load_explicit(&hist->max_ns, memory_order_relaxed)) {
        atomic_store_explicit(&hist->max_ns, took, memory_order_relaxed);
    }
}

void
hist_reset(struct hist *hist)
{
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        atomic_store_explicit(&hist->bucket[i], 0, memory_order_relaxed);
    }
    atomic_store_explicit(&hist->sum_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&hist->max_ns, 0, memory_order_relaxed);
}

void
hist_sum(struct hist_total *to, const struct hist *from)
{
    uint64_t max = atomic_load_explicit(&from->max_ns, memory_order_relaxed);

    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        uint64_t n =
            atomic_load_explicit(&from->bucket[i], memory_order_relaxed);

        to->bucket[i] += n;
        to->count += n;
    }
    to->sum_ns += atomic_load_explicit(&from->sum_ns, memory_order_relaxed);
    if (max > to->max_ns) {
        to->max_ns = max;
    }
}

uint64_t
hist_quantile_ns(const struct hist_total *total, unsigned of_10000)
{
    uint64_t rank = (total->count * of_10000 + 9999) / 10000;
    uint64_t seen = 0;
    unsigned i = 0;

    if (total->count == 0) {
        return 0;
    }
    for (; i < HIST_BUCKETS - 1; i++) {
        seen += total->bucket[i];
        if (seen >= rank && seen > 0) {
            break;
        }
    }
    return hist_upper_ns(i) < total->max_ns ? hist_upper_ns(i) : total->max_ns;
}
