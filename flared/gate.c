#include "flared/gate.h"

#include "flared/worker.h"

void
gate_init(struct gate *gate, struct flared *node)
{
    gate->node = node;
    atomic_init(&gate->passed, UINT64_MAX);
    atomic_init(&gate->durable, UINT64_MAX);
}

static void
on_wake(struct mail *mail)
{
    struct worker *worker = LIST_ENTRY(mail, struct worker, gate_queue.wake);

    atomic_store(&worker->gate_queue.posted, false);
    gate_queue_run(&worker->gate_queue, &worker->node->gate, worker->loop.now);
}

/*
 * The order matters: the gate moves before `wanted` is read, and a worker sets
 * `wanted` before it reads the gate, so one of the two sees the other.
 */
static void
wake_workers(struct gate *gate)
{
    for (unsigned i = 0; i < gate->node->nworkers; i++) {
        struct worker *worker = &gate->node->workers[i];

        if (atomic_load(&worker->gate_queue.wanted) &&
            !atomic_exchange(&worker->gate_queue.posted, true)) {
            mailbox_post(&worker->loop.mailbox, &worker->gate_queue.wake);
        }
    }
}

void
gate_set(struct gate *gate, uint64_t seq)
{
    atomic_store(&gate->passed, seq);
    wake_workers(gate);
}

void
gate_set_durable(struct gate *gate, uint64_t seq)
{
    atomic_store(&gate->durable, seq);
    wake_workers(gate);
}

void
gate_queue_init(struct gate_queue *queue)
{
    list_init(&queue->waiters);
    queue->wake.deliver = on_wake;
    atomic_init(&queue->wanted, false);
    atomic_init(&queue->posted, false);
}

void
gate_wait(struct gate_queue *queue, struct gate_waiter *waiter)
{
    struct list *at = queue->waiters.prev;

    /* Nearly always the newest sequence: search from the end. */
    while (at != &queue->waiters &&
           LIST_ENTRY(at, struct gate_waiter, link)->seq > waiter->seq) {
        at = at->prev;
    }
    list_append(at->next, &waiter->link); /* that is, right behind `at` */
    atomic_store(&queue->wanted, true);
}

void
gate_queue_run(struct gate_queue *queue, const struct gate *gate,
               struct mono now)
{
    struct list *at = queue->waiters.next;

    while (at != &queue->waiters) {
        struct gate_waiter *waiter = LIST_ENTRY(at, struct gate_waiter, link);
        bool ok = gate_is_open_for(gate, waiter);

        at = at->next;
        if (ok || mono_reached(waiter->deadline, now)) {
            list_remove(&waiter->link);
            waiter->run(waiter, ok);
        }
    }
    if (list_empty(&queue->waiters)) {
        atomic_store(&queue->wanted, false);
    }
}

void
gate_queue_fail(struct gate_queue *queue)
{
    struct list *first;

    while ((first = list_first(&queue->waiters)) != NULL) {
        struct gate_waiter *waiter =
            LIST_ENTRY(first, struct gate_waiter, link);

        list_remove(&waiter->link);
        waiter->run(waiter, false);
    }
    atomic_store(&queue->wanted, false);
}
