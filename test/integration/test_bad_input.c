/*
 * Whatever arrives, there is a clear answer or an end, nothing is lost and
 * nobody else is disturbed.
 */
#include "test/unit/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rand.h"
#include "test/harness/cluster.h"
#include "test/harness/wait.h"

static struct cluster cluster;
static struct client bystander;

static int
start(void **state)
{
    (void)state;
    cluster_up(&cluster, 2);
    cluster_make_master(&cluster, 0, 0);
    client_open(&bystander, cluster.nodes[0].port);
    client_set(&bystander, "kept", "value");
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    client_close(&bystander);
    cluster_abandon(&cluster);
    return 0;
}

/* The other client's connection still works, and its data is there. */
static int
nobody_else_is_disturbed(void **state)
{
    (void)state;
    client_expect(&bystander, "kept", "value");
    return 0;
}

struct exchange {
    const char *bytes;
    size_t n;
    const char *answer; /* how the first line begins; NULL: it hangs up */
};

#define SAID(text) text, sizeof(text) - 1

static void
hold(uint16_t port, const struct exchange *e)
{
    struct client c;
    const char *line;

    client_open(&c, port);
    (void)snprintf(client_where, sizeof(client_where), "%.60s", e->bytes);
    (void)client_try_send(&c, (struct slice){e->bytes, e->n});
    (void)shutdown(c.fd, SHUT_WR);
    line = client_try_line(&c);
    if (e->answer == NULL) {
        assert_null(line);
    } else if (line == NULL ||
               strncmp(line, e->answer, strlen(e->answer)) != 0) {
        fail_msg("\"%.60s\": want %s, got %s", e->bytes, e->answer,
                 line != NULL ? line : "(end)");
    }
    client_close(&c);
}

