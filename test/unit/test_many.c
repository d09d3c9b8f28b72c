/* Many connections on one loop, as a daemon has them. */
#include "test/unit/net_fixture.h"

#include <errno.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/conn.h"
#include "net/listener.h"

enum { MANY = 2000, BYTES_EACH = 1024 };

struct server {
    struct net_fixture f;
    struct listener *listener;
    struct conn *conns[MANY];
    unsigned accepted, closed, expired;
    int fds[MANY]; /* the clients' ends */
};

static size_t
on_input(struct conn *conn, struct slice in)
{
    assert_true(buf_put_slice(conn_out(conn), in));
    conn_flush_later(conn);
    return in.n;
}

static void
on_closed(struct conn *conn, int error)
{
    struct server *server = conn->owner;

    server->closed++;
    server->expired += error == ETIMEDOUT;
    for (unsigned i = 0; i < server->accepted; i++) {
        if (server->conns[i] == conn) {
            server->conns[i] = NULL;
        }
    }
}

static const struct conn_ops ops = {.on_input = on_input,
                                    .on_closed = on_closed};
static const struct conn_limits limits = {65536, 1 << 20, 1 << 18};

static void
on_accept(void *owner, int fd, const struct sock_addr *from)
{
    struct server *server = owner;

    (void)from;
    server->conns[server->accepted++] =
        conn_new(&server->f.loop, fd, false, &limits, &ops, server);
}

static const struct listener_ops listener_ops = {on_accept};

static void
connect_all(struct server *server)
{
    struct sock_addr addr;
    struct err err;

    assert_int_equal(sock_resolve("127.0.0.1", listener_port(server->listener),
                                  &addr, 1, &err),
                     1);
    for (unsigned i = 0; i < MANY; i++) {
        server->fds[i] = sock_connect(&addr);
        assert_true(server->fds[i] >= 0);
        if (i % 50 == 0) {
            RUN_UNTIL(&server->f, server->accepted + 64 > i);
        }
    }
    RUN_UNTIL(&server->f, server->accepted == MANY);
}

static void
say_and_hear_all(struct server *server)
{
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(send(server->fds[i], "hello", 5, MSG_NOSIGNAL), 5);
    }
    for (unsigned i = 0; i < MANY; i++) {
        char got[8];
        ssize_t n = -1;

        RUN_UNTIL(&server->f,
                  (n = recv(server->fds[i], got, sizeof(got), 0)) >= 0);
        assert_int_equal(n, 5);
    }
}

static struct server *
begin(void)
{
    struct rlimit limit = {2 * MANY + 100, 2 * MANY + 100};
    struct server *server;
    struct rlimit have;
    struct sock_addr addr;
    struct err err;
    int fd;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &have), 0);
    if (have.rlim_cur < limit.rlim_cur) {
        limit.rlim_max = have.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            skip();
        }
    }
    server = xcalloc(1, sizeof(*server));
    net_begin(&server->f);
    assert_int_equal(sock_resolve("127.0.0.1", 0, &addr, 1, &err), 1);
    fd = sock_listen(&addr, 1024, &err);
    assert_true(fd >= 0);
    server->listener = listener_new(&server->f.loop, fd, &listener_ops, server);
    return server;
}

static void
end(struct server *server)
{
    listener_free(server->listener);
    net_end(&server->f);
    free(server);
}

static void
two_thousand_connections_are_served_and_idle_ones_are_small(void **state)
{
    struct server *server = begin();
    struct mallinfo2 before, after;

    (void)state;
    before = mallinfo2();
    connect_all(server);
    say_and_hear_all(server);
    net_settle(&server->f);
    after = mallinfo2();
    for (unsigned i = 0; i < MANY; i++) {
        assert_null(server->conns[i]->in.base);
        assert_null(server->conns[i]->out.base);
    }
    assert_true(server->f.loop.spares <= LOOP_SPARES_MAX);
    assert_true(after.uordblks <=
                before.uordblks + (size_t)MANY * BYTES_EACH +
                    (size_t)LOOP_SPARES_MAX * (LOOP_BUF + 64));
    for (unsigned i = 0; i < MANY; i++) {
        (void)close(server->fds[i]);
    }
    RUN_UNTIL(&server->f, server->closed == MANY);
    end(server);
}

static void
resets_half_closes_and_expiry_end_each_connection_once(void **state)
{
    struct server *server = begin();
    const struct linger reset = {1, 0};

    (void)state;
    connect_all(server);
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 3 == 0) {
            (void)setsockopt(server->fds[i], SOL_SOCKET, SO_LINGER, &reset,
                             sizeof(reset));
            (void)close(server->fds[i]);
        } else if (i % 3 == 1) {
            (void)shutdown(server->fds[i], SHUT_WR);
        }
    }
    RUN_UNTIL(&server->f, server->closed == MANY - MANY / 3);
    for (unsigned i = 0; i < MANY; i++) {
        if (server->conns[i] != NULL) {
            conn_set_idle(server->conns[i], 10);
            assert_true(
                conn_expire(server->conns[i], mono_after_ms(clock_mono(), 10)));
        }
    }
    RUN_UNTIL(&server->f, server->closed == MANY);
    assert_int_equal(server->expired, MANY / 3);
    for (unsigned i = 0; i < MANY; i++) {
        if (i % 3 != 0) {
            (void)close(server->fds[i]);
        }
    }
    end(server);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            two_thousand_connections_are_served_and_idle_ones_are_small),
        cmocka_unit_test(
            resets_half_closes_and_expiry_end_each_connection_once),
    };
    return cmocka_run_group_tests_name("net/many", tests, NULL, NULL);
}
