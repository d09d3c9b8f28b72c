/* import: from a real memcached, Redis and flare. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/admin.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

static struct cluster cluster;
static struct process other;
static uint16_t port; /* where it listens: one reserved for a node */

/* A cluster of one node; the port of the second is the other store's. */
static int
start(void **state)
{
    (void)state;
    cluster_up(&cluster, 2);
    port = cluster.nodes[1].port;
    process_stop(&cluster.nodes[1].process);
    (void)admin_run(&cluster, 0, NULL, "create -y -r 0 @0");
    cluster_settle(&cluster);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    if (other.pid > 0) { /* the test failed */
        process_show_log(&other);
        process_kill(&other);
    }
    cluster_abandon(&cluster);
    return 0;
}

static bool
listens(void *arg)
{
    struct client c;

    (void)arg;
    if (!client_try_open(&c, port)) {
        return false;
    }
    client_close(&c);
    return true;
}

static void
start_other(const char *const *argv)
{
    char log[300];

    (void)snprintf(log, sizeof(log), "%s/other.log", cluster.folder);
    process_start(&other, "other", log, argv, false);
    wait_for(listens, NULL, WAIT_MS, "the other store");
}

static void
memcached_is_taken_over_with_flags_and_expiry(void **state)
{
    struct load load = {"key", 0, 500, 200, 3, ""};
    char port_text[16];
    const char *const argv[] = {"/usr/bin/memcached",
                                "-p",
                                port_text,
                                "-l",
                                "127.0.0.1",
                                "-u",
                                "nobody",
                                "-U",
                                "0",
                                NULL};
    const struct tool *t;
    struct client c;

    (void)state;
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    start_other(argv);
    client_open(&c, port);
    load_set(&c, &load);
    client_talk(&c, "set flag%41ged 99 2000000000 2\r\nhi\r\n", "STORED\r\n");
    client_close(&c);
    t = admin_run(&cluster, 0, NULL, "import -n @1 @0");
    admin_has(t->out, "501 entries of ");
    t = admin_run(&cluster, 0, NULL, "import --from=memcached @1 @0");
    assert_string_equal(t->out, "501 entries were imported.\n");
    client_open(&c, cluster.nodes[0].port);
    load_expect(&c, &load);
    client_talk(&c, "get flag%41ged\r\n",
                "VALUE flag%41ged 99 2\r\nhi\r\nEND\r\n");
    assert_true(strncmp(client_ask(&c, "mg flag%%41ged t\r\n"), "HD t", 4) ==
                0);
    client_close(&c);
    process_kill(&other);
    cluster_finish(&cluster);
}

static void
redis_gives_its_strings(void **state)
{
    char port_text[16];
    const char *const argv[] = {"/usr/bin/redis-server",
                                "--port",
                                port_text,
                                "--bind",
                                "127.0.0.1",
                                "--save",
                                "",
                                "--appendonly",
                                "no",
                                NULL};
    const struct tool *t;
    struct client c;

    (void)state;
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    start_other(argv);
    client_open(&c, port);
    for (int i = 0; i < 1200; i++) {
        (void)client_ask(&c, "SET r:%d value-%d\r\n", i, i);
    }
    (void)client_ask(&c, "SET soon x PX 600000\r\n");
    (void)client_ask(&c, "SET \"a key\" x\r\n");
    (void)client_ask(&c, "SET empty \"\"\r\n");
    (void)client_ask(&c, "LPUSH list x\r\n");
    client_close(&c);
    t = admin_run(&cluster, 0, NULL, "import --from=redis @1 @0");
    admin_has(t->out, "2 keys were left out. The first: ");
    admin_has(t->out, "1202 entries were imported.\n");
    client_open(&c, cluster.nodes[0].port);
    client_expect(&c, "r:0", "value-0");
    client_expect(&c, "r:1199", "value-1199");
    client_expect(&c, "empty", "");
    assert_int_equal(strncmp(client_ask(&c, "mg soon t\r\n"), "HD t", 4), 0);
    client_close(&c);
    process_kill(&other);
    cluster_finish(&cluster);
}

/* Another cluster, named by its index or by any of its nodes. */
static void
flare_is_read_partition_by_partition(void **state)
{
    struct load load = {"key", 0, 500, 200, 3, ""};
    static struct cluster second;
    const struct tool *t;
    struct client c;

    (void)state;
    cluster_up(&second, 3);
    (void)admin_run(&second, 0, NULL, "create -y -r 0 @0 @1");
    cluster_settle(&second);
    client_open(&c, second.nodes[2].port);
    load_set(&c, &load);
    client_close(&c);
    t = admin_run(&cluster, 0, NULL,
                  "import --from=flare 127.0.0.1:%u 127.0.0.1:%u",
                  second.index.port, cluster.nodes[0].port);
    assert_string_equal(t->out, "500 entries were imported.\n");
    client_open(&c, cluster.nodes[0].port);
    load_expect(&c, &load);
    client_close(&c);
    cluster_finish(&second);
    cluster_finish(&cluster);
}

static void
what_cannot_be_is_said(void **state)
{
    const struct tool *t;

    (void)state;
    (void)admin_run(&cluster, 2, NULL, "import @0");
    (void)admin_run(&cluster, 2, NULL, "import --from=oracle @0 @0");
    t = admin_run(&cluster, 1, NULL, "import @1 @0");
    admin_has(t->out, "connect to 127.0.0.1:");
    admin_has(t->out, "0 entries were imported.\nIt is not complete; it may be "
                      "run again.\n");
    t = admin_run(&cluster, 1, NULL, "import @0 127.0.0.1:1");
    admin_has(t->out, "failed to open 127.0.0.1:1.");
    t = admin_run(&cluster, 1, NULL, "import --from=redis @0 @0");
    admin_has(t->out, "does not answer as Redis does");
    t = admin_run(&cluster, 1, NULL, "import --from=memcached @0 @0");
    admin_has(t->out, "does not list its keys");
    cluster_finish(&cluster);
}

static bool
some_came(void *arg)
{
    (void)arg;
    return stat_of(cluster.nodes[0].port, "curr_items") > 20;
}

/* The source dies half way: what came is kept, and the end is not hidden. */
static void
a_source_that_dies_is_said(void **state)
{
    struct load load = {"key", 0, 2000, 1000, 3, ""};
    char port_text[16];
    const char *const argv[] = {"/usr/bin/memcached", "-p", port_text, "-l",
                                "127.0.0.1",          "-u", "nobody",  NULL};
    struct process p = {.pid = 0};
    struct client c;

    (void)state;
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    start_other(argv);
    client_open(&c, port);
    load_set(&c, &load);
    client_close(&c);
    admin_start(&cluster, &p, "import --bwlimit=200kB @1 @0");
    wait_for(some_came, NULL, WAIT_MS, "the first entries");
    process_kill(&other);
    assert_int_equal(process_wait(&p, WAIT_MS), 1);
    assert_true(process_log_has(&p, "It is not complete"));
    cluster_finish(&cluster);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(memcached_is_taken_over_with_flags_and_expiry),
        CASE(redis_gives_its_strings),
        CASE(flare_is_read_partition_by_partition),
        CASE(what_cannot_be_is_said),
        CASE(a_source_that_dies_is_said),
    };
    return cmocka_run_group_tests_name("flare-admin: import", tests, NULL,
                                       NULL);
}
