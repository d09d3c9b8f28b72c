/*
 * suite: what "make check" simulates.
 */
#ifndef FLARE_TEST_SIM_SUITE_H
#define FLARE_TEST_SIM_SUITE_H

#include "test/sim/world.h"

void suite_add(struct figures *to, const struct figures *from);
void suite_print(uint64_t seeds, const struct figures *figures);

/* All seeds that ever failed, fresh ones, and each planted mistake. */
int suite_run(void);

#endif
