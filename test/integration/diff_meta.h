/* Meta requests for diff_memcached, hand-made and random. */
#ifndef FLARE_TEST_INTEGRATION_DIFF_META_H
#define FLARE_TEST_INTEGRATION_DIFF_META_H

#include <stddef.h>

#include "base/rand.h"

/* In order; memcached and a node must agree on each. */
extern const char *const diff_meta[];
extern const size_t diff_meta_n;

/* Take out of an answer what each server may say in its own way. */
void diff_meta_cut(char *line);

void diff_meta_random(struct rand *rand, char *to, size_t size);

#endif
