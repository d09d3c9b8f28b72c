/*
 * health: from what the monitor sees of a node to "down" and "up".
 *
 * Pure.  A connection that is closed or refused is evidence at once and needs
 * one confirmation; silence and wrong answers have to add up to the threshold,
 * and silence alone to as many intervals.
 */
#ifndef FLARE_INDEX_HEALTH_H
#define FLARE_INDEX_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Zeroed storage: nothing is known. */
struct health {
    unsigned failures; /* in a row */
    unsigned suspect;  /* looks since it was closed or refused; 0: it is not */
    bool joining;      /* has just added itself and may not listen yet */
};

enum health_evidence {
    HEALTH_ANSWERED, /* to a ping, with exactly "OK" */
    HEALTH_WRONG,    /* with something else */
    HEALTH_SILENT,   /* no answer, or no connection, in time */
    HEALTH_CLOSED,   /* a connection that was up is not any more */
    HEALTH_REFUSED,  /* nobody listens there */
};

enum health_verdict {
    HEALTH_NOTHING,
    HEALTH_CONFIRM, /* look again at once */
    HEALTH_DOWN,
    HEALTH_UP,
};

/*
 * down: what the map says of the node.  threshold: failures in a row that make
 * it so, 0 counting as 1.  DOWN and UP are repeated as long as they are not
 * what the map says, so a verdict that could not be carried out is not lost.
 */
enum health_verdict health_step(struct health *health,
                                enum health_evidence evidence, bool down,
                                unsigned threshold);

/*
 * How long a node may say nothing at all, whatever it was asked: threshold
 * intervals and a little, and never less than an interval and what the answer
 * to the ping after it may take.  A read timeout that is longer than all these
 * intervals, and than it is by default, is meant to be waited for.
 */
int64_t health_patience_ms(unsigned threshold, int64_t interval_ms,
                           int64_t read_timeout_ms);

/* It has said nothing for so long. */
enum health_verdict health_overdue(struct health *health, bool down,
                                   unsigned threshold);

/* "answered", "wrong", "silent", "closed", "refused"; "" when out of range. */
const char *health_evidence_name(enum health_evidence evidence);
bool health_evidence_parse(struct slice word, enum health_evidence *out);

/* The node has added itself: forget the past, wait until it listens. */
void health_join(struct health *health);

#endif
