/* The meta commands' lines. */
#include "test/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base64.h"
#include "proto/emit.h"
#include "proto/request.h"

#define S(literal)                                                             \
    {                                                                          \
        (literal), sizeof(literal) - 1                                         \
    }

static const struct proto_limits limits = {200, 50, 1000, 5};

/* What is understood, and how it is passed on. */
static const struct {
    struct slice in;
    const char *forwarded;
} good[] = {
    {S("mg k\r\n"), "<s:1>mg k\r\n"},
    {S("mg k  v q  k\n"), "<s:1>mg k v k\r\n"},
    {S("<a:1>mg k N30 R-1 T+5\r\n"), "<a:1,s:1>mg k N30 R-1 T+5\r\n"},
    {S("mg YQ== b v\r\n"), "<s:1>mg YQ== b v\r\n"},
    {S("mg k c f h k l q s t u v O1 P L I C1 E2 x\r\n"),
     "<s:1>mg k c f h k l s t u v O1 P L I C1 E2 x\r\n"},
    {S("ms k 2\r\nab\r\n"), "<s:1>ms k 2\r\nab\r\n"},
    {S("ms k 0 T0 F5 MS q O\r\n\r\n"), "<s:1>ms k 0 T0 F5 MS O\r\n\r\n"},
    {S("md k I T30 x\r\n"), "<s:1>md k I T30 x\r\n"},
    {S("ma k M+ D5 J18446744073709551615\r\n"),
     "<s:1>ma k M+ D5 J18446744073709551615\r\n"},
    {S("me k b\r\n"), NULL},
    {S("me k\r\n"), "<s:1>me k\r\n"},
    {S("me k x\r\n"), "<s:1>me k\r\n"},
};

#define FLAG "CLIENT_ERROR invalid flag"
#define DUPLICATE "CLIENT_ERROR duplicate flag"
#define FLAGS "CLIENT_ERROR invalid or duplicate flag"
#define TOKEN "CLIENT_ERROR bad token in command line format"
#define FORMAT "CLIENT_ERROR bad command line format"
#define KEY "CLIENT_ERROR error decoding key"
#define OPAQUE "CLIENT_ERROR opaque token too long"
#define LONG_O "O12345678901234567890123456789012"

static const struct {
    struct slice in;
    const char *why;
    size_t rest;
} bad[] = {
    {S("mg\r\n"), "ERROR", 0},
    {S("ms\r\n"), "ERROR", 0},
    {S("mg k !\r\n"), FLAG, 0},
    {S("mg k \xff\r\n"), FLAG, 0},
    {S("mg k v v\r\n"), DUPLICATE, 0},
    {S("mg k ! v v\r\n"), FLAG, 0},
    {S("mg k T\r\n"), TOKEN, 0},
    {S("mg k N1x\r\n"), TOKEN, 0},
    {S("mg k C-1\r\n"), TOKEN, 0},
    {S("mg k F-1\r\n"), FORMAT, 0},
    {S("mg k Dx\r\n"), "CLIENT_ERROR invalid numeric delta value", 0},
    {S("mg k Jx\r\n"), "CLIENT_ERROR invalid numeric initial value", 0},
    {S("mg k MSS\r\n"), "CLIENT_ERROR incorrect length for M token", 0},
    {S("mg k " LONG_O "\r\n"), OPAQUE, 0},
    {S("mg k b\r\n"), KEY, 0},
    {S("mg k b !\r\n"), FLAG, 0},
    {S("mg Y=== b\r\n"), KEY, 0},
    {S("mg k k q s t u v c f h l O1 P L R10 T10 C1 I F1\r\n"),
     "CLIENT_ERROR options flags are too long", 0},
    {S("ms k\r\n"), FORMAT, 0},
    {S("ms k x\r\nab\r\n"), FORMAT, 4},
    {S("ms k -1\r\n"), FORMAT, 0},
    {S("ms k 2 !\r\nab\r\n"), FLAG, 0},
    {S("ms k 2 Mx\r\nab\r\n"), "CLIENT_ERROR invalid mode for ms M token", 0},
    {S("ms k 2 b\r\nab\r\n"), KEY, 0},
    {S("ms k 2\r\nabcd"), "CLIENT_ERROR bad data chunk", 0},
    {S("ms k 1001\r\n"), "SERVER_ERROR object too large for cache", 0},
    {S("md k !\r\n"), FLAGS, 0},
    {S("md k b\r\n"), FLAGS, 0},
    {S("md k " LONG_O "\r\n"), OPAQUE, 0},
    {S("ma k v v\r\n"), FLAGS, 0},
    {S("ma k Dx\r\n"), FLAGS, 0},
    {S("ma k Mx\r\n"), "CLIENT_ERROR invalid mode for ma M token", 0},
    {S("me\r\n"), FORMAT, 0},
    {S("me k v c\r\n"), FORMAT, 0},
    {S("mark k 1 1\r\n"), "ERROR", 0},
    {S("<a:1>mark k 1\r\n"), "ERROR", 0},
    {S("<a:1>mark k 1 256\r\n"), "ERROR", 0},
};

