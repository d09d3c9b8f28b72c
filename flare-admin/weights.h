/*
 * weights: read weights that give every host the same share of the reads.
 *
 * Pure.  Every partition gets an equal share of all reads; within a partition
 * they go to its active copies by weight.
 */
#ifndef FLARE_FLARE_ADMIN_WEIGHTS_H
#define FLARE_FLARE_ADMIN_WEIGHTS_H

#include <stddef.h>

#include "base/slice.h"

enum { WEIGHT_MAX = 100 };

struct weight_copy {
    struct slice host;
    int partition;
    int weight;   /* now; result */
    double share; /* result: of all reads, 0 to 1 */
};

/* Set the shares that the weights give, of so many partitions. */
void weights_shares(struct weight_copy *copies, size_t n, int partitions);

/* Set weights, 1 to WEIGHT_MAX, and their shares. */
void weights_even(struct weight_copy *copies, size_t n, int partitions);

/*
 * How far a host's share is from an equal one at most, in percent of that; a
 * host counts when it has a copy.
 */
double weights_deviation(const struct weight_copy *copies, size_t n);

#endif
