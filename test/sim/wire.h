/*
 * wire: connections between places, and what happens when.
 *
 * A connection keeps its order in each direction; different ones overtake each
 * other.  What is sent over a link that is cut waits, as TCP makes it wait, and
 * arrives after the link is whole again, even if the sender has closed since.
 * A process that is paused gets everything when it goes on; one that died lets
 * its connections be closed, unless its machine died with it.
 */
#ifndef FLARE_TEST_SIM_WIRE_H
#define FLARE_TEST_SIM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;
struct cluster_map;
struct lineage;

enum message {
    /* index and node */
    MSG_PING,
    MSG_PONG,
    MSG_SYNC,   /* map */
    MSG_SYNCED, /* a: version */
    MSG_POSITION,
    MSG_DATA,   /* a: epoch, b: seq, c: copy */
    MSG_ADD,    /* a: epoch, b: seq, c: copy, d: version seen */
    MSG_MAP,    /* map */
    MSG_ACTIVE, /* a: epoch of the master it has joined, b: version */
    MSG_LOST,   /* a: place, b: version of my map */
    MSG_TOLD,   /* either has been heard */
    /* master and slave */
    MSG_HELLO,  /* a: epoch, b: last, c: first in the log */
    MSG_FENCED, /* a: epoch */
    MSG_LATER,
    MSG_WHERE,  /* lineage */
    MSG_RESUME, /* a: seq */
    MSG_REWIND, /* a: seq, b: last of the master */
    MSG_FULL,   /* a: seq, b: epoch, c: chain there */
    MSG_WANT,   /* rows: keys */
    MSG_CANNOT,
    MSG_RECORDS, /* rows: keys, values, versions; a: last of the master */
    MSG_BATCH,   /* a: epoch, b: last of the master; entries */
    MSG_OK,      /* a: seq */
    MSG_REFUSED,
    MSG_KNOWN, /* is my place known to you as a learner? */
    MSG_YES,
    MSG_NO,
    MSG_DUMP,
    MSG_END,
    MSG_JOIN,   /* a: epoch, b: version of the map that wants it */
    MSG_JOINED, /* a: last */
    /* requests */
    MSG_WRITE,  /* a: id, b: key, c: value, d: 1: from a peer */
    MSG_ANSWER, /* a: id, b: enum answer */
    /* the connection itself */
    MSG_CLOSED, /* a: 1: nobody was there */
};

enum answer { ANSWER_STORED, ANSWER_REFUSED, ANSWER_UNKNOWN };

struct row {
    uint32_t key, value;
    uint64_t at;
};

struct msg {
    enum message type;
    uint64_t a, b, c, d;
    size_t n; /* rows or entries */
    struct row *rows;
    struct entry *entries;
    struct cluster_map *map;
    struct lineage *lineage;
    struct msg *next; /* on a cut link */
};

/* One end of a connection.  Zeroed: none. */
struct link_end {
    uint16_t conn; /* number, from 1 */
    uint16_t side;
    uint32_t gen;
};

/* --- queue ---------------------------------------------------------------- */

enum happening {
    HAPPEN_MSG,   /* conn, side: the receiver's */
    HAPPEN_TICK,  /* of a place */
    HAPPEN_DISK,  /* what a node wrote is on its disk */
    HAPPEN_THINK, /* of a client */
    HAPPEN_FATE,
    HAPPEN_MEND, /* a: what */
};

struct happen {
    int64_t at;
    uint64_t order;
    enum happening type;
    size_t place;
    uint32_t life; /* of the place; an event of an earlier one is void */
    struct link_end to;
    struct msg *msg;
    uint64_t a, b;
};

struct queue {
    struct happen *heap;
    size_t n, cap;
    uint64_t order;
};

void queue_push(struct queue *queue, const struct happen *happen);
bool queue_pop(struct queue *queue, struct happen *out);
void queue_fini(struct queue *queue);

/* --- wire ----------------------------------------------------------------- */

struct conn {
    uint32_t gen;
    uint8_t place[2];
    bool open[2];
    bool accepted; /* the other process has seen it */
    bool used;
    int64_t last[2]; /* when the last message to that side arrives */
    struct msg *waits[2], **waits_end[2]; /* to that side, link cut */
};

struct place_sim {
    bool alive, paused;
    uint32_t life;
    struct happen *held; /* while paused */
    size_t nheld, held_cap;
};

struct wire_sim {
    bool cut[16][16];
    struct conn conn[256];
    struct place_sim place[16];
};

struct link_end wire_open(struct world *w, size_t from, size_t to);
bool wire_is_open(const struct world *w, struct link_end end);
size_t wire_other(const struct world *w, struct link_end end);

/* Takes over what the message points to. */
void wire_send(struct world *w, struct link_end from, const struct msg *msg);

/* What was sent still arrives; nothing is heard on this end any more. */
void wire_close(struct world *w, struct link_end *end);

void wire_cut(struct world *w, size_t from, size_t to, bool cut);

/* The process ends; power: its machine too, and nobody is told. */
void wire_kill(struct world *w, size_t place, bool power);
void wire_birth(struct world *w, size_t place);
void wire_pause(struct world *w, size_t place);
void wire_wake(struct world *w, size_t place);

/* Let one thing happen. */
void wire_deliver(struct world *w, struct happen *happen);

void wire_after(struct world *w, size_t place, enum happening type,
                int64_t delay);

void msg_fini(struct msg *msg);
void wire_fini(struct world *w);

#endif
