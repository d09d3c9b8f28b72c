#include "test/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "proto/request.h"

#define S(literal)                                                             \
    {                                                                          \
        (literal), sizeof(literal) - 1                                         \
    }

static const struct proto_limits limits = {100, 50, 1000, 5};

/* Requests that are understood, and which command each is. */
static const struct {
    struct slice in;
    enum command command;
    unsigned nkeys;
    const char *key;
    size_t value;
} good[] = {
    {S("get a\r\n"), COMMAND_GET, 1, "a", 0},
    {S("get a\n"), COMMAND_GET, 1, "a", 0},
    {S("  get   a  b \r\n"), COMMAND_GET, 2, "a", 0},
    {S("gets a b c\r\n"), COMMAND_GETS, 3, "a", 0},
    {S("get a\0b\r\n"), COMMAND_GET, 1, "a", 0},
    {S("get a\tb\x01\r\n"), COMMAND_GET, 1, "a\tb\x01", 0},
    {S("get a\r\r\n"), COMMAND_GET, 1, "a\r", 0},
    {S("gat 10 a b\r\n"), COMMAND_GAT, 2, "a", 0},
    {S("gats -1 a\r\n"), COMMAND_GATS, 1, "a", 0},
    {S("<h:1>gat a 10\r\n"), COMMAND_GAT, 1, "a", 0},
    {S("<h:1>gat a 10 7 noreply\r\n"), COMMAND_GAT, 1, "a", 0},
    {S("set k 1 0 3\r\nabc\r\n"), COMMAND_SET, 0, "k", 3},
    {S("set k 1 0 2\n\r\n\r\n"), COMMAND_SET, 0, "k", 2},
    {S("add k 1 -1 0 noreply\r\n\r\n"), COMMAND_ADD, 0, "k", 0},
    {S("replace k 1 0 1 foo\r\nx\r\n"), COMMAND_REPLACE, 0, "k", 1},
    {S("append k 0 0 1 7 async sync noreply\r\nx\r\n"), COMMAND_APPEND, 0, "k",
     1},
    {S("prepend k 4294967296 0 1\r\nx\r\n"), COMMAND_PREPEND, 0, "k", 1},
    {S("<>set k 0 0 1 9\r\nx\r\n"), COMMAND_SET, 0, "k", 1},
    {S("cas k 0 0 1 5\r\nx\r\n"), COMMAND_CAS, 0, "k", 1},
    {S("cas k 0 0 1 5 sync noreply\r\nx\r\n"), COMMAND_CAS, 0, "k", 1},
    {S("incr k 18446744073709551615\r\n"), COMMAND_INCR, 0, "k", 0},
    {S("decr k 1 2\r\n"), COMMAND_DECR, 0, "k", 0},
    {S("delete k\r\n"), COMMAND_DELETE, 0, "k", 0},
    {S("delete k 0 noreply\r\n"), COMMAND_DELETE, 0, "k", 0},
    {S("delete k sync\r\n"), COMMAND_DELETE, 0, "k", 0},
    {S("<h:1>delete k 10 7 noreply sync async\r\n"), COMMAND_DELETE, 0, "k", 0},
    {S("touch k -1 x\r\n"), COMMAND_TOUCH, 1, "k", 0},
    {S("touch k 99999999999 noreply\r\n"), COMMAND_TOUCH, 1, "k", 0},
    {S("flush_all\r\n"), COMMAND_FLUSH_ALL, 0, "", 0},
    {S("flush_all 1 2\r\n"), COMMAND_FLUSH_ALL, 0, "", 0},
    {S("flush_all -1 noreply async\r\n"), COMMAND_FLUSH_ALL, 0, "", 0},
    {S("version x y\r\n"), COMMAND_VERSION, 0, "", 0},
    {S("verbosity 1 x\r\n"), COMMAND_VERBOSITY, 0, "", 0},
    {S("quit x\r\n"), COMMAND_QUIT, 0, "", 0},
    {S("<h:1>ping\r\n"), COMMAND_PING, 0, "", 0},
    {S("meta\r\n"), COMMAND_META, 0, "", 0},
    {S("stats threads queue\r\n"), COMMAND_STATS, 0, "", 0},
    {S("show variables\r\n"), COMMAND_SHOW, 0, "", 0},
    {S("shutdown\r\n"), COMMAND_SHUTDOWN, 0, "", 0},
    {S("kill 12\r\n"), COMMAND_KILL, 0, "", 0},
    {S("dump\r\n"), COMMAND_DUMP, 0, "", 0},
    {S("dump 0 -1 0\r\n"), COMMAND_DUMP, 0, "", 0},
    {S("dump 5 1 2 100 x\r\n"), COMMAND_DUMP, 0, "", 0},
    {S("dump_key 0 1\r\n"), COMMAND_DUMP_KEY, 0, "", 0},
    {S("digest at 1\r\n"), COMMAND_DIGEST, 0, "", 0},
    {S("keys a b 10\r\n"), COMMAND_KEYS, 2, "a", 0},
    {S("node sync\r\nEND\r\n"), COMMAND_NODE, 0, "", 0},
    {S("node sync 5\r\nNODE h 1 0 0 0 1 16\r\nEND\r\n"), COMMAND_NODE, 0, "",
     21},
};

