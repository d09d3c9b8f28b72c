/*
 * cluster: an index and some nodes, as real processes on loopback.
 *
 * Each has its data and its log in the cluster's temporary folder.  Ports are
 * reserved before a process gets them and stay reserved while it is away, so
 * that a node can come back as who it was.  A test that passes ends with
 * cluster_finish(); cluster_abandon(), for the teardown, cleans up after one
 * that did not, and shows the logs.
 */
#ifndef FLARE_TEST_HARNESS_CLUSTER_H
#define FLARE_TEST_HARNESS_CLUSTER_H

#include "test/harness/client.h"
#include "test/harness/process.h"

enum { CLUSTER_NODES = 8, CLUSTER_ARGS = 24 };

struct member {
    struct process process;
    char name[32]; /* "index", "node0", ... */
    char data[256];
    int reserved; /* holds the port */
    uint16_t port;
    const char *args[CLUSTER_ARGS]; /* more options, NULL at the end */
};

struct cluster {
    char *folder;
    struct member index;
    struct member nodes[CLUSTER_NODES];
    size_t n;
};

/* A folder and ports; nothing runs yet, so options can be added. */
void cluster_init(struct cluster *c, size_t nodes);

/* Give an option to a member (name and value), or to all nodes. */
void member_option(struct member *m, const char *name, const char *value);
void cluster_node_option(struct cluster *c, const char *name,
                         const char *value);

/* Start index and nodes; all nodes are then active proxies. */
void cluster_start(struct cluster *c);

/* cluster_init() and cluster_start(). */
void cluster_up(struct cluster *c, size_t nodes);

void cluster_finish(struct cluster *c);
void cluster_abandon(struct cluster *c);

/* Start one that is not running, without or with waiting until it listens. */
void cluster_launch_index(struct cluster *c);
void cluster_launch_node(struct cluster *c, size_t i);
void cluster_start_index(struct cluster *c);
void cluster_start_node(struct cluster *c, size_t i);

/* The index's answer to one command line.  Good until the next call. */
const char *cluster_ask(struct cluster *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Fails unless the index answers OK. */
void cluster_order(struct cluster *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The five-word state "role state partition balance" of node i, as the index
 * sees it; "" when it does not know the node. */
const char *cluster_state(struct cluster *c, size_t i);

/* Wait until node i is as said, e.g. "slave active 0 1". */
void cluster_wait_state(struct cluster *c, size_t i, const char *state);

/* Wait until every running node has the index's map. */
void cluster_settle(struct cluster *c);

/* Give node i its role as the tools do, and wait until all know it. */
void cluster_make_master(struct cluster *c, size_t i, int partition);
void cluster_make_slave(struct cluster *c, size_t i, int partition);

/* The first key "PREFIXn", n >= from, that belongs to partition p of n. */
uint32_t cluster_key_of(char *to, size_t size, const char *prefix,
                        uint32_t from, int partition, int partitions);

/* "127.0.0.1:PORT" of node i.  Good until the eighth further call. */
const char *cluster_name(const struct cluster *c, size_t i);

#endif
