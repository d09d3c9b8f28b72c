#include "test/unit/net_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/listen_set.h"
#include "net/loop_signals.h"

static unsigned accepted;

static void
on_accept(void *owner, int fd, const struct sock_addr *from)
{
    (void)owner;
    (void)from;
    accepted++;
    (void)close(fd);
}

static const struct listener_ops ops = {.on_accept = on_accept};

static int
connect_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(path) < sizeof(un.sun_path));
    memcpy(un.sun_path, path, strlen(path));
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static int
connect_to(const char *host, uint16_t port)
{
    struct sock_addr addr;
    struct err err;

    assert_int_equal(sock_resolve(host, port, &addr, 1, &err), 1);
    return sock_connect(&addr);
}

static void
several_addresses_share_the_port_the_first_one_got(void **state)
{
    char folder[] = "/tmp/listen_set.XXXXXX", path[64];
    struct listen_options options = {
        .addresses = "127.0.0.1,127.0.0.2,[::1]",
        .unix_path = path,
        .backlog = 16,
    };
    struct listen_set set = {.port = 0};
    struct net_fixture f;
    struct err err;
    struct stat st;
    int fds[4];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    net_begin(&f);
    assert_int_equal(listen_set_open(&set, &options, &err), 0);
    assert_int_not_equal(set.port, 0);
    assert_int_equal(set.nfds, 4);
    assert_int_equal(listen_set_start(&set, &f.loop, &ops, NULL, &err), 0);
    accepted = 0;
    fds[0] = connect_to("127.0.0.1", set.port);
    fds[1] = connect_to("127.0.0.2", set.port);
    fds[2] = connect_to("::1", set.port);
    fds[3] = connect_unix(path);
    RUN_UNTIL(&f, accepted == 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(close(fds[i]), 0);
    }
    listen_set_close(&set);
    listen_set_close(&set);
    assert_int_equal(stat(path, &st), -1);
    assert_int_equal(rmdir(folder), 0);
    net_end(&f);
}

static void
what_cannot_be_bound_is_named(void **state)
{
    struct listen_options options = {
        .addresses = "", .unix_path = "", .backlog = 16};
    struct listen_set set = {.port = 0}, other = {.port = 0};
    struct err err;

    (void)state;
    assert_int_equal(listen_set_open(&set, &options, &err), ERR_CONFIG);
    assert_non_null(strstr(err.msg, "no address"));

    options.addresses = "127.0.0.1";
    assert_int_equal(listen_set_open(&set, &options, &err), 0);
    options.port = set.port;
    assert_true(listen_set_open(&other, &options, &err) < 0);
    assert_non_null(strstr(err.msg, "127.0.0.1"));
    listen_set_close(&other);
    listen_set_close(&set);
}

static void
there_is_a_limit_to_addresses(void **state)
{
    char many[LISTEN_SET_MAX * 12 + 12] = "";
    struct listen_options options = {
        .addresses = many, .unix_path = "", .backlog = 16};
    struct listen_set set = {.port = 0};
    struct err err;
    size_t n = 0;

    (void)state;
    for (int i = 1; i <= LISTEN_SET_MAX + 1; i++) {
        n += (size_t)snprintf(many + n, sizeof(many) - n, "%s127.0.0.%d",
                              i > 1 ? "," : "", i);
    }
    assert_int_equal(listen_set_open(&set, &options, &err), ERR_CONFIG);
    assert_non_null(strstr(err.msg, "more than 16"));
    assert_int_equal(set.nfds, LISTEN_SET_MAX);
    listen_set_close(&set);
    assert_int_equal(set.nfds, 0);
}

/* --- signals -------------------------------------------------------------- */

static int stopped_by, reloads;

static void
on_stop(void *arg, int sig)
{
    (void)arg;
    stopped_by = sig;
}

static void
on_reload(void *arg)
{
    (void)arg;
    reloads++;
}

static void
signals_arrive_on_the_loop(void **state)
{
    struct loop_signals signals = {.on_stop = on_stop, .on_reload = on_reload};
    struct net_fixture f;
    struct err err;

    (void)state;
    net_begin(&f);
    assert_int_equal(loop_signals_start(&signals, &f.loop, &err), 0);
    assert_int_equal(raise(SIGHUP), 0);
    RUN_UNTIL(&f, reloads == 1);
    assert_int_equal(stopped_by, 0);
    assert_int_equal(raise(SIGTERM), 0);
    RUN_UNTIL(&f, stopped_by == SIGTERM);
    assert_int_equal(raise(SIGINT), 0);
    RUN_UNTIL(&f, stopped_by == SIGINT);
    loop_signals_stop(&signals);
    loop_signals_stop(&signals);
    net_end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_addresses_share_the_port_the_first_one_got),
        cmocka_unit_test(what_cannot_be_bound_is_named),
        cmocka_unit_test(there_is_a_limit_to_addresses),
        cmocka_unit_test(signals_arrive_on_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
