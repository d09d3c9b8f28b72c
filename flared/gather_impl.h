/*
 * gather_impl: what gather.c and gather_gat.c share.
 */
#ifndef FLARE_FLARED_GATHER_IMPL_H
#define FLARE_FLARED_GATHER_IMPL_H

#include "flared/forward.h"
#include "flared/gather.h"

/* One key and the place of its VALUE block, if it has one. */
struct part {
    struct slice key;
    struct group *group; /* NULL: answered here, in gather->local */
    size_t at, n;        /* bytes of the group's text; n = 0: a miss */
};

/* What one node was asked for. */
struct group {
    struct group *after; /* the next one of the gather */
    struct peer_call peer;
    struct gather *gather;
    char node[NODE_KEY_MAX + 1]; /* who was asked; "": nobody yet */
    int partition;
    unsigned next; /* part to look from for the next VALUE */
    bool retried;
    struct held held; /* while nobody can be asked */
    struct buf text;
};

struct gather {
    struct call call;
    struct gate_waiter waiter;
    enum command command;
    bool cas;
    unsigned nparts, pending;
    struct group *groups, *last_group;
    struct buf local;
    int64_t expire; /* gat */
    uint64_t seq;   /* of the last change made here, 0: none */
    uint64_t bytes; /* of values so far */
    const char *error;
    size_t size;         /* of all this and the keys behind the parts */
    struct part parts[]; /* nparts */
};

/* With its parts, none of which has an answer, and held by one `pending`. */
struct gather *gather_new(struct session *session, const struct request *req);

/* One more of them that is asked for something. */
struct group *gather_add_group(struct gather *g, int partition);

/* False: another value would be too much, or something is wrong already. */
bool gather_has_room(struct gather *g);

/* The VALUE block of a part, behind the others in its text. */
void gather_put(struct gather *g, struct part *part, const struct item *item);

/*
 * A group's answer to one of its parts.  They come in the order asked; a key
 * that is skipped was a miss.  False: it is the answer to something else.
 */
bool gather_take(struct gather *g, struct group *group,
                 const struct reply *reply);

/* A `pending` less; with the last the answer is complete. */
void gather_one_less(struct gather *g);

#endif
