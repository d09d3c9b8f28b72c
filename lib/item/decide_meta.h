/*
 * decide_meta: what memcached's meta commands make of a record.  For decide.c
 * only, as is the arithmetic the two share.
 */
#ifndef FLARE_ITEM_DECIDE_META_H
#define FLARE_ITEM_DECIDE_META_H

#include "item/decide.h"

/* decide()'s arguments, and what it has worked out of them. */
struct meta_scene {
    const struct decide_old *old;
    const struct change *change;
    const struct change_meta *meta; /* of the change */
    bool alive;                     /* there and not expired */
    uint64_t current, fresh, value_max;
    struct decision *out;
};

/* The change is a CHANGE_META. */
void decide_meta(const struct meta_scene *scene);

/*
 * Add to, or take from, the number that value is.  The result is in
 * out->number and out->head, what pads it to the old length in *tail.  False:
 * value is no number.
 */
bool count_number(struct slice value, bool up, uint64_t delta,
                  struct decision *out, struct slice *tail);

#endif
