/*
 * Any bytes, as a client or a peer might send them.  The first four choose the
 * limits and where the input is cut.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proto/emit.h"
#include "proto/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATIENCE = 2048 };

static const struct proto_limits wide = {1 << 20, PROTO_KEY_MAX, 1 << 20,
                                         1 << 20};

static void
check_inside(struct slice part, struct slice whole)
{
    assert(part.n == 0 ||
           (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void
check_slices(const struct request *req, struct slice whole,
             const struct proto_limits *limits)
{
    struct slice keys = req->keys;

    check_inside(req->hops, whole);
    check_inside(req->key, whole);
    check_inside(req->keys, whole);
    check_inside(req->words, whole);
    check_inside(req->value, whole);
    assert(req->key.n <= limits->key_max);
    assert(!command_writes(req->command) || req->key.n > 0);
    assert(req->value.n <= limits->value_max || req->command == COMMAND_NODE ||
           (req->command == COMMAND_REPL &&
            req->value.n <= limits->value_max + REPL_DATA_MORE));
    for (unsigned i = 0; i < req->nkeys; i++) {
        struct slice key = request_key(&keys);

        assert(key.n > 0 && key.n <= limits->key_max);
        assert(memchr(key.p, ' ', key.n) == NULL);
        assert(memchr(key.p, '\0', key.n) == NULL);
    }
    assert(request_key(&keys).n == 0);
}

/*
 * The first n bytes give no answer yet, or the answer; but a long line may be
 * given up on before it turns out to be a command after all.
 */
static void
check_cut(struct slice in, size_t n, const struct proto_limits *limits,
          enum parse_status status, const struct parse *whole)
{
    char *exact = malloc(n + (n == 0));
    struct request req;
    struct parse out;
    enum parse_status got;

    assert(exact != NULL);
    memcpy(exact, in.p, n);
    got = parse_request((struct slice){exact, n}, limits, &req, &out);
    if (got == PARSE_MORE) {
        assert(out.consumed == 0);
        assert(out.need == 0 || out.need > n);
        assert(out.need == 0 || status == PARSE_MORE ||
               whole->consumed == out.need);
    } else if (got != PARSE_CLOSE || n <= PATIENCE) {
        assert(got == status && out.why == whole->why);
        assert(got == PARSE_CLOSE ||
               (out.consumed == whole->consumed && out.skip == whole->skip));
    }
    free(exact);
}

/* What is passed on to a peer is what was asked for. */
static void
check_forward(const struct request *req, int64_t expire)
{
    struct buf buf = {NULL, 0, 0, 0};
    struct request again;
    struct parse out;

    assert(emit_forward(&buf, req, expire, SLICE("self:1")));
    assert(parse_request(buf_slice(&buf), &wide, &again, &out) == PARSE_OK);
    assert(out.consumed == buf_len(&buf) && again.from_peer);
    assert(hops_count(again.hops) == hops_count(req->hops) + 1);
    assert(hops_contain(again.hops, SLICE("self:1")));
    assert(slice_eq(again.key, req->key) && slice_eq(again.value, req->value));
    assert(again.flags == req->flags && !again.noreply);
    assert(again.command == req->command || req->command == COMMAND_GATS);
    assert(again.command == COMMAND_INCR || again.command == COMMAND_DECR ||
           again.exptime == expire);
    assert(again.command == COMMAND_TOUCH || again.command == COMMAND_GAT ||
           (again.sync == req->sync && again.async == req->async));
    assert(again.tell_version == req->tell_version &&
           again.has_unique == req->has_unique && again.unique == req->unique &&
           again.create == req->create && again.initial == req->initial);
    assert(again.has_version == req->has_version &&
           again.version == req->version && again.number == req->number);
    buf_fini(&buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    const struct proto_limits limits = {
        64 + (size_t)data[0] * data[0], 1 + (size_t)data[1],
        (uint64_t)data[2] * 2, 1 + (unsigned)(data[1] ^ data[2])};
    struct slice in = {(const char *)data + 4, size - 4};
    size_t cut = data[3];

    while (in.n > 0) {
        struct request req;
        struct parse out;
        enum parse_status status = parse_request(in, &limits, &req, &out);

        check_cut(in, cut % (in.n + 1), &limits, status, &out);
        cut += 1 + in.n / 3;
        if (status == PARSE_MORE || status == PARSE_CLOSE) {
            break;
        }
        assert(out.consumed > 0 && out.consumed <= in.n);
        if (status == PARSE_OK) {
            assert(out.skip == 0);
            check_slices(&req, (struct slice){in.p, out.consumed}, &limits);
        }
        if (status == PARSE_OK && command_writes(req.command) &&
            req.hops.n <= PROTO_HOPS_MAX) {
            check_forward(&req, cut % 2 == 0 ? 0 : 4000000000);
        }
        size_t used = out.skip > in.n - out.consumed
                          ? in.n
                          : out.consumed + (size_t)out.skip;
        in.p += used;
        in.n -= used;
    }
    return 0;
}
