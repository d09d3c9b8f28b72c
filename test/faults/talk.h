/*
 * talk: a client that reports what goes wrong instead of failing the test, and
 * never waits beyond its deadline.
 */
#ifndef FLARE_TEST_FAULTS_TALK_H
#define FLARE_TEST_FAULTS_TALK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"

struct talk {
    int fd; /* -1: not connected */
    struct buf in;
    char line[512]; /* the last line taken; a longer one is cut */
};

/* From the network namespace that the thread is in.  False: not in time. */
bool talk_open(struct talk *talk, const char *host, uint16_t port,
               struct mono end);

/* The kernel forgets what it had not sent yet. */
void talk_close(struct talk *talk);

bool talk_send(struct talk *talk, struct slice bytes, struct mono end);

/* One line without its end; NULL: closed, or not in time. */
const char *talk_line(struct talk *talk, struct mono end);

/* Exactly n bytes, good until the next call; .p NULL likewise. */
struct slice talk_bytes(struct talk *talk, size_t n, struct mono end);

/* One request on a connection of its own and its first line of answer, or
 * NULL.  Good until the next call in the same thread. */
const char *talk_once(const char *host, uint16_t port, const char *request,
                      int64_t ms);

#endif
