/* New copies and new partitions are made while clients go on writing. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/cluster.h"
#include "test/harness/dump.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

static struct cluster cluster;

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

/* Copying takes at least records * us. */
static void
start_with(size_t nodes, const char *interval_us)
{
    cluster_init(&cluster, nodes);
    if (interval_us != NULL) {
        cluster_node_option(&cluster, "--reconstruction-interval", interval_us);
    }
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
}

static void
fill(size_t node, const struct load *load)
{
    struct client c;

    client_open(&c, cluster.nodes[node].port);
    load_set(&c, load);
    client_close(&c);
}

static void
order_slave(size_t i, int partition)
{
    cluster_order(&cluster, "node role 127.0.0.1 %u slave 0 %d",
                  cluster.nodes[i].port, partition);
}

static bool
is_in(size_t i, const char *state)
{
    return strcmp(cluster_state(&cluster, i), state) == 0;
}

static void
a_slave_built_under_writes_ends_equal(void **state)
{
    struct load old = {"old", 0, 3000, 500, 1, ""};
    struct client c;
    uint32_t round = 0;

    (void)state;
    start_with(3, "500");
    fill(0, &old);
    client_open(&c, cluster.nodes[2].port);
    order_slave(1, 0);
    assert_true(is_in(1, "slave prepare 0 0"));
    /* New keys, overwrites, deletes and appends until it is done. */
    while (!is_in(1, "slave active 0 0")) {
        struct load fresh = {"new", round * 10, round * 10 + 10, 300, 2, ""};
        struct load over = {
            "old", round * 7 % 1500, round * 7 % 1500 + 5, 600, round, ""};
        struct load gone = {
            "old", 2999 - round % 1400, 3000 - round % 1400, 1, 1, ""};

        load_set(&c, &fresh);
        load_set(&c, &over);
        if (round < 1400) {
            load_delete(&c, &gone);
        }
        client_talk(&c, "append old1550 0 0 1\r\nx\r\n", "STORED\r\n");
        round++;
    }
    assert_true(round > 5);
    client_close(&c);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    cluster_finish(&cluster);
}

/* What a slave held before is of no interest, deleted keys least of all. */
static void
a_returning_slave_forgets_what_was_deleted_meanwhile(void **state)
{
    struct load load = {"k", 0, 500, 100, 1, ""};
    struct load gone = {"k", 100, 200, 100, 1, ""};
    struct client c;

    (void)state;
    start_with(2, NULL);
    fill(0, &load);
    cluster_make_slave(&cluster, 1, 0);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    process_stop(&cluster.nodes[1].process);
    client_open(&c, cluster.nodes[0].port);
    load_delete(&c, &gone);
    cluster_start_node(&cluster, 1);
    cluster_wait_state(&cluster, 1, "proxy active -1 0");
    cluster_make_slave(&cluster, 1, 0);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    assert_int_equal(dump_count(cluster.nodes[1].port), 400);
    client_close(&c);
    cluster_finish(&cluster);
}

/* Each of the partitions 1 and 2 is fed from all that were there before. */
static void
new_partitions_take_over_their_keys_under_writes(void **state)
{
    struct load load = {"key", 0, 3000, 100, 1, ""};
    struct client c;

    (void)state;
    start_with(4, "300");
    fill(0, &load);
    client_open(&c, cluster.nodes[3].port);
    for (uint32_t partition = 1; partition < 3; partition++) {
        char ready[32], active[32];

        (void)snprintf(ready, sizeof(ready), "master ready %u 1", partition);
        (void)snprintf(active, sizeof(active), "master active %u 1", partition);
        cluster_order(&cluster, "node role 127.0.0.1 %u master 1 %u",
                      cluster.nodes[partition].port, partition);
        load.salt = partition + 1;
        do {
            load_set(&c, &load);
        } while (!is_in(partition, ready));
        cluster_order(&cluster, "node state 127.0.0.1 %u active",
                      cluster.nodes[partition].port);
        cluster_wait_state(&cluster, partition, active);
        cluster_settle(&cluster);
        for (int i = 0; i < 4; i++) {
            struct client other;

            client_open(&other, cluster.nodes[i].port);
            load_expect(&other, &load);
            client_close(&other);
        }
    }
    for (int i = 0; i < 3; i++) {
        assert_true(dump_count(cluster.nodes[i].port) > 500);
    }
    client_close(&c);
    cluster_finish(&cluster);
}

static void
a_slave_of_a_second_partition_gets_that_partition(void **state)
{
    struct load load = {"key", 0, 2000, 100, 1, ""};

    (void)state;
    start_with(4, NULL);
    fill(0, &load);
    cluster_make_slave(&cluster, 2, 0);
    cluster_make_master(&cluster, 1, 1);
    cluster_make_slave(&cluster, 3, 1);
    load.salt = 2;
    fill(2, &load);
    dump_wait_same(cluster.nodes[1].port, cluster.nodes[3].port);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[2].port);
    cluster_finish(&cluster);
}