static void
a_node_answers_every_kind_of_nonsense(void **state)
{
    static const struct exchange table[] = {
        {SAID("\r\n"), "ERROR"},
        {SAID("\n"), "ERROR"},
        {SAID("   \r\n"), "ERROR"},
        {SAID("nonsense\r\n"), "ERROR"},
        {SAID("SET a 0 0 1\r\nx\r\n"), "ERROR"},
        {SAID("set a\r\n"), "ERROR"},
        {SAID("set a x 0 1\r\n"), "CLIENT_ERROR"},
        {SAID("set a 0 0 -1\r\n"), "CLIENT_ERROR"},
        {SAID("set a 0 0 99999999999999999999\r\n"), "CLIENT_ERROR"},
        {SAID("set a 0 0 2147483646\r\n"), "CLIENT_ERROR"},
        {SAID("set a 0 0 2000000000\r\n"), "SERVER_ERROR"},
        {SAID("set a 0 0 1\r\nxyz\r\n"), "CLIENT_ERROR bad data chunk"},
        {SAID("set a -1 0 1\r\nx\r\n"), "CLIENT_ERROR"},
        {SAID("incr kept x\r\n"), "CLIENT_ERROR"},
        {SAID("touch kept x\r\n"), "CLIENT_ERROR"},
        {SAID("node\r\n"), "ERROR"},
        {SAID("node sync x\r\n"), "ERROR"},
        {SAID("node add h 1\r\n"), "ERROR"},
        {SAID("dump x\r\n"), "ERROR"},
        {SAID("dump 0 0 1024\r\n"), "CLIENT_ERROR"},
        {SAID("kill x\r\n"), "ERROR"},
        {SAID("kill 1\r\n"), "CLIENT_ERROR"},
        {SAID("<get kept\r\n"), "ERROR"},
        {SAID("set a 0 0 5\r\nab"), NULL},
        {SAID("get ke"), NULL},
        {SAID(""), NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        hold(cluster.nodes[0].port, &table[i]);
        (void)nobody_else_is_disturbed(state);
    }
}

static void
an_index_answers_every_kind_of_nonsense(void **state)
{
    static const struct exchange table[] = {
        {SAID("\r\n"), "ERROR"},
        {SAID("nonsense\r\n"), "ERROR"},
        {SAID("get kept\r\n"), "ERROR"},
        {SAID("node\r\n"), "ERROR"},
        {SAID("node add\r\n"), "ERROR"},
        {SAID("node add h\r\n"), "ERROR"},
        {SAID("node add h 99999999999\r\n"), "ERROR"},
        {SAID("node role h 1 king 1 0\r\n"), "ERROR"},
        {SAID("node role h 1 master 1 0\r\n"), "SERVER_ERROR"},
        {SAID("node state h 1 active\r\n"), "SERVER_ERROR"},
        {SAID("node state h 1 foo\r\n"), "ERROR"},
        {SAID("node remove h 1\r\n"), "SERVER_ERROR"},
        {SAID("node sync 5\r\n"), "ERROR"},
        {SAID("kill 1\r\n"), "CLIENT_ERROR"},
        {SAID("kill 99999999999999999999999999\r\n"), ""},
        {SAID("stats foo\r\n"), "ERROR"},
        {SAID("version x\r\n"), "ERROR"},
        {SAID("pin"), NULL},
        {SAID("\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), NULL},
    };
    int64_t version = stat_of(cluster.index.port, "node_map_version");

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        hold(cluster.index.port, &table[i]);
    }
    assert_int_equal(stat_of(cluster.index.port, "node_map_version"), version);
}

/* Send without an end; the server must hang up before limit bytes. */
static void
must_hang_up(uint16_t port, size_t limit, const char *first)
{
    static char noise[1 << 16];
    struct client c;
    size_t sent = 0;

    memset(noise, 'x', sizeof(noise));
    client_open(&c, port);
    client_send(&c, slice_str(first));
    while (sent < limit &&
           client_try_send(&c, (struct slice){noise, sizeof(noise)})) {
        sent += sizeof(noise);
    }
    assert_true(sent < limit);
    client_close(&c);
}

static void
a_line_without_an_end_is_hung_up_on(void **state)
{
    (void)state;
    must_hang_up(cluster.nodes[0].port, 64 << 20, "");
    must_hang_up(cluster.nodes[0].port, 64 << 20, "get ");
    must_hang_up(cluster.nodes[0].port, 64 << 20, "<a:1,");
    must_hang_up(cluster.nodes[0].port, 64 << 20, "set k 0 0 ");
    must_hang_up(cluster.index.port, 64 << 20, "");
    must_hang_up(cluster.index.port, 64 << 20, "node add ");
}

static void
random_bytes_do_no_harm(void **state)
{
    uint16_t ports[] = {cluster.nodes[0].port, cluster.nodes[1].port,
                        cluster.index.port};
    static const char letters[] = "get sd 01\r\n<>,:x";
    char noise[5000];
    struct rand r;

    (void)state;
    rand_init(&r, 17);
    for (int round = 0; round < 150; round++) {
        size_t n = rand_below(&r, sizeof(noise));
        bool text = rand_below(&r, 2) == 0;
        struct client c;

        for (size_t i = 0; i < n; i++) {
            noise[i] = (char)rand_below(&r, 256);
            if (text) {
                noise[i] = letters[rand_below(&r, 17)];
            }
        }
        client_open(&c, ports[round % 3]);
        (void)client_try_send(&c, (struct slice){noise, n});
        client_close(&c);
    }
    for (size_t i = 0; i < COUNT(ports); i++) {
        assert_true(stat_of(ports[i], "pid") > 0);
    }
}

static void
a_request_may_come_a_byte_at_a_time(void **state)
{
    static const char text[] = "set slow 0 0 5\r\nhello\r\nget slow\r\n";
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[1].port);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        client_send(&c, (struct slice){text + i, 1});
    }
    client_talk(&c, "", "STORED\r\nVALUE slow 0 5\r\nhello\r\nEND\r\n");
    client_close(&c);
}

