#include "test/unit/net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/resolve.h"
#include "net/sock.h"

static void
addresses_are_read_and_written(void **state)
{
    static const struct {
        const char *host, *text;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1:12121"},
        {"::1", "[::1]:12121"},
        {"[::1]", "[::1]:12121"},
        {"localhost", "127.0.0.1:12121"},
        {"", "0.0.0.0:12121"},
        {NULL, "0.0.0.0:12121"},
        {"::", "[::]:12121"},
        {"192.0.2.200", "192.0.2.200:12121"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sock_addr addr[4];
        struct err err;
        char text[80];

        assert_true(sock_resolve(rows[i].host, 12121, addr, 4, &err) >= 1);
        sock_format(&addr[0], text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
}

static void
only_names_need_a_resolver(void **state)
{
    static const struct {
        const char *host;
        bool numeric;
    } rows[] = {
        {"127.0.0.1", true}, {"::1", true},
        {"[::1]", true},     {"[::1", false},
        {"[db1]", false},    {"localhost", true},
        {"db1", false},      {"127.0.0.1.example", false},
        {"1.2.3", false},    {"", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(sock_is_numeric(rows[i].host), rows[i].numeric);
    }
}

static void
an_unknown_name_says_so(void **state)
{
    struct sock_addr addr;
    struct err err;

    (void)state;
    assert_int_equal(sock_resolve("nobody.invalid", 1, &addr, 1, &err),
                     ERR_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "nobody.invalid"));
}

static void
a_taken_port_is_refused_with_its_address(void **state)
{
    struct sock_addr addr;
    struct err err;
    char text[80];
    int a, b;

    (void)state;
    assert_int_equal(sock_resolve("127.0.0.1", 0, &addr, 1, &err), 1);
    a = sock_listen(&addr, 5, &err);
    assert_true(a >= 0);
    assert_int_equal(sock_resolve("127.0.0.1", sock_port(a), &addr, 1, &err),
                     1);
    b = sock_listen(&addr, 5, &err);
    assert_int_equal(b, ERR_IO);
    assert_int_equal(err.sys, EADDRINUSE);
    sock_format(&addr, text, sizeof(text));
    assert_non_null(strstr(err.msg, text));
    (void)close(a);
}

static void
errnos_fall_into_classes(void **state)
{
    static const struct {
        int error;
        enum sock_class class;
    } rows[] = {
        {EAGAIN, SOCK_RETRY},   {EINPROGRESS, SOCK_RETRY},
        {EINTR, SOCK_AGAIN},    {ECONNRESET, SOCK_GONE},
        {EPIPE, SOCK_GONE},     {ECONNREFUSED, SOCK_GONE},
        {ETIMEDOUT, SOCK_GONE}, {EHOSTUNREACH, SOCK_GONE},
        {EBADF, SOCK_BROKEN},   {ENOMEM, SOCK_BROKEN},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(sock_classify(rows[i].error), rows[i].class);
    }
}

struct accepted {
    struct listener *listener;
    int n, stop_at;
    int last;
};

static void
on_accept(void *owner, int fd, const struct sock_addr *from)
{
    struct accepted *accepted = owner;

    assert_true(from->len > 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    accepted->n++;
    (void)close(fd);
    if (accepted->n == accepted->stop_at) {
        listener_free(accepted->listener);
        accepted->listener = NULL;
    }
}

static const struct listener_ops listener_ops = {on_accept};

static void
begin_accepting(struct net_fixture *f, struct accepted *accepted,
                struct sock_addr *addr)
{
    struct err err;
    int fd;

    net_begin(f);
    assert_int_equal(sock_resolve("127.0.0.1", 0, addr, 1, &err), 1);
    fd = sock_listen(addr, 64, &err);
    assert_true(fd >= 0);
    accepted->listener = listener_new(&f->loop, fd, &listener_ops, accepted);
    assert_non_null(accepted->listener);
    assert_int_equal(sock_resolve("127.0.0.1",
                                  listener_port(accepted->listener), addr, 1,
                                  &err),
                     1);
}

static void
connect_some(const struct sock_addr *addr, int *fds, int n)
{
    for (int i = 0; i < n; i++) {
        fds[i] = sock_connect(addr);
        assert_true(fds[i] >= 0);
    }
}

static void
close_some(const int *fds, int n)
{
    for (int i = 0; i < n; i++) {
        (void)close(fds[i]);
    }
}

static void
a_listener_accepts_pauses_and_resumes(void **state)
{
    struct net_fixture f;
    struct accepted accepted = {.n = 0};
    struct sock_addr addr;
    int fds[20];

    (void)state;
    begin_accepting(&f, &accepted, &addr);
    connect_some(&addr, fds, 10);
    RUN_UNTIL(&f, accepted.n == 10);
    listener_pause(accepted.listener);
    connect_some(&addr, fds + 10, 10);
    net_settle(&f);
    assert_int_equal(accepted.n, 10);
    listener_resume(accepted.listener);
    RUN_UNTIL(&f, accepted.n == 20);
    close_some(fds, 20);
    listener_free(accepted.listener);
    net_end(&f);
}

static void
a_listener_may_be_freed_by_what_it_calls(void **state)
{
    struct net_fixture f;
    struct accepted accepted = {.stop_at = 3};
    struct sock_addr addr;
    int fds[10];

    (void)state;
    begin_accepting(&f, &accepted, &addr);
    connect_some(&addr, fds, 10);
    RUN_UNTIL(&f, accepted.listener == NULL);
    net_settle(&f);
    assert_int_equal(accepted.n, 3);
    close_some(fds, 10);
    net_end(&f);
}

static void
running_out_of_descriptors_pauses_accepting(void **state)
{
    struct net_fixture f;
    struct accepted accepted = {.n = 0};
    struct sock_addr addr;
    struct rlimit limit, low;
    struct mono out;
    int fds[4];

    (void)state;
    begin_accepting(&f, &accepted, &addr);
    connect_some(&addr, fds, 4);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){(rlim_t)fds[3] + 1, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    net_settle(&f);
    out = f.loop.now;
    assert_int_equal(accepted.n, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    net_settle(&f); /* the pause goes on, without spinning */
    assert_int_equal(accepted.n, 0);
    RUN_UNTIL(&f, accepted.n == 4);
    assert_true(mono_ms_between(out, clock_mono()) >= 900);
    close_some(fds, 4);
    listener_free(accepted.listener);
    net_end(&f);
}

static void
a_unix_socket_takes_the_place_of_a_dead_one_only(void **state)
{
    char folder[] = "/tmp/flare-sock-XXXXXX", path[64], plain[64];
    struct err err;
    struct stat st;
    int a, b;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    (void)snprintf(plain, sizeof(plain), "%s/file", folder);
    a = sock_listen_unix(path, 0640, 5, &err);
    assert_true(a >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(sock_listen_unix(path, 0640, 5, &err), ERR_CONFIG);
    (void)close(a); /* as if killed: its file stays */
    b = sock_listen_unix(path, 0666, 5, &err);
    assert_true(b >= 0);
    (void)close(b);
    (void)unlink(path);
    (void)close(open(plain, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(sock_listen_unix(plain, 0640, 5, &err), ERR_CONFIG);
    assert_int_equal(stat(plain, &st), 0);
    assert_int_equal(sock_listen_unix("", 0640, 5, &err), ERR_CONFIG);
    (void)unlink(plain);
    (void)rmdir(folder);
}

struct found {
    int calls;
    unsigned count;
};

static void
on_found(void *owner, const struct sock_addr *addr, unsigned count)
{
    struct found *found = owner;

    (void)addr;
    found->calls++;
    found->count = count;
}

static void
a_lookup_answers_once_unless_cancelled(void **state)
{
    struct net_fixture f;
    struct found a = {0, 0}, b = {0, 9}, c = {0, 0};

    (void)state;
    net_begin(&f);
    resolve_cancel(resolve_start(&f.loop, "127.0.0.1", 1, on_found, &c));
    assert_non_null(resolve_start(&f.loop, "127.0.0.1", 1, on_found, &a));
    assert_non_null(resolve_start(&f.loop, "nobody.invalid", 1, on_found, &b));
    RUN_UNTIL(&f, a.calls + b.calls == 2);
    assert_int_equal(a.count, 1);
    assert_int_equal(b.count, 0);
    /* One that is under way when the loop ends is forgotten. */
    assert_non_null(resolve_start(&f.loop, "nobody.invalid", 1, on_found, &b));
    net_end(&f);
    assert_int_equal(c.calls, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written),
        cmocka_unit_test(only_names_need_a_resolver),
        cmocka_unit_test(an_unknown_name_says_so),
        cmocka_unit_test(a_taken_port_is_refused_with_its_address),
        cmocka_unit_test(errnos_fall_into_classes),
        cmocka_unit_test(a_listener_accepts_pauses_and_resumes),
        cmocka_unit_test(a_listener_may_be_freed_by_what_it_calls),
        cmocka_unit_test(running_out_of_descriptors_pauses_accepting),
        cmocka_unit_test(a_unix_socket_takes_the_place_of_a_dead_one_only),
        cmocka_unit_test(a_lookup_answers_once_unless_cancelled),
    };
    return cmocka_run_group_tests_name("net/sock", tests, NULL, NULL);
}
