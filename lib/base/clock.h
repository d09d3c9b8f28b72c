/*
 * clock: the two times there are, as types that do not mix.
 *
 * mono measures durations and deadlines; wall is what expiry and logs mean.
 * The only callers of clock_gettime() are here.
 */
#ifndef FLARE_BASE_CLOCK_H
#define FLARE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct mono {
    int64_t ns;
};

struct wall {
    int64_t s; /* seconds since the epoch */
};

struct mono clock_mono(void);

/* The same, only as of the kernel's last tick (1 to 10 ms ago), but cheaper. */
struct mono clock_mono_coarse(void);
struct wall clock_wall(void);

static inline struct mono
mono_after_ms(struct mono t, int64_t ms)
{
    return (struct mono){t.ns + ms * 1000000};
}

/* How long from `from` to `to`; negative when `to` comes first. */
static inline int64_t
mono_ms_between(struct mono from, struct mono to)
{
    return (to.ns - from.ns) / 1000000;
}

static inline bool
mono_reached(struct mono deadline, struct mono now)
{
    return now.ns >= deadline.ns;
}

#endif
