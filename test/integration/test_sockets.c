/* Where a node listens: a Unix socket, IPv6, several addresses. */
#include "test/unit/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/harness/cluster.h"

static struct cluster cluster;
static char path[280];

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static void
open_at(struct client *c, const void *addr, socklen_t n)
{
    const struct sockaddr *to = addr;

    *c = (struct client){.fd = -1};
    c->fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    assert_int_equal(connect(c->fd, to, n), 0);
    (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void
open_unix(struct client *c)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    assert_true(strlen(path) < sizeof(un.sun_path));
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    open_at(c, &un, sizeof(un));
}

static void
open_four(struct client *c, const char *host)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons(cluster.nodes[0].port)};

    assert_int_equal(inet_pton(AF_INET, host, &in.sin_addr), 1);
    open_at(c, &in, sizeof(in));
}

static void
open_six(struct client *c)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons(cluster.nodes[0].port),
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    open_at(c, &in6, sizeof(in6));
}

static bool
has_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6,
                               .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (void *)&any, sizeof(any)) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return has;
}

static void
start(const char *bind)
{
    cluster_init(&cluster, 2);
    (void)snprintf(path, sizeof(path), "%s/sock", cluster.folder);
    member_option(&cluster.nodes[0], "--bind", bind);
    member_option(&cluster.nodes[0], "--server-socket", path);
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
}

/* "stats conns" has a connection from there. */
static bool
shows(struct client *c, const char *what)
{
    bool found = false;

    client_send(c, SLICE("stats conns\r\n"));
    while (strcmp(client_line(c), "END") != 0) {
        found = found || strstr(c->line, what) != NULL;
    }
    return found;
}

static void
all_of_them_reach_the_same_data(void **state)
{
    const bool six = has_ipv6();
    struct client c[4];
    size_t n = 0;
    struct stat st;

    (void)state;
    start(six ? "127.0.0.1,127.0.0.2,[::1]" : "127.0.0.1,127.0.0.2");
    open_unix(&c[n++]);
    open_four(&c[n++], "127.0.0.1");
    open_four(&c[n++], "127.0.0.2");
    if (six) {
        open_six(&c[n++]);
    }
    for (size_t i = 0; i < n; i++) {
        char value[8];

        (void)snprintf(value, sizeof(value), "v%zu", i);
        client_set(&c[i], "k", value);
        for (size_t j = 0; j < n; j++) {
            client_expect(&c[j], "k", value);
        }
    }
    assert_true(shows(&c[0], ":addr unix:"));
    assert_true(shows(&c[0], ":addr tcp:127.0.0.1:"));
    assert_true(!six || shows(&c[0], ":addr tcp:[::1]:"));
    for (size_t i = 0; i < n; i++) {
        client_close(&c[i]);
    }
    cluster_finish(&cluster);
    assert_int_equal(lstat(path, &st), -1); /* it went with the node */
}

/* A killed node leaves its socket's file; the next start takes its place. */
static void
a_socket_that_was_left_behind_is_taken_over(void **state)
{
    struct client c;

    (void)state;
    start("127.0.0.1");
    open_unix(&c);
    client_set(&c, "k", "x");
    client_close(&c);
    process_kill(&cluster.nodes[0].process);
    cluster_start_node(&cluster, 0);
    cluster_wait_state(&cluster, 0, "master active 0 1");
    cluster_settle(&cluster);
    open_unix(&c);
    client_expect(&c, "k", "x");
    client_close(&c);
    cluster_finish(&cluster);
}

static void
the_binary_protocol_goes_over_a_unix_socket(void **state)
{
    static const char version[24] = "\x80\x0b";
    struct client c;
    struct slice answer;

    (void)state;
    start("127.0.0.1");
    open_unix(&c);
    client_send(&c, (struct slice){version, sizeof(version)});
    answer = client_bytes(&c, 24);
    assert_int_equal((unsigned char)answer.p[0], 0x81);
    assert_int_equal(answer.p[1], 0x0b);
    assert_true(answer.p[11] > 0); /* a version follows */
    client_close(&c);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_of_them_reach_the_same_data, stop),
        cmocka_unit_test_teardown(a_socket_that_was_left_behind_is_taken_over,
                                  stop),
        cmocka_unit_test_teardown(the_binary_protocol_goes_over_a_unix_socket,
                                  stop),
    };
    return cmocka_run_group_tests_name("integration/sockets", tests, NULL,
                                       NULL);
}
