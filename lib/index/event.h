/*
 * index_event: what can happen to the map.
 */
#ifndef FLARE_INDEX_EVENT_H
#define FLARE_INDEX_EVENT_H

#include "cluster/node.h"
#include "index/health.h"

enum index_event_type {
    INDEX_ADD,        /* a node has started and asks for the map */
    INDEX_REMOVE,     /* the operator: forget it */
    INDEX_ROLE,       /* the operator, or the node when a build has failed */
    INDEX_STATE,      /* the operator, or the node when a build has ended */
    INDEX_SHUTDOWN,   /* it says goodbye */
    INDEX_DOWN,       /* the monitor gave up on it */
    INDEX_UP,         /* the monitor hears from it again */
    INDEX_RENUMBER,   /* a node has seen `version`: go on above it */
    INDEX_SWITCHOVER, /* the operator: this slave and its master swap roles */
};

/* What a node has said of its data, and whether that was just now. */
struct index_position {
    struct slice key;
    struct node_data data;
    bool fresh; /* asked for because of this event, and answered in time */
};

struct index_event {
    enum index_event_type type;
    struct slice host; /* of the node; RENUMBER has none */
    uint64_t port;
    enum node_role role;     /* ROLE */
    int balance;             /* ROLE; -1: not given */
    int partition;           /* ROLE; NODE_NO_PARTITION: not given */
    enum node_state state;   /* STATE */
    bool answers;            /* ROLE: the last ping was answered */
    bool force;              /* ROLE: the operator takes the blame */
    unsigned partition_size; /* ROLE: partitions plus one at most; 0: any */
    uint64_t version;        /* RENUMBER; ADD: of the map it has seen, or 0 */
    enum health_evidence evidence; /* DOWN */
    struct node_data data;         /* ADD, UP: what the node says it has */
    const struct index_position *positions; /* of others; in any order */
    size_t npositions;
};

/* "restart", "monitor", ... as a word for a history; "" when out of range. */
const char *index_event_name(enum index_event_type type);
bool index_event_parse(struct slice word, enum index_event_type *out);

#endif
