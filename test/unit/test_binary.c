/* Frames as transcripts of memcached 1.6.18 have them. */
#include "test/unit/test.h"

#include <string.h>

#include "proto/binary.h"

static const struct proto_limits limits = {10000, 250, 100, 100};

/* A frame: header fields, then extras, key and value in one string. */
#define FRAME(op, klen, elen, blen, cas, rest)                                 \
    SLICE("\x80" op klen elen "\0\0\0" blen "\xde\xad\xbe\xef"                 \
          "\0\0\0\0\0\0\0" cas rest)
#define STORE "\0\0\0\5\0\0\0\x64" /* flags 5, expiry 100 */
#define NUMBER "\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\7"

enum {
    LOUD = 0,
    QUIET = 1,
    WITH_KEY = 2,
};

struct parse_row {
    struct slice in;
    enum command command;
    unsigned how;
    const char *key, *value;
};

/* Lengths are two, one and four bytes. */
static const struct parse_row good[] = {
    {FRAME("\x00", "\0\1", "\0", "\0\0\0\1", "\0", "k"), COMMAND_GETS, LOUD,
     "k", ""},
    {FRAME("\x09", "\0\1", "\0", "\0\0\0\1", "\0", "k"), COMMAND_GETS, QUIET,
     "k", ""},
    {FRAME("\x0c", "\0\2", "\0", "\0\0\0\2", "\0", "kk"), COMMAND_GETS,
     WITH_KEY, "kk", ""},
    {FRAME("\x0d", "\0\1", "\0", "\0\0\0\1", "\7", "k"), COMMAND_GETS,
     QUIET | WITH_KEY, "k", ""},
    {FRAME("\x01", "\0\1", "\x08", "\0\0\0\x0c", "\0", STORE "kabc"),
     COMMAND_SET, LOUD, "k", "abc"},
    {FRAME("\x11", "\0\1", "\x08", "\0\0\0\x09", "\0", STORE "k"), COMMAND_SET,
     QUIET, "k", ""},
    {FRAME("\x02", "\0\1", "\x08", "\0\0\0\x0a", "\0", STORE "ka"), COMMAND_ADD,
     LOUD, "k", "a"},
    {FRAME("\x02", "\0\1", "\x08", "\0\0\0\x0a", "\7", STORE "ka"), COMMAND_CAS,
     LOUD, "k", "a"},
    {FRAME("\x13", "\0\1", "\x08", "\0\0\0\x0a", "\0", STORE "ka"),
     COMMAND_REPLACE, QUIET, "k", "a"},
    {FRAME("\x04", "\0\1", "\0", "\0\0\0\1", "\0", "k"), COMMAND_DELETE, LOUD,
     "k", ""},
    {FRAME("\x05", "\0\1", "\x14", "\0\0\0\x15", "\0", NUMBER "\0\0\0\x09k"),
     COMMAND_INCR, LOUD, "k", ""},
    {FRAME("\x16", "\0\1", "\x14", "\0\0\0\x15", "\0",
           NUMBER "\xff\xff\xff\xffk"),
     COMMAND_DECR, QUIET, "k", ""},
    {FRAME("\x0e", "\0\1", "\0", "\0\0\0\3", "\0", "kab"), COMMAND_APPEND, LOUD,
     "k", "ab"},
    {FRAME("\x1a", "\0\1", "\0", "\0\0\0\3", "\7", "kab"), COMMAND_PREPEND,
     QUIET, "k", "ab"},
    {FRAME("\x07", "\0\0", "\0", "\0\0\0\0", "\0", ""), COMMAND_QUIT, LOUD, "",
     ""},
    {FRAME("\x17", "\0\0", "\0", "\0\0\0\0", "\0", ""), COMMAND_QUIT, QUIET, "",
     ""},
    {FRAME("\x08", "\0\0", "\0", "\0\0\0\0", "\0", ""), COMMAND_FLUSH_ALL, LOUD,
     "", ""},
    {FRAME("\x18", "\0\0", "\4", "\0\0\0\4", "\0", "\0\0\0\x64"),
     COMMAND_FLUSH_ALL, QUIET, "", ""},
    {FRAME("\x0a", "\0\0", "\0", "\0\0\0\0", "\0", ""), COMMAND_VERBOSITY, LOUD,
     "", ""},
    {FRAME("\x0b", "\0\0", "\0", "\0\0\0\0", "\0", ""), COMMAND_VERSION, LOUD,
     "", ""},
    {FRAME("\x10", "\0\0", "\0", "\0\0\0\0", "\0", ""), COMMAND_STATS, LOUD, "",
     ""},
    {FRAME("\x10", "\0\x09", "\0", "\0\0\0\x09", "\0", "detail on"),
     COMMAND_STATS, LOUD, "detail on", ""},
    {FRAME("\x1c", "\0\1", "\4", "\0\0\0\5", "\7", "\0\0\0\x64k"), COMMAND_GATS,
     LOUD, "k", ""},
    {FRAME("\x24", "\0\1", "\4", "\0\0\0\5", "\0", "\0\0\0\x64k"), COMMAND_GATS,
     QUIET | WITH_KEY, "k", ""},
};

