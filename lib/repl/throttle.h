/*
 * throttle: how fast a dump may go (spec: data-plane 1.8).
 *
 * A pause per record and a limit in KiB per second; whichever asks for more
 * decides.  Both are schedules, not sleeps: small pauses add up until they are
 * worth waiting for, and time lost elsewhere counts as waited.  Pure: the
 * caller brings the clock.
 */
#ifndef FLARE_REPL_THROTTLE_H
#define FLARE_REPL_THROTTLE_H

#include <stdint.h>

#include "base/clock.h"

struct throttle {
    int64_t record_ns;     /* pause per record; 0: none */
    uint64_t kib_per_s;    /* 0: no limit */
    struct mono record_at; /* the next record is due */
    struct mono bytes_at;  /* the bytes so far are paid for */
};

void throttle_init(struct throttle *throttle, uint64_t wait_us,
                   uint64_t kib_per_s, struct mono now);

/* New limits from here on (an option was reloaded). */
void throttle_set(struct throttle *throttle, uint64_t wait_us,
                  uint64_t kib_per_s);

/* One more record of so many bytes was passed on. */
void throttle_add(struct throttle *throttle, uint64_t bytes, struct mono now);

/* Wait this many ms before the next record; 0: go on. */
int64_t throttle_wait_ms(const struct throttle *throttle, struct mono now);

#endif
