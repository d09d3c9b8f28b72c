/* What the parser does at its limits, and the fields it fills in. */
#include "test/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proto/request.h"

static const struct proto_limits limits = {100000, PROTO_KEY_MAX, 1 << 20,
                                           1000};

static enum parse_status
parse(const char *text, struct request *req)
{
    struct parse out;

    return parse_request(slice_str(text), &limits, req, &out);
}

static void
every_command_is_found_by_its_name(void **state)
{
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        struct buf line = {NULL, 0, 0, 0};
        struct request req = {.command = COMMAND_COUNT};
        struct parse out;

        assert_true(buf_printf(&line, "%s 1 2 3 4 5\r\nx",
                               command_name((enum command)i)));
        (void)parse_request(buf_slice(&line), &limits, &req, &out);
        assert_int_equal(req.command, i);
        buf_fini(&line);
    }
    assert_true(command_writes(COMMAND_GATS));
    assert_false(command_writes(COMMAND_GETS));
    assert_false(command_writes(COMMAND_FLUSH_ALL));
}

static void
a_write_carries_what_the_client_said(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(
        parse("<a:1,b:2>set k 7 -5 3 9 sync noreply\r\nabc\r\n", &req),
        PARSE_OK);
    assert_true(req.from_peer && req.noreply && req.sync && !req.async);
    assert_true(slice_eq(req.hops, SLICE("a:1,b:2")));
    assert_int_equal(hops_count(req.hops), 2);
    assert_true(hops_contain(req.hops, SLICE("b:2")));
    assert_false(hops_contain(req.hops, SLICE("b:")));
    assert_int_equal(req.flags, 7);
    assert_int_equal(req.exptime, -5);
    assert_true(req.has_version);
    assert_int_equal(req.version, 9);
    assert_true(slice_eq(req.value, SLICE("abc")));
    assert_int_equal(parse("set k 4294967297 0 1 5x\r\na\r\n", &req), PARSE_OK);
    assert_int_equal(req.flags, 1);
    assert_false(req.has_version);
    assert_int_equal(req.version, 0);
    assert_int_equal(parse("cas k 0 0 1 0\r\na\r\n", &req), PARSE_OK);
    assert_true(req.has_version);
}

static void
the_empty_hop_list_still_marks_a_peer(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(parse("<>get k\r\n", &req), PARSE_OK);
    assert_true(req.from_peer);
    assert_int_equal(hops_count(req.hops), 0);
    assert_false(hops_contain(req.hops, SLICE("")));
}

static void
gat_has_the_time_first_except_from_a_peer(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(parse("gat 10 20 30\r\n", &req), PARSE_OK);
    assert_int_equal(req.exptime, 10);
    assert_int_equal(req.nkeys, 2);
    assert_true(slice_eq(request_key(&req.keys), SLICE("20")));
    assert_true(slice_eq(request_key(&req.keys), SLICE("30")));
    assert_int_equal(request_key(&req.keys).n, 0);
    assert_int_equal(parse("<p:1>gat 10 20\r\n", &req), PARSE_OK);
    assert_int_equal(req.exptime, 20);
    assert_true(slice_eq(req.key, SLICE("10")));
}

static void
only_a_peer_may_delete_with_a_version(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(parse("delete k 10 5\r\n", &req), PARSE_BAD);
    assert_int_equal(parse("<p:1>delete k 10 5 noreply\r\n", &req), PARSE_OK);
    assert_int_equal(req.exptime, 10);
    assert_int_equal(req.version, 5);
    assert_true(req.has_version && req.noreply);
}

static void
dump_reads_its_partition(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(parse("dump 5 1 2 100\r\n", &req), PARSE_OK);
    assert_int_equal(req.dump.wait_us, 5);
    assert_int_equal(req.dump.partition, 1);
    assert_int_equal(req.dump.partition_size, 2);
    assert_int_equal(req.dump.bwlimit, 100);
    assert_int_equal(parse("dump_key\r\n", &req), PARSE_OK);
    assert_int_equal(req.dump.partition, -1);
    assert_int_equal(req.dump.partition_size, 0);
    assert_int_equal(parse("keys a b 7\r\n", &req), PARSE_OK);
    assert_int_equal(req.number, 7);
    assert_true(slice_eq(req.keys, SLICE("a b")));
    assert_int_equal(parse("stats  threads queue \r\n", &req), PARSE_OK);
    assert_true(slice_eq(req.words, SLICE("threads queue")));
}

static void
node_sync_hands_over_its_lines(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(
        parse("node sync 7\r\nNODE a 1\r\nNODE b 2\r\nEND\r\n", &req),
        PARSE_OK);
    assert_true(req.has_version);
    assert_int_equal(req.version, 7);
    assert_true(slice_eq(req.value, SLICE("NODE a 1\r\nNODE b 2\r\n")));
    assert_int_equal(parse("node sync\r\nNODE a 1\r\n", &req), PARSE_MORE);
}

/* n bytes of 'a' behind `head`, then `tail`. */
static enum parse_status
parse_long(const char *head, size_t n, const char *tail, struct request *req)
{
    const struct slice first = slice_str(head), last = slice_str(tail);
    const size_t size = first.n + n + last.n;
    char *text = malloc(size);
    struct parse out;
    enum parse_status status;

    memcpy(text, first.p, first.n);
    memset(text + first.n, 'a', n);
    memcpy(text + first.n + n, last.p, last.n);
    status = parse_request((struct slice){text, size}, &limits, req, &out);
    free(text);
    return status;
}

