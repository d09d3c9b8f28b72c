/*
 * timer: one-shot and periodic, on a loop's own thread.
 */
#ifndef FLARE_NET_TIMER_H
#define FLARE_NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"

struct timer {
    struct event *event; /* NULL until the first start */
    struct loop *loop;
    void (*run)(struct timer *timer);
    int64_t every_ms; /* 0: one-shot */
    bool armed;
};

/* `run` is called on the loop's thread; it may restart, stop or free timer. */
void timer_init(struct timer *timer, struct loop *loop,
                void (*run)(struct timer *timer));

/* (Re)start: once after ms, or every ms.  Aborts when memory is out. */
void timer_once(struct timer *timer, int64_t ms);
void timer_every(struct timer *timer, int64_t ms);
void timer_stop(struct timer *timer);
void timer_fini(struct timer *timer);

#endif
