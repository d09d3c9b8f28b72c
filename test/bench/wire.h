/*
 * wire: what a load generator says and hears, in memcached's words or Redis's.
 *
 * Keys are all of one length and values of one size, so an answer's length is
 * known beforehand; it is read by looking at its first and last bytes, and
 * compared byte by byte only when asked to.
 */
#ifndef FLARE_TEST_BENCH_WIRE_H
#define FLARE_TEST_BENCH_WIRE_H

#include "base/buf.h"

enum wire_protocol { WIRE_MEMCACHED, WIRE_REDIS };

enum wire_op { WIRE_GET, WIRE_SET };

struct wire {
    enum wire_protocol protocol;
    size_t value_size;
    unsigned multi; /* keys of one get */
    bool verify;
    char *pattern; /* value_size + WIRE_SHIFT bytes */
};

enum { WIRE_SHIFT = 997 };

enum wire_result {
    WIRE_HIT,   /* all keys found, or stored */
    WIRE_MISS,  /* at least one key was not there */
    WIRE_ERROR, /* an error line */
    WIRE_WRONG, /* verify: another key's data */
    WIRE_MORE,  /* not there yet */
    WIRE_LOST,  /* not an answer at all */
};

bool wire_init(struct wire *wire, enum wire_protocol protocol,
               size_t value_size, unsigned multi, bool verify);
void wire_fini(struct wire *wire);

/* Append a request; keys are key, key + 1, ... modulo `keys`. */
bool wire_put(const struct wire *wire, struct buf *out, enum wire_op op,
              uint64_t key, uint64_t keys);

/* Read the answer to that request; *used is its length. */
enum wire_result wire_take(const struct wire *wire, struct slice in,
                           enum wire_op op, uint64_t key, uint64_t keys,
                           size_t *used);

#endif
