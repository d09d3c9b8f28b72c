/*
 * wait: the one place where a test waits for something it cannot be told of.
 *
 * A condition is asked again and again until it holds, or the deadline passes
 * and the test fails, saying what it waited for.
 */
#ifndef FLARE_TEST_HARNESS_WAIT_H
#define FLARE_TEST_HARNESS_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* How long anything at all may take before a test gives up. */
enum { WAIT_MS = 40000 };

void wait_for(bool (*done)(void *arg), void *arg, int64_t ms, const char *what);

/* The same, leaving it to the caller to fail: false after ms. */
bool wait_held(bool (*done)(void *arg), void *arg, int64_t ms);

#endif
