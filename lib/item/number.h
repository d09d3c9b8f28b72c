/*
 * number: data as incr and decr read it, as memcached 1.6 does.
 */
#ifndef FLARE_ITEM_NUMBER_H
#define FLARE_ITEM_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * White space, an optional sign, digits; what follows must begin with white
 * space or NUL and is not looked at.  False for anything else, for more than
 * 64 bits and for a negative number (as memcached has it: one whose wrapped
 * value has the top bit set).
 */
bool number_read(struct slice data, uint64_t *out);

#endif
