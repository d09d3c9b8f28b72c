/* A master and its slaves hold the same, whatever is written. */
#include "test/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "test/harness/cluster.h"
#include "test/harness/dump.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

static struct cluster cluster;

static int
start(void **state)
{
    (void)state;
    cluster_init(&cluster, 4);
    member_option(&cluster.index, "--monitor-read-timeout", "1000");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
    cluster_make_slave(&cluster, 2, 0);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static void
copies_are_the_same(void)
{
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[2].port);
}

static void
every_kind_of_write_reaches_the_slaves(void **state)
{
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c,
                "set a 3 0 1\r\n1\r\nadd b 0 0 1\r\n1\r\n"
                "replace a 4 0 1\r\n5\r\nappend a 0 0 1\r\n6\r\n"
                "prepend a 0 0 1\r\n7\r\nincr a 5\r\ndecr a 1\r\n"
                "set c 0 0 1\r\nx\r\ndelete c\r\ntouch b 1000\r\n"
                "gat 2000 a\r\nset d 0 1000 1\r\nx\r\n",
                "STORED\r\nSTORED\r\nSTORED\r\nSTORED\r\nSTORED\r\n761\r\n"
                "760\r\nSTORED\r\nDELETED\r\nTOUCHED\r\n"
                "VALUE a 4 3\r\n760\r\nEND\r\nSTORED\r\n");
    copies_are_the_same();
    assert_int_equal(dump_count(cluster.nodes[1].port), 3);
    client_close(&c);
}

/*
 * Copies are behind; who has just written reads at the master, whatever the
 * node, in one packet or not.
 */
static void
a_connection_reads_what_it_wrote(void **state)
{
    enum { ROUNDS = 300 };
    char ask[64], answer[64];

    (void)state;
    for (size_t node = 0; node < 4; node++) {
        struct client c;

        client_open(&c, cluster.nodes[node].port);
        for (unsigned i = 0; i < ROUNDS; i++) {
            (void)snprintf(ask, sizeof(ask),
                           "set own 0 0 4\r\n%04u\r\nget own\r\n", i);
            (void)snprintf(answer, sizeof(answer),
                           "STORED\r\nVALUE own 0 4\r\n%04u\r\nEND\r\n", i);
            client_talk(&c, ask, answer);
        }
        client_talk(&c, "delete own\r\nget own\r\n", "DELETED\r\nEND\r\n");
        client_close(&c);
    }
}

static void
random_writes_through_every_node_end_equal(void **state)
{
    /* A key goes between the two. */
    static const char *const forms[][2] = {
        {"set", "0 0 3 noreply\r\nabc\r\n"},
        {"append", "0 0 1 noreply\r\nx\r\n"},
        {"delete", "noreply\r\n"},
        {"set", "1 0 1 noreply\r\n7\r\n"},
        {"incr", "3 noreply\r\n"},
        {"touch", "5000 noreply\r\n"},
    };
    struct client c[4];
    struct buf out = {0};
    struct rand r;

    (void)state;
    rand_init(&r, 5);
    for (int i = 0; i < 4; i++) {
        client_open(&c[i], cluster.nodes[i].port);
    }
    for (int round = 0; round < 400; round++) {
        for (int i = 0; i < 25; i++) {
            const char *const *form = forms[rand_below(&r, COUNT(forms))];

            assert_true(buf_printf(&out, "%s k%u %s", form[0],
                                   rand_below(&r, 50), form[1]));
        }
        client_send(&c[round % 4], buf_slice(&out));
        buf_clear(&out);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            strncmp(client_ask(&c[i], "version\r\n"), "VERSION", 7), 0);
        client_close(&c[i]);
    }
    buf_fini(&out);
    copies_are_the_same();
}

static void
a_sync_write_is_on_every_slave_when_it_is_answered(void **state)
{
    struct client master, slaves[2];
    char key[32];

    (void)state;
    client_open(&master, cluster.nodes[0].port);
    client_open(&slaves[0], cluster.nodes[1].port);
    client_open(&slaves[1], cluster.nodes[2].port);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof(key), "sync%d", i);
        assert_string_equal(
            client_ask(&master, "set %s 0 0 1 sync\r\nx\r\n", key), "STORED");
        client_expect(&slaves[0], key, "x");
        client_expect(&slaves[1], key, "x");
        assert_string_equal(client_ask(&master, "delete %s 0 sync\r\n", key),
                            "DELETED");
        client_expect(&slaves[i % 2], key, NULL);
    }
    client_close(&master);
    client_close(&slaves[0]);
    client_close(&slaves[1]);
}

