#include "repl/throttle.h"

#include <stdbool.h>

enum {
    NS_PER_MS = 1000000,
    LAG_MS = 10,    /* time lost that the next records may catch up with */
    BURST_MS = 100, /* bytes may run ahead of their limit by so much */
};

static const uint64_t WAIT_US_MAX = 1000000000; /* a pause of 1000 s */
static const uint64_t BYTES_MAX = UINT64_C(1) << 33;

static struct mono
later(struct mono a, struct mono b)
{
    return a.ns > b.ns ? a : b;
}

void
throttle_set(struct throttle *throttle, uint64_t wait_us, uint64_t kib_per_s)
{
    const uint64_t us = wait_us < WAIT_US_MAX ? wait_us : WAIT_US_MAX;

    throttle->record_ns = (int64_t)us * 1000;
    throttle->kib_per_s = kib_per_s;
}

void
throttle_init(struct throttle *throttle, uint64_t wait_us, uint64_t kib_per_s,
              struct mono now)
{
    throttle_set(throttle, wait_us, kib_per_s);
    throttle->record_at = now;
    throttle->bytes_at = now;
}

/* How long so many bytes take, in ns. */
static int64_t
time_of(uint64_t bytes, uint64_t kib_per_s)
{
    const uint64_t n = bytes < BYTES_MAX ? bytes : BYTES_MAX;

    return (int64_t)(n * 976562 / kib_per_s); /* 1e9 / 1024 ns a byte */
}

void
throttle_add(struct throttle *throttle, uint64_t bytes, struct mono now)
{
    if (throttle->record_ns > 0) {
        throttle->record_at =
            later(throttle->record_at, mono_after_ms(now, -LAG_MS));
        throttle->record_at.ns += throttle->record_ns;
    }
    if (throttle->kib_per_s > 0) {
        throttle->bytes_at = later(throttle->bytes_at, now);
        throttle->bytes_at.ns += time_of(bytes, throttle->kib_per_s);
    }
}

int64_t
throttle_wait_ms(const struct throttle *throttle, struct mono now)
{
    const int64_t record =
        throttle->record_ns > 0 ? mono_ms_between(now, throttle->record_at) : 0;
    const int64_t bytes =
        throttle->kib_per_s > 0 ? mono_ms_between(now, throttle->bytes_at) : 0;
    int64_t wait = record > 0 ? record : 0;

    if (bytes >= BURST_MS && bytes > wait) {
        wait = bytes;
    }
    return wait;
}
