/* create, check, fix, info, add-node, del-node, call, rebalance, ... */
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

static int
start(void **state)
{
    (void)state;
    cluster_up(&cluster, 5);
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
create(void)
{
    (void)admin_run(&cluster, 0, NULL, "create -y @0 @1 @2 @3");
    cluster_settle(&cluster);
}

#define NODES "node:s partition:n? role:s state:s balance:n"

static void
create_lays_out_what_it_showed(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "create --dry-run -o json @0 @1 @2 @3");
    assert_int_equal(admin_json(t->out, NODES), 5);
    admin_has(t->err, "WARNING: 2 partitions have two copies on one host");
    admin_has(t->err, "Dry run: nothing was changed.");
    assert_string_equal(cluster_state(&cluster, 0), "proxy active -1 0");
    t = admin_run(&cluster, 1, "n\n", "create @0 @1 @2 @3");
    admin_has(t->err, "These nodes will be emptied. Go ahead (y/n): ");
    admin_has(t->out, "Nothing was changed.\n");
    t = admin_run(&cluster, 0, "y\n", "create @0 @1 @2 @3 @4");
    admin_has(t->err, " is left over and stays a proxy.\n");
    for (size_t i = 0; i < 4; i++) {
        const char *is = cluster_state(&cluster, i);

        assert_true(strncmp(is, "proxy", 5) != 0);
        assert_non_null(strstr(is, " active "));
    }
    t = admin_run(&cluster, 1, NULL, "create @4");
    admin_has(t->out, "add more with flare-admin scaleout.");
    cluster_finish(&cluster);
}

static void
create_refuses_what_it_cannot_use(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 1, NULL, "create -y @0 @0");
    admin_has(t->out, " is named twice.");
    t = admin_run(&cluster, 1, NULL, "create -y --replicas=2 @0 @1");
    admin_has(t->out, "2 nodes are not enough for a master with 2 slaves.");
    t = admin_run(&cluster, 1, NULL, "create -y @0 127.0.0.1:1");
    admin_has(t->out, "127.0.0.1:1 is not known to the index server.");
    t = admin_run(&cluster, 1, NULL, "scaleout -y @0 @1");
    admin_has(t->out, "use flare-admin create.");
    (void)admin_run(&cluster, 2, NULL, "create");
    (void)admin_run(&cluster, 2, NULL, "create x");
    (void)admin_run(&cluster, 2, NULL, "create --bogus");
    (void)admin_run(&cluster, 0, NULL, "create --help");
    cluster_finish(&cluster);
}

/* A node that dies while it is being built: said, and the rest is usable. */
static void
create_says_when_a_node_died(void **state)
{
    const struct tool *t;

    (void)state;
    process_signal(&cluster.nodes[1].process, SIGSTOP);
    t = admin_run(&cluster, 1, NULL, "create -y --retry=1 --timeout=1 @0 @1");
    admin_has(t->out, "flare-admin check says what is missing.");
    process_kill(&cluster.nodes[1].process);
    cluster_finish(&cluster);
}

static void
scaleout_adds_partitions_under_load(void **state)
{
    struct load load = {"k", 0, 2000, 100, 1, ""};
    const struct tool *t;
    struct client c;

    (void)state;
    (void)admin_run(&cluster, 0, NULL, "create -y -r 0 @0");
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[4].port);
    load_set(&c, &load);
    t = admin_run(&cluster, 0, NULL, "scaleout -n -r 0 @1 @2");
    admin_has(t->out, "To be copied, about:");
    (void)admin_run(&cluster, 0, NULL, "scaleout -y -r 0 @1 @2");
    cluster_settle(&cluster);
    load_expect(&c, &load);
    client_close(&c);
    t = admin_run(&cluster, 0, NULL, "info -o json");
    assert_int_equal(admin_json(t->out, "partition:n master:s state:s slaves:n "
                                        "active:n items:n bytes:n"),
                     3);
    cluster_finish(&cluster);
}

