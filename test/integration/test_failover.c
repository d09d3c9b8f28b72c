/* A master goes away, in every way there is. */
#include "test/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "test/harness/cluster.h"
#include "test/harness/dump.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

/* Half a second on a machine that has other things to do as well. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SLACK_MS = 5000 };
#else
enum { SLACK_MS = 500 };
#endif

static struct cluster cluster;

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

/* node0 master, node1 slave, node2 proxy, all of one partition. */
static void
start_pair(void)
{
    cluster_init(&cluster, 3);
    member_option(&cluster.index, "--monitor-read-timeout", "1000");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
}

/* Milliseconds until a write through `node` is accepted again. */
static int64_t
time_without_writes(size_t node)
{
    struct mono start = clock_mono();
    struct client c;

    client_open(&c, cluster.nodes[node].port);
    while (strcmp(client_ask(&c, "set probe 0 0 1\r\nx\r\n"), "STORED") != 0) {
        if (mono_ms_between(start, clock_mono()) > WAIT_MS) {
            fail_msg("no write was accepted: %s", c.line);
        }
    }
    client_close(&c);
    return mono_ms_between(start, clock_mono());
}

static void
a_killed_master_is_replaced_and_no_sync_write_is_lost(void **state)
{
    struct load load = {"key", 0, 2000, 100, 1, " sync"};
    struct client c;
    int64_t ms;

    (void)state;
    start_pair();
    client_open(&c, cluster.nodes[2].port);
    load_set(&c, &load);
    process_kill(&cluster.nodes[0].process);
    ms = time_without_writes(2);
    print_message("no write was accepted for %lld ms\n", (long long)ms);
    assert_true(ms < SLACK_MS);
    cluster_wait_state(&cluster, 1, "master active 0 1");
    cluster_wait_state(&cluster, 0, "proxy down -1 0");
    cluster_settle(&cluster);
    load_expect(&c, &load);

    cluster_start_node(&cluster, 0);
    cluster_wait_state(&cluster, 0, "proxy active -1 0");
    cluster_make_slave(&cluster, 0, 0);
    dump_wait_same(cluster.nodes[1].port, cluster.nodes[0].port);
    load.salt = 2;
    load_set(&c, &load);
    dump_wait_same(cluster.nodes[1].port, cluster.nodes[0].port);
    client_close(&c);
    cluster_finish(&cluster);
}

static void
a_terminated_master_hands_over_at_once(void **state)
{
    struct load load = {"key", 0, 1000, 100, 1, " sync"};
    struct client c;

    (void)state;
    start_pair();
    client_open(&c, cluster.nodes[2].port);
    load_set(&c, &load);
    process_stop(&cluster.nodes[0].process);
    cluster_wait_state(&cluster, 1, "master active 0 1");
    cluster_settle(&cluster);
    load_expect(&c, &load);
    (void)time_without_writes(2);
    client_close(&c);
    cluster_finish(&cluster);
}

/* Silence needs the threshold; who comes back must not bring the past back. */
static void
a_paused_master_is_deposed_and_knows_it_when_it_wakes(void **state)
{
    struct mono start;
    struct client c;
    int64_t ms;

    (void)state;
    start_pair();
    client_open(&c, cluster.nodes[2].port);
    client_talk(&c, "set k 0 0 3 sync\r\nold\r\n", "STORED\r\n");
    process_signal(&cluster.nodes[0].process, SIGSTOP);
    start = clock_mono();
    cluster_wait_state(&cluster, 1, "master active 0 1");
    client_close(&c);
    (void)time_without_writes(1); /* until it has heard of its new role */
    ms = mono_ms_between(start, clock_mono());
    print_message("a write was accepted after %lld ms of silence\n",
                  (long long)ms);
    assert_true(ms < 3 * 1000 + 500 + SLACK_MS);
    client_open(&c, cluster.nodes[1].port);
    client_talk(&c, "set k 0 0 3\r\nnew\r\n", "STORED\r\n");
    client_close(&c);
    process_signal(&cluster.nodes[0].process, SIGCONT);
    cluster_wait_state(&cluster, 0, "proxy active -1 0");
    cluster_settle(&cluster);
    for (int i = 0; i < 3; i++) {
        client_open(&c, cluster.nodes[i].port);
        client_expect(&c, "k", "new");
        client_set(&c, "k2", "x");
        client_close(&c);
    }
    cluster_make_slave(&cluster, 0, 0);
    dump_wait_same(cluster.nodes[1].port, cluster.nodes[0].port);
    cluster_finish(&cluster);
}

