/*
 * fake_cluster: an index and nodes that do as a test tells them.
 *
 * Real sockets on loopback, a thread a connection, one lock.  Nodes are called
 * 127.0.0.1:PORT; fake_run() turns those ports into words of the same length
 * (INDEX, NODE1, NODE2, ...), so that a test can compare whole texts.
 */
#ifndef FLARE_TEST_UNIT_FAKE_CLUSTER_H
#define FLARE_TEST_UNIT_FAKE_CLUSTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { FAKE_NODES = 4, FAKE_TEXT = 16384 };

struct fake_node {
    bool exists; /* in the index's map */
    const char *role, *state;
    int partition, balance;
    uint64_t items;
    bool mute;    /* it takes connections and never answers */
    int listener; /* -1: nobody listens on its port */
    uint16_t port;
    int steps; /* what happens after so many "stats nodes": */
    const char *next_role, *next_state;
    const char *believes; /* its role in its own "stats nodes"; NULL: as here */
};

struct fake {
    pthread_mutex_t lock;
    struct fake_node node[FAKE_NODES];
    int index_listener;
    uint16_t index_port;
    bool refuse_roles; /* "node role" fails */
    bool refuse_states;
    int build_steps;  /* "stats nodes" until a new copy is done */
    bool build_fails; /* ... and becomes a proxy instead */
    bool come_back;   /* a node turned down is active at the next look */
    int interrupt_in; /* "stats nodes" until the tool gets SIGINT; 0: never */
    pid_t tool;
    char wire[FAKE_TEXT]; /* "INDEX stats nodes\n" ... without version, quit */
    int fds[256];
    int nfds;
    pthread_t threads[256];
    int nthreads;
};

/* The first n nodes are active proxies. */
void fake_start(struct fake *fake, int n);
void fake_stop(struct fake *fake);

/* Nobody listens there any more. */
void fake_kill_node(struct fake *fake, int i);

struct fake_result {
    int status;
    char out[FAKE_TEXT], err[FAKE_TEXT];
};

/*
 * Run a tool with these words, a "%I" in them being the index's address and
 * "%1" to "%4" the nodes', and this on its standard input (NULL: nothing, and
 * no end of it either).  `program` is
 * "flare-admin" or "flare-stats".
 */
void fake_run(struct fake *fake, const char *program, const char *words,
              const char *input, struct fake_result *out);

#endif
