/*
 * Clients that harm, on purpose or not: what they cost is bounded, and nobody
 * else notices.
 */
#include "test/unit/test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "test/harness/cluster.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

enum {
    MANY = 100,
    BIG = 1000000,
#ifdef __SANITIZE_ADDRESS__
    HUGE_VALUE = 10000000,
    STORM_MS = 1000,
#else
    HUGE_VALUE = 100000000,
    STORM_MS = 3000,
#endif
    BLOCKED_MS = 1000, /* a socket full for so long stays so */
    HIDDEN_KB = 65536, /* what memory may vary by for other reasons */
};

static struct cluster cluster;
static struct client bystander;
static struct client many[MANY];

/* node0 master, node1 proxy. */
static int
start(void **state)
{
    struct load load = {"big", 0, 1, BIG, 1, ""};

    (void)state;
    cluster_up(&cluster, 2);
    cluster_make_master(&cluster, 0, 0);
    client_open(&bystander, cluster.nodes[0].port);
    client_set(&bystander, "kept", "value");
    load_set(&bystander, &load);
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

static int
nobody_else_is_disturbed(void **state)
{
    (void)state;
    client_expect(&bystander, "kept", "value");
    return 0;
}

static long
resident_kb(size_t node)
{
    char path[64], line[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/statm",
                   (int)cluster.nodes[node].process.pid);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    (void)fclose(file);
    return strtol(strchr(line, ' '), NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void
must_have_grown_less(size_t node, long before, long kb)
{
    long now = resident_kb(node);

    print_message("node%zu: %ld kB, and %ld kB before\n", node, now, before);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
    if (now - before > kb) {
        fail_msg("node%zu grew by %ld kB; %ld are allowed", node, now - before,
                 kb);
    }
#else
    (void)kb;
#endif
}

/* A request a byte at a time, from many; others are served between bytes. */
static void
who_sends_a_byte_at_a_time_waits_for_itself(void **state)
{
    static const char text[] = "set slow 0 0 5\r\nhello\r\nget slow\r\n";

    (void)state;
    for (int i = 0; i < MANY; i++) {
        client_open(&many[i], cluster.nodes[i % 2].port);
    }
    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        for (int i = 0; i < MANY; i++) {
            client_send(&many[i], (struct slice){text + at, 1});
        }
        client_expect(&bystander, "kept", "value");
    }
    for (int i = 0; i < MANY; i++) {
        client_talk(&many[i], "",
                    "STORED\r\nVALUE slow 0 5\r\nhello\r\nEND\r\n");
        client_close(&many[i]);
    }
}

/* Each asks for 200 MB. */
static void
who_never_reads_takes_a_bounded_part_of_memory(void **state)
{
    enum { ASKED = 200, EACH_KB = 4096 + 2 * BIG / 1024 };
    long before = resident_kb(0);

    (void)state;
    for (int i = 0; i < MANY / 2; i++) {
        client_open(&many[i], cluster.nodes[0].port);
        for (int n = 0; n < ASKED; n++) {
            client_send(&many[i], SLICE("get big0\r\n"));
        }
        client_expect(&bystander, "kept", "value");
    }
    /* Each has one block more than is in use, of any size up to that. */
    must_have_grown_less(0, before, (MANY / 2) * (EACH_KB + 1024) + HIDDEN_KB);
    for (int i = 0; i < MANY / 2; i++) {
        client_close(&many[i]);
    }
}

static void
an_answer_of_any_size_is_not_made(void **state)
{
    long before = resident_kb(0);
    char line[5000] = "get";
    size_t n = 3;

    (void)state;
    for (int i = 0; i < 600; i++) { /* 600 MB */
        n += (size_t)snprintf(line + n, sizeof(line) - n, " big0");
    }
    (void)snprintf(line + n, sizeof(line) - n, "\r\n");
    for (size_t node = 0; node < 2; node++) {
        client_open(&many[0], cluster.nodes[node].port);
        client_talk(&many[0], line,
                    "SERVER_ERROR out of memory writing get response\r\n");
        client_expect(&many[0], "kept", "value");
        client_close(&many[0]);
    }
    must_have_grown_less(0, before, 2 * 262144 + HIDDEN_KB);
}

/* True: it took the bytes.  False: the socket stays full. */
static bool
push(struct client *c, struct slice bytes)
{
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};

    while (bytes.n > 0) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n > 0) {
            bytes = (struct slice){bytes.p + n, bytes.n - (size_t)n};
        } else if (poll(&p, 1, BLOCKED_MS) == 0) {
            return false;
        }
    }
    return true;
}

/*
 * While the master does not answer, a proxy must not collect what one client
 * wants of it; nor the answers to what comes behind.
 */
static void
a_pipeline_behind_a_silent_node_is_not_collected(void **state)
{
    static char request[BIG + 100];
    long before = resident_kb(1);
    int n = snprintf(request, sizeof(request), "set silent 0 0 %d\r\n", BIG);
    size_t sent = 0;
    int stored = 0;

    (void)state;
    memset(request + n, 'x', BIG);
    memcpy(request + n + BIG, "\r\n", sizeof("\r\n"));
    client_open(&many[0], cluster.nodes[1].port);
    client_talk(&many[0], "get kept\r\n", "VALUE kept 0 5\r\nvalue\r\nEND\r\n");
    process_signal(&cluster.nodes[0].process, SIGSTOP);
    while (sent < 500 &&
           push(&many[0], (struct slice){request, (size_t)n + BIG + 2})) {
        sent++;
    }
    must_have_grown_less(1, before, 3 * 4096 + HIDDEN_KB);
    process_signal(&cluster.nodes[0].process, SIGCONT);
    assert_true(sent < 100);
    (void)shutdown(many[0].fd, SHUT_WR);
    for (const char *line = client_try_line(&many[0]); line != NULL;
         line = client_try_line(&many[0])) {
        assert_string_equal(line, "STORED");
        stored++;
    }
    assert_int_equal(stored, sent);
    client_close(&many[0]);
}

