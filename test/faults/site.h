/*
 * site: a cluster whose daemons each have a place on the wire and a disk of
 * their own, and the operator who puts everything back into order.
 *
 * Place 0 is the index, then come the nodes, then the clients.  All nodes but
 * the last hold a copy of partition 0; the last one only forwards.
 */
#ifndef FLARE_TEST_FAULTS_SITE_H
#define FLARE_TEST_FAULTS_SITE_H

#include "test/faults/wire.h"
#include "test/harness/process.h"

enum { SITE_INDEX = 0, SITE_NODES = 4, SITE_COPIES = SITE_NODES - 1 };

struct site_options {
    bool sync;
    bool small_logs;      /* a node that was away needs a full copy */
    unsigned interval_ms; /* of the monitor */
    unsigned threshold;
};

struct site {
    struct site_options options;
    struct wire *wire;
    char *folder;
    bool disks; /* each has a small disk that can be filled */
    struct process process[SITE_NODES + 1];
    bool stopped[SITE_NODES + 1];
};

/* A node as the index's map has it. */
struct seat {
    char role[12], state[12];
    int partition, balance;
};

void site_start(struct site *site, struct wire *wire,
                const struct site_options *options);
void site_finish(struct site *site);

/* After a failure: end everything, show the logs, keep the folder. */
void site_abandon(struct site *site);

/* Start again what is not running. */
void site_launch(struct site *site, size_t place);
void site_wait_ready(struct site *site, size_t place);

void site_kill(struct site *site, size_t place);
void site_stop(struct site *site, size_t place);  /* SIGSTOP */
void site_go_on(struct site *site, size_t place); /* SIGCONT */

/* Fill a disk to the last byte, and free it again. */
bool site_fill(struct site *site, size_t place);
void site_empty(struct site *site, size_t place);

/* How the index sees its nodes (by place).  False: it does not say. */
bool site_look(struct site *site, struct seat seat[SITE_NODES + 1]);

/* The place of the active master, or 0. */
size_t site_master(struct site *site);

/* One action of the operator; true when nothing is left to be done. */
bool site_tend(struct site *site);

/*
 * True when all copies hold the same; otherwise `what` says what differs, or
 * who does not answer.  *records: how many.
 */
bool site_compare(struct site *site, size_t *records, char *what, size_t size);

#endif
