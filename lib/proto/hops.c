#include "proto/request.h"

bool
hops_contain(struct slice hops, struct slice self)
{
    while (hops.n > 0) {
        if (slice_eq(slice_until(&hops, ','), self)) {
            return true;
        }
    }
    return false;
}

unsigned
hops_count(struct slice hops)
{
    unsigned n = 0;

    while (hops.n > 0) {
        n += slice_until(&hops, ',').n > 0;
    }
    return n;
}
