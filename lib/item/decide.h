/*
 * decide: what a change makes of a record.  Pure; used for every engine, on
 * master and copy alike (spec: data-plane 1.2, 1.4, 1.5, 1.6; where plain
 * memcached differs in effect, memcached's effect is the one that counts).
 */
#ifndef FLARE_ITEM_DECIDE_H
#define FLARE_ITEM_DECIDE_H

#include "item/change.h"
#include "item/item.h"

/* What is known of the key. */
struct decide_old {
    bool present;       /* item is filled in, expired or not */
    bool has_tombstone; /* not present, but removed at tombstone_version */
    struct item item;
    unsigned marks; /* of this version of the item */
    uint64_t tombstone_version;
};

enum decide_verdict { DECIDE_KEEP, DECIDE_WRITE, DECIDE_REMOVE };

struct decision {
    enum decide_verdict verdict;
    enum change_answer answer;
    /*
     * WRITE: the new record; its data is head then tail (append, prepend) and
     * item.value.n their sum; item.value.p is NULL when tail is not empty.
     * Slices point into the old item, the change or digits below.
     * KEEP: with CHANGE_META the item as it is, if it is there.
     * REMOVE: item.version is the version the tombstone gets, 0 for none; it
     * can come with NOT_FOUND (an expired record goes, or a version is to be
     * remembered for a key that is not there).
     */
    struct item item;
    struct slice head, tail;
    /*
     * The marks of the key become `marks`, at item.version; also with KEEP.
     * Otherwise they stay as they are, and a new version has none.
     */
    bool mark;
    unsigned marks;
    bool won, created; /* CHANGE_META: W is due; the key was not there */
    uint64_t number;   /* CHANGE_NUMBER */
    char digits[24];
};

/*
 * `fresh` is a version above every version of the partition so far; a client's
 * write gets the larger of it and one more than the key's own.  value_max
 * bounds the data of the result in bytes.
 */
void decide(const struct decide_old *old, const struct change *change,
            struct wall now, uint64_t fresh, uint64_t value_max,
            struct decision *out);

#endif
