#include "base/clock.h"

#include <time.h>

struct mono
clock_mono(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (struct mono){(int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec};
}

struct mono
clock_mono_coarse(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (struct mono){(int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec};
}

struct wall
clock_wall(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &ts);
    return (struct wall){ts.tv_sec};
}
