/*
 * topkeys: which keys come most often, in little room.
 *
 * Space-saving (Metwally et al.): a key that is not among the entries takes
 * the place of the rarest, and its count, which becomes its possible error.
 * Every key that makes up more than 1/TOPKEYS_MAX of all is among them.  The
 * caller feeds it a random sample.  One thread's.
 */
#ifndef FLARE_STATS_TOPKEYS_H
#define FLARE_STATS_TOPKEYS_H

#include <stdint.h>

#include "base/slice.h"

enum {
    TOPKEYS_MAX = 64,
    TOPKEYS_KEY = 250, /* bytes of a key that are kept */
};

struct topkey {
    uint64_t count;
    uint64_t error; /* count may be too large by so much */
    uint32_t hash;  /* of the whole key */
    uint32_t key_n; /* its length; TOPKEYS_KEY of it are here at most */
    char key[TOPKEYS_KEY];
};

struct topkeys {
    uint64_t total; /* of all that were added */
    unsigned n;
    struct topkey entry[TOPKEYS_MAX];
};

void topkeys_add(struct topkeys *top, struct slice key);

/* As if what was added to `from` had been added to `top`. */
void topkeys_merge(struct topkeys *top, const struct topkeys *from);

/* What was is worth half. */
void topkeys_age(struct topkeys *top);

/* The most frequent first. */
void topkeys_sort(struct topkeys *top);

#endif
