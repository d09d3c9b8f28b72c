/*
 * slice: a borrowed run of bytes.
 *
 * A slice never owns memory and need not end in NUL.  It is valid only as long
 * as the buffer it points into is neither grown, consumed nor freed.
 */
#ifndef FLARE_BASE_SLICE_H
#define FLARE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *p;
    size_t n; /* bytes */
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

/* A NUL-terminated string as a slice. */
struct slice slice_str(const char *text);

/* True when both hold the same bytes: lengths are compared, not prefixes. */
bool slice_eq(struct slice a, struct slice b);

/* As bytes, the shorter first where one begins the other: <0, 0, >0. */
int slice_cmp(struct slice a, struct slice b);

/*
 * Take the next space-separated word off the front of *rest.
 * Returns an empty slice when no word is left.
 */
struct slice slice_word(struct slice *rest);

/*
 * Take everything before the first `separator` off the front of *rest, and
 * drop the separator.  Without one, takes all.
 */
struct slice slice_until(struct slice *rest, char separator);

/*
 * Read all of s as an unsigned decimal no greater than max.
 * Returns false, leaving *out alone, for an empty slice, a sign, any other
 * non-digit or a value above max.
 */
bool slice_u64(struct slice s, uint64_t max, uint64_t *out);

/* As slice_u64() with an optional leading '-', in min..max. */
bool slice_i64(struct slice s, int64_t min, int64_t max, int64_t *out);

#endif
