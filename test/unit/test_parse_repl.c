/* What nodes say to each other about their logs. */
#include "test/unit/test.h"

#include <string.h>

#include "proto/request.h"

static const struct proto_limits limits = {200, 50, 1000, 5};

static const struct {
    const char *in;
    enum parse_status status;
    enum repl_verb verb;
    const char *words, *value;
    uint64_t number;
} lines[] = {
    {"repl hello 1 a:1 7 20 3\r\n", PARSE_OK, REPL_HELLO, "1 a:1 7 20 3", "",
     0},
    {"repl position\r\n", PARSE_OK, REPL_POSITION, "", "", 0},
    {"repl full 7 1 5:1\n", PARSE_OK, REPL_FULL, "7 1 5:1", "", 0},
    {"repl join a:1\r\n", PARSE_OK, REPL_JOIN, "a:1", "", 0},
    {"repl handover a:1\r\n", PARSE_OK, REPL_HANDOVER, "a:1", "", 0},
    {"repl batch 7 4\r\na\r\nb\r\n", PARSE_OK, REPL_BATCH, "7 4", "a\r\nb", 7},
    {"repl batch 7 0\r\n\r\n", PARSE_OK, REPL_BATCH, "7 0", "", 7},
    {"repl records 2\r\nab\r\n", PARSE_OK, REPL_RECORDS, "2", "ab", 0},
    {"repl batch 7 4\r\na\r\nb", PARSE_MORE, REPL_BATCH, "", "", 0},
    {"repl batch 7 2\r\nabcd\r\n", PARSE_BAD, REPL_BATCH, "", "", 0},
    {"repl batch 7\r\n", PARSE_BAD, REPL_BATCH, "", "", 0},
    {"repl batch 7 2 x\r\n", PARSE_BAD, REPL_BATCH, "", "", 0},
    {"repl batch x 2\r\n", PARSE_BAD, REPL_BATCH, "", "", 0},
    {"repl records -1\r\n", PARSE_BAD, REPL_RECORDS, "", "", 0},
    {"repl\r\n", PARSE_BAD, REPL_HELLO, "", "", 0},
    {"repl nothing\r\n", PARSE_BAD, REPL_HELLO, "", "", 0},
};

static void
each_verb_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct request req;
        struct parse out;
        enum parse_status status =
            parse_request(slice_str(lines[i].in), &limits, &req, &out);

        if (status != lines[i].status) {
            fail_msg("%s: %d", lines[i].in, (int)status);
        }
        if (status != PARSE_OK) {
            continue;
        }
        assert_int_equal(req.command, COMMAND_REPL);
        assert_int_equal(req.verb, lines[i].verb);
        assert_int_equal(req.number, lines[i].number);
        assert_true(slice_eq(req.words, slice_str(lines[i].words)));
        assert_true(slice_eq(req.value, slice_str(lines[i].value)));
        assert_int_equal(out.consumed, slice_str(lines[i].in).n);
    }
}

/* A batch holds one entry at least, and that may be as large as any value. */
static void
a_batch_may_be_larger_than_a_value_but_not_by_much(void **state)
{
    struct request req;
    struct parse out;

    (void)state;
    assert_int_equal(
        parse_request(SLICE("repl batch 1 2098152\r\n"), &limits, &req, &out),
        PARSE_MORE);
    assert_int_equal(out.need, strlen("repl batch 1 2098152\r\n") + 2098154);
    assert_int_equal(
        parse_request(SLICE("repl batch 1 2098153\r\n"), &limits, &req, &out),
        PARSE_BAD);
    assert_int_equal(out.skip, 2098155);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verb_is_understood),
        cmocka_unit_test(a_batch_may_be_larger_than_a_value_but_not_by_much),
    };

    return cmocka_run_group_tests_name("parse_repl", tests, NULL, NULL);
}
