/*
 * ahead: have the memory that the next requests need on its way before they
 * are carried out, all of it at once instead of one cache miss after another.
 *
 * Only hints: nothing depends on them being right.
 */
#ifndef FLARE_FLARED_AHEAD_H
#define FLARE_FLARED_AHEAD_H

#include "flared/worker.h"

enum { AHEAD_KEYS = 16 };

/* n <= AHEAD_KEYS. */
void ahead_keys(struct worker *worker, const struct slice *keys, unsigned n);

/*
 * Look at the gets and sets that `in` begins with, if there are several;
 * returns how many bytes of it need not be looked at again.
 */
size_t ahead_of(struct worker *worker, struct slice in);

#endif