static bool
few_are_left(void *arg)
{
    (void)arg;
    return stat_of(cluster.nodes[0].port, "curr_connections") < 10;
}

/* Opened, half a request sent, reset: as many as this machine makes of them. */
static void
a_storm_of_resets_leaves_nothing_behind(void **state)
{
    const struct linger abrupt = {.l_onoff = 1, .l_linger = 0};
    const struct mono end = mono_after_ms(clock_mono(), STORM_MS);
    long before = resident_kb(0), made = 0;

    (void)state;
    while (!mono_reached(end, clock_mono())) {
        for (int i = 0; i < MANY; i++) {
            client_open(&many[i], cluster.nodes[0].port);
            (void)client_try_send(&many[i],
                                  SLICE("get kept\r\nset x 0 0 10\r\nhalf"));
            assert_int_equal(setsockopt(many[i].fd, SOL_SOCKET, SO_LINGER,
                                        &abrupt, sizeof(abrupt)),
                             0);
        }
        for (int i = 0; i < MANY; i++) {
            client_close(&many[i]);
        }
        made += MANY;
        client_expect(&bystander, "kept", "value");
    }
    print_message("%ld connections in %d ms\n", made, STORM_MS);
    wait_for(few_are_left, NULL, WAIT_MS, "the end of the connections");
    must_have_grown_less(0, before, HIDDEN_KB);
}

static void
sizes_beyond_any_limit_are_refused(void **state)
{
    static const struct {
        const char *request, *answer;
    } rows[] = {
        {"set k 0 0 9223372036854775808\r\n",
         "CLIENT_ERROR bad command line format\r\n"},
        {"set k 0 0 9223372036854775807\r\n",
         "CLIENT_ERROR bad command line format\r\n"},
        {"set k 0 0 18446744073709551616\r\n",
         "CLIENT_ERROR bad command line format\r\n"},
        {"ms k 9223372036854775808\r\n",
         "CLIENT_ERROR bad command line format\r\n"},
        {"ms k 9223372036854775807\r\n",
         "CLIENT_ERROR bad command line format\r\n"},
        {"set k 0 0 2147483645\r\n",
         "SERVER_ERROR object too large for cache\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows) * 2; i++) {
        client_open(&many[0], cluster.nodes[i % 2].port);
        client_talk(&many[0], rows[i / 2].request, rows[i / 2].answer);
        client_close(&many[0]);
        client_expect(&bystander, "kept", "value");
    }
}

static void
set_huge(struct client *c)
{
    static char piece[BIG];
    char line[64];
    int n = snprintf(line, sizeof(line), "set huge 0 0 %d\r\n", HUGE_VALUE);

    memset(piece, 'h', sizeof(piece));
    client_send(c, (struct slice){line, (size_t)n});
    for (int i = 0; i < HUGE_VALUE / BIG; i++) {
        client_send(c, (struct slice){piece, BIG});
    }
    client_talk(c, "\r\n", "STORED\r\n");
}

static void
expect_huge(struct client *c)
{
    char header[64];

    (void)snprintf(header, sizeof(header), "VALUE huge 0 %d", HUGE_VALUE);
    assert_string_equal(client_line(c), header);
    for (int i = 0; i < HUGE_VALUE / BIG; i++) {
        struct slice got = client_bytes(c, BIG);

        assert_true(got.p[0] == 'h' && got.p[BIG - 1] == 'h');
    }
    client_talk(c, "", "\r\nEND\r\n");
}

/* Directly and through the proxy, while others are served. */
static void
huge_values_do_not_keep_others_waiting(void **state)
{
    long before = resident_kb(0);

    (void)state;
    for (size_t node = 0; node < 2; node++) {
        struct mono began;

        client_open(&many[0], cluster.nodes[node].port);
        set_huge(&many[0]);
        client_send(&many[0], SLICE("get huge\r\n"));
        began = clock_mono();
        for (int i = 0; i < 100; i++) {
            client_expect(&bystander, "kept", "value");
        }
        print_message("100 requests meanwhile took %lld ms\n",
                      (long long)mono_ms_between(began, clock_mono()));
        expect_huge(&many[0]);
        client_close(&many[0]);
    }
    client_talk(&bystander, "delete huge\r\n", "DELETED\r\n");
    /* Both are in the log, the write buffer and the data file, and on their
       way in and out. */
    must_have_grown_less(0, before, 8 * (HUGE_VALUE / 1024) + HIDDEN_KB);
}

static void
the_daemons_end_in_order(void **state)
{
    (void)state;
    client_close(&bystander);
    cluster_finish(&cluster);
}

#define HARM(f) cmocka_unit_test_teardown(f, nobody_else_is_disturbed)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HARM(who_sends_a_byte_at_a_time_waits_for_itself),
        HARM(who_never_reads_takes_a_bounded_part_of_memory),
        HARM(an_answer_of_any_size_is_not_made),
        HARM(a_pipeline_behind_a_silent_node_is_not_collected),
        HARM(a_storm_of_resets_leaves_nothing_behind),
        HARM(sizes_beyond_any_limit_are_refused),
        HARM(huge_values_do_not_keep_others_waiting),
        cmocka_unit_test(the_daemons_end_in_order),
    };
    return cmocka_run_group_tests_name("integration/hostile", tests, start,
                                       stop);
}
