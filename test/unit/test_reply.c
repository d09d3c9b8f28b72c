#include "test/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "proto/reply_parse.h"

enum { LINE_MAX_HERE = 64, VALUE_MAX_HERE = 100 };

static const struct {
    const char *in;
    enum reply_expect expect;
    enum reply_status status;
    enum reply_kind kind;
    enum reply_code code;
    bool last;
} cases[] = {
    {"STORED\r\n", EXPECT_LINE, REPLY_OK, REPLY_LINE, REPLY_CODE_STORED, true},
    {"OK\n", EXPECT_LINE, REPLY_OK, REPLY_LINE, REPLY_CODE_OK, true},
    {"NOT_STORED\r\n", EXPECT_LINE, REPLY_OK, REPLY_LINE, REPLY_CODE_NOT_STORED,
     true},
    {"NOT_FOUND\r\n", EXPECT_VALUE, REPLY_OK, REPLY_LINE, REPLY_CODE_NOT_FOUND,
     true},
    {"18446744073709551615\r\n", EXPECT_LINE, REPLY_OK, REPLY_LINE,
     REPLY_CODE_NUMBER, true},
    {"SERVER_ERROR\r\n", EXPECT_VALUES, REPLY_OK, REPLY_LINE,
     REPLY_CODE_SERVER_ERROR, true},
    {"CLIENT_ERROR format error\r\n", EXPECT_LINES, REPLY_OK, REPLY_LINE,
     REPLY_CODE_CLIENT_ERROR, true},
    {"VERSION 1.3.4\r\n", EXPECT_LINE, REPLY_OK, REPLY_LINE, REPLY_CODE_VERSION,
     true},
    {"END\r\n", EXPECT_VALUES, REPLY_OK, REPLY_LINE, REPLY_CODE_END, true},
    {"VALUE k 5 2\r\nab\r\n", EXPECT_VALUES, REPLY_OK, REPLY_VALUE, 0, false},
    {"VALUE k 5 2 9\r\nab\r\n", EXPECT_VALUES, REPLY_OK, REPLY_VALUE, 0, false},
    {"VALUE k 5 2 9 7\r\n\r\n\r\n", EXPECT_VALUES, REPLY_OK, REPLY_VALUE, 0,
     false},
    {"VALUE k 5 0\r\n\r\n", EXPECT_VALUE, REPLY_OK, REPLY_VALUE, 0, true},
    {"STAT pid 1\r\n", EXPECT_LINES, REPLY_OK, REPLY_ITEM, 0, false},
    {"NODE h 1 0 0 0 1 16\r\n", EXPECT_LINES, REPLY_OK, REPLY_ITEM, 0, false},
    {"META a b\r\n", EXPECT_LINES, REPLY_OK, REPLY_ITEM, 0, false},
    {"KEY k\r\n", EXPECT_LINES, REPLY_OK, REPLY_ITEM, 0, false},
    {"POSITION 0 7 99 complete\r\n", EXPECT_LINES, REPLY_OK, REPLY_ITEM, 0,
     false},
    {"REPL 7 99 1 7:1\r\n", EXPECT_REPL, REPLY_OK, REPLY_LINE, REPLY_CODE_REPL,
     true},
    {"OK 99\r\n", EXPECT_REPL, REPLY_OK, REPLY_LINE, REPLY_CODE_OK, true},
    {"WANT 3\r\n\1\1a\r\n", EXPECT_REPL, REPLY_OK, REPLY_VALUE, REPLY_CODE_WANT,
     true},
    {"WANT 101\r\n", EXPECT_REPL, REPLY_BAD, 0, 0, false},
    {"WANT 3\r\nabcd\r\n", EXPECT_REPL, REPLY_BAD, 0, 0, false},
    {"STORE\r\n", EXPECT_LINE, REPLY_BAD, 0, 0, false},
    {"\r\n", EXPECT_LINE, REPLY_BAD, 0, 0, false},
    {"-1\r\n", EXPECT_LINE, REPLY_BAD, 0, 0, false},
    {"18446744073709551616\r\n", EXPECT_LINE, REPLY_BAD, 0, 0, false},
    {"VALUE k 5 2\r\n", EXPECT_LINE, REPLY_BAD, 0, 0, false},
    {"STAT pid 1\r\n", EXPECT_VALUES, REPLY_BAD, 0, 0, false},
    {"VALUE k 5 x\r\n", EXPECT_VALUES, REPLY_BAD, 0, 0, false},
    {"VALUE k 5 101\r\n", EXPECT_VALUES, REPLY_BAD, 0, 0, false},
    {"VALUE k 4294967296 1\r\n", EXPECT_VALUES, REPLY_BAD, 0, 0, false},
    {"VALUE k 5 2 1 2 3\r\n", EXPECT_VALUES, REPLY_BAD, 0, 0, false},
    {"VALUE k 5 2\r\nabc\r\n", EXPECT_VALUES, REPLY_BAD, 0, 0, false},
};

static enum reply_status
parse_exact(const char *in, size_t n, enum reply_expect expect,
            struct reply *reply, size_t *used)
{
    char *exact = malloc(n + (n == 0));
    enum reply_status status;

