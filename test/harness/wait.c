#include "test/harness/wait.h"

#include <time.h>

#include "base/clock.h"
#include "test/unit/test.h"

bool
wait_held(bool (*done)(void *arg), void *arg, int64_t ms)
{
    struct mono end = mono_after_ms(clock_mono(), ms);

    while (!done(arg)) {
        if (mono_reached(end, clock_mono())) {
            return false;
        }
        (void)nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    return true;
}

void
wait_for(bool (*done)(void *arg), void *arg, int64_t ms, const char *what)
{
    if (!wait_held(done, arg, ms)) {
        fail_msg("waited %lld ms in vain for: %s", (long long)ms, what);
    }
}
