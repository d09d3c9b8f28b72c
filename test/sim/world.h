/*
 * world: a whole cluster in one thread, repeatable from a seed.
 *
 * Time, network and disks are made here; what is decided, is decided by the
 * real lib/index, lib/repl and lib/cluster.  Between them stands a thin model
 * of what flarei and flared do with these decisions: the log is an array, the
 * engine a table, a message a struct.  Nothing here knows a real clock.
 *
 *     queue   what happens when, in order
 *     wire    connections, links that are cut, processes that are paused
 *     journal one node's log and engine, and what a crash leaves of them
 *     node, feed, follow, serve: a flared
 *     keeper  a flarei
 *     client  who writes, and remembers; check: what must be true
 *     fate    what goes wrong, and when
 */
#ifndef FLARE_TEST_SIM_WORLD_H
#define FLARE_TEST_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rand.h"
#include "cluster/view.h"
#include "index/event.h"
#include "index/health.h"
#include "item/lineage.h"
#include "repl/rebuild.h"
#include "repl/stream.h"
#include "test/sim/wire.h"

enum {
    SIM_NODES = 5,   /* at most; places 1 .. n */
    SIM_CLIENTS = 3, /* behind them */
    SIM_PLACES = 1 + SIM_NODES + SIM_CLIENTS,
    SIM_INDEX = 0,
    SIM_KEYS = 2048,
    SIM_BATCH = 8,    /* entries of a batch */
    SIM_FLIGHT = 3,   /* batches not yet acknowledged */
    SIM_PENDING = 64, /* requests of a node: waiting, forwarded or held */
    SIM_CONNS = 256,
    SIM_FATES = 1024, /* that can be left out of a run */
};

#define MS INT64_C(1000000)

/* Mistakes that a test plants to see the checks find them. */
enum plant {
    PLANT_NOTHING,
    PLANT_RANDOM_HEIR,  /* any node of the partition is promoted */
    PLANT_NO_FENCE,     /* slaves listen to whoever writes to them */
    PLANT_EARLY_ACTIVE, /* a learner reports before it has all */
    PLANT_NO_JOIN,      /* ... before its master counts it */
    PLANT_LOCAL_DROP,   /* a master stops counting a slave by itself */
    PLANT_NO_GATE,      /* answers before the copies have it */
    PLANT_SAME_EPOCH,   /* a new master goes on in its log's epoch */
    PLANT_NO_REWIND,    /* a tail that the master never had is kept */
    PLANT_NO_DURABLE,   /* the index announces before it saves */
    PLANT_GHOST,        /* a slave that was rewound counts as whole at once */
    PLANT_OLD_REPORT,   /* the index believes a report about another master */
    PLANT_OLD_JOIN,     /* a master counts whoever asks, by an older map */
    PLANT_EARLY_WHOLE,  /* a copy is whole where its stream began */
    PLANT_OLD_LOST, /* the index believes that a slave of long ago is lost */
    PLANTS
};

/* What a run is like; from its seed, or set by a test. */
struct setting {
    unsigned nodes, copies;
    bool sync, log_always;
    unsigned min_in_sync;
    int64_t interval, tick, delay, jitter; /* ns */
    unsigned threshold;
    uint64_t keep; /* entries of the log */
    int64_t calm;  /* mean time between two faults */
    int64_t span;  /* until everything is healed */
    int64_t think; /* of a client */
    enum plant plant;
};

/* --- disk ---------------------------------------------------------------- */

struct entry {
    uint64_t epoch, seq, chain; /* chain: of all entries up to here */
    uint32_t key, value;        /* value 0: deleted */
    uint32_t was;
    uint64_t was_at; /* what it replaced, to take it back */
};

struct journal {
    struct lineage lineage;
    struct entry *entry; /* from `first` on */
    size_t n, cap;
    uint64_t first, base_chain, keep;
    uint64_t synced;
    uint64_t seen;           /* the highest epoch of a master */
    bool building;           /* needs a full copy, or to go on to `whole_at` */
    uint64_t whole_at;       /* 0: a full copy has to end */
    bool full;               /* the disk */
    struct cluster_map *map; /* the last one in use; NULL */
    uint32_t value[SIM_KEYS];
    uint64_t at[SIM_KEYS]; /* sequence of the last change */
};

/* --- a node --------------------------------------------------------------- */

enum feed_state { FEED_IDLE, FEED_ASKED, FEED_GIVING, FEED_STREAM };

/* A slave, as its master sees it. */
struct feed {
    enum feed_state state;
    struct link_end link;
    bool wanted; /* the map has it as our slave */
    bool joined;
    bool cannot; /* its log does not reach back to what it should give up */
    uint64_t next, acked;
    unsigned in_flight;
    int64_t retry_at, heard_at, beat_at, trouble_at, told_at;
};

/* The master, as its slave sees it. */
struct follow {
    struct link_end link; /* the stream; from its side */
    uint64_t epoch;       /* of the hello */
    uint64_t last;        /* of the master, as far as it has said */
    size_t master;        /* place */
    bool streams, needs_dump, dumped, joined;
    uint64_t join_at;     /* have this, then report; UINT64_MAX: not joined */
    struct link_end asks; /* to the master: dump, join */
    struct rebuild rebuild;
    int64_t ask_at, asked_at, wait_at, report_at;
    uint64_t owed; /* rewinding: to here */
    unsigned owes; /* batches not yet answered */
};

