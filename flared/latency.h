/*
 * latency: how long requests take here, which were slow, which keys are hot.
 *
 * A request begins with the turn of the loop that read it.  One that is
 * answered in the same turn took until the turn's output was sent; one that
 * had to wait (for a master, another node, the copies, a long answer) until the
 * turn in which its answer came.  So a turn costs one look at the clock,
 * however many requests it served.
 *
 * Which request of a turn was the slow one is told by a clock that is cheap and
 * coarse, read once a request; by the exact one where
 * slowlog-log-slower-than-us asks for less than 10 ms.
 *
 * The worker's own thread, except where it says otherwise.
 */
#ifndef FLARE_FLARED_LATENCY_H
#define FLARE_FLARED_LATENCY_H

#include "base/clock.h"
#include "base/rand.h"
#include "net/loop.h"
#include "proto/request.h"
#include "stats/hist.h"
#include "stats/topkeys.h"

struct flared;
struct session;
struct worker;

enum latency_class {
    LATENCY_OTHER,  /* stats, version, ...; but no dump */
    LATENCY_GET,    /* get gets mg me */
    LATENCY_SET,    /* set add replace append prepend cas ms */
    LATENCY_DELETE, /* delete md */
    LATENCY_ARITH,  /* incr decr ma */
    LATENCY_TOUCH,  /* touch gat gats */
    LATENCY_COUNT,
    LATENCY_NONE = LATENCY_COUNT,
};

extern const char *const latency_name[LATENCY_COUNT];

enum {
    SLOW_MAX = 1024, /* of slowlog-max-len */
    SLOW_KEY = 64,   /* bytes of a key that are kept */
    SLOW_PEER = 64,
};

struct slow_entry {
    uint64_t id; /* counts up over the workers */
    struct wall when;
    uint64_t us;
    uint64_t bytes; /* of the value sent along */
    enum command command;
    unsigned key_n; /* its length; SLOW_KEY of it are here at most */
    unsigned nkeys;
    char key[SLOW_KEY];
    char peer[SLOW_PEER];
};

/* What a call keeps of the request it answers. */
struct latency_note {
    struct mono began; /* 0: nothing is measured */
    enum command command;
    unsigned key_n, nkeys;
    uint64_t bytes;
    char key[SLOW_KEY];
};

struct latency {
    struct hist hist[LATENCY_COUNT];
    uint64_t turn[LATENCY_COUNT]; /* answered in this turn */
    bool turn_counts;             /* some are, and `end` is queued */
    bool last;                    /* it has been put behind what sends */
    struct loop_item end;
    const struct request *request; /* that runs now */
    struct mono since;             /* when it came */
    uint64_t begun;                /* calls that wait, so far */

    int64_t slow_ns;    /* 0: no slow log */
    bool exact;         /* by which clock */
    struct mono before; /* when the request before was done */

    struct slow_entry *slow; /* ring of SLOW_MAX; NULL while there is none */
    unsigned nslow, next_slow;

    struct topkeys hot;
    unsigned until_sample; /* keys */
    struct rand rand;
};

void latency_init(struct worker *worker);
void latency_fini(struct worker *worker);

/* Every 100 ms: the options, which may have been reloaded, and what ages. */
void latency_tick(struct worker *worker);

/* A connection's input is looked at; and before and after each request. */
void latency_input(struct worker *worker);
void latency_begin(struct session *session, const struct request *req);
void latency_end(struct session *session, const struct request *req,
                 uint64_t begun);

/* A call that waits begins, in the run of its request; and has its answer. */
void latency_wait(struct worker *worker, struct latency_note *note);
void latency_waited(struct worker *worker, const struct session *session,
                    const struct latency_note *note);

/* Forget everything. */
void latency_reset(struct worker *worker);

/* Sum over the workers; any thread. */
void latency_total(const struct flared *node, enum latency_class class,
                   struct hist_total *total);

#endif
