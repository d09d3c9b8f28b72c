/*
 * ledger: writers that remember every acknowledged write.
 *
 * Each key has one writer, so its history is a line: what was acknowledged,
 * in order, and at most one last operation of which nobody knows whether it
 * was done; after that the key is left alone for good.  What a key holds at
 * rest must be what its history says, without or with that last operation,
 * and never go back.
 */
#ifndef FLARE_TEST_FAULTS_LEDGER_H
#define FLARE_TEST_FAULTS_LEDGER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/rand.h"
#include "test/faults/talk.h"
#include "test/faults/wire.h"

enum { LEDGER_WRITERS = 12, LEDGER_ACTIVE = 16 };

enum { SERVER_PORT = 12121 };

/* NULL: the key is not there. */
struct entry {
    char *value;   /* as acknowledged */
    char *maybe;   /* if the last operation was done as well */
    bool unknown;  /* there is such an operation */
    bool dropped;  /* found lost; not looked at any more */
    unsigned left; /* operations until it is left alone */
};

struct ack {
    int64_t sent, came; /* ns */
};

struct tally {
    uint64_t acknowledged, errors, timeouts;
    uint64_t lost;        /* seen while writing */
    int64_t longest_ms;   /* request that was answered */
    char last_error[128]; /* of the errors */
    char lost_what[256];
};

struct writer {
    unsigned id;
    struct ledger *ledger;
    pthread_t thread;
    size_t place;    /* of the writer */
    size_t entrance; /* the node it talks to: a place */
    bool stays;      /* with that node, whatever happens */
    struct rand r;
    struct talk talk;
    struct entry *entry;
    size_t n, cap;
    size_t active[LEDGER_ACTIVE];
    uint64_t serial;
    struct ack *ack;
    size_t nack, ack_cap;
    struct tally tally;
};

struct ledger {
    struct wire *wire;
    size_t first_node, nodes; /* places where nodes are */
    pthread_mutex_t lock;
    pthread_cond_t turn;
    bool writing, ends;
    unsigned idle;
    size_t n;
    struct writer writer[LEDGER_WRITERS];
};

/*
 * `plain` writers at the last place, who go to any node and to another one
 * when it fails them, and one at each node's place that stays with it.
 */
void ledger_start(struct ledger *ledger, struct wire *wire, size_t nodes,
                  unsigned plain, uint64_t seed);
void ledger_stop(struct ledger *ledger);

/* Let them write; or make them finish what they do, and wait for that. */
void ledger_resume(struct ledger *ledger);
void ledger_pause(struct ledger *ledger);

/* While paused: sums of all plain writers, or of those at node `place`. */
struct tally ledger_tally(const struct ledger *ledger, bool plain);
void ledger_forget_tally(struct ledger *ledger);

/*
 * While paused: the longest time in from..to without an acknowledgement to a
 * plain writer, in ms.
 */
int64_t ledger_gap_ms(struct ledger *ledger, int64_t from, int64_t to);

/* How many writes sent in from..to by the writer at a node were acknowledged.
 */
uint64_t ledger_acks_at(const struct ledger *ledger, size_t place, int64_t from,
                        int64_t to);

struct verdict {
    uint64_t keys, lost, revived, foreign;
    uint64_t settled_done, settled_undone; /* of unknown outcome */
    char what[512];                        /* the first that is wrong */
};

/* While paused: read everything back through a node.  False: it could not. */
bool ledger_verify(struct ledger *ledger, size_t place,
                   struct verdict *verdict);

#endif