/* Two slaves at once: the source is not "busy". */
static void
two_slaves_are_built_at_once(void **state)
{
    struct load load = {"key", 0, 2000, 100, 1, ""};

    (void)state;
    start_with(3, "300");
    fill(0, &load);
    order_slave(1, 0);
    order_slave(2, 0);
    cluster_wait_state(&cluster, 1, "slave active 0 0");
    cluster_wait_state(&cluster, 2, "slave active 0 0");
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[2].port);
    cluster_finish(&cluster);
}

/* --- something dies half way ------------------------------------------------
 */

static void
when_the_source_dies_nothing_is_lost_and_it_can_be_retried(void **state)
{
    struct load load = {"key", 0, 2000, 100, 1, ""};
    struct client c;

    (void)state;
    start_with(2, "2000");
    fill(0, &load);
    order_slave(1, 0);
    assert_true(is_in(1, "slave prepare 0 0"));
    process_kill(&cluster.nodes[0].process);
    cluster_wait_state(&cluster, 0, "master down 0 1");
    cluster_start_node(&cluster, 0);
    cluster_wait_state(&cluster, 0, "master active 0 1");
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[0].port);
    load_expect(&c, &load);
    client_close(&c);
    if (!is_in(1, "slave prepare 0 0") && !is_in(1, "slave active 0 0")) {
        cluster_wait_state(&cluster, 1, "proxy active -1 0");
        order_slave(1, 0);
    }
    cluster_wait_state(&cluster, 1, "slave active 0 0");
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    cluster_finish(&cluster);
}

static void
when_the_target_dies_the_source_goes_on(void **state)
{
    struct load load = {"key", 0, 2000, 100, 1, ""};
    struct client c;

    (void)state;
    start_with(2, "2000");
    fill(0, &load);
    order_slave(1, 0);
    assert_true(is_in(1, "slave prepare 0 0"));
    process_kill(&cluster.nodes[1].process);
    cluster_wait_state(&cluster, 1, "proxy down -1 0");
    client_open(&c, cluster.nodes[0].port);
    load.salt = 2;
    load.words = " sync";
    load_set(&c, &load);
    client_close(&c);
    cluster_start_node(&cluster, 1);
    cluster_wait_state(&cluster, 1, "proxy active -1 0");
    order_slave(1, 0);
    cluster_wait_state(&cluster, 1, "slave active 0 0");
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    cluster_finish(&cluster);
}

static void
when_the_index_dies_the_copy_is_used_or_made_again(void **state)
{
    struct load load = {"key", 0, 1500, 100, 1, ""};

    (void)state;
    start_with(2, "1000");
    fill(0, &load);
    order_slave(1, 0);
    cluster_settle(&cluster);
    process_kill(&cluster.index.process);
    load.salt = 2;
    fill(0, &load);
    /* The copy ends meanwhile; whom to tell comes back only then. */
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    cluster_start_index(&cluster);
    assert_string_not_equal(cluster_state(&cluster, 1), "");
    if (is_in(1, "proxy active -1 0")) {
        order_slave(1, 0);
    }
    cluster_wait_state(&cluster, 1, "slave active 0 0");
    cluster_settle(&cluster);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    cluster_finish(&cluster);
}

static void
a_new_partition_survives_the_death_of_a_source(void **state)
{
    struct load load = {"key", 0, 2000, 100, 1, ""};
    struct client c;

    (void)state;
    start_with(3, "1500");
    fill(0, &load);
    cluster_make_master(&cluster, 1, 1);
    cluster_order(&cluster, "node role 127.0.0.1 %u master 1 2",
                  cluster.nodes[2].port);
    assert_true(is_in(2, "master prepare 2 1"));
    process_kill(&cluster.nodes[1].process);
    cluster_wait_state(&cluster, 1, "master down 1 1");
    cluster_start_node(&cluster, 1);
    cluster_wait_state(&cluster, 1, "master active 1 1");
    cluster_settle(&cluster);
    if (is_in(2, "proxy active -1 0")) {
        cluster_order(&cluster, "node role 127.0.0.1 %u master 1 2",
                      cluster.nodes[2].port);
    }
    cluster_wait_state(&cluster, 2, "master ready 2 1");
    cluster_order(&cluster, "node state 127.0.0.1 %u active",
                  cluster.nodes[2].port);
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[0].port);
    load_expect(&c, &load);
    client_close(&c);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_slave_built_under_writes_ends_equal, stop),
        cmocka_unit_test_teardown(
            a_returning_slave_forgets_what_was_deleted_meanwhile, stop),
        cmocka_unit_test_teardown(
            new_partitions_take_over_their_keys_under_writes, stop),
        cmocka_unit_test_teardown(
            a_slave_of_a_second_partition_gets_that_partition, stop),
        cmocka_unit_test_teardown(two_slaves_are_built_at_once, stop),
        cmocka_unit_test_teardown(
            when_the_source_dies_nothing_is_lost_and_it_can_be_retried, stop),
        cmocka_unit_test_teardown(when_the_target_dies_the_source_goes_on,
                                  stop),
        cmocka_unit_test_teardown(
            when_the_index_dies_the_copy_is_used_or_made_again, stop),
        cmocka_unit_test_teardown(
            a_new_partition_survives_the_death_of_a_source, stop),
    };
    return cmocka_run_group_tests_name("integration/rebuild", tests, NULL,
                                       NULL);
}
