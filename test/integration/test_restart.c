/* Processes end and start again; what was acknowledged is still there. */
#include "test/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rand.h"
#include "test/harness/cluster.h"
#include "test/harness/dump.h"
#include "test/harness/folder.h"
#include "test/harness/load.h"
#include "test/harness/tool.h"
#include "test/harness/wait.h"

static struct cluster cluster;

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static void
the_index_comes_back_with_its_map(void **state)
{
    char before[3][128];
    int64_t version;
    struct client c;

    (void)state;
    cluster_up(&cluster, 3);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(before[i], sizeof(before[i]), "%s",
                       cluster_state(&cluster, i));
    }
    version = stat_of(cluster.index.port, "node_map_version");
    process_stop(&cluster.index.process);
    /* Nobody needs it for reading and writing. */
    client_open(&c, cluster.nodes[2].port);
    client_talk(&c, "set k 0 0 13 sync\r\nwithout index\r\n", "STORED\r\n");
    client_expect(&c, "k", "without index");
    cluster_start_index(&cluster);
    for (size_t i = 0; i < 3; i++) {
        cluster_wait_state(&cluster, i, before[i]);
    }
    assert_true(stat_of(cluster.index.port, "node_map_version") >= version);
    cluster_settle(&cluster);
    client_expect(&c, "k", "without index");
    client_close(&c);
    cluster_finish(&cluster);
}

static bool
has_a_map(void *arg)
{
    return stat_of(*(uint16_t *)arg, "node_map_version") > 0;
}

static void
start_with_the_last_map(size_t i)
{
    cluster_start_node(&cluster, i);
    wait_for(has_a_map, &cluster.nodes[i].port, WAIT_MS, "the last map");
}

struct writing {
    struct client *client;
    const char *key;
};

static bool
is_stored(void *arg)
{
    const struct writing *w = arg;

    return strcmp(client_ask(w->client, "set %s 0 0 1\r\nx\r\n", w->key),
                  "STORED") == 0;
}

/* Without the index: who has nobody to fear goes on, others ask them first. */
static void
nodes_start_with_their_last_map(void **state)
{
    struct client c;
    char key[32];

    (void)state;
    cluster_init(&cluster, 4);
    cluster_node_option(&cluster, "--failover-wait", "100");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_master(&cluster, 1, 1);
    cluster_order(&cluster, "node state 127.0.0.1 %u active",
                  cluster.nodes[1].port);
    cluster_make_slave(&cluster, 2, 1);
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[3].port);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i);
        client_set(&c, key, key);
    }
    client_close(&c);
    process_stop(&cluster.index.process);
    for (size_t i = 0; i < 4; i++) {
        process_kill(&cluster.nodes[i].process);
    }
    for (size_t i = 0; i < 4; i++) {
        if (i != 2) {
            start_with_the_last_map(i);
        }
    }
    client_open(&c, cluster.nodes[3].port);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i);
        client_expect(&c, key, key);
    }
    for (int p = 0; p < 2; p++) {
        const char *line;

        (void)cluster_key_of(key, sizeof(key), "new", 0, p, 2);
        line = client_ask(&c, "set %s 0 0 1\r\nx\r\n", key);
        assert_string_equal(line, p == 0 ? "STORED"
                                         : "SERVER_ERROR this master has lost "
                                           "touch with its cluster");
    }
    start_with_the_last_map(2);
    (void)cluster_key_of(key, sizeof(key), "new", 0, 1, 2);
    wait_for(is_stored, &(struct writing){&c, key}, WAIT_MS,
             "the slave to follow its master");
    cluster_start_index(&cluster);
    cluster_settle(&cluster);
    wait_for(is_stored, &(struct writing){&c, key}, WAIT_MS, "a master");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "key%d", i);
        client_set(&c, key, "again");
    }
    client_close(&c);
    cluster_finish(&cluster);
}

/* At any instant: what a node was told is in the file. */
static void
a_killed_index_loses_nothing_it_announced(void **state)
{
    struct rand r;

    (void)state;
    rand_init(&r, 9);
    cluster_up(&cluster, 3);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
    for (int round = 0; round < 8; round++) {
        struct client c;
        int64_t told = 0;
        unsigned changes = 1 + rand_below(&r, 30);

        client_open(&c, cluster.index.port);
        for (unsigned i = 0; i < changes; i++) {
            char line[96];
            int n = snprintf(line, sizeof(line),
                             "node role 127.0.0.1 %u slave %u 0\r\n",
                             cluster.nodes[1].port, 1 + rand_below(&r, 9));

            client_send(&c, (struct slice){line, (size_t)n});
        }
        assert_string_equal(client_line(&c), "OK");
        process_kill(&cluster.index.process);
        client_close(&c);
        for (size_t i = 0; i < 3; i++) {
            int64_t v = stat_of(cluster.nodes[i].port, "node_map_version");

            told = v > told ? v : told;
        }
        cluster_start_index(&cluster);
        assert_true(stat_of(cluster.index.port, "node_map_version") >= told);
        cluster_wait_state(&cluster, 0, "master active 0 1");
        cluster_settle(&cluster);
    }
    cluster_finish(&cluster);
}

