/* A loop on the test's own thread, and waiting on it with a deadline. */
#ifndef FLARE_TEST_UNIT_NET_FIXTURE_H
#define FLARE_TEST_UNIT_NET_FIXTURE_H

#include "test/unit/test.h"

#include <stdlib.h>

#include "net/loop.h"
#include "net/timer.h"

enum { PATIENCE_MS = 10000 };

struct net_fixture {
    struct loop loop;
    struct timer tick; /* so that a turn never waits for long */
};

static inline void
net_tick(struct timer *timer)
{
    (void)timer;
}

static inline void
net_begin(struct net_fixture *f)
{
    struct err err;

    assert_int_equal(loop_init(&f->loop, &err), 0);
    timer_init(&f->tick, &f->loop, net_tick);
    timer_every(&f->tick, 5);
}

static inline void
net_end(struct net_fixture *f)
{
    timer_fini(&f->tick);
    loop_fini(&f->loop);
}

/* Turns until the condition holds; fails the test after PATIENCE_MS. */
#define RUN_UNTIL(f, condition)                                                \
    do {                                                                       \
        struct mono until_ = mono_after_ms(clock_mono(), PATIENCE_MS);         \
        while (!(condition)) {                                                 \
            assert_false(mono_reached(until_, clock_mono()));                  \
            loop_turn(&(f)->loop, true);                                       \
        }                                                                      \
    } while (0)

/* Everything that is due now, and what follows from it. */
static inline void
net_settle(struct net_fixture *f)
{
    for (int i = 0; i < 4; i++) {
        loop_turn(&f->loop, false);
    }
}

#endif
