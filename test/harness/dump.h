/*
 * dump: what a node holds, for comparing copies.
 */
#ifndef FLARE_TEST_HARNESS_DUMP_H
#define FLARE_TEST_HARNESS_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same records, versions included? */
bool dump_same(uint16_t a, uint16_t b);

/* Wait until both nodes hold the same; fails with the first difference. */
void dump_wait_same(uint16_t a, uint16_t b);

/* How many records a node's dump holds. */
size_t dump_count(uint16_t port);

#endif
