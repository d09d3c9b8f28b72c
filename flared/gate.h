/*
 * gate: how far every copy that counts has come, and who waits for that.
 *
 * The replication thread moves the gate; a worker compares a change's sequence
 * with it and, when a reply has to wait, parks a waiter that is called on the
 * worker's own thread once the gate has passed or the time is up.
 */
#ifndef FLARE_FLARED_GATE_H
#define FLARE_FLARED_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"
#include "net/mailbox.h"

struct flared;

struct gate {
    struct flared *node;
    atomic_uint_fast64_t passed; /* every change up to here is on all copies */
};

struct gate_waiter {
    struct list link; /* on its worker's queue, by sequence */
    uint64_t seq;
    struct mono deadline;
    void (*run)(struct gate_waiter *waiter, bool passed);
};

/* A worker's end of the gate. */
struct gate_queue {
    struct list waiters;
    struct mail wake;
    atomic_bool wanted; /* somebody waits here */
    atomic_bool posted; /* wake is on its way */
};

/* No copies: everything has passed. */
void gate_init(struct gate *gate, struct flared *node);

/*
 * Replication thread: the lowest sequence acknowledged by every active slave,
 * UINT64_MAX without slaves.  Wakes the workers that wait.
 */
void gate_set(struct gate *gate, uint64_t seq);

static inline bool
gate_has_passed(const struct gate *gate, uint64_t seq)
{
    return atomic_load_explicit(&gate->passed, memory_order_acquire) >= seq;
}

/* The following: the worker's own thread. */
void gate_queue_init(struct gate_queue *queue);
void gate_wait(struct gate_queue *queue, struct gate_waiter *waiter);

/* Run what the gate has passed by now; what is past its deadline with false. */
void gate_queue_run(struct gate_queue *queue, const struct gate *gate,
                    struct mono now);

#endif