#define BAD_FORMAT "CLIENT_ERROR bad command line format"
#define BAD_EXPTIME "CLIENT_ERROR invalid exptime argument"
#define BAD_DELTA "CLIENT_ERROR invalid numeric delta argument"
#define BAD_CHUNK "CLIENT_ERROR bad data chunk"
#define TOO_LARGE "SERVER_ERROR object too large for cache"
#define USAGE BAD_FORMAT ".  Usage: delete <key> [noreply]"
#define LONG_KEY "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"

/* Requests that are refused; `rest` is what stays for the next one. */
static const struct {
    struct slice in;
    enum parse_status status;
    const char *why;
    size_t rest;
} bad[] = {
    {S("\r\n"), PARSE_BAD, "ERROR", 0},
    {S(" \n"), PARSE_BAD, "ERROR", 0},
    {S("foo noreply\r\n"), PARSE_BAD, "ERROR", 0},
    {S("SET a 0 0 1\r\nx\r\n"), PARSE_BAD, "ERROR", 3},
    {S("set\ta 0 0 1\r\nx\r\n"), PARSE_BAD, "ERROR", 3},
    {S("version\r\r\n"), PARSE_BAD, "ERROR", 0},
    {S("<foo get a\r\n"), PARSE_BAD, "ERROR", 0},
    {S("get\r\n"), PARSE_BAD, "ERROR", 0},
    {S("get a b c d e f\r\n"), PARSE_BAD, "CLIENT_ERROR too many keys", 0},
    {S("get a " LONG_KEY " b\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("gat\r\n"), PARSE_BAD, "ERROR", 0},
    {S("gat 1\r\n"), PARSE_BAD, "END", 0},
    {S("gat a 1\r\n"), PARSE_BAD, BAD_EXPTIME, 0},
    {S("<>gat 1\r\n"), PARSE_BAD, "ERROR", 0},
    {S("set\r\n"), PARSE_BAD, "ERROR", 0},
    {S("set k 0 0\r\nx\r\n"), PARSE_BAD, "ERROR", 3},
    {S("set a\0b 0 0 1\r\nx\r\n"), PARSE_BAD, "ERROR", 3},
    {S("set k a 0 1\r\nx\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("set k -1 0 1\r\nx\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("<>set k 4294967296 0 1\r\nx\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("set k 0 x 1\r\nx\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("set k 0 9223372036854775808 1\r\nx\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("set k 0 0 -1\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("set k 0 0 2147483646\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("set k 0 0 x noreply\r\n"), PARSE_BAD, NULL, 0},
    {S("set k x 0 1 noreply\r\nx\r\n"), PARSE_BAD, NULL, 0},
    {S("set " LONG_KEY " 0 0 1\r\nx\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("set " LONG_KEY " 0 0 1 noreply\r\nx\r\n"), PARSE_BAD, NULL, 0},
    {S("set k 0 0 1 noreply x\r\nx\r\n"), PARSE_BAD, "ERROR", 0},
    {S("set k 0 0 1 1 2\r\nx\r\n"), PARSE_BAD, "ERROR", 0},
    {S("set k 0 0 1 1 2 3 4 5 6 7 8\r\nx\r\n"), PARSE_BAD, "ERROR", 0},
    {S("<>set k 0 0 1 foo\r\nx\r\n"), PARSE_BAD, "ERROR", 0},
    {S("set k 0 0 1\r\nxyz"), PARSE_BAD, BAD_CHUNK, 0},
    {S("set k 0 0 1\r\nx\nversion\r\n"), PARSE_BAD, BAD_CHUNK, 8},
    {S("set k 0 0 1 noreply\r\nx\nv"), PARSE_BAD, NULL, 0},
    {S("set k 0 0 1001\r\n"), PARSE_TOO_LARGE, TOO_LARGE, 0},
    {S("set k 0 0 1001 noreply\r\n"), PARSE_TOO_LARGE, NULL, 0},
    {S("cas k 0 0 1\r\nx\r\n"), PARSE_BAD, "ERROR", 0},
    {S("cas k 0 0 1 x\r\nx\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("cas k 0 0 1 noreply\r\nx\r\n"), PARSE_BAD, NULL, 0},
    {S("incr k\r\n"), PARSE_BAD, "ERROR", 0},
    {S("incr k 1 2 3\r\n"), PARSE_BAD, "ERROR", 0},
    {S("incr k -1\r\n"), PARSE_BAD, BAD_DELTA, 0},
    {S("incr k noreply\r\n"), PARSE_BAD, NULL, 0},
    {S("decr " LONG_KEY " 1\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("delete\r\n"), PARSE_BAD, "ERROR", 0},
    {S("delete k 10\r\n"), PARSE_BAD, USAGE, 0},
    {S("delete k 0 x\r\n"), PARSE_BAD, USAGE, 0},
    {S("delete k 0 5 noreply\r\n"), PARSE_BAD, "ERROR", 0},
    {S("delete k 1 noreply\r\n"), PARSE_BAD, NULL, 0},
    {S("<>delete k x\r\n"), PARSE_BAD, "ERROR", 0},
    {S("touch k\r\n"), PARSE_BAD, "ERROR", 0},
    {S("touch k x\r\n"), PARSE_BAD, BAD_EXPTIME, 0},
    {S("touch k 1 2 noreply\r\n"), PARSE_BAD, "ERROR", 0},
    {S("flush_all x\r\n"), PARSE_BAD, BAD_EXPTIME, 0},
    {S("flush_all x noreply\r\n"), PARSE_BAD, NULL, 0},
    {S("flush_all sync\r\n"), PARSE_BAD, BAD_EXPTIME, 0},
    {S("flush_all 1 2 3\r\n"), PARSE_BAD, "ERROR", 0},
    {S("verbosity\r\n"), PARSE_BAD, "ERROR", 0},
    {S("verbosity x\r\n"), PARSE_BAD, BAD_FORMAT, 0},
    {S("verbosity noreply\r\n"), PARSE_BAD, NULL, 0},
    {S("ping x\r\n"), PARSE_BAD, "ERROR", 0},
    {S("kill\r\n"), PARSE_BAD, "ERROR", 0},
    {S("kill 1 2\r\n"), PARSE_BAD, "ERROR", 0},
    {S("dump -1\r\n"), PARSE_BAD, "ERROR", 0},
    {S("dump 0 0 0\r\n"), PARSE_BAD, "ERROR", 0},
    {S("dump 0 1 1\r\n"), PARSE_BAD, "ERROR", 0},
    {S("dump 0 -1 1\r\n"), PARSE_BAD, "ERROR", 0},
    {S("dump_key 0\r\n"), PARSE_BAD, "ERROR", 0},
    {S("dump_key -1 1\r\n"), PARSE_BAD, "ERROR", 0},
    {S("keys a\r\n"), PARSE_BAD, "ERROR", 0},
    {S("keys a 0\r\n"), PARSE_BAD, "ERROR", 0},
    {S("keys a x\r\n"), PARSE_BAD, "ERROR", 0},
    {S("node\r\n"), PARSE_BAD, "ERROR", 0},
    {S("node sync x\r\n"), PARSE_BAD, "ERROR", 0},
    {S("node sync 1 x\r\nEND\r\n"), PARSE_BAD, "ERROR", 5},
    {S("node sync 1\r\nfoo\r\nEND\r\n"), PARSE_BAD, "CLIENT_ERROR format error",
     5},
    {S("GET / HTTP/1.1\r\n"), PARSE_CLOSE, NULL, 0},
    {S("POST / HTTP/1.1\r\n"), PARSE_CLOSE, NULL, 0},
    {S("GET /\r\n"), PARSE_CLOSE, NULL, 0},
    {S("GET x\r\n"), PARSE_BAD, "ERROR", 0},
    {S("\x80"), PARSE_CLOSE, NULL, 0},
};

/* Parse a copy of exactly n bytes, so that a sanitizer sees any over-read. */
static enum parse_status
parse_exact(struct slice in, size_t n, struct request *req, struct parse *out)
{
    char *exact = malloc(n + (n == 0));
    enum parse_status status;

    memcpy(exact, in.p, n);
    status = parse_request((struct slice){exact, n}, &limits, req, out);
    free(exact);
    return status;
}

static void
understands_every_good_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct slice in = good[i].in;
        struct request req;
        struct parse out;

        if (parse_request(in, &limits, &req, &out) != PARSE_OK) {
            fail_msg("good %zu: %s", i, in.p);
        }
        assert_int_equal(out.consumed, in.n);
        assert_int_equal(req.command, good[i].command);
        assert_int_equal(req.nkeys, good[i].nkeys);
        assert_int_equal(req.value.n, good[i].value);
        assert_int_equal(req.key.n, strlen(good[i].key));
        assert_true(slice_eq(req.key, slice_str(good[i].key)));
    }
}

static void
refuses_every_bad_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct slice in = bad[i].in;
        struct request req;
        struct parse out;
        enum parse_status status = parse_request(in, &limits, &req, &out);
        uint64_t used = out.consumed + out.skip;

        if (status != bad[i].status ||
            (out.why == NULL) != (bad[i].why == NULL) ||
            (out.why != NULL && strcmp(out.why, bad[i].why) != 0)) {
            fail_msg("bad %zu: %s: %d %s", i, in.p, (int)status,
                     out.why == NULL ? "(silent)" : out.why);
        }
        if (status == PARSE_BAD && used != in.n - bad[i].rest) {
            fail_msg("bad %zu: %s: uses %d", i, in.p, (int)used);
        }
    }
}

/* However the bytes arrive, the decision is the same. */
static void
asks_for_more_at_every_split(void **state)
{
    struct request req;
    struct parse out;

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        for (size_t n = 0; n < good[i].in.n; n++) {
            enum parse_status got = parse_exact(good[i].in, n, &req, &out);

            if (got != PARSE_MORE || out.consumed != 0 ||
                (out.need != 0 && out.need != good[i].in.n)) {
                fail_msg("good %zu: %zu bytes", i, n);
            }
        }
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        for (size_t n = 0; n < bad[i].in.n; n++) {
            enum parse_status got = parse_exact(bad[i].in, n, &req, &out);

            if (got != PARSE_MORE && got != bad[i].status) {
                fail_msg("bad %zu: %zu bytes", i, n);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understands_every_good_request),
        cmocka_unit_test(refuses_every_bad_request),
        cmocka_unit_test(asks_for_more_at_every_split),
    };
    return cmocka_run_group_tests_name("proto/parse", tests, NULL, NULL);
}
