/* Answers in text, and the frames that memcached 1.6.18 would have sent. */
#include "test/unit/test.h"

#include <string.h>

#include "proto/binary.h"

static const struct {
    uint8_t opcode;
    const char *text;
    /* What comes of it; status -1: nothing. */
    int status;
    uint64_t cas;
    struct slice extras, key, value;
} rows[] = {
#define NOTHING                                                                \
    {NULL, 0}, {NULL, 0},                                                      \
    {                                                                          \
        NULL, 0                                                                \
    }
#define TEXT(text) {NULL, 0}, {NULL, 0}, SLICE(text)
#define FLAGS SLICE("\0\0\0\5")
    {0x00,
     "VALUE k 5 3 9\r\nabc\r\nEND\r\n",
     0,
     9,
     FLAGS,
     {NULL, 0},
     SLICE("abc")},
    {0x0d, "VALUE k 5 3 9\r\nabc\r\nEND\r\n", 0, 9, FLAGS, SLICE("k"),
     SLICE("abc")},
    {0x1d, "VALUE k 5 0 9\r\n\r\nEND\r\n", 0, 9, FLAGS, {NULL, 0}, {NULL, 0}},
    {0x1c,
     "VALUE k 5 3 9\r\nabc\r\nEND\r\n",
     0,
     9,
     FLAGS,
     {NULL, 0},
     {NULL, 0}},
    {0x00, "END\r\n", 1, 0, TEXT("Not found")},
    {0x0c, "END\r\n", 1, 0, {NULL, 0}, SLICE("k"), {NULL, 0}},
    {0x23, "END\r\n", 1, 0, {NULL, 0}, SLICE("k"), {NULL, 0}},
    {0x09, "END\r\n", -1, 0, NOTHING},
    {0x0d, "END\r\n", -1, 0, NOTHING},
    {0x1e, "END\r\n", -1, 0, NOTHING},
    {0x1c, "END\r\n", 1, 0, TEXT("Not found")},
    {0x0d, "SERVER_ERROR proxy error\r\n", 0x84, 0, TEXT("proxy error")},
    {0x01, "STORED 17\r\n", 0, 17, NOTHING},
    {0x01, "STORED\r\n", 0, 0, NOTHING},
    {0x11, "STORED 17\r\n", -1, 0, NOTHING},
    {0x01, "EXISTS\r\n", 2, 0, TEXT("Data exists for key.")},
    {0x11, "NOT_FOUND\r\n", 1, 0, TEXT("Not found")},
    {0x02, "NOT_STORED\r\n", 2, 0, TEXT("Data exists for key.")},
    {0x12, "NOT_STORED\r\n", 2, 0, TEXT("Data exists for key.")},
    {0x03, "NOT_STORED\r\n", 1, 0, TEXT("Not found")},
    {0x13, "NOT_STORED\r\n", 1, 0, TEXT("Not found")},
    {0x0e, "NOT_STORED\r\n", 5, 0, TEXT("Not stored.")},
    {0x1a, "NOT_STORED\r\n", 5, 0, TEXT("Not stored.")},
    {0x0e, "SERVER_ERROR object too large for cache\r\n", 3, 0,
     TEXT("Too large.")},
    {0x0e, "SERVER_ERROR out of memory storing object\r\n", 0x82, 0,
     TEXT("Out of memory")},
    {0x04, "DELETED\r\n", 0, 0, NOTHING},
    {0x14, "DELETED\r\n", -1, 0, NOTHING},
    {0x14, "NOT_FOUND\r\n", 1, 0, TEXT("Not found")},
    {0x05, "11 17\r\n", 0, 17, TEXT("\0\0\0\0\0\0\0\x0b")},
    {0x06, "18446744073709551615\r\n", 0, 0,
     TEXT("\xff\xff\xff\xff\xff\xff\xff\xff")},
    {0x15, "11 17\r\n", -1, 0, NOTHING},
    {0x15, "NOT_FOUND\r\n", 1, 0, TEXT("Not found")},
    {0x05, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n",
     6, 0, TEXT("Non-numeric server-side value for incr or decr")},
    {0x05, "ERROR\r\n", 0x81, 0, TEXT("Unknown command")},
    {0x0a, "OK\r\n", 0, 0, NOTHING},
    {0x18, "OK\r\n", -1, 0, NOTHING},
    {0x0b, "VERSION 2.0.0\r\n", 0, 0, TEXT("2.0.0")},
    {0x10, "RESET\r\n", 0, 0, NOTHING},
    {0x10, "END\r\n", 0, 0, NOTHING},
    {0x10, "ERROR\r\n", 1, 0, TEXT("Not found")},
};