static void
reads_are_spread_by_balance(void **state)
{
    struct load load = {"spread", 0, 600, 10, 1, " sync"};
    int64_t before[3];
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[3].port);
    load_set(&c, &load);
    client_close(&c); /* who has written reads at the master for a while */
    client_open(&c, cluster.nodes[3].port);
    for (int i = 0; i < 3; i++) {
        before[i] = stat_of(cluster.nodes[i].port, "cmd_get");
    }
    load_expect(&c, &load);
    for (int i = 0; i < 3; i++) {
        int64_t gets = stat_of(cluster.nodes[i].port, "cmd_get") - before[i];

        assert_in_range(gets, 100, 300);
    }
    client_close(&c);
}

static void
flush_all_on_a_slave_stays_there(void **state)
{
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c, "set kept 0 0 1 sync\r\nx\r\n", "STORED\r\n");
    client_close(&c);
    client_open(&c, cluster.nodes[2].port);
    client_talk(&c, "flush_all\r\n", "OK\r\n");
    client_close(&c);
    assert_int_equal(dump_count(cluster.nodes[2].port), 0);
    assert_true(dump_count(cluster.nodes[0].port) > 0);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    /* Its master finds out, and the index takes it out: it is no copy. */
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c, "set kept 0 0 1 sync\r\ny\r\n", "STORED\r\n");
    client_close(&c);
    cluster_wait_state(&cluster, 2, "proxy active -1 0");
    cluster_make_slave(&cluster, 2, 0);
    copies_are_the_same();
}

static void
flush_all_on_the_master_empties_its_slaves(void **state)
{
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c, "flush_all\r\n", "OK\r\n");
    copies_are_the_same();
    assert_int_equal(dump_count(cluster.nodes[1].port), 0);
    client_talk(&c, "set after 0 0 1 sync\r\nx\r\n", "STORED\r\n");
    copies_are_the_same();
    assert_int_equal(dump_count(cluster.nodes[1].port), 1);
    client_close(&c);
}

/* Asynchronous: a slave that hangs costs the clients nothing. */
static void
a_stopped_slave_does_not_hold_up_asynchronous_writes(void **state)
{
    struct load load = {"during", 0, 2000, 1000, 1, ""};
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    process_signal(&cluster.nodes[2].process, SIGSTOP);
    load_set(&c, &load);
    cluster_wait_state(&cluster, 2, "proxy down -1 0");
    load.salt = 2;
    load_set(&c, &load);
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    process_signal(&cluster.nodes[2].process, SIGCONT);
    cluster_wait_state(&cluster, 2, "proxy active -1 0");
    cluster_make_slave(&cluster, 2, 0);
    copies_are_the_same();
    client_close(&c);
}

/* Synchronous: the write waits until the index takes the slave out. */
static void
a_stopped_slave_holds_up_a_sync_write_until_it_is_out(void **state)
{
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    process_signal(&cluster.nodes[1].process, SIGSTOP);
    client_talk(&c, "set waited 0 0 1 sync\r\nx\r\n", "STORED\r\n");
    assert_string_equal(cluster_state(&cluster, 1), "proxy down -1 0");
    process_signal(&cluster.nodes[1].process, SIGCONT);
    cluster_wait_state(&cluster, 1, "proxy active -1 0");
    cluster_make_slave(&cluster, 1, 0);
    copies_are_the_same();
    client_close(&c);
}

static void
the_daemons_end_in_order(void **state)
{
    (void)state;
    cluster_finish(&cluster);
}

static void
replication_type_sync_makes_every_write_wait(void **state)
{
    struct client master, slave;
    char key[32];

    (void)state;
    cluster_init(&cluster, 2);
    cluster_node_option(&cluster, "--replication-type", "sync");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
    client_open(&master, cluster.nodes[0].port);
    client_open(&slave, cluster.nodes[1].port);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof(key), "s%d", i);
        client_set(&master, key, "x");
        client_expect(&slave, key, "x");
        client_set(&slave, key, "y");
        client_expect(&slave, key, "y");
    }
    client_close(&master);
    client_close(&slave);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_write_reaches_the_slaves),
        cmocka_unit_test(a_connection_reads_what_it_wrote),
        cmocka_unit_test(random_writes_through_every_node_end_equal),
        cmocka_unit_test(a_sync_write_is_on_every_slave_when_it_is_answered),
        cmocka_unit_test(reads_are_spread_by_balance),
        cmocka_unit_test(flush_all_on_a_slave_stays_there),
        cmocka_unit_test(flush_all_on_the_master_empties_its_slaves),
        cmocka_unit_test(a_stopped_slave_does_not_hold_up_asynchronous_writes),
        cmocka_unit_test(a_stopped_slave_holds_up_a_sync_write_until_it_is_out),
        cmocka_unit_test(the_daemons_end_in_order),
        cmocka_unit_test_teardown(replication_type_sync_makes_every_write_wait,
                                  stop),
    };
    return cmocka_run_group_tests_name("integration/replication", tests, start,
                                       stop);
}
