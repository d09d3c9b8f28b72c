/*
 * gate: how far every copy that counts has come, and the disk, and who waits
 * for that.
 *
 * The replication thread and the thread that writes the log move the gate; a
 * worker compares a change's sequence with it and, when a reply has to wait,
 * parks a waiter that is called on the worker's own thread once the gate has
 * passed or the time is up.
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
    /* And on the disk; UINT64_MAX when nobody has to wait for that. */
    atomic_uint_fast64_t durable;
};

struct gate_waiter {
    struct list link; /* on its worker's queue, by sequence */
    uint64_t seq;
    bool disk_only; /* the copies do not matter */
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

/* The thread that writes the log: this and no more is on the disk. */
void gate_set_durable(struct gate *gate, uint64_t seq);

/* On the disk, or nobody asked for that. */
static inline bool
gate_is_durable(const struct gate *gate, uint64_t seq)
{
    return atomic_load_explicit(&gate->durable, memory_order_acquire) >= seq;
}

static inline bool
gate_has_passed(const struct gate *gate, uint64_t seq)
{
    return atomic_load_explicit(&gate->passed, memory_order_acquire) >= seq &&
           gate_is_durable(gate, seq);
}

static inline bool
gate_is_open_for(const struct gate *gate, const struct gate_waiter *waiter)
{
    return waiter->disk_only ? gate_is_durable(gate, waiter->seq)
                             : gate_has_passed(gate, waiter->seq);
}

/* The following: the worker's own thread. */
void gate_queue_init(struct gate_queue *queue);
void gate_wait(struct gate_queue *queue, struct gate_waiter *waiter);

/* Run what the gate has passed by now; what is past its deadline with false. */
void gate_queue_run(struct gate_queue *queue, const struct gate *gate,
                    struct mono now);

/* Nobody will confirm what is waited for here: run everybody with false. */
void gate_queue_fail(struct gate_queue *queue);

#endif
