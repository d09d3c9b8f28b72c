/*
 * item: one record and its bytes on disk (spec: data-plane 2.2).
 *
 * The value under a key is a 28-byte little-endian header, then the data:
 * flags u32, expire i64, size u64, version u64.  Files of flare 1.3.4 hold the
 * same, so they open as they are.
 */
#ifndef FLARE_ITEM_ITEM_H
#define FLARE_ITEM_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

enum { ITEM_HEADER = 28 }; /* bytes */

struct item {
    uint32_t flags;
    int64_t expire;   /* seconds since the epoch; 0 = never */
    uint64_t version; /* the cas unique */
    struct slice value;
};

/*
 * Read a stored record; value points into it.  False for a record that is
 * shorter than its header or whose size field lies.
 */
bool item_decode(struct slice record, struct item *out);

/*
 * The header alone, for callers that do not need the data: out->value is
 * empty, *size what the header says of it.  False when it is cut short.
 */
bool item_decode_header(struct slice record, struct item *out, uint64_t *size);

/* Write the header of a record whose data is size bytes to to[ITEM_HEADER]. */
void item_encode_header(char *to, const struct item *item, uint64_t size);

static inline bool
item_expired(const struct item *item, struct wall now)
{
    return item->expire != 0 && item->expire <= now.s;
}

/*
 * A client's exptime as an absolute time: 0 never, negative at once, up to
 * 30 days relative, above that absolute (spec: data-plane 0.4).
 */
int64_t item_expire_at(int64_t exptime, struct wall now);

#endif
