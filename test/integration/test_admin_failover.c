/* switchover, failback, force-failover, failover-list, ... */
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

/* The slave hangs: the master goes on, and it is said. */
static void
a_switchover_that_fails_leaves_the_master(void **state)
{
    const struct tool *t;
    struct client c;

    (void)state;
    process_signal(&cluster.nodes[1].process, SIGSTOP);
    t = admin_run(&cluster, 1, NULL, "switchover -y @1");
    admin_has(t->out, " is still master of partition 0 and serves; nothing "
                      "was lost.");
    client_open(&c, cluster.nodes[0].port);
    client_set(&c, "after", "x");
    client_close(&c);
    process_signal(&cluster.nodes[1].process, SIGCONT);
    process_kill(&cluster.nodes[1].process);
    cluster_finish(&cluster);
}

#define FAILOVERS                                                              \
    "kind:s node:s partition:n? time:s cause:s took_ms:n? position:s to:s "    \
    "to_position:s"

static void
what_failed_is_listed_and_brought_back(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "failover-list -o json");
    assert_int_equal(admin_json(t->out, FAILOVERS), 0);
    process_kill(&cluster.nodes[0].process);
    cluster_wait_state(&cluster, 1, "master active 0 1");
    t = admin_run(&cluster, 0, NULL, "failover-list -o json");
    assert_int_equal(admin_json(t->out, FAILOVERS), 3);
    admin_has(t->out, "\"kind\": \"failover\"");
    admin_has(t->out, "\"kind\": \"alone\"");
    admin_has(t->out, "\"kind\": \"missing\"");
    cluster_start_node(&cluster, 0);
    cluster_wait_state(&cluster, 0, "proxy active -1 0");
    t = admin_run(&cluster, 0, NULL, "failover-list -o csv");
    admin_has(t->out, "\nreturned,127.0.0.1:");
    (void)admin_run(&cluster, 0, NULL, "failback -y @0");
    assert_string_equal(cluster_state(&cluster, 0), "slave active 0 1");
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    t = admin_run(&cluster, 1, NULL, "failback -y 127.0.0.1:1");
    admin_has(t->out, "does not remember which partition 127.0.0.1:1 had");
    (void)admin_run(&cluster, 2, NULL, "failback");
    expect_all();
    cluster_finish(&cluster);
}

/* All nodes share a host here, so nobody could take over elsewhere. */
static void
a_host_is_evacuated_only_to_another(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 1, NULL, "force-failover -y 127.0.0.1");
    admin_has(t->out, "no active slave of it is on another host.");
    admin_has(t->out, "0 masters were moved, 2 were not.");
    t = admin_run(&cluster, 1, NULL, "force-failover -y elsewhere");
    admin_has(t->out, "No node is there.");
    (void)admin_run(&cluster, 2, NULL, "force-failover");
    t = admin_run(&cluster, 1, NULL, "failover-with-dir -y 127.0.0.1 %s/node0",
                  cluster.folder);
    admin_has(t->out, "0 masters were moved, 1 were not.");
    (void)admin_run(&cluster, 2, NULL, "failover-with-dir x");
    cluster_finish(&cluster);
}

static void
nodes_are_found_by_their_folder(void **state)
{
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "nodes-with-dir -o json %s",
                  cluster.folder);
    assert_int_equal(admin_json(t->out, "node:s partition:n? role:s folder:s"),
                     4);
    t = admin_run(&cluster, 0, NULL, "masters-with-dir -o json 127.0.0.1 %s/",
                  cluster.folder);
    assert_int_equal(admin_json(t->out, "node:s partition:n? role:s folder:s"),
                     2);
    t = admin_run(&cluster, 0, NULL, "nodes-with-dir -o csv %s/node3",
                  cluster.folder);
    admin_has(t->out, cluster_name(&cluster, 3));
    t = admin_run(&cluster, 0, NULL, "nodes-with-dir -o json %s/node",
                  cluster.folder);
    assert_int_equal(admin_json(t->out, "node:s partition:n? role:s folder:s"),
                     0);
    (void)admin_run(&cluster, 2, NULL, "nodes-with-dir");
    process_kill(&cluster.nodes[3].process);
    t = admin_run(&cluster, 0, NULL, "nodes-with-dir -o json %s",
                  cluster.folder);
    assert_int_equal(admin_json(t->out, "node:s partition:n? role:s folder:s"),
                     3);
    admin_has(t->err, "connect to 127.0.0.1:");
    cluster_finish(&cluster);
}