/* No prefix of a frame is an answer, and the frame behind it does not matter.
 */
static void
a_frame_becomes_the_request_of_a_text_client(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        const struct parse_row *row = &good[i];
        struct binary_head head;
        struct request req;
        struct parse out;

        for (size_t n = 0; n < row->in.n; n++) {
            assert_int_equal(binary_parse((struct slice){row->in.p, n}, &limits,
                                          &req, &head, &out),
                             PARSE_MORE);
            assert_true(out.need > n && out.consumed == 0);
        }
        assert_int_equal(binary_parse(row->in, &limits, &req, &head, &out),
                         PARSE_OK);
        assert_int_equal(out.consumed, row->in.n);
        assert_int_equal(req.command, row->command);
        assert_true(slice_eq(req.key, slice_str(row->key)));
        assert_true(slice_eq(req.value, slice_str(row->value)));
        assert_int_equal(head.quiet, (row->how & QUIET) != 0);
        assert_int_equal(head.with_key, (row->how & WITH_KEY) != 0);
        assert_int_equal(head.opcode, row->in.p[1]);
        assert_true(head.opaque == 0xdeadbeef);
        assert_false(req.noreply);
    }
}

static void
parse_one(struct slice in, struct request *req)
{
    struct binary_head head;
    struct parse out;

    assert_int_equal(binary_parse(in, &limits, req, &head, &out), PARSE_OK);
}

static void
extras_and_cas_say_how(void **state)
{
    struct request req;

    (void)state;
    parse_one(FRAME("\x01", "\0\1", "\x08", "\0\0\0\x09", "\x09", STORE "k"),
              &req);
    assert_int_equal(req.flags, 5);
    assert_int_equal(req.exptime, 100);
    assert_true(req.tell_version && req.has_version && req.version == 9);
    assert_int_equal(req.command, COMMAND_CAS);
    parse_one(FRAME("\x05", "\0\1", "\x14", "\0\0\0\x15", "\x09",
                    NUMBER "\x80\0\0\x01k"),
              &req);
    assert_int_equal(req.number, 3);
    assert_true(req.create && req.initial == 7 && req.exptime == 0x80000001);
    assert_true(req.has_unique && req.unique == 9 && !req.has_version);
    parse_one(FRAME("\x05", "\0\1", "\x14", "\0\0\0\x15", "\0",
                    NUMBER "\xff\xff\xff\xffk"),
              &req);
    assert_true(!req.create && !req.has_unique);
    parse_one(FRAME("\x04", "\0\1", "\0", "\0\0\0\1", "\x09", "k"), &req);
    assert_true(req.has_unique && req.unique == 9 && !req.has_version);
    parse_one(FRAME("\x00", "\0\1", "\0", "\0\0\0\1", "\x09", "k"), &req);
    assert_true(!req.has_unique && !req.tell_version);
    parse_one(FRAME("\x1d", "\0\1", "\4", "\0\0\0\5", "\x09", "\0\0\0\x64k"),
              &req);
    assert_true(req.exptime == 100 && !req.has_unique);
}

