/* How long requests took, which were slow, which keys are hot. */
#include "test/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "test/harness/cluster.h"
#include "test/harness/wait.h"

enum { PAUSE_MS = 150 };

static struct cluster cluster;

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

/* Two nodes: the master of all keys, and a proxy. */
static void
start(const char *slower_than)
{
    cluster_init(&cluster, 2);
    cluster_node_option(&cluster, "--slowlog-log-slower-than-us", slower_than);
    cluster_node_option(&cluster, "--slowlog-max-len", "5");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_settle(&cluster);
}

/* The value of the first statistic that ends in ":NAME" in "stats WHAT". */
static void
first_of(struct client *c, const char *what, const char *name, char *to,
         size_t size)
{
    const char *line = client_ask(c, "stats %s\r\n", what);

    to[0] = '\0';
    while (strcmp(line, "END") != 0) {
        const char *colon = strchr(line, ':');

        assert_memory_equal(line, "STAT ", 5);
        if (to[0] == '\0' && colon != NULL &&
            strncmp(colon + 1, name, strlen(name)) == 0 &&
            colon[1 + strlen(name)] == ' ') {
            (void)snprintf(to, size, "%s", colon + 2 + strlen(name));
        }
        line = client_line(c);
    }
}

static long
lines_of(struct client *c, const char *what)
{
    const char *line = client_ask(c, "stats %s\r\n", what);
    long n = 0;

    for (; strcmp(line, "END") != 0; n++) {
        line = client_line(c);
    }
    return n;
}

/* Each class counts the requests that were answered, wherever. */
static void
every_command_is_counted_in_its_class(void **state)
{
    struct client c;

    (void)state;
    start("0");
    for (int i = 0; i < 2; i++) { /* at the master, through the proxy */
        client_open(&c, cluster.nodes[i].port);
        client_talk(&c, "set k 0 0 1\r\n5\r\n", "STORED\r\n");
        client_talk(&c, "get k\r\nget none\r\nmg k v\r\n",
                    "VALUE k 0 1\r\n5\r\nEND\r\nEND\r\nVA 1\r\n5\r\n");
        client_talk(&c, "incr k 1\r\ntouch k 0\r\ndelete k\r\nversion\r\n",
                    "6\r\nTOUCHED\r\nDELETED\r\nVERSION " PACKAGE_VERSION
                    "\r\n");
        assert_int_equal(client_stat(&c, "latency", "get:count"), 3);
        assert_int_equal(client_stat(&c, "latency", "set:count"), 1);
        assert_int_equal(client_stat(&c, "latency", "arith:count"), 1);
        assert_int_equal(client_stat(&c, "latency", "touch:count"), 1);
        assert_int_equal(client_stat(&c, "latency", "delete:count"), 1);
        assert_true(client_stat(&c, "latency", "get:p50_us") >= 0);
        assert_true(client_stat(&c, "latency", "get:max_us") <= 60000000);
        assert_int_equal(lines_of(&c, "slowlog"), 0); /* it is off */
        client_talk(&c, "stats reset\r\n", "RESET\r\n");
        assert_int_equal(client_stat(&c, "latency", "get:count"), -1);
        client_talk(&c, "stats latency bogus\r\n",
                    "CLIENT_ERROR no such class of commands\r\n");
        client_close(&c);
        if (i == 0) { /* what is forwarded counts at both; begin anew */
            client_open(&c, cluster.nodes[0].port);
            client_talk(&c, "stats reset\r\n", "RESET\r\n");
            client_close(&c);
        }
    }
    cluster_finish(&cluster);
}

static bool
is_over(void *arg)
{
    const struct mono *until = arg;

    return mono_reached(*until, clock_mono());
}

static bool
has_passed_it_on(void *arg)
{
    (void)arg;
    return stat_of(cluster.nodes[1].port, "proxy_write") == 1;
}