/* The announced size is not taken from memory before it comes. */
static void
announced_sizes_cost_nothing(void **state)
{
    enum { N = 200 };
    static struct client c[N];
    int64_t pid = stat_of(cluster.nodes[0].port, "pid");
    char path[64], line[256];
    long pages = 0;
    FILE *file;

    (void)state;
    for (int i = 0; i < N; i++) {
        client_open(&c[i], cluster.nodes[0].port);
        client_send(&c[i], SLICE("set huge 0 0 1000000\r\nonly this"));
    }
    (void)snprintf(path, sizeof(path), "/proc/%lld/statm", (long long)pid);
    client_expect(&bystander, "kept", "value");
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
    pages = strtol(strchr(line, ' '), NULL, 10);
    print_message("resident: %ld MB\n", pages * 4 / 1024);
    for (int i = 0; i < N; i++) {
        client_close(&c[i]);
    }
    client_expect(&bystander, "huge", NULL);
}

static void
too_large_a_value_is_refused_and_the_stream_goes_on(void **state)
{
    static char junk[1 << 16];
    struct client c;
    char line[64];
    int64_t max = 0;
    int n;

    (void)state;
    memset(junk, 'x', sizeof(junk));
    max = client_stat(&bystander, "settings", "item_size_max");
    assert_true(max > 1000000);
    client_open(&c, cluster.nodes[0].port);
    client_set(&c, "big", "old");
    n = snprintf(line, sizeof(line), "set big 0 0 %lld\r\n",
                 (long long)max + 1);
    client_send(&c, (struct slice){line, (size_t)n});
    for (int64_t left = max + 1; left > 0;) {
        size_t now = left < (int64_t)sizeof(junk) ? (size_t)left : sizeof(junk);

        client_send(&c, (struct slice){junk, now});
        left -= (int64_t)now;
    }
    client_talk(&c, "\r\nversion\r\n",
                "SERVER_ERROR object too large for cache\r\nVERSION ");
    (void)client_line(&c);
    client_expect(&c, "big", NULL);
    client_close(&c);
}

/* A key that hides a command must not reach the peer as one. */
static void
keys_cannot_smuggle_commands_through_a_proxy(void **state)
{
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[1].port);
    client_send(&c, SLICE("get a\rflush_all\r\n"));
    (void)client_line(&c);
    client_send(&c, SLICE("get a\0flush_all\r\nversion\r\n"));
    while (strncmp(client_line(&c), "VERSION", 7) != 0) {
    }
    client_expect(&c, "kept", "value");
    client_close(&c);
}

/* A hop list that leaves the next node no room must not end its connection. */
static void
a_long_hop_list_is_not_passed_on(void **state)
{
    char line[2100];
    struct client c, other;

    (void)state;
    memset(line, 'h', sizeof(line));
    line[0] = '<';
    (void)snprintf(line + 2036, sizeof(line) - 2036, ":1>get kept\r\n");
    client_open(&c, cluster.nodes[1].port);
    client_open(&other, cluster.nodes[1].port);
    for (int i = 0; i < 20; i++) {
        client_send(&other, SLICE("get kept\r\n"));
        client_send(&c, slice_str(line));
        assert_int_equal(strncmp(client_line(&c), "SERVER_ERROR", 12), 0);
        client_talk(&other, "", "VALUE kept 0 5\r\nvalue\r\nEND\r\n");
    }
    client_close(&c);
    client_close(&other);
}

static void
the_daemons_end_in_order(void **state)
{
    (void)state;
    cluster_finish(&cluster);
}

#define BAD(f) cmocka_unit_test_teardown(f, nobody_else_is_disturbed)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BAD(a_node_answers_every_kind_of_nonsense),
        BAD(an_index_answers_every_kind_of_nonsense),
        BAD(a_line_without_an_end_is_hung_up_on),
        BAD(random_bytes_do_no_harm),
        BAD(a_request_may_come_a_byte_at_a_time),
        BAD(announced_sizes_cost_nothing),
        BAD(too_large_a_value_is_refused_and_the_stream_goes_on),
        BAD(keys_cannot_smuggle_commands_through_a_proxy),
        BAD(a_long_hop_list_is_not_passed_on),
        cmocka_unit_test(the_daemons_end_in_order),
    };
    return cmocka_run_group_tests_name("integration/bad input", tests, start,
                                       stop);
}
