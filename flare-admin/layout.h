/*
 * layout: which nodes become masters and slaves of which partitions.
 *
 * Pure.  Copies of a partition are spread over hosts as far as it can be done,
 * and so are the masters.
 */
#ifndef FLARE_FLARE_ADMIN_LAYOUT_H
#define FLARE_FLARE_ADMIN_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct layout_node {
    struct slice host; /* what counts as one machine */
    int partition;     /* result; -1: not used */
    bool master;       /* result */
};

/*
 * Give out n nodes: `partitions` masters numbered from `first`, each with
 * copies - 1 slaves.  n must be partitions * copies at least; what is over
 * stays unused.  Returns how many partitions have two copies on one host.
 */
int layout_make(struct layout_node *nodes, size_t n, int first, int partitions,
                int copies);

#endif
