/* Random classic requests, for which memcached and a node must agree. */
#ifndef FLARE_TEST_INTEGRATION_DIFF_RANDOM_H
#define FLARE_TEST_INTEGRATION_DIFF_RANDOM_H

#include <stddef.h>

#include "base/rand.h"

/* One request, with its data block, right or wrong; about keys r1 to r4. */
void diff_random(struct rand *rand, char *to, size_t size);

#endif
