/*
 * reference: a real memcached to compare with, on a port of its own.
 */
#ifndef FLARE_TEST_INTEGRATION_REFERENCE_H
#define FLARE_TEST_INTEGRATION_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "test/harness/process.h"

struct reference {
    struct process process;
    char *folder;
    uint16_t port;
};

/* False when memcached is not installed; MEMCACHED names another one. */
bool reference_exists(void);

/* Start it and wait until it listens. */
void reference_start(struct reference *reference);
void reference_stop(struct reference *reference);

/* For random requests: DIFF_SEED, or a new one; it is printed. */
uint64_t reference_seed(void);

#endif