static const struct {
    struct slice in;
    enum parse_status parse;
    enum binary_status status;
    size_t consumed;
    uint64_t skip;
} bad[] = {
    /* another magic in the middle of things */
    {SLICE("\x81"), PARSE_CLOSE, BINARY_OK, 1, 0},
    {SLICE("get k\r\n"), PARSE_CLOSE, BINARY_OK, 7, 0},
    /* get with extras, without a key, with a value, with a long key */
    {FRAME("\x00", "\0\1", "\4", "\0\0\0\5", "\0", ""), PARSE_CLOSE,
     BINARY_INVALID, 24, 0},
    {FRAME("\x00", "\0\0", "\0", "\0\0\0\0", "\0", ""), PARSE_CLOSE,
     BINARY_INVALID, 24, 0},
    {FRAME("\x00", "\0\1", "\0", "\0\0\0\2", "\0", ""), PARSE_CLOSE,
     BINARY_INVALID, 24, 0},
    {FRAME("\x00", "\0\xfb", "\0", "\0\0\0\xfb", "\0", ""), PARSE_CLOSE,
     BINARY_INVALID, 24, 0},
    {FRAME("\x01", "\0\1", "\4", "\0\0\0\5", "\0", ""), PARSE_CLOSE,
     BINARY_INVALID, 24, 0},
    {FRAME("\x0a", "\0\1", "\0", "\0\0\0\1", "\0", ""), PARSE_CLOSE,
     BINARY_INVALID, 24, 0},
    {FRAME("\x08", "\0\0", "\3", "\0\0\0\3", "\0", ""), PARSE_CLOSE,
     BINARY_INVALID, 24, 0},
    /* a key that is longer than the body */
    {FRAME("\x01", "\0\x0a", "\x08", "\0\0\0\x0b", "\0", STORE "abc"),
     PARSE_CLOSE, BINARY_UNKNOWN, 35, 0},
    /* what we do not know is skipped, whatever it carries */
    {FRAME("\x1b", "\0\0", "\4", "\0\0\0\4", "\0", ""), PARSE_BAD,
     BINARY_UNKNOWN, 24, 4},
    {FRAME("\x20", "\0\0", "\0", "\0\0\0\0", "\0", ""), PARSE_BAD,
     BINARY_UNKNOWN, 24, 0},
    {FRAME("\x77", "\0\1", "\0", "\0\0\0\5", "\0", "kvalu"), PARSE_BAD,
     BINARY_UNKNOWN, 24, 5},
    {FRAME("\xff", "\0\1", "\0", "\xff\0\0\5", "\0", "kvalu"), PARSE_CLOSE,
     BINARY_UNKNOWN, 29, 0},
    /* keys that are no word of text */
    {FRAME("\x00", "\0\3", "\0", "\0\0\0\3", "\0", "a b"), PARSE_BAD,
     BINARY_INVALID, 27, 0},
    {FRAME("\x00", "\0\2", "\0", "\0\0\0\2", "\0", "a\n"), PARSE_BAD,
     BINARY_INVALID, 26, 0},
    {FRAME("\x00", "\0\2", "\0", "\0\0\0\2", "\0", "a\0"), PARSE_BAD,
     BINARY_INVALID, 26, 0},
    /* a value of 101 bytes, of nearly 4 GiB */
    {FRAME("\x01", "\0\1", "\x08", "\0\0\0\x6e", "\0", STORE "k"),
     PARSE_TOO_LARGE, BINARY_TOO_LARGE, 33, 101},
    {FRAME("\x11", "\0\1", "\x08", "\xff\xff\xff\xff", "\0", STORE "k"),
     PARSE_CLOSE, BINARY_TOO_LARGE, 33, 0},
};

static void
a_bad_frame_is_refused_as_memcached_refuses_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct binary_head head;
        struct request req;
        struct parse out;

        assert_int_equal(binary_parse(bad[i].in, &limits, &req, &head, &out),
                         bad[i].parse);
        assert_int_equal(head.status, bad[i].status);
        assert_int_equal(out.consumed, bad[i].consumed);
        assert_true(out.skip == bad[i].skip);
    }
}

static void
a_value_too_large_names_the_key_of_a_set(void **state)
{
    const struct slice in =
        FRAME("\x01", "\0\1", "\x08", "\0\0\0\x6e", "\7", STORE "k");
    struct binary_head head;
    struct request req;
    struct parse out;

    (void)state;
    assert_int_equal(binary_parse(in, &limits, &req, &head, &out),
                     PARSE_TOO_LARGE);
    assert_int_equal(req.command, COMMAND_SET);
    assert_true(slice_eq(req.key, SLICE("k")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_becomes_the_request_of_a_text_client),
        cmocka_unit_test(extras_and_cas_say_how),
        cmocka_unit_test(a_bad_frame_is_refused_as_memcached_refuses_it),
        cmocka_unit_test(a_value_too_large_names_the_key_of_a_set),
    };

    return cmocka_run_group_tests_name("binary", tests, NULL, NULL);
}
