#include "test/unit/test.h"

#include <string.h>

#include "proto/emit.h"

static const struct proto_limits limits = {10000, PROTO_KEY_MAX, 1000, 100};

/* What a client or peer sends, and what a flare 1.3.4 peer gets from it. */
static const struct {
    const char *in;
    int64_t expire;
    const char *out;
} forwards[] = {
    {"set k 1 0 3\r\nabc\r\n", 0, "<s:1>set k 1 0 3\r\nabc\r\n"},
    {"<a:1>set k 1 10 3 7 noreply sync\r\nabc\r\n", 1795206735,
     "<a:1,s:1>set k 1 1795206735 3 7 sync\r\nabc\r\n"},
    {"add k 1 -1 0\r\n\r\n", -1, "<s:1>add k 1 2592001 0\r\n\r\n"},
    {"replace k 1 0 0 async\r\n\r\n", 100,
     "<s:1>replace k 1 2592001 0 async\r\n\r\n"},
    {"append k 1 0 1 noreply\r\nx\r\n", 0, "<s:1>append k 1 0 1\r\nx\r\n"},
    {"prepend k 1 0 1\r\nx\r\n", 0, "<s:1>prepend k 1 0 1\r\nx\r\n"},
    {"cas k 0 0 1 0\r\nx\r\n", 0, "<s:1>cas k 0 0 1 0\r\nx\r\n"},
    {"incr n 18446744073709551615 async sync\r\n", 0,
     "<s:1>incr n 18446744073709551615 sync async\r\n"},
    {"<>decr n 5 noreply\r\n", 0, "<s:1>decr n 5\r\n"},
    {"delete k\r\n", 0, "<s:1>delete k 0\r\n"},
    {"<a:1>delete k 0 7 sync\r\n", 0, "<a:1,s:1>delete k 0 7 sync\r\n"},
    {"touch k 10 sync\r\n", 1795206778, "<s:1>touch k 1795206778\r\n"},
    {"gats 10 k\r\n", 1795206779, "<s:1>gat k 1795206779\r\n"},
    {"<?v,a:1>set k 1 0 1\r\nx\r\n", 0, "<?v:,a:1,s:1>set k 1 0 1\r\nx\r\n"},
    {"<?v:u7>append k 0 0 1\r\nx\r\n", 0,
     "<?v:u7:,s:1>append k 0 0 1 8\r\nx\r\n"},
    {"<?u18446744073709551615>prepend k 0 0 1 7\r\nx\r\n", 0,
     "<?u18446744073709551615:,s:1>prepend k 0 0 1\r\nx\r\n"},
    {"<?u7>delete k 0 9\r\n", 0, "<?u7:,s:1>delete k 0 7\r\n"},
    {"<?n5:e100:z9>incr k 1\r\n", 100, "<?n5:e2592001,s:1>incr k 1\r\n"},
    {"<?u7:n5:e0>decr k 1 7\r\n", 0, "<?u7:n5:e0,s:1>decr k 1 7\r\n"},
};

static void
a_forwarded_write_reads_as_flare_writes_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forwards); i++) {
        struct buf buf = {NULL, 0, 0, 0};
        struct request req, again;
        struct parse out;

        assert_int_equal(
            parse_request(slice_str(forwards[i].in), &limits, &req, &out),
            PARSE_OK);
        assert_true(emit_forward(&buf, &req, forwards[i].expire, SLICE("s:1")));
        if (!slice_eq(buf_slice(&buf), slice_str(forwards[i].out))) {
            fail_msg("%s: %.*s", forwards[i].in, (int)buf_len(&buf), buf.base);
        }
        assert_int_equal(parse_request(buf_slice(&buf), &limits, &again, &out),
                         PARSE_OK);
        assert_int_equal(out.consumed, buf_len(&buf));
        assert_true(hops_contain(again.hops, SLICE("s:1")));
        buf_fini(&buf);
    }
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
a_master_tells_its_copies(void **state)
{
    const struct slice self = SLICE("m:1");
    const struct emit_record record = {SLICE("k"), SLICE("ab"), 5, 0, 9};
    struct buf b = {NULL, 0, 0, 0};

    (void)state;
    says(&b, emit_set(&b, self, &record), "<m:1>set k 5 0 2 9\r\nab\r\n");
    says(&b, emit_delete(&b, self, SLICE("k"), 9), "<m:1>delete k 0 9\r\n");
    says(&b, emit_touch(&b, self, SLICE("k"), 1795206778),
         "<m:1>touch k 1795206778\r\n");
    says(&b, emit_flush_all(&b, self), "<m:1>flush_all\r\n");
    says(&b, emit_dump(&b, 1000, 1, 2, 0), "dump 1000 1 2\r\n");
    says(&b, emit_dump(&b, 0, -1, 0, 64), "dump 0 -1 0 64\r\n");
    buf_fini(&b);
}

static void
a_read_of_several_keys_is_one_line(void **state)
{
    struct buf b = {NULL, 0, 0, 0};

    (void)state;
    assert_true(emit_get_begin(&b, true, SLICE("a:1"), SLICE("s:1")) &&
                emit_get_key(&b, SLICE("k1")) && emit_get_key(&b, SLICE("k2")));
    says(&b, emit_get_end(&b), "<a:1,s:1>gets k1 k2\r\n");
    assert_true(emit_get_begin(&b, false, SLICE(""), SLICE("")) &&
                emit_get_key(&b, SLICE("k1")));
    says(&b, emit_get_end(&b), "get k1\r\n");
    buf_fini(&b);
}

static void
a_read_is_no_write_to_forward(void **state)
{
    struct request req = {.command = COMMAND_GET, .key = SLICE("k")};
    struct buf b = {NULL, 0, 0, 0};

    (void)state;
    assert_true(buf_put_str(&b, "before"));
    assert_false(emit_forward(&b, &req, 0, SLICE("s:1")));
    says(&b, true, "before");
    buf_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forwarded_write_reads_as_flare_writes_it),
        cmocka_unit_test(a_master_tells_its_copies),
        cmocka_unit_test(a_read_of_several_keys_is_one_line),
        cmocka_unit_test(a_read_is_no_write_to_forward),
    };
    return cmocka_run_group_tests_name("proto/emit", tests, NULL, NULL);
}
