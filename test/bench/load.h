/*
 * load: many connections kept busy by one thread, and what came of it.
 */
#ifndef FLARE_TEST_BENCH_LOAD_H
#define FLARE_TEST_BENCH_LOAD_H

#include <sys/socket.h>

#include "test/bench/hist.h"
#include "test/bench/wire.h"

enum { LOAD_DEPTH_MAX = 1024, LOAD_PIDS_MAX = 8 };

struct load {
    const struct wire *wire;
    struct sockaddr_storage addr;
    socklen_t addr_len;
    unsigned connections;
    unsigned depth; /* requests in flight on each */
    unsigned idle;  /* more connections, silent after one request */
    unsigned gets;  /* of gets + sets requests this many are gets */
    unsigned sets;
    uint64_t keys;
    uint64_t requests; /* stop after so many, 0: by time only */
    double seconds;    /* stop after this long, 0: by requests only */
    double warm;       /* seconds before anything is counted */
    bool in_order;     /* keys one after the other, to fill a server */
    uint64_t seed;
    int pid[LOAD_PIDS_MAX]; /* whose CPU time is wanted */
    unsigned npids;
};

struct load_result {
    double seconds;
    double cpu_seconds; /* of the processes named */
    double own_cpu_seconds;
    uint64_t misses, errors, wrong;
    struct hist hist;
};

/*
 * Run to the end.  False, with a message on stderr: a connection failed or
 * what came over one was no answer.
 */
bool load_run(const struct load *load, struct load_result *result);

#endif
