/*
 * rand: a small seeded generator (xorshift64*), passed as an argument so that
 * whatever uses it can be repeated.  Not for secrets.
 */
#ifndef FLARE_BASE_RAND_H
#define FLARE_BASE_RAND_H

#include <stdint.h>

struct rand {
    uint64_t state;
};

void rand_init(struct rand *r, uint64_t seed);
uint64_t rand_u64(struct rand *r);

/* 0 .. n-1; n must not be 0. */
uint32_t rand_below(struct rand *r, uint32_t n);

#endif
