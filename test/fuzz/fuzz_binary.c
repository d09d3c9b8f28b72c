/*
 * Any bytes, as a client of the binary protocol might send them, and any text
 * as the answers.  The first four bytes choose the limits, where the input is
 * cut, and how much of it is answers.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/binary.h"
#include "proto/emit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct proto_limits wide = {1 << 20, PROTO_KEY_MAX, 1 << 20, 100};

static void
check_inside(struct slice part, struct slice whole)
{
    assert(part.n == 0 ||
           (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void
check_request(const struct request *req, struct slice frame,
              const struct proto_limits *limits)
{
    struct slice keys = req->keys;

    check_inside(req->key, frame);
    check_inside(req->value, frame);
    check_inside(req->words, frame);
    assert(req->key.n <= limits->key_max && req->value.n <= limits->value_max);
    assert(!req->noreply && !req->from_peer && req->hops.n == 0);
    if (command_writes(req->command) || req->command == COMMAND_GETS) {
        assert(slice_eq(request_key(&keys), req->key) && req->key.n > 0);
        assert(request_key(&keys).n == 0);
    }
}

/* What is passed on to a peer is what was asked for. */
static void
check_forward(const struct request *req)
{
    struct buf buf = {NULL, 0, 0, 0};
    struct request again;
    struct parse out;

    assert(emit_forward(&buf, req, req->exptime, SLICE("self:1")));
    assert(parse_request(buf_slice(&buf), &wide, &again, &out) == PARSE_OK);
    assert(out.consumed == buf_len(&buf) && again.from_peer);
    assert(hops_count(again.hops) == 1);
    assert(slice_eq(again.key, req->key) && slice_eq(again.value, req->value));
    assert(again.tell_version == req->tell_version &&
           again.has_unique == req->has_unique && again.unique == req->unique &&
           again.create == req->create && again.initial == req->initial);
    assert(again.has_version == req->has_version &&
           again.version == req->version && again.number == req->number);
    buf_fini(&buf);
}

static void
check_cut(struct slice in, size_t n, const struct proto_limits *limits,
          enum parse_status status, const struct parse *whole)
{
    char *exact = malloc(n + (n == 0));
    struct request req;
    struct binary_head head;
    struct parse out;
    enum parse_status got;

    assert(exact != NULL);
    memcpy(exact, in.p, n);
    got = binary_parse((struct slice){exact, n}, limits, &req, &head, &out);
    if (got == PARSE_MORE) {
        assert(out.consumed == 0 && out.need > n);
    } else {
        assert(got == status);
        assert(got == PARSE_CLOSE ||
               (out.consumed == whole->consumed && out.skip == whole->skip));
    }
    free(exact);
}

static void
check_answer(struct binary_head *head, struct slice key, struct slice *text)
{
    struct buf out = {NULL, 0, 0, 0};
    struct reply reply;
    size_t used = 0;
    bool last = false;

    while (!last && reply_parse(*text, binary_expect(head), SIZE_MAX, SIZE_MAX,
                                &reply, &used) == REPLY_OK) {
        assert(binary_answer(&out, head, key, &reply));
        text->p += used;
        text->n -= used;
        last = reply.last;
    }
    for (struct slice left = buf_slice(&out); left.n > 0;) {
        const unsigned char *p = (const unsigned char *)left.p;
        size_t body;

        assert(p != NULL && left.n >= BINARY_HEADER);
        assert(p[0] == BINARY_RESPONSE);
        assert(p[1] == head->opcode);
        body = (size_t)p[8] << 24 | (size_t)p[9] << 16 | (size_t)p[10] << 8 |
               p[11];
        assert(body >= ((size_t)p[2] << 8 | p[3]) + p[4]);
        assert(left.n >= BINARY_HEADER + body);
        left.p += BINARY_HEADER + body;
        left.n -= BINARY_HEADER + body;
    }
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    const struct proto_limits limits = {1 << 20, 1 + (size_t)data[0],
                                        (uint64_t)data[1] * 16, 100};
    size_t answers = (size - 4) * data[2] / 255, cut = data[3];
    struct slice text = {(const char *)data + 4, answers};
    struct slice in = {text.p + answers, size - 4 - answers};

    while (in.n > 0) {
        struct request req;
        struct binary_head head;
        struct parse out;
        enum parse_status status = binary_parse(in, &limits, &req, &head, &out);

        check_cut(in, cut % (in.n + 1), &limits, status, &out);
        cut += 1 + in.n / 3;
        if (status == PARSE_MORE) {
            break;
        }
        assert((status == PARSE_OK) == (head.status == BINARY_OK) ||
               status == PARSE_CLOSE);
        if (status == PARSE_OK) {
            check_request(&req, (struct slice){in.p, out.consumed}, &limits);
        }
        if (status == PARSE_OK && command_writes(req.command)) {
            check_forward(&req);
        }
        check_answer(&head, status == PARSE_OK ? req.key : SLICE(""), &text);
        if (status == PARSE_CLOSE) {
            break;
        }
        assert(out.consumed > 0 && out.consumed <= in.n);
        size_t used = out.skip > in.n - out.consumed
                          ? in.n
                          : out.consumed + (size_t)out.skip;
        in.p += used;
        in.n -= used;
    }
    return 0;
}