static void
a_line_without_an_end_is_hung_up_on(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(parse_long("", 2048, "", &req), PARSE_MORE);
    assert_int_equal(parse_long("", 2049, "", &req), PARSE_CLOSE);
    assert_int_equal(parse_long("", 8000, "\n", &req), PARSE_BAD);
    assert_int_equal(parse_long("", 20000, "\n", &req), PARSE_CLOSE);
    assert_int_equal(parse_long("get", 3000, "", &req), PARSE_CLOSE);
    assert_int_equal(parse_long("<", 3000, "", &req), PARSE_CLOSE);
    assert_int_equal(parse_long("node sync\r\nNODE ", 3000, "", &req),
                     PARSE_CLOSE);
}

/* Keys may be longer than memcached's, so such a line is waited for. */
static void
a_line_with_a_long_key_is_waited_for(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(parse_long("set ", 8191, "", &req), PARSE_MORE);
    assert_int_equal(parse_long("<h:1>delete ", 8191, "", &req), PARSE_MORE);
    assert_int_equal(parse_long("set ", 16383 - 4, "", &req), PARSE_MORE);
    assert_int_equal(parse_long("set ", 16384 - 4, "", &req), PARSE_CLOSE);
    assert_int_equal(parse_long("set ", 16384 - 4, "\n", &req), PARSE_CLOSE);
    assert_int_equal(parse_long("set ", 16383 - 4, "\n", &req), PARSE_BAD);
    assert_int_equal(parse_long("set ", 8191, " 0 0 0\r\n\r\n", &req),
                     PARSE_OK);
    assert_int_equal(parse_long("set ", 8192, " 0 0 0\r\n\r\n", &req),
                     PARSE_BAD);
}

static void
a_list_of_keys_may_be_longer(void **state)
{
    struct request req;

    (void)state;
    assert_int_equal(parse_long("get ", 20000, "", &req), PARSE_MORE);
    assert_int_equal(parse_long("<h:1>gets ", 20000, "", &req), PARSE_MORE);
    assert_int_equal(parse_long("gat 0 ", 20000, "", &req), PARSE_MORE);
    assert_int_equal(parse_long("get ", 8191, "\r\n", &req), PARSE_OK);
    assert_int_equal(req.key.n, 8191);
    assert_int_equal(parse_long("get ", 8192, "\r\n", &req), PARSE_BAD);
    assert_int_equal(parse_long("get ", 20000, "\r\n", &req), PARSE_BAD);
    assert_int_equal(parse_long("get ", 99995, "", &req), PARSE_MORE);
    assert_int_equal(parse_long("get ", 99996, "", &req), PARSE_CLOSE);
}

static void
a_value_beyond_the_limit_is_skipped(void **state)
{
    struct request req;
    struct parse out;
    struct slice in = SLICE("set k 0 0 1048577 noreply\r\nxx");

    (void)state;
    assert_int_equal(parse_request(in, &limits, &req, &out), PARSE_TOO_LARGE);
    assert_int_equal(req.command, COMMAND_SET);
    assert_true(slice_eq(req.key, SLICE("k")) && req.noreply);
    assert_int_equal(out.consumed, in.n - 2);
    assert_int_equal(out.skip, 1048579);
}

static void
a_value_says_how_many_bytes_it_needs(void **state)
{
    struct request req;
    struct parse out;
    struct slice in = SLICE("set k 0 0 10\r\nxx");

    (void)state;
    assert_int_equal(parse_request(in, &limits, &req, &out), PARSE_MORE);
    assert_int_equal(out.need, 14 + 10 + 2);
    assert_int_equal(out.consumed, 0);
}

static void
a_line_is_taken_whatever_it_says(void **state)
{
    struct parse out;
    struct slice line;

    (void)state;
    assert_int_equal(
        parse_line(SLICE("node add h 1\r\nx"), &limits, &line, &out), PARSE_OK);
    assert_true(slice_eq(line, SLICE("node add h 1")));
    assert_int_equal(out.consumed, 14);
    assert_int_equal(parse_line(SLICE("node add"), &limits, &line, &out),
                     PARSE_MORE);
    assert_int_equal(parse_line(SLICE(""), &limits, &line, &out), PARSE_MORE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_found_by_its_name),
        cmocka_unit_test(a_write_carries_what_the_client_said),
        cmocka_unit_test(the_empty_hop_list_still_marks_a_peer),
        cmocka_unit_test(gat_has_the_time_first_except_from_a_peer),
        cmocka_unit_test(only_a_peer_may_delete_with_a_version),
        cmocka_unit_test(dump_reads_its_partition),
        cmocka_unit_test(node_sync_hands_over_its_lines),
        cmocka_unit_test(a_line_without_an_end_is_hung_up_on),
        cmocka_unit_test(a_line_with_a_long_key_is_waited_for),
        cmocka_unit_test(a_list_of_keys_may_be_longer),
        cmocka_unit_test(a_value_beyond_the_limit_is_skipped),
        cmocka_unit_test(a_value_says_how_many_bytes_it_needs),
        cmocka_unit_test(a_line_is_taken_whatever_it_says),
    };
    return cmocka_run_group_tests_name("proto/parse limits", tests, NULL, NULL);
}
