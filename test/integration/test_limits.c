/* Many connections, slow readers, and the limits that are options. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test/harness/cluster.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

enum { IDLE = 10000 };

static struct cluster cluster;
static struct client idle[IDLE];

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static bool
may_open(rlim_t files)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur >= files) {
        return true;
    }
    limit.rlim_cur = files;
    limit.rlim_max = limit.rlim_max > files ? limit.rlim_max : files;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static long
resident_kb(uint16_t port)
{
    char path[64], line[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%lld/statm",
                   (long long)stat_of(port, "pid"));
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
    return strtol(strchr(line, ' '), NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
ten_thousand_idle_connections_are_no_burden(void **state)
{
    struct load load = {"k", 0, 2000, 100, 1, ""};
    struct client c;
    long before, kb;

    (void)state;
    if (!may_open(IDLE + 200)) {
        skip();
    }
    cluster_init(&cluster, 1);
    cluster_node_option(&cluster, "--max-connection", "10100");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    before = resident_kb(cluster.nodes[0].port);
    for (int i = 0; i < IDLE; i++) {
        client_open(&idle[i], cluster.nodes[0].port);
    }
    client_open(&c, cluster.nodes[0].port);
    load_set(&c, &load);
    load_expect(&c, &load);
    assert_true(client_stat(&c, "", "curr_connections") > IDLE);
    kb = resident_kb(cluster.nodes[0].port) - before;
    print_message("%d connections take %ld kB, %ld bytes each\n", IDLE, kb,
                  kb * 1024 / IDLE);
    /* They were only asleep. */
    for (int i = 0; i < IDLE; i += 1111) {
        client_expect(&idle[i], "missing", NULL);
    }
    cluster_wait_state(&cluster, 0, "master active 0 1");
    for (int i = 0; i < IDLE; i++) {
        client_close(&idle[i]);
    }
    client_close(&c);
    cluster_finish(&cluster);
}

/* A client has room, or is told that it has none. */
static bool
has_room(uint16_t port)
{
    struct client c;
    bool room;

    client_open(&c, port);
    room = client_try_send(&c, SLICE("get k\r\n")) &&
           strncmp(client_line(&c), "VALUE", 5) == 0;
    if (!room && c.line[0] != '\0') {
        assert_string_equal(c.line, "ERROR Too many open connections");
    }
    client_close(&c);
    return room;
}

static bool
room_again(void *arg)
{
    return has_room(*(uint16_t *)arg);
}

/* What the index needs is not taken away by clients. */
static void
one_connection_too_many_is_turned_away(void **state)
{
    struct client c[22];
    const char *answer = "";
    size_t n = 0;

    (void)state;
    cluster_init(&cluster, 1);
    cluster_node_option(&cluster, "--max-connection", "20");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    for (; n < COUNT(c) && *answer != 'E'; n++) {
        client_open(&c[n], cluster.nodes[0].port);
        answer = client_ask(&c[n], "set k 0 0 1\r\nx\r\n");
    }
    n--;
    client_close(&c[n]);
    assert_string_equal(c[n].line, "ERROR Too many open connections");
    assert_false(has_room(cluster.nodes[0].port));
    assert_true(n > 10);
    for (size_t i = 0; i < n; i++) {
        client_expect(&c[i], "k", "x");
    }
    cluster_order(&cluster, "node role 127.0.0.1 %u master 3 0",
                  cluster.nodes[0].port);
    cluster_wait_state(&cluster, 0, "master active 0 3");
    for (size_t i = 0; i < n; i++) {
        client_close(&c[i]);
    }
    wait_for(room_again, &cluster.nodes[0].port, WAIT_MS, "room again");
    cluster_settle(&cluster);
    cluster_finish(&cluster);
}

/*
 * Ask for 200 MB without reading it: the node must stop reading from us, not
 * keep it all in memory; and in the end every byte must come.
 */
static void
a_slow_reader_is_paused_not_buffered(void **state)
{
    enum { ASKED = 400, SIZE = 500000 };
    struct load load = {"v", 0, 1, SIZE, 1, ""};
    struct client slow, quick;
    long before, most = 0;

    (void)state;
    cluster_up(&cluster, 1);
    cluster_make_master(&cluster, 0, 0);
    client_open(&slow, cluster.nodes[0].port);
    client_open(&quick, cluster.nodes[0].port);
    load_set(&quick, &load);
    before = resident_kb(cluster.nodes[0].port);
    for (int i = 0; i < ASKED; i++) {
        client_send(&slow, SLICE("get v0\r\n"));
    }
    for (int i = 0; i < 200; i++) {
        long kb;

        client_set(&quick, "q", "x");
        client_expect(&quick, "q", "x");
        kb = resident_kb(cluster.nodes[0].port) - before;
        most = kb > most ? kb : most;
    }
    print_message("%d kB asked for took at most %ld kB\n",
                  ASKED * (SIZE / 1000), most);
    assert_true(most < 50000);
    for (int i = 0; i < ASKED; i++) {
        assert_string_equal(client_line(&slow), "VALUE v0 0 500000");
        (void)client_bytes(&slow, SIZE + 2);
        assert_string_equal(client_line(&slow), "END");
    }
    client_close(&slow);
    client_close(&quick);
    cluster_finish(&cluster);
}

static void
an_idle_connection_is_closed_after_its_time(void **state)
{
    struct client c;

    (void)state;
    cluster_init(&cluster, 1);
    cluster_node_option(&cluster, "--net-read-timeout", "1");
    cluster_start(&cluster);
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c, "ping\r\n", "OK\r\n");
    assert_true(client_at_end(&c));
    client_close(&c);
    cluster_wait_state(&cluster, 0, "proxy active -1 0");
    cluster_finish(&cluster);
}

/* The index too. */
static void
a_thousand_connections_do_not_blind_the_index(void **state)
{
    (void)state;
    if (!may_open(2000)) {
        skip();
    }
    cluster_init(&cluster, 2);
    member_option(&cluster.index, "--max-connection", "2000");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
    for (int i = 0; i < 1000; i++) {
        client_open(&idle[i], cluster.index.port);
        client_send(&idle[i], SLICE("half a line"));
    }
    process_kill(&cluster.nodes[0].process);
    cluster_wait_state(&cluster, 1, "master active 0 1");
    for (int i = 0; i < 1000; i++) {
        client_close(&idle[i]);
    }
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ten_thousand_idle_connections_are_no_burden,
                                  stop),
        cmocka_unit_test_teardown(one_connection_too_many_is_turned_away, stop),
        cmocka_unit_test_teardown(a_slow_reader_is_paused_not_buffered, stop),
        cmocka_unit_test_teardown(an_idle_connection_is_closed_after_its_time,
                                  stop),
        cmocka_unit_test_teardown(a_thousand_connections_do_not_blind_the_index,
                                  stop),
    };
    return cmocka_run_group_tests_name("integration/limits", tests, NULL, NULL);
}
