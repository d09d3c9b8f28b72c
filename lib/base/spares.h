/*
 * spares: small blocks of memory that one thread takes and gives back all the
 * time, kept at hand so that a request costs no allocation.
 */
#ifndef FLARE_BASE_SPARES_H
#define FLARE_BASE_SPARES_H

#include <stddef.h>

enum {
    SPARES_STEP = 128,  /* bytes; blocks are multiples of it */
    SPARES_CLASSES = 8, /* larger ones than this many are not kept */
    SPARES_KEPT = 512,  /* of each size, at most */
};

struct spare;

struct spares {
    struct spare *first[SPARES_CLASSES];
    unsigned count[SPARES_CLASSES];
};

/* n zeroed bytes; never NULL, n is bounded by the caller. */
void *spares_take(struct spares *spares, size_t n);

/* With the n it was taken with. */
void spares_give(struct spares *spares, void *block, size_t n);

/* Free what is kept. */
void spares_fini(struct spares *spares);

#endif