static void
views_show_every_node(void **state)
{
    struct load load = {"k", 0, 300, 100, 1, ""};
    const struct tool *t;
    struct client c;

    (void)state;
    create();
    client_open(&c, cluster.nodes[4].port);
    load_set(&c, &load);
    client_close(&c);
    t = admin_run(&cluster, 0, NULL, "tree -o json");
    assert_int_equal(admin_json(t->out,
                                "partition:n? node:s role:s state:s balance:n "
                                "link:s behind:n?"),
                     5);
    t = admin_run(&cluster, 0, NULL, "tree");
    admin_has(t->out, "`- 127.0.0.1:");
    t = admin_run(&cluster, 0, NULL, "distribution -o csv");
    assert_string_equal(t->out, "host,masters,slaves,proxies,down\n"
                                "127.0.0.1,2,2,1,0\n");
    t = admin_run(&cluster, 0, NULL, "rowcount -o json");
    assert_int_equal(admin_json(t->out, "node:s partition:n? role:s rows:n "
                                        "difference:n?"),
                     5);
    process_kill(&cluster.nodes[4].process);
    t = admin_run(&cluster, 0, NULL, "tree -o json");
    assert_int_equal(admin_json(t->out,
                                "partition:n? node:s role:s state:s balance:n "
                                "link:s behind:n?"),
                     5);
    admin_has(t->out, "\"link\": \"down\"");
    cluster_finish(&cluster);
}

#define FINDINGS "level:s node:s partition:n? finding:s advice:s"

static void
check_finds_and_fix_mends(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 1, NULL, "check");
    admin_has(t->out, "the cluster has no partition");
    (void)admin_run(&cluster, 0, NULL, "create -y -r 0 @0 @1");
    cluster_settle(&cluster);
    t = admin_run(&cluster, 0, NULL, "check -o json");
    assert_int_equal(admin_json(t->out, FINDINGS), 2);
    admin_has(t->out, "partition 1 has one copy only");
    (void)admin_run(&cluster, 1, NULL, "check --strict");
    t = admin_run(&cluster, 0, NULL, "fix --dry-run -o csv");
    admin_has(t->out, ",0,slave,active,1\n");
    t = admin_run(&cluster, 0, "y\ny\n", "fix");
    admin_has(t->err, "has one copy only. Do \"flare-admin slave ");
    t = admin_run(&cluster, 0, NULL, "check -o csv");
    admin_has(t->out, "two copies on one host"); /* there is but one */
    assert_null(strstr(t->out, "one copy only"));
    cluster_finish(&cluster);
}

static void
check_sees_the_dead_and_fix_the_forgotten(void **state)
{
    const struct tool *t;

    (void)state;
    create();
    cluster_order(&cluster, "node state 127.0.0.1 %u down",
                  cluster.nodes[4].port);
    t = admin_run(&cluster, 1, NULL, "check");
    admin_has(t->out, "it is down in the map, but it answers");
    t = admin_run(&cluster, 0, NULL, "fix --yes");
    admin_has(t->out, "two copies on one host. This needs you: ");
    cluster_wait_state(&cluster, 4, "proxy active -1 0");
    process_kill(&cluster.nodes[4].process);
    cluster_wait_state(&cluster, 4, "proxy down -1 0");
    t = admin_run(&cluster, 1, NULL, "check -o json");
    (void)admin_json(t->out, FINDINGS);
    admin_has(t->out, "it is down and does not answer");
    t = admin_run(&cluster, 1, NULL, "fix --yes");
    admin_has(t->out, "This needs you: start flared there");
    cluster_finish(&cluster);
}

static void
nodes_come_and_go(void **state)
{
    const struct tool *t;

    (void)state;
    (void)admin_run(&cluster, 0, NULL, "create -y -r 1 @0 @1");
    cluster_settle(&cluster);
    t = admin_run(&cluster, 0, NULL, "add-node -y --master @2");
    admin_has(t->out, " becomes master of partition 1.");
    cluster_wait_state(&cluster, 2, "master active 1 1");
    t = admin_run(&cluster, 0, NULL, "add-slave -y @3");
    admin_has(t->out, " becomes a slave of partition 1.");
    cluster_wait_state(&cluster, 3, "slave active 1 1");
    t = admin_run(&cluster, 0, NULL, "add-node -n -o json @4:5");
    assert_int_equal(admin_json(t->out, NODES), 5);
    admin_has(t->out, "\"balance\": 5");
    t = admin_run(&cluster, 1, "n\n", "del-node @2");
    admin_has(t->err, "take the node out of the cluster (node=127.0.0.1:");
    (void)admin_run(&cluster, 0, NULL, "del-node -y @2");
    cluster_wait_state(&cluster, 3, "master active 1 1");
    t = admin_run(&cluster, 1, NULL, "del-node -y @3");
    admin_has(t->out, "it has the only active copy of its partition.");
    t = admin_run(&cluster, 1, NULL, "del-node -y 127.0.0.1:1");
    admin_has(t->out, "unknown host: 127.0.0.1:1");
    (void)admin_run(&cluster, 2, NULL, "add-node");
    (void)admin_run(&cluster, 2, NULL, "add-node @4:x");
    (void)admin_run(&cluster, 2, NULL, "del-node @4:1");
    cluster_finish(&cluster);
}