static void
a_backup_goes_into_any_number_of_partitions(void **state)
{
    static struct cluster other;
    const struct tool *t;
    struct client c;
    char command[700];

    (void)state;
    t = admin_run(&cluster, 0, NULL, "backup -n -o %s/b", cluster.folder);
    admin_has(t->err, "partition 0 from 127.0.0.1:");
    t = admin_run(&cluster, 1, "n\n", "backup -o %s/b", cluster.folder);
    admin_has(t->err, "stand still while they are copied");
    t = admin_run(&cluster, 0, NULL, "backup -y -o %s/b", cluster.folder);
    admin_has(t->out, "partition-1.flare");
    assert_string_equal(cluster_state(&cluster, 1), "slave active 0 1");
    assert_string_equal(cluster_state(&cluster, 3), "slave active 1 1");
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    t = admin_run(&cluster, 1, NULL, "backup -y -o %s/b", cluster.folder);
    admin_has(t->out, "File exists");

    cluster_up(&other, 3);
    (void)admin_run(&other, 0, NULL, "create -y -r 0 @0 @1 @2");
    cluster_settle(&other);
    t = admin_run(&other, 0, NULL, "restore -n -i %s/b @0", cluster.folder);
    admin_has(t->err, " entries of ");
    (void)admin_run(&other, 0, NULL, "restore -i %s/b @0", cluster.folder);
    client_open(&c, other.nodes[1].port);
    load_expect(&c, &load);
    client_close(&c);

    (void)snprintf(command, sizeof(command),
                   "cp -r %s/b %s/c && truncate -s -1 %s/c/partition-1.flare",
                   cluster.folder, cluster.folder, cluster.folder);
    assert_int_equal(system(command), 0);
    t = admin_run(&other, 1, NULL, "restore -i %s/c @0", cluster.folder);
    admin_has(t->out, "its checksum is wrong");
    cluster_finish(&other);
    cluster_finish(&cluster);
}

/* A slave that stands still dies: the backup fails, the rest comes back. */
static void
a_backup_that_fails_puts_things_back(void **state)
{
    struct process p = {.pid = 0};
    const struct tool *t;

    (void)state;
    t = admin_run(&cluster, 0, NULL, "backup --live -o %s/live",
                  cluster.folder);
    admin_has(t->out, "partition-0.flare");
    process_signal(&cluster.nodes[3].process, SIGSTOP);
    admin_start(&cluster, &p, "backup -y --timeout=2 -o %s/b", cluster.folder);
    cluster_wait_state(&cluster, 1, "proxy down -1 0");
    process_kill(&cluster.nodes[3].process);
    assert_int_equal(process_wait(&p, 3 * WAIT_MS), 1);
    assert_true(process_log_has(&p, "bring it back with: flare-admin "
                                    "failback"));
    assert_true(process_log_has(&p, "is not complete."));
    cluster_wait_state(&cluster, 1, "slave active 0 1");
    (void)admin_run(&cluster, 1, NULL, "backup -y -o %s/c", cluster.folder);
    (void)admin_run(&cluster, 2, NULL, "backup");
    cluster_finish(&cluster);
}

static void
an_index_that_is_away_is_said(void **state)
{
    static const char *const lines[] = {
        "switchover -y @1",         "failback -y @0",
        "reset-distribution -y",    "force-failover -y 127.0.0.1",
        "failover-with-dir -y a b", "failover-list",
        "nodes-with-dir /",         "masters-with-dir /",
        "backup -y -o /tmp/none",   "verify --copies",
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
        CASE(a_switchover_that_fails_leaves_the_master),
        CASE(what_failed_is_listed_and_brought_back),
        CASE(a_host_is_evacuated_only_to_another),
        CASE(nodes_are_found_by_their_folder),
        CASE(a_backup_goes_into_any_number_of_partitions),
        CASE(a_backup_that_fails_puts_things_back),
        CASE(an_index_that_is_away_is_said),
    };
    return cmocka_run_group_tests_name("flare-admin: failover", tests, NULL,
                                       NULL);
}