    memcpy(exact, in, n);
    status = reply_parse((struct slice){exact, n}, expect, LINE_MAX_HERE,
                         VALUE_MAX_HERE, reply, used);
    free(exact);
    return status;
}

static void
decodes_each_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t n = strlen(cases[i].in), used;
        struct reply reply;
        enum reply_status got =
            parse_exact(cases[i].in, n, cases[i].expect, &reply, &used);

        if (got != cases[i].status) {
            fail_msg("case %zu: %s: %d", i, cases[i].in, (int)got);
        }
        if (got == REPLY_OK) {
            assert_int_equal(used, n);
            assert_int_equal(reply.kind, cases[i].kind);
            assert_int_equal(reply.code, cases[i].code);
            assert_int_equal(reply.last, cases[i].last);
        }
    }
}

static void
asks_for_more_at_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t n = 0; n < strlen(cases[i].in); n++) {
            struct reply reply;
            size_t used;
            enum reply_status got =
                parse_exact(cases[i].in, n, cases[i].expect, &reply, &used);

            if (got != REPLY_MORE &&
                (got != REPLY_BAD || cases[i].status != REPLY_BAD)) {
                fail_msg("case %zu: %zu bytes", i, n);
            }
            assert_int_equal(used, 0);
        }
    }
}

static void
an_endless_line_is_no_answer(void **state)
{
    char text[LINE_MAX_HERE];
    struct reply reply;
    size_t used;

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(
        parse_exact(text, sizeof(text) - 1, EXPECT_LINE, &reply, &used),
        REPLY_MORE);
    assert_int_equal(
        parse_exact(text, sizeof(text), EXPECT_LINE, &reply, &used), REPLY_BAD);
}

static void
tells_errors_from_answers(void **state)
{
    struct reply reply;
    size_t used;

    (void)state;
    (void)reply_parse(SLICE("SERVER_ERROR i/o error\r\n"), EXPECT_LINE, 100, 0,
                      &reply, &used);
    assert_true(reply_is_error(&reply));
    assert_true(slice_eq(reply.line, SLICE("SERVER_ERROR i/o error")));
    (void)reply_parse(SLICE("12\r\n"), EXPECT_LINE, 100, 0, &reply, &used);
    assert_false(reply_is_error(&reply));
    assert_int_equal(reply.number, 12);
    (void)reply_parse(SLICE("VALUE k 0 0\r\n\r\n"), EXPECT_VALUE, 100, 0,
                      &reply, &used);
    assert_false(reply_is_error(&reply));
}

static void
says(struct buf *buf, bool ok, const char *text)
{
    assert_true(ok);
    if (!slice_eq(buf_slice(buf), slice_str(text))) {
        fail_msg("%.*s is not %s", (int)buf_len(buf), buf->base, text);
    }
    buf_clear(buf);
}

static void
writes_answers_as_memcached_does(void **state)
{
    struct buf b = {NULL, 0, 0, 0};

    (void)state;
    says(&b, reply_line(&b, "STORED"), "STORED\r\n");
    says(&b, reply_number(&b, UINT64_MAX), "18446744073709551615\r\n");
    says(&b, reply_told(&b, "STORED", 0, 17), "STORED 17\r\n");
    says(&b, reply_told(&b, NULL, 5, 17), "5 17\r\n");
    says(&b, reply_value(&b, SLICE("k"), UINT32_MAX, SLICE("ab")),
         "VALUE k 4294967295 2\r\nab\r\n");
    says(&b, reply_value_cas(&b, SLICE("k"), 0, SLICE(""), UINT64_MAX),
         "VALUE k 0 0 18446744073709551615\r\n\r\n");
    says(&b, reply_dump(&b, SLICE("k"), 5, SLICE("ab"), 7, 1795206573),
         "VALUE k 5 2 7 1795206573\r\nab\r\n");
    says(&b, reply_dump(&b, SLICE("k"), 5, SLICE("ab"), 7, -1),
         "VALUE k 5 2 7 0\r\nab\r\n");
    says(&b, reply_stat(&b, "pid", "%d", 12), "STAT pid 12\r\n");
    buf_fini(&b);
}

static void
a_dumped_record_reads_back(void **state)
{
    struct buf b = {NULL, 0, 0, 0};
    struct reply reply;
    size_t used;

    (void)state;
    assert_true(reply_dump(&b, SLICE("k"), 5, SLICE("\r\nEND\r\n"), 7, 99));
    assert_int_equal(
        reply_parse(buf_slice(&b), EXPECT_VALUES, 100, 100, &reply, &used),
        REPLY_OK);
    assert_int_equal(used, buf_len(&b));
    assert_true(slice_eq(reply.data, SLICE("\r\nEND\r\n")));
    assert_true(reply.has_version && reply.has_expire && !reply.last);
    assert_int_equal(reply.version, 7);
    assert_int_equal(reply.expire, 99);
    buf_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_each_answer),
        cmocka_unit_test(asks_for_more_at_every_split),
        cmocka_unit_test(an_endless_line_is_no_answer),
        cmocka_unit_test(tells_errors_from_answers),
        cmocka_unit_test(writes_answers_as_memcached_does),
        cmocka_unit_test(a_dumped_record_reads_back),
    };
    return cmocka_run_group_tests_name("proto/reply", tests, NULL, NULL);
}