/* Translate all of `text`. */
static void
translate(struct binary_head *head, const char *text, struct buf *out)
{
    struct slice in = slice_str(text);
    struct reply reply = {.last = false};
    size_t used;

    while (!reply.last) {
        assert_int_equal(reply_parse(in, binary_expect(head), SIZE_MAX,
                                     SIZE_MAX, &reply, &used),
                         REPLY_OK);
        assert_true(binary_answer(out, head, SLICE("k"), &reply));
        in.p += used;
        in.n -= used;
    }
    assert_int_equal(in.n, 0);
}

static uint64_t
load(const char *p, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++) {
        value = value << 8 | (unsigned char)p[i];
    }
    return value;
}

/* Take a part of n bytes off *rest and compare. */
static void
part_is(struct slice *rest, uint64_t n, struct slice want)
{
    assert_true(n <= rest->n);
    assert_true(slice_eq((struct slice){rest->p, (size_t)n}, want));
    rest->p += n;
    rest->n -= (size_t)n;
}

/* The flags of binary opcodes, as the table of binary.c has them. */
static struct binary_head
head_of(uint8_t opcode)
{
    struct binary_head head = {.opcode = opcode, .opaque = 0x01020304};

    head.quiet = opcode == 0x09 || opcode == 0x0d || opcode == 0x1e ||
                 (opcode >= 0x11 && opcode <= 0x1a) || opcode == 0x24;
    head.with_key = opcode == 0x0c || opcode == 0x0d || opcode >= 0x23;
    return head;
}

static void
an_answer_becomes_the_frame_of_memcached(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct binary_head head = head_of(rows[i].opcode);
        struct buf out = {NULL, 0, 0, 0};
        struct slice rest;
        const char *p;

        translate(&head, rows[i].text, &out);
        rest = buf_slice(&out);
        p = rest.p;
        if (p == NULL || rest.n == 0) {
            assert_int_equal(rows[i].status, -1);
            continue;
        }
        assert_true(rest.n >= BINARY_HEADER);
        rest.p += BINARY_HEADER;
        rest.n -= BINARY_HEADER;
        assert_int_equal(load(p, 1), BINARY_RESPONSE);
        assert_int_equal(load(p + 1, 1), rows[i].opcode);
        assert_int_equal(load(p + 5, 1), 0);
        assert_int_equal(load(p + 6, 2), rows[i].status);
        assert_int_equal(load(p + 8, 4), rest.n);
        assert_int_equal(load(p + 12, 4), 0x01020304);
        assert_true(load(p + 16, 8) == rows[i].cas);
        part_is(&rest, load(p + 4, 1), rows[i].extras);
        part_is(&rest, load(p + 2, 2), rows[i].key);
        part_is(&rest, rest.n, rows[i].value);
        buf_fini(&out);
    }
}

static void
what_is_settled_is_said_whatever_the_text(void **state)
{
    struct binary_head head = head_of(0x11);
    struct buf out = {NULL, 0, 0, 0};

    (void)state;
    head.status = BINARY_TOO_LARGE;
    translate(&head, "OK\r\n", &out);
    assert_int_equal(buf_len(&out), BINARY_HEADER + 10);
    assert_int_equal(load(out.base + 6, 2), BINARY_TOO_LARGE);
    assert_memory_equal(out.base + BINARY_HEADER, "Too large.", 10);
    buf_fini(&out);
}

static void
stats_are_a_frame_each_and_an_empty_one(void **state)
{
    static const char want[] = "\x81\x10\0\1\0\0\0\0\0\0\0\4\1\2\3\4"
                               "\0\0\0\0\0\0\0\0ab c"
                               "\x81\x10\0\1\0\0\0\0\0\0\0\1\1\2\3\4"
                               "\0\0\0\0\0\0\0\0x"
                               "\x81\x10\0\0\0\0\0\0\0\0\0\0\1\2\3\4"
                               "\0\0\0\0\0\0\0\0";
    struct binary_head head = head_of(0x10);
    struct buf out = {NULL, 0, 0, 0};

    (void)state;
    translate(&head, "STAT a b c\r\nSTAT x \r\nEND\r\n", &out);
    assert_int_equal(buf_len(&out), sizeof(want) - 1);
    assert_memory_equal(out.base, want, sizeof(want) - 1);
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_becomes_the_frame_of_memcached),
        cmocka_unit_test(what_is_settled_is_said_whatever_the_text),
        cmocka_unit_test(stats_are_a_frame_each_and_an_empty_one),
    };

    return cmocka_run_group_tests_name("binary answer", tests, NULL, NULL);
}