enum pending_state { PENDING_FREE, PENDING_GATE, PENDING_AWAY, PENDING_HELD };

struct pending {
    enum pending_state state;
    struct link_end from; /* who asked */
    uint64_t id;
    uint32_t key, value;
    bool peer;          /* came from another node */
    uint64_t seq;       /* GATE */
    uint64_t epoch;     /* GATE */
    struct link_end to; /* AWAY */
    struct mono since;
    int64_t deadline;
};

struct node_sim {
    struct journal disk; /* survives */
    struct cluster_view *view;
    uint64_t epoch; /* master since; 0: it is none */
    bool fenced;
    struct mono heard, woke;
    struct feed feed[SIM_PLACES];
    struct follow follow;
    struct link_end index; /* our registration */
    struct link_end to[SIM_PLACES];
    int64_t add_at, sync_at;
    bool registered;
    struct pending pending[SIM_PENDING];
};

/* --- the index ------------------------------------------------------------ */

struct member_sim {
    struct link_end link;
    struct health health;
    bool pinging;
    int64_t ping_at, silent_at, up_at, count_at;
    uint64_t acked, sent;
    bool answers;
};

struct keeper {
    struct cluster_map *saved; /* survives */
    bool full;                 /* the disk */
    struct cluster_map *map;   /* in use */
    struct member_sim member[SIM_PLACES];
    uint64_t prepare_since[SIM_PLACES]; /* version of the map */
    uint64_t active_since[SIM_PLACES];
    /* a decision that waits for positions */
    bool asking;
    int64_t asked_until;
    struct index_event event;
    struct index_position position[SIM_PLACES];
    size_t npositions, nasked;
    struct link_end adder; /* of an ADD */
    size_t adder_place;
    /* the order in which a map is told */
    char first[NODE_KEY_MAX + 1], last[NODE_KEY_MAX + 1];
    int64_t first_until, middle_until;
    int64_t tend_at;
};

/* --- clients -------------------------------------------------------------- */

struct wrote {
    uint32_t value, maybe;
    bool unknown;
    uint8_t left;
};

struct client_sim {
    struct link_end link;
    size_t entrance;
    uint32_t key, from_key, to_key, value;
    uint64_t id;
    bool waits;
    int64_t deadline;
};

/* --- all ------------------------------------------------------------------ */

struct sim_event;

struct figures {
    uint64_t events, failovers, faults, acked, refused, unknown;
    uint64_t rewinds, fulls, resumes, rewound, adds, forced;
};

struct world {
    uint64_t seed;
    struct setting set;
    struct rand r, fate;
    int64_t now;
    struct partition_table *table;
    struct queue queue;
    struct wire_sim wire;
    struct node_sim node[1 + SIM_NODES];
    struct keeper keeper;
    struct client_sim client[SIM_CLIENTS];
    struct wrote wrote[SIM_KEYS];
    bool calm; /* no more faults, no more writes: it must come to rest */
    bool maimed[1 + SIM_NODES]; /* lost entries that were not on its disk */
    size_t guard;               /* who goes on then */
    unsigned nfates;            /* strokes of fate so far */
    const bool *skip;           /* SIM_FATES; those to leave out, or NULL */
    uint64_t last_value;
    /* check */
    struct lineage top; /* of the highest master, as it began */
    uint64_t top_epoch;
    size_t top_place;
    uint64_t acked_epoch, acked_seq; /* the last acknowledged entry */
    struct figures figures;
    bool traces;
    bool broken;
    char what[400];
};

/* Run a seed to its end.  False: w->what says which rule was broken. */
bool world_run(struct world *w, uint64_t seed, const struct setting *set,
               bool traces);

/* The same without some strokes of fate. */
bool world_run_without(struct world *w, uint64_t seed,
                       const struct setting *set, bool traces,
                       const bool *skip);

/*
 * Leave out of a run that breaks a rule as much as can be left out of it so
 * that it still breaks one.  Returns how many strokes of fate remain.
 */
unsigned world_shrink(struct world *w, uint64_t seed, const struct setting *set,
                      bool skip[SIM_FATES]);

/* What a seed alone means. */
struct setting setting_of(uint64_t seed);

/* The same with few writes and little calm: more failovers in a second. */
void setting_hurry(struct setting *set);

/* --- used by the parts ---------------------------------------------------- */

void world_trace(struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The first rule that is broken ends the run. */
void world_break(struct world *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define TRACE(w, ...)                                                          \
    do {                                                                       \
        if ((w)->traces) {                                                     \
            world_trace(w, __VA_ARGS__);                                       \
        }                                                                      \
    } while (0)

/* A node's name in maps, and back (0: none). */
struct slice place_key(size_t place);
size_t place_of(struct slice key);

/* A chance of n in 1000. */
bool chance(struct world *w, unsigned n);

#endif
