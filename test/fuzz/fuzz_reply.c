/*
 * Any bytes, as a peer might answer.  The first four say what was expected,
 * the limits and where the input is cut.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proto/reply.h"
#include "proto/reply_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_inside(struct slice part, struct slice whole)
{
    assert(part.n == 0 ||
           (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

/* The same value, written by us, reads the same. */
static void
check_value(const struct reply *reply)
{
    struct buf buf = {NULL, 0, 0, 0};
    struct reply again;
    size_t used;
    bool ok;

    if (reply->has_expire) {
        ok = reply_dump(&buf, reply->key, reply->flags, reply->data,
                        reply->version, reply->expire);
    } else if (reply->has_version) {
        ok = reply_value_cas(&buf, reply->key, reply->flags, reply->data,
                             reply->version);
    } else {
        ok = reply_value(&buf, reply->key, reply->flags, reply->data);
    }
    assert(ok);
    assert(reply_parse(buf_slice(&buf), EXPECT_VALUE, 1 << 20, 1 << 20, &again,
                       &used) == REPLY_OK);
    assert(used == buf_len(&buf) && again.last);
    assert(slice_eq(again.key, reply->key) && again.flags == reply->flags);
    assert(slice_eq(again.data, reply->data));
    assert(again.version == reply->version && again.expire == reply->expire);
    buf_fini(&buf);
}

static void
check_cut(struct slice in, size_t n, enum reply_expect expect, size_t line_max,
          uint64_t value_max, enum reply_status status)
{
    char *exact = malloc(n + (n == 0));
    struct reply reply;
    enum reply_status got;
    size_t used;

    assert(exact != NULL);
    memcpy(exact, in.p, n);
    got = reply_parse((struct slice){exact, n}, expect, line_max, value_max,
                      &reply, &used);
    assert(got == REPLY_MORE || got == status);
    assert(got == REPLY_OK || used == 0);
    free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    enum reply_expect expect = (enum reply_expect)(data[0] % 6);
    size_t line_max = 16 + (size_t)data[1] * 4;
    uint64_t value_max = (uint64_t)data[2] * 2;
    struct slice in = {(const char *)data + 4, size - 4};
    size_t cut = data[3];

    while (in.n > 0) {
        struct reply reply;
        size_t used;
        enum reply_status status =
            reply_parse(in, expect, line_max, value_max, &reply, &used);

        check_cut(in, cut % (in.n + 1), expect, line_max, value_max, status);
        cut += 1 + in.n / 3;
        if (status != REPLY_OK) {
            break;
        }
        struct slice whole = {in.p, used};
        assert(used > 0 && used <= in.n);
        check_inside(reply.line, whole);
        check_inside(reply.key, whole);
        check_inside(reply.data, whole);
        if (reply.kind == REPLY_VALUE && reply.code == REPLY_CODE_OK) {
            check_value(&reply);
        }
        in.p += used;
        in.n -= used;
    }
    return 0;
}