/* A set through the proxy, whose master sleeps for a while. */
static void
set_while_the_master_is_paused(struct client *c)
{
    struct mono until;

    process_signal(&cluster.nodes[0].process, SIGSTOP);
    client_send(c, slice_str("set a%key 0 0 1\r\nx\r\n"));
    wait_for(has_passed_it_on, NULL, WAIT_MS, "the set is passed on");
    until = mono_after_ms(clock_mono(), PAUSE_MS);
    wait_for(is_over, &until, WAIT_MS, "time passes");
    process_signal(&cluster.nodes[0].process, SIGCONT);
    assert_string_equal(client_line(c), "STORED");
}

static void
a_request_that_waited_is_slow_and_says_who_and_what(void **state)
{
    struct client c;
    char text[128];

    (void)state;
    start("100000");
    client_open(&c, cluster.nodes[1].port);
    client_talk(&c, "get fast\r\n", "END\r\n");
    assert_int_equal(lines_of(&c, "slowlog"), 0);
    set_while_the_master_is_paused(&c);
    first_of(&c, "slowlog", "duration_us", text, sizeof(text));
    assert_true(strtol(text, NULL, 10) >= PAUSE_MS * 1000L);
    first_of(&c, "slowlog", "command", text, sizeof(text));
    assert_string_equal(text, "set");
    first_of(&c, "slowlog", "key", text, sizeof(text));
    assert_string_equal(text, "a%key");
    first_of(&c, "slowlog", "peer", text, sizeof(text));
    assert_memory_equal(text, "127.0.0.1:", 10);
    assert_true(client_stat(&c, "latency", "set:max_us") >= PAUSE_MS * 1000L);
    assert_true(client_stat(&c, "latency", "get:max_us") < PAUSE_MS * 1000L);
    client_talk(&c, "stats slowlog reset\r\n", "RESET\r\n");
    assert_int_equal(lines_of(&c, "slowlog"), 0);
    client_close(&c);
    cluster_finish(&cluster);
}

/* Everything takes longer than a microsecond; some requests, the latest. */
static void
the_slow_log_keeps_the_latest_and_no_more(void **state)
{
    struct client c;
    char text[128];

    (void)state;
    start("1");
    client_open(&c, cluster.nodes[0].port);
    for (int i = 0; i < 20; i++) {
        char set[64];

        (void)snprintf(set, sizeof(set), "set key%d 0 0 3\r\nabc\r\n", i);
        client_talk(&c, set, "STORED\r\n");
    }
    first_of(&c, "slowlog", "key", text, sizeof(text));
    assert_string_equal(text, "key19");
    first_of(&c, "slowlog", "command", text, sizeof(text));
    assert_string_equal(text, "stats"); /* the one before */
    assert_int_equal(lines_of(&c, "slowlog"), 5 * 7);
    client_talk(&c, "stats slowlog bogus\r\n", "ERROR\r\n");
    client_close(&c);
    cluster_finish(&cluster);
}

static void
the_hot_key_is_named(void **state)
{
    struct client c;
    char text[128];

    (void)state;
    start("0");
    client_open(&c, cluster.nodes[0].port);
    for (int i = 0; i < 3000; i++) {
        char get[64];

        (void)snprintf(get, sizeof(get), "get hot cold%d\r\n", i);
        client_talk(&c, get, "END\r\n");
    }
    first_of(&c, "hotkeys", "key", text, sizeof(text));
    assert_string_equal(text, "hot");
    first_of(&c, "hotkeys", "share", text, sizeof(text));
    assert_true(strtod(text, NULL) > 25 && strtod(text, NULL) < 75);
    client_talk(&c, "stats reset\r\nstats hotkeys\r\n", "RESET\r\nEND\r\n");
    client_close(&c);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_command_is_counted_in_its_class, stop),
        cmocka_unit_test_teardown(
            a_request_that_waited_is_slow_and_says_who_and_what, stop),
        cmocka_unit_test_teardown(the_slow_log_keeps_the_latest_and_no_more,
                                  stop),
        cmocka_unit_test_teardown(the_hot_key_is_named, stop),
    };

    return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
