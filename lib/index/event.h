/*
 * index_event: what can happen to the map.
 */
#ifndef FLARE_INDEX_EVENT_H
#define FLARE_INDEX_EVENT_H

#include "cluster/node.h"

enum index_event_type {
    INDEX_ADD,      /* a node has started and asks for the map */
    INDEX_REMOVE,   /* the operator: forget it */
    INDEX_ROLE,     /* the operator, or the node when a build has failed */
    INDEX_STATE,    /* the operator, or the node when a build has ended */
    INDEX_SHUTDOWN, /* it says goodbye */
    INDEX_DOWN,     /* the monitor gave up on it */
    INDEX_UP,       /* the monitor hears from it again */
    INDEX_RENUMBER, /* a node has seen `version`: go on above it */
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
    unsigned partition_size; /* ROLE: partitions plus one at most; 0: any */
    uint64_t version;        /* RENUMBER */
};

#endif
