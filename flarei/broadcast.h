/*
 * broadcast: every node gets the newest map, in an order that loses nothing.
 *
 * First who becomes responsible for something (a promoted slave), then those
 * who feed or ask it, last who begins to copy from them: a copy starts only
 * when its sources know of it.  Each wait is bounded.  A node that does not
 * acknowledge is told again after its next answered ping; only the newest
 * version is ever sent.
 */
#ifndef FLARE_FLAREI_BROADCAST_H
#define FLARE_FLAREI_BROADCAST_H

#include "index/step.h"
#include "net/timer.h"
#include "proto/reply_parse.h"

struct flarei;
struct member;

enum broadcast_turn { BROADCAST_FIRST, BROADCAST_MIDDLE, BROADCAST_LAST };

struct broadcast {
    struct flarei *flarei;
    struct buf text;          /* the "node sync" command of the newest map */
    uint64_t version;         /* whose text that is; 0: none */
    struct mono first_until;  /* wait for BROADCAST_FIRST until then */
    struct mono middle_until; /* likewise, before BROADCAST_LAST */
    struct timer timer;
};

void broadcast_init(struct broadcast *broadcast, struct flarei *flarei);
void broadcast_fini(struct broadcast *broadcast);

/* flarei->map is new, by this plan. */
void broadcast_change(struct flarei *flarei, const struct index_plan *plan);

/* Tell whoever has to be told and whose turn it is. */
void broadcast_run(struct flarei *flarei);

/* Pieces of a node's answers to "node sync" and to "stats". */
void broadcast_answer(struct member *member, const struct reply *reply);
void broadcast_learn(struct member *member, const struct reply *reply);

#endif
