#include "net/timer.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

static void
arm(struct timer *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

    if (timer->event == NULL || event_add(timer->event, &tv) != 0) {
        (void)fputs("out of memory for a timer\n", stderr);
        abort();
    }
    timer->armed = true;
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
    struct timer *timer = arg;

    (void)fd;
    (void)what;
    loop_woke(timer->loop);
    timer->armed = false;
    if (timer->every_ms > 0) {
        arm(timer, timer->every_ms);
    }
    timer->run(timer);
}

void
timer_init(struct timer *timer, struct loop *loop,
           void (*run)(struct timer *timer))
{
    *timer = (struct timer){.loop = loop, .run = run};
}

static void
start(struct timer *timer, int64_t ms, int64_t every_ms)
{
    if (timer->event == NULL) {
        timer->event = event_new(timer->loop->base, -1, 0, on_time, timer);
    }
    timer->every_ms = every_ms;
    arm(timer, ms > 0 ? ms : 0);
}

void
timer_once(struct timer *timer, int64_t ms)
{
    start(timer, ms, 0);
}

void
timer_every(struct timer *timer, int64_t ms)
{
    start(timer, ms, ms > 0 ? ms : 1);
}

void
timer_stop(struct timer *timer)
{
    if (timer->armed) {
        (void)event_del(timer->event);
        timer->armed = false;
    }
}

void
timer_fini(struct timer *timer)
{
    if (timer->event != NULL) {
        event_free(timer->event);
        timer->event = NULL;
    }
    timer->armed = false;
}