static void
a_damaged_map_is_refused_by_name(void **state)
{
    char pattern[300], command[700];
    struct tool t;

    (void)state;
    cluster_up(&cluster, 2);
    cluster_make_master(&cluster, 0, 0);
    process_stop(&cluster.index.process);
    /* Cut every file of the index in half. */
    (void)snprintf(pattern, sizeof(pattern), "%s", cluster.index.data);
    (void)snprintf(command, sizeof(command),
                   "for f in %s/*; do case $f in *.pid|*.lock) ;; *) "
                   "truncate -s $(($(stat -c %%s $f) / 2)) $f;; esac; done",
                   pattern);
    TOOL_RUN(&t, NULL, "sh", "-c", command);
    assert_int_equal(t.status, 0);
    tool_fini(&t);
    cluster_launch_index(&cluster);
    assert_false(process_became_ready(&cluster.index.process));
    assert_int_not_equal(process_wait(&cluster.index.process, WAIT_MS), 0);
    assert_true(process_log_has(&cluster.index.process, cluster.index.data));
    process_stop(&cluster.nodes[0].process);
    process_stop(&cluster.nodes[1].process);
    cluster_finish(&cluster);
}

static void
acknowledged_writes_survive(const char *storage)
{
    struct load small = {"small", 0, 10000, 100, 1, ""};
    struct load large = {"large", 0, 300, 30000, 1, ""};
    struct client c;

    cluster_init(&cluster, 1);
    cluster_node_option(&cluster, "--storage-type", storage);
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    for (uint32_t round = 1; round <= 3; round++) {
        small.salt = large.salt = round;
        client_open(&c, cluster.nodes[0].port);
        load_set(&c, &small);
        load_set(&c, &large);
        client_set(&c, "last", "one");
        process_kill(&cluster.nodes[0].process);
        client_close(&c);
        cluster_start_node(&cluster, 0);
        cluster_wait_state(&cluster, 0, "master active 0 1");
        cluster_settle(&cluster);
        client_open(&c, cluster.nodes[0].port);
        client_expect(&c, "last", "one");
        load_expect(&c, &small);
        load_expect(&c, &large);
        client_close(&c);
    }
    assert_int_equal(dump_count(cluster.nodes[0].port), 10301);
    cluster_finish(&cluster);
}

static void
a_killed_node_keeps_acknowledged_writes_in_tch(void **state)
{
    (void)state;
    acknowledged_writes_survive("tch");
}

static void
a_killed_node_keeps_acknowledged_writes_in_tcb(void **state)
{
    (void)state;
    acknowledged_writes_survive("tcb");
}

static void
deletes_and_versions_survive_too(void **state)
{
    struct client c;
    char before[4096];

    (void)state;
    cluster_up(&cluster, 1);
    cluster_make_master(&cluster, 0, 0);
    client_open(&c, cluster.nodes[0].port);
    client_set(&c, "gone", "x");
    client_set(&c, "kept", "x");
    client_set(&c, "kept", "y");
    client_talk(&c, "delete gone\r\n", "DELETED\r\n");
    (void)snprintf(before, sizeof(before), "%s",
                   client_ask(&c, "gets kept\r\n"));
    process_kill(&cluster.nodes[0].process);
    client_close(&c);
    cluster_start_node(&cluster, 0);
    cluster_wait_state(&cluster, 0, "master active 0 1");
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[0].port);
    client_expect(&c, "gone", NULL);
    assert_string_equal(client_ask(&c, "gets kept\r\n"), before);
    client_close(&c);
    cluster_finish(&cluster);
}

/* It need not wait until the index has noticed that it was gone. */
static void
a_node_that_restarts_at_once_is_taken_back(void **state)
{
    (void)state;
    cluster_up(&cluster, 2);
    cluster_make_master(&cluster, 0, 0);
    for (int round = 0; round < 3; round++) {
        process_kill(&cluster.nodes[0].process);
        cluster_start_node(&cluster, 0);
        cluster_wait_state(&cluster, 0, "master active 0 1");
        process_kill(&cluster.nodes[1].process);
        cluster_start_node(&cluster, 1);
        cluster_wait_state(&cluster, 1, "proxy active -1 0");
    }
    cluster_finish(&cluster);
}

/* Only where it is allowed. */
static void
a_client_may_end_a_node_that_lets_it(void **state)
{
    enum { END_MS = 20000 };
    struct client c;

    (void)state;
    cluster_init(&cluster, 2);
    member_option(&cluster.nodes[0], "--enable-shutdown", NULL);
    cluster_start(&cluster);
    client_open(&c, cluster.nodes[1].port);
    client_talk(&c, "shutdown\r\nversion x\r\n",
                "ERROR: shutdown not enabled\r\nVERSION 2.0.0\r\n");
    client_close(&c);
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c, "shutdown now\r\n",
                "CLIENT_ERROR invalid shutdown mode\r\n");
    client_send(&c, SLICE("shutdown\r\n"));
    assert_int_equal(process_wait(&cluster.nodes[0].process, END_MS), 0);
    client_close(&c);
    cluster_wait_state(&cluster, 0, "proxy down -1 0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nodes_start_with_their_last_map, stop),
        cmocka_unit_test_teardown(the_index_comes_back_with_its_map, stop),
        cmocka_unit_test_teardown(a_killed_index_loses_nothing_it_announced,
                                  stop),
        cmocka_unit_test_teardown(a_damaged_map_is_refused_by_name, stop),
        cmocka_unit_test_teardown(
            a_killed_node_keeps_acknowledged_writes_in_tch, stop),
        cmocka_unit_test_teardown(
            a_killed_node_keeps_acknowledged_writes_in_tcb, stop),
        cmocka_unit_test_teardown(deletes_and_versions_survive_too, stop),
        cmocka_unit_test_teardown(a_node_that_restarts_at_once_is_taken_back,
                                  stop),
        cmocka_unit_test_teardown(a_client_may_end_a_node_that_lets_it, stop),
    };
    return cmocka_run_group_tests_name("integration/restart", tests, NULL,
                                       NULL);
}