static void
a_lone_master_keeps_its_partition_and_its_data(void **state)
{
    struct load load = {"key", 0, 1000, 100, 1, ""};
    struct client c;

    (void)state;
    cluster_up(&cluster, 2);
    cluster_make_master(&cluster, 0, 0);
    client_open(&c, cluster.nodes[1].port);
    load_set(&c, &load);
    process_kill(&cluster.nodes[0].process);
    cluster_wait_state(&cluster, 0, "master down 0 1");
    assert_int_equal(
        strncmp(client_ask(&c, "set k 0 0 1\r\nx\r\n"), "SERVER_ERROR", 12), 0);
    cluster_start_node(&cluster, 0);
    cluster_wait_state(&cluster, 0, "master active 0 1");
    cluster_settle(&cluster);
    load_expect(&c, &load);
    client_close(&c);
    cluster_finish(&cluster);
}

/* The other slave follows the new master without being told. */
static void
the_remaining_slave_follows_the_new_master(void **state)
{
    struct load load = {"key", 0, 1000, 100, 1, " sync"};
    struct client c;

    (void)state;
    start_pair();
    cluster_make_slave(&cluster, 2, 0);
    client_open(&c, cluster.nodes[2].port);
    load_set(&c, &load);
    cluster_order(&cluster, "node role 127.0.0.1 %u slave 5 0",
                  cluster.nodes[1].port);
    cluster_settle(&cluster);
    process_kill(&cluster.nodes[0].process);
    cluster_wait_state(&cluster, 0, "proxy down -1 0");
    cluster_settle(&cluster);
    load.salt = 2;
    load_set(&c, &load);
    load_expect(&c, &load);
    dump_wait_same(cluster.nodes[1].port, cluster.nodes[2].port);
    client_close(&c);
    cluster_finish(&cluster);
}

/* Back and forth: every write that was acknowledged as synced stays. */
static void
five_failovers_in_a_row_lose_nothing(void **state)
{
    struct client c;
    size_t master = 0;

    (void)state;
    start_pair();
    client_open(&c, cluster.nodes[2].port);
    for (uint32_t round = 0; round < 5; round++) {
        struct load all = {"key", 0, (round + 1) * 300, 100, 1, " sync"};
        struct load mine = {"key", round * 300, (round + 1) * 300,
                            100,   1,           " sync"};
        size_t slave = 1 - master;

        load_set(&c, &mine);
        process_kill(&cluster.nodes[master].process);
        cluster_wait_state(&cluster, slave, "master active 0 1");
        cluster_settle(&cluster);
        load_expect(&c, &all);
        cluster_start_node(&cluster, master);
        cluster_wait_state(&cluster, master, "proxy active -1 0");
        cluster_make_slave(&cluster, master, 0);
        master = slave;
    }
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    client_close(&c);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            a_killed_master_is_replaced_and_no_sync_write_is_lost, stop),
        cmocka_unit_test_teardown(a_terminated_master_hands_over_at_once, stop),
        cmocka_unit_test_teardown(
            a_paused_master_is_deposed_and_knows_it_when_it_wakes, stop),
        cmocka_unit_test_teardown(
            a_lone_master_keeps_its_partition_and_its_data, stop),
        cmocka_unit_test_teardown(the_remaining_slave_follows_the_new_master,
                                  stop),
        cmocka_unit_test_teardown(five_failovers_in_a_row_lose_nothing, stop),
    };
    return cmocka_run_group_tests_name("integration/failover", tests, NULL,
                                       NULL);
}
