#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/trust.h"

static struct sock_addr
addr_of(const char *host)
{
    struct sock_addr addr;
    struct err err;

    assert_int_equal(sock_resolve(host, 1, &addr, 1, &err), 1);
    return addr;
}

static void
addresses_are_held_against_the_list(void **state)
{
    static const struct {
        const char *list, *from;
        bool allowed;
    } rows[] = {
        {"any", "203.0.113.9", true},
        {"10.1.0.0/16,any", "203.0.113.9", true},
        {"", "203.0.113.9", false},
        {"", "127.0.0.1", true},
        {"", "127.255.0.3", true},
        {"", "::1", true},
        {"10.1.0.0/16", "10.1.255.255", true},
        {"10.1.0.0/16", "10.2.0.0", false},
        {" 192.0.2.7 , 10.1.0.0/16", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"192.0.2.4/30", "192.0.2.7", true},
        {"192.0.2.4/30", "192.0.2.8", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "203.0.113.9", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"2001:db8::5", "2001:db8::5", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sock_addr from = addr_of(rows[i].from);
        struct trust *trust;
        struct err err;

        assert_int_equal(trust_parse(&trust, rows[i].list, &err), 0);
        if (trust_allows(trust, &from) != rows[i].allowed) {
            fail_msg("row %zu: %s from %s", i, rows[i].list, rows[i].from);
        }
        free(trust);
    }
}

static void
what_is_no_list_is_named(void **state)
{
    static const char *const bad[] = {
        "10.1.0.0/33", "10.1.0.0/", "10.1.0.0/x", "example.org",
        "all",         "1.2.3",     "::/129",     "10.0.0.1,,nobody",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct trust *trust = (struct trust *)1;
        struct err err;

        assert_int_equal(trust_parse(&trust, bad[i], &err), ERR_CONFIG);
        assert_null(trust);
        assert_non_null(strchr(err.msg, '"'));
    }
}

static void
a_list_has_an_end(void **state)
{
    enum { ENTRY = 8 };
    static const char entry[] = "1.1.1.1,";
    char text[(TRUST_MAX + 1) * ENTRY + 1] = "";
    struct trust *trust;
    struct err err;

    (void)state;
    for (int i = 0; i < TRUST_MAX; i++) {
        memcpy(text + i * ENTRY, entry, sizeof(entry));
    }
    assert_int_equal(trust_parse(&trust, text, &err), 0);
    free(trust);
    memcpy(text + TRUST_MAX * ENTRY, entry, sizeof(entry));
    assert_int_equal(trust_check(text, &err), ERR_CONFIG);
}

static void
hosts_are_compared_without_ports(void **state)
{
    struct sock_addr a = addr_of("192.0.2.1"), b, unix_end = {.len = 2};
    struct err err;
    int fds[2];

    (void)state;
    assert_int_equal(sock_resolve("192.0.2.1", 99, &b, 1, &err), 1);
    assert_true(trust_same_host(&a, &b));
    b = addr_of("192.0.2.2");
    assert_false(trust_same_host(&a, &b));
    unix_end.addr.ss_family = AF_UNIX;
    assert_false(trust_same_host(&unix_end, &unix_end));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_true(trust_is_local(fds[0]));
    (void)close(fds[0]);
    (void)close(fds[1]);
    assert_false(trust_is_local(fds[0]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_held_against_the_list),
        cmocka_unit_test(what_is_no_list_is_named),
        cmocka_unit_test(a_list_has_an_end),
        cmocka_unit_test(hosts_are_compared_without_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
