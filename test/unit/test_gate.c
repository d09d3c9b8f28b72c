#include "test/unit/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "flared/worker.h"

enum { WAITERS = 200 };

struct waiting {
    struct gate_waiter waiter;
    struct worker *worker;
    bool ran, passed;
    unsigned *done;
};

static struct flared node;

static void
on_wake_for_test(struct gate_waiter *waiter, bool passed)
{
    struct waiting *w = LIST_ENTRY(waiter, struct waiting, waiter);

    assert_false(w->ran);
    w->ran = true;
    w->passed = passed;
    if (++*w->done == WAITERS) {
        loop_stop(&w->worker->loop);
    }
}

static int
one_worker(void **state)
{
    struct err err;

    (void)state;
    memset(&node, 0, sizeof(node));
    node.workers = aligned_alloc(64, sizeof(*node.workers));
    memset(node.workers, 0, sizeof(*node.workers));
    node.nworkers = 1;
    node.workers[0].node = &node;
    assert_int_equal(loop_init(&node.workers[0].loop, &err), 0);
    gate_queue_init(&node.workers[0].gate_queue);
    gate_init(&node.gate, &node);
    return 0;
}

static int
no_worker(void **state)
{
    (void)state;
    loop_fini(&node.workers[0].loop);
    free(node.workers);
    return 0;
}

static void
without_copies_everything_has_passed(void **state)
{
    (void)state;
    assert_true(gate_has_passed(&node.gate, 1));
    assert_true(gate_has_passed(&node.gate, UINT64_MAX));
}

static void
the_disk_counts_beside_the_copies(void **state)
{
    struct worker *worker = &node.workers[0];
    struct waiting w[2];
    unsigned done = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(w); i++) {
        w[i] = (struct waiting){.worker = worker, .done = &done};
        w[i].waiter.seq = 5;
        w[i].waiter.disk_only = i == 1;
        w[i].waiter.deadline = (struct mono){INT64_MAX};
        w[i].waiter.run = on_wake_for_test;
        gate_wait(&worker->gate_queue, &w[i].waiter);
    }
    gate_set(&node.gate, 9);
    gate_set_durable(&node.gate, 4);
    assert_false(gate_has_passed(&node.gate, 5));
    gate_queue_run(&worker->gate_queue, &node.gate, (struct mono){0});
    assert_int_equal(done, 0);
    gate_set(&node.gate, 4);
    gate_set_durable(&node.gate, 5);
    gate_queue_run(&worker->gate_queue, &node.gate, (struct mono){0});
    assert_int_equal(done, 1);
    assert_true(w[1].ran && w[1].passed);
    gate_set(&node.gate, 5);
    gate_queue_run(&worker->gate_queue, &node.gate, (struct mono){0});
    assert_true(w[0].ran && w[0].passed);
    gate_set_durable(&node.gate, UINT64_MAX);
}

static void
waiters_run_in_sequence_order_up_to_the_gate(void **state)
{
    static const uint64_t seqs[] = {5, 3, 9, 7, 3};
    struct worker *worker = &node.workers[0];
    struct waiting w[COUNT(seqs)];
    unsigned done = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(seqs); i++) {
        w[i] = (struct waiting){.worker = worker, .done = &done};
        w[i].waiter.seq = seqs[i];
        w[i].waiter.deadline = (struct mono){INT64_MAX};
        w[i].waiter.run = on_wake_for_test;
        gate_wait(&worker->gate_queue, &w[i].waiter);
    }
    atomic_store(&node.gate.passed, 6);
    gate_queue_run(&worker->gate_queue, &node.gate, (struct mono){0});
    assert_true(w[0].ran && w[1].ran && w[4].ran && !w[2].ran && !w[3].ran);
    assert_true(w[0].passed);
    gate_queue_run(&worker->gate_queue, &node.gate, (struct mono){INT64_MAX});
    assert_true(w[2].ran && w[3].ran);
    assert_false(w[2].passed || w[3].passed);
    assert_false(atomic_load(&worker->gate_queue.wanted));
}

static void *
move_gate(void *arg)
{
    (void)arg;
    for (uint64_t seq = 1; seq <= WAITERS; seq++) {
        gate_set(&node.gate, seq);
    }
    return NULL;
}

static void
a_gate_moved_by_another_thread_wakes_every_waiter(void **state)
{
    struct worker *worker = &node.workers[0];
    static struct waiting w[WAITERS];
    unsigned done = 0;
    pthread_t mover;

    (void)state;
    atomic_store(&node.gate.passed, 0);
    for (unsigned i = 0; i < WAITERS; i++) {
        w[i] = (struct waiting){.worker = worker, .done = &done};
        w[i].waiter.seq = i + 1;
        w[i].waiter.deadline = (struct mono){INT64_MAX};
        w[i].waiter.run = on_wake_for_test;
        gate_wait(&worker->gate_queue, &w[i].waiter);
    }
    assert_int_equal(pthread_create(&mover, NULL, move_gate, NULL), 0);
    loop_run(&worker->loop);
    assert_int_equal(pthread_join(mover, NULL), 0);
    assert_int_equal(done, WAITERS);
    for (unsigned i = 0; i < WAITERS; i++) {
        assert_true(w[i].ran && w[i].passed);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_copies_everything_has_passed),
        cmocka_unit_test(the_disk_counts_beside_the_copies),
        cmocka_unit_test(waiters_run_in_sequence_order_up_to_the_gate),
        cmocka_unit_test(a_gate_moved_by_another_thread_wakes_every_waiter),
    };

    return cmocka_run_group_tests_name("flared/gate", tests, one_worker,
                                       no_worker);
}
