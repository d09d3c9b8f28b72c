/*
 * decide_meta: what memcached's meta commands make of a record.  For decide.c
 * only, as is the arithmetic the two share.
 */
#ifndef FLARE_ITEM_DECIDE_META_H
#define FLARE_ITEM_DECIDE_META_H

#include "item/decide.h"

/* change->op is CHANGE_META; the rest as decide() has worked it out. */
void decide_meta(const struct decide_old *old, const struct change *change,
                 bool alive, uint64_t current, uint64_t fresh,
                 uint64_t value_max, struct decision *out);

/*
 * Add to, or take from, the number that value is.  The result is in
 * out->number and out->head, what pads it to the old length in *tail.  False:
 * value is no number.
 */
bool count_number(struct slice value, bool up, uint64_t delta,
                  struct decision *out, struct slice *tail);

#endif
