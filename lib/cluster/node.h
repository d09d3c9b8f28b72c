/*
 * node: one row of the cluster map, and the words and codes for its fields
 * (spec: control-plane 2.1).
 */
#ifndef FLARE_CLUSTER_NODE_H
#define FLARE_CLUSTER_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* The values are the wire codes. */
enum node_role { NODE_MASTER = 0, NODE_SLAVE = 1, NODE_PROXY = 2 };
enum node_state {
    NODE_ACTIVE = 0,
    NODE_PREPARE = 1,
    NODE_DOWN = 2,
    NODE_READY = 3,
};

enum {
    NODE_NO_PARTITION = -1,
    NODE_HOST_MAX = 255,              /* bytes of a host name */
    NODE_KEY_MAX = NODE_HOST_MAX + 6, /* "host:65535" */
    NODE_BALANCE_MAX = 1000000,
    NODE_PARTITION_MAX = 65533, /* the table holds 16-bit numbers */
    NODE_THREAD_TYPE_MIN = 16,
};

/* How much of its partition a node has. */
enum node_copy {
    NODE_COPY_UNKNOWN, /* it did not say: a flare 1.3.4, or not yet asked */
    NODE_COPY_COMPLETE,
    NODE_COPY_EMPTY,    /* complete, and not one record */
    NODE_COPY_BUILDING, /* a copy that was begun and not finished */
};

/* What a node has said of its data. */
struct node_data {
    enum node_copy copy;
    int partition;       /* that it belongs to, or NODE_NO_PARTITION */
    uint64_t epoch, seq; /* of the last entry of its log */
    uint64_t records;    /* 0 as well when they were not told */
};

/* Why a master that is back is not let in. */
enum node_wait {
    NODE_WAIT_NOT,
    NODE_WAIT_EMPTY,    /* it has lost its data */
    NODE_WAIT_BUILDING, /* its copy is not complete */
    NODE_WAIT_BEHIND,   /* it had more when it was heard of last */
    NODE_WAIT_OTHER,    /* its data is of another partition */
};

struct node {
    char key[NODE_KEY_MAX + 1]; /* "host:port": identity and order */
    uint16_t host_len;          /* the host is the first bytes of key */
    uint16_t port;
    enum node_role role;
    enum node_state state;
    int partition; /* NODE_NO_PARTITION for a proxy */
    int balance;   /* share of reads, 0 = none */
    int thread_type;

    /* Known to the index only, and not on the wire: */
    bool held; /* taken down by hand: stays so though it answers */
    enum node_wait wait;
    struct node_data data; /* the last it said while it could be believed */
    uint64_t master_since; /* version of the map in which it became master */
};

/*
 * Set name and port of a zeroed node.  False for an empty or too long host,
 * one with bytes outside "!".."~" or one of <>,: in it (brackets of an IPv6
 * address excepted), or port 0.
 */
bool node_set_name(struct node *node, struct slice host, uint64_t port);

struct slice node_host(const struct node *node);
struct slice node_key(const struct node *node);

/* "master", "active", ...; "" for a code out of range. */
const char *node_role_name(enum node_role role);
const char *node_state_name(enum node_state state);
bool node_role_parse(struct slice word, enum node_role *out);
bool node_state_parse(struct slice word, enum node_state *out);

/* "unknown", "complete", "empty", "building"; likewise. */
const char *node_copy_name(enum node_copy copy);
bool node_copy_parse(struct slice word, enum node_copy *out);

/* "no", "empty", "building", "behind", "other"; likewise. */
const char *node_wait_name(enum node_wait wait);
bool node_wait_parse(struct slice word, enum node_wait *out);

/* Which of two logs goes further: <0, 0, >0.  A later epoch goes further. */
int node_data_compare(const struct node_data *a, const struct node_data *b);

#endif
