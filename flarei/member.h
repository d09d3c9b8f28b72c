/*
 * member: one node of the map, watched.
 *
 * Pings it every monitor-interval, on the connection that also carries maps to
 * it, and turns what it sees into "down" and "up".  Timers are its own: neither
 * maps on their way nor other nodes delay a ping.
 */
#ifndef FLARE_FLAREI_MEMBER_H
#define FLARE_FLAREI_MEMBER_H

#include "base/log.h"
#include "flarei/flarei.h"
#include "flarei/link.h"

struct member {
    struct flarei *flarei;
    char key[NODE_KEY_MAX + 1];
    uint64_t id;
    struct wall since;
    struct link *link;
    struct timer tick;
    struct health health;
    struct mono count_at; /* joining: when a refusal counts again */
    struct mono up_at;    /* when the connection was made */
    bool pinging;         /* a ping is under way */
    bool answers;         /* the last ping was answered */
    struct mono trouble;  /* since when it is not */
    struct mono heard_at; /* when it said anything */
    struct mono due;      /* when that will be too long ago */
    bool graced;          /* we were late ourselves: it was given more time */
    struct timer silence; /* for that */

    /* "repl position": */
    struct node_data data;    /* its last answer */
    struct node_data said;    /* what has come of the next one */
    bool old;                 /* it does not know the command */
    bool returning;           /* INDEX_UP waits for the answer */
    uint64_t positions_asked; /* ever */
    uint64_t positions_over;  /* answered, or not to be answered */
    uint64_t positions_told;  /* which of them was answered last */

    /* When the map made it a master that has yet to acknowledge it: */
    uint64_t promoted_in; /* its version; 0: none */
    struct mono promoted_since;

    /* broadcast's: */
    enum broadcast_turn turn;
    uint64_t sent;  /* the version under way; 0: none */
    uint64_t acked; /* the newest version it has; 0: unknown */
    uint64_t seen;  /* the version it has told of in "stats" */
    struct mono since_behind;
    struct log_limit refusals;
};

struct member *member_new(struct flarei *flarei, const struct node *node);
void member_free(struct member *member);

/* As the map has it; NULL: it is being removed. */
const struct node *member_node(const struct member *member);

/* Begin to watch, now. */
void member_start(struct member *member);

/* Its process has just started: forget what was known, look now. */
void member_restarted(struct member *member);

/* False: it cannot be asked. */
bool member_ask_position(struct member *member);

/* The monitor's options have changed. */
void member_reload(struct member *member);

#endif
