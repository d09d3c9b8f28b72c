/* What needs masters that hand over, and digests. */
#include "test/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/admin.h"
#include "test/harness/dump.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

static struct cluster cluster;

static const struct load load = {"k", 0, 500, 100, 1, ""};

/* Partition 0 on nodes 0 and 1, partition 1 on 2 and 3. */
static int
start(void **state)
{
    struct client c;

    (void)state;
    cluster_up(&cluster, 4);
    (void)admin_run(&cluster, 0, NULL, "part -y @0:1:0 @1:1:0 @2:1:1 @3:1:1");
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[0].port);
    load_set(&c, &load);
    client_close(&c);
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
expect_all(void)
{
    struct client c;

    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[2].port);
    load_expect(&c, &load);
    client_close(&c);
}

#define NODES "node:s partition:n? role:s state:s balance:n"

static void
a_slave_and_its_master_swap_roles(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "switchover -n -o json @1");
    assert_int_equal(admin_json(t->out, NODES), 4);
    assert_string_equal(cluster_state(&cluster, 1), "slave active 0 1");
    t = admin_run(&cluster, 1, "n\n", "switchover @1");
    admin_has(t->err, " master of partition 0 instead of 127.0.0.1:");
    (void)admin_run(&cluster, 0, "y\n", "switchover @1");
    assert_string_equal(cluster_state(&cluster, 1), "master active 0 1");
    assert_string_equal(cluster_state(&cluster, 0), "slave active 0 1");
    expect_all();
    t = admin_run(&cluster, 0, NULL, "switchover -y @1");
    admin_has(t->err, " is master of partition 0 already.");
    t = admin_run(&cluster, 1, NULL, "switchover -y 127.0.0.1:1");
    admin_has(t->out, "unknown host: 127.0.0.1:1");
    (void)admin_run(&cluster, 2, NULL, "switchover");
    (void)admin_run(&cluster, 2, NULL, "switchover x");
    cluster_finish(&cluster);
}

static void
down_of_a_master_loses_nothing(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "down -y @0");
    admin_has(t->out, "  -  proxy   down       0\n");
    assert_string_equal(cluster_state(&cluster, 1), "master active 0 1");
    expect_all();
    t = admin_run(&cluster, 0, NULL, "failover-list");
    admin_has(t->out, "switchover");
    cluster_finish(&cluster);
}

static void
masters_go_back_to_where_they_were(void **state)
{
    const struct tool *t;

    (void)state;
    process_kill(&cluster.nodes[0].process);
    cluster_wait_state(&cluster, 1, "master active 0 1");
    cluster_start_node(&cluster, 0);
    cluster_wait_state(&cluster, 0, "proxy active -1 0");
    t = admin_run(&cluster, 1, NULL, "reset-distribution -y");
    admin_has(t->err, "flare-admin failback makes it one.");
    (void)admin_run(&cluster, 0, NULL, "failback -y @0");
    (void)admin_run(&cluster, 0, NULL, "reset-distribution -y");
    assert_string_equal(cluster_state(&cluster, 0), "master active 0 1");
    t = admin_run(&cluster, 0, NULL, "reset-distribution -y");
    admin_has(t->out, "The masters are where they were at first.");
    expect_all();
    cluster_finish(&cluster);
}

#define COPIES                                                                 \
    "partition:n node:s role:s sequence:n records:n? digest:s verdict:s"

static void
copies_are_compared_by_digest(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "verify --copies -o json");
    assert_int_equal(admin_json(t->out, COPIES), 4);
    admin_has(t->out, "\"verdict\": \"ok\"");
    process_kill(&cluster.nodes[3].process);
    cluster_wait_state(&cluster, 3, "proxy down -1 0");
    t = admin_run(&cluster, 0, NULL, "verify --copies -o json");
    assert_int_equal(admin_json(t->out, COPIES), 3);
    cluster_finish(&cluster);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_slave_and_its_master_swap_roles),
        CASE(down_of_a_master_loses_nothing),
        CASE(masters_go_back_to_where_they_were),
        CASE(copies_are_compared_by_digest),
    };
    return cmocka_run_group_tests_name("flare-admin: handing over", tests, NULL,
                                       NULL);
}
