/*
 * diff_script: what clients do, and what they get wrong; requests in order, to
 * be sent on one connection.  A refused request's data has the length it says.
 */
#ifndef FLARE_TEST_INTEGRATION_DIFF_SCRIPT_H
#define FLARE_TEST_INTEGRATION_DIFF_SCRIPT_H

#include <stddef.h>

extern const char *const diff_script[];
extern const size_t diff_script_n;

#endif
