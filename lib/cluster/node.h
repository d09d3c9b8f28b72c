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

struct node {
    char key[NODE_KEY_MAX + 1]; /* "host:port": identity and order */
    uint16_t host_len;          /* the host is the first bytes of key */
    uint16_t port;
    enum node_role role;
    enum node_state state;
    int partition; /* NODE_NO_PARTITION for a proxy */
    int balance;   /* share of reads, 0 = none */
    int thread_type;
    bool held; /* index only: taken down by hand, stays so though it answers */
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

#endif