static enum parse_status
parse_exact(struct slice in, size_t n, struct parse *out)
{
    char *exact = malloc(n + (n == 0));
    struct request req;
    enum parse_status status;

    memcpy(exact, in.p, n);
    status = parse_request((struct slice){exact, n}, &limits, &req, out);
    free(exact);
    return status;
}

static void
good_ones_are_passed_on_as_they_came(void **state)
{
    struct buf b = {NULL, 0, 0, 0};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct request req;
        struct parse out;
        enum parse_status status =
            parse_request(good[i].in, &limits, &req, &out);

        if (good[i].forwarded == NULL) {
            assert_int_equal(status, PARSE_BAD);
            continue;
        }
        if (status != PARSE_OK || out.consumed != good[i].in.n) {
            fail_msg("%s: %s", good[i].in.p, out.why);
        }
        buf_clear(&b);
        assert_true(emit_meta(&b, &req, SLICE("s:1")));
        if (!slice_eq(buf_slice(&b), slice_str(good[i].forwarded))) {
            fail_msg("%.*s is not %s", (int)buf_len(&b), b.base,
                     good[i].forwarded);
        }
    }
    buf_fini(&b);
}

static void
bad_ones_are_refused_as_memcached_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct request req;
        struct parse out;
        enum parse_status status =
            parse_request(bad[i].in, &limits, &req, &out);

        if (status == PARSE_OK || status == PARSE_MORE || out.why == NULL ||
            strcmp(out.why, bad[i].why) != 0) {
            fail_msg("%s: %d %s", bad[i].in.p, (int)status, out.why);
        }
        if (status == PARSE_BAD &&
            out.consumed + out.skip != bad[i].in.n - bad[i].rest) {
            fail_msg("%s: uses %zu", bad[i].in.p, out.consumed);
        }
    }
}

static void
every_prefix_asks_for_more(void **state)
{
    struct parse out;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        for (size_t n = 0; n < good[i].in.n; n++) {
            assert_int_equal(parse_exact(good[i].in, n, &out), PARSE_MORE);
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        for (size_t n = 0; n < bad[i].in.n; n++) {
            (void)parse_exact(bad[i].in, n, &out);
        }
    }
}

static void
tokens_arrive(void **state)
{
    struct request req;
    struct parse out;

    (void)state;
    assert_int_equal(parse_request(SLICE("ma k N1 J2 D3 T4 R5 C6 E7 F8 MD\r\n"),
                                   &limits, &req, &out),
                     PARSE_OK);
    assert_int_equal(req.meta.vivify, 1);
    assert_int_equal(req.meta.initial, 2);
    assert_int_equal(req.meta.delta, 3);
    assert_int_equal(req.meta.ttl, 4);
    assert_int_equal(req.meta.recache, 5);
    assert_int_equal(req.meta.compare, 6);
    assert_int_equal(req.meta.unique, 7);
    assert_int_equal(req.meta.client_flags, 8);
    assert_int_equal(req.meta.mode, 'D');
    assert_int_equal(
        parse_request(SLICE("<m:1>mark k 9 3\r\n"), &limits, &req, &out),
        PARSE_OK);
    assert_int_equal(req.version, 9);
    assert_int_equal(req.number, 3);
}

static void
base64_reads_what_it_should(void **state)
{
    static const struct {
        const char *text, *bytes;
    } cases[] = {
        {"", ""},        {"YQ==", "a"}, {"YWI=", "ab"},
        {"YWJj", "abc"}, {"YWJ", ""},   {"YW=j", ""},
        {"====", ""},    {"Y!Q=", ""},  {"+/+/", "\xfb\xff\xbf"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char room[16];
        size_t n = base64_decode(slice_str(cases[i].text), room);

        assert_int_equal(n, strlen(cases[i].bytes));
        assert_memory_equal(room, cases[i].bytes, n);
        assert_int_equal(base64_decode(slice_str(cases[i].text), NULL), n);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_passed_on_as_they_came),
        cmocka_unit_test(bad_ones_are_refused_as_memcached_does),
        cmocka_unit_test(every_prefix_asks_for_more),
        cmocka_unit_test(tokens_arrive),
        cmocka_unit_test(base64_reads_what_it_should),
    };
    return cmocka_run_group_tests_name("proto/parse_meta", tests, NULL, NULL);
}