/* The node being built is killed: it is said, and nothing hangs. */
static void
add_slave_says_when_its_node_dies(void **state)
{
    struct load load = {"k", 0, 3000, 100, 1, ""};
    struct process p = {.pid = 0};
    struct client c;

    (void)state;
    (void)admin_run(&cluster, 0, NULL, "create -y -r 0 @0");
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[0].port);
    load_set(&c, &load);
    client_close(&c);
    process_signal(&cluster.nodes[1].process, SIGSTOP);
    process_signal(&cluster.nodes[1].process, SIGCONT);
    admin_start(&cluster, &p, "add-slave -y @1");
    process_kill(&cluster.nodes[1].process);
    assert_int_equal(process_wait(&p, 2 * WAIT_MS), 1);
    cluster_finish(&cluster);
}

static void
call_asks_every_node(void **state)
{
    const struct tool *t;

    (void)state;
    create();
    t = admin_run(&cluster, 0, NULL, "call -y -o json ping");
    assert_int_equal(admin_json(t->out, "node:s answer:s"), 5);
    admin_has(t->out, "\"OK\"");
    t = admin_run(&cluster, 0, NULL, "call -y --masters -o csv stats");
    admin_has(t->out, ",STAT curr_items ");
    t = admin_run(&cluster, 1, "n\n", "call flush_all");
    admin_has(t->err, "send \"flush_all\" to the nodes (y/n): ");
    t = admin_run(&cluster, 1, NULL, "call -y nonsense");
    admin_has(t->out, "ERROR");
    (void)admin_run(&cluster, 2, NULL, "call -y set k 0 0 1");
    (void)admin_run(&cluster, 2, NULL, "call");
    process_kill(&cluster.nodes[4].process);
    t = admin_run(&cluster, 1, NULL, "call -y -o json ping");
    assert_int_equal(admin_json(t->out, "node:s answer:s"), 4);
    cluster_finish(&cluster);
}

/* All nodes share a host here, so weights cannot matter to it. */
static void
rebalance_leaves_well_alone(void **state)
{
    const struct tool *t;

    (void)state;
    create();
    t = admin_run(&cluster, 0, NULL, "rebalance");
    admin_has(t->out, "No need: a host's share of the reads is at most 0.0 %");
    (void)admin_run(&cluster, 2, NULL, "rebalance x");
    (void)admin_run(&cluster, 2, NULL, "rebalance --threshold=x");
    cluster_finish(&cluster);
}

static void
an_index_that_is_away_is_said(void **state)
{
    static const char *const lines[] = {
        "create -y @0",   "scaleout -y @0", "check",        "fix",
        "info",           "tree",           "distribution", "rowcount",
        "add-node -y @0", "add-slave @0",   "del-node @0",  "call -y ping",
        "rebalance",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        const struct tool *t =
            admin_run(&cluster, 1, NULL, "%s -i 127.0.0.1:1", lines[i]);

        admin_has(t->out, "failed to open 127.0.0.1:1.");
    }
    cluster_finish(&cluster);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(create_lays_out_what_it_showed),
        CASE(create_refuses_what_it_cannot_use),
        CASE(create_says_when_a_node_died),
        CASE(scaleout_adds_partitions_under_load),
        CASE(views_show_every_node),
        CASE(check_finds_and_fix_mends),
        CASE(check_sees_the_dead_and_fix_the_forgotten),
        CASE(nodes_come_and_go),
        CASE(add_slave_says_when_its_node_dies),
        CASE(call_asks_every_node),
        CASE(rebalance_leaves_well_alone),
        CASE(an_index_that_is_away_is_said),
    };
    return cmocka_run_group_tests_name("flare-admin: topology", tests, NULL,
                                       NULL);
}
