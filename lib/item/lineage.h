/*
 * lineage: which masters a log's entries come from.
 *
 * Every entry of the update log has an epoch, the map version at which the
 * node that made it had become master, and a sequence.  No two masters share
 * an epoch, so two logs with the same (epoch, sequence) are the same up to
 * there.  The history says where each epoch begins, newest first; epoch 0 is
 * what was changed outside of any stream, which no other log can be known to
 * hold.  Pure.
 */
#ifndef FLARE_ITEM_LINEAGE_H
#define FLARE_ITEM_LINEAGE_H

#include <stdbool.h>
#include <stdint.h>

enum { LINEAGE_MAX = 64 }; /* older eras are forgotten */

struct era {
    uint64_t epoch;
    uint64_t first; /* sequence of its first entry, there or to come */
};

struct lineage {
    uint64_t seq; /* of the last entry; 0: none */
    unsigned n;
    struct era era[LINEAGE_MAX]; /* newest first, each begins before it */
};

/* The epoch of the entry with this sequence; 0: none, or not known. */
uint64_t lineage_epoch_at(const struct lineage *lineage, uint64_t seq);

/* Of the last entry: with `seq` the position of the log. */
uint64_t lineage_epoch(const struct lineage *lineage);

/*
 * What comes from sequence `first` on has this epoch.  An era without entries
 * that begins there is replaced; the same epoch again changes nothing.
 */
void lineage_begin(struct lineage *lineage, uint64_t epoch, uint64_t first);

/* Entries above seq are given up, and eras that have none then. */
void lineage_cut(struct lineage *lineage, uint64_t seq);

/* Eras in order and within the sequence: what was read from outside. */
bool lineage_is_sound(const struct lineage *lineage);

/* Negative, 0, positive: a is behind, equal to, ahead of b by epoch, then
 * sequence. */
int position_compare(uint64_t epoch_a, uint64_t seq_a, uint64_t epoch_b,
                     uint64_t seq_b);

#endif
