#include "flared/binary.h"

#include <string.h>

#include "flared/cmd.h"
#include "flared/server.h"

enum { KEEP = 16384 }; /* bytes of a buffer that is empty */

/* A request whose answer is still to come. */
struct pending {
    struct binary_head head;
    size_t key_n; /* bytes of key that follow */
};

static const char no_memory[] = "out of memory";

/* False: the session is closed. */
static bool
await(struct session *session, const struct binary_head *head, struct slice key)
{
    struct buf *heads = &session->binary.heads;
    const struct pending pending = {*head, head->with_key ? key.n : 0};

    if (!buf_put(heads, &pending, sizeof(pending)) ||
        !buf_put(heads, key.p, pending.key_n)) {
        session_fail(session, no_memory);
        return false;
    }
    return true;
}

/* A line of text that lets the next head say what it has to say. */
static void
say(struct session *session)
{
    static const struct request loud;

    session_line(session, &loud, "OK");
}

static void
refuse(struct session *session, const struct binary_head *head, uint64_t skip)
{
    session->skip = skip;
    if (head->status != BINARY_OK && await(session, head, SLICE(""))) {
        say(session);
    }
}

static void
quit(struct session *session, const struct binary_head *head)
{
    if (!head->quiet && await(session, head, SLICE(""))) {
        say(session);
    }
}

size_t
binary_take(struct session *session, struct slice in)
{
    const struct proto_limits *limits =
        server_proto_limits(session->worker->node->server);
    const size_t before = buf_len(&session->binary.heads);
    struct binary_head head;
    struct request req;
    struct parse parse;

    switch (binary_parse(in, limits, &req, &head, &parse)) {
    case PARSE_OK:
        if (req.command == COMMAND_QUIT) {
            quit(session, &head);
            session_end(session);
        } else if (await(session, &head, req.key)) {
            session_run(session, &req);
        }
        if (session->held.waits) {
            buf_truncate(&session->binary.heads, before);
            return 0;
        }
        return parse.consumed;
    case PARSE_MORE:
        conn_need(session->conn, parse.need);
        return 0;
    case PARSE_TOO_LARGE:
        cmd_too_large(session, &req);
        if (session->held.waits) {
            return 0;
        }
        refuse(session, &head, parse.skip);
        return parse.consumed;
    case PARSE_BAD:
        refuse(session, &head, parse.skip);
        return parse.consumed;
    case PARSE_CLOSE:
        refuse(session, &head, 0);
        session_end(session);
        return in.n;
    }
    return 0;
}

/* The next piece of the first answer; false: it is not there yet. */
static bool
next_piece(struct session *session, struct pending *first, struct slice key)
{
    struct binary *binary = &session->binary;
    struct reply reply;
    size_t used;

    switch (reply_parse(buf_slice(&binary->text), binary_expect(&first->head),
                        SIZE_MAX, SIZE_MAX, &reply, &used)) {
    case REPLY_MORE:
        return false;
    case REPLY_BAD:
        session_fail(session, "an answer that has no binary form");
        return false;
    case REPLY_OK:
        break;
    }
    first->head.hit = binary->hit;
    if (!binary_answer(conn_out(session->conn), &first->head, key, &reply)) {
        session_fail(session, no_memory);
        return false;
    }
    binary->hit = first->head.hit && !reply.last;
    buf_consume(&binary->text, used);
    if (reply.last) {
        buf_consume(&binary->heads, sizeof(*first) + first->key_n);
    }
    return true;
}

void
binary_translate(struct session *session)
{
    struct binary *binary = &session->binary;
    bool more = session->conn != NULL;

    while (more) {
        struct slice at = buf_slice(&binary->heads);
        struct pending first;

        if (at.p == NULL || at.n == 0) {
            break;
        }
        memcpy(&first, at.p, sizeof(first));
        more = next_piece(session, &first,
                          (struct slice){at.p + sizeof(first), first.key_n});
    }
    buf_trim(&binary->heads, KEEP);
    buf_trim(&binary->text, KEEP);
}

void
binary_fini(struct binary *binary)
{
    buf_fini(&binary->heads);
    buf_fini(&binary->text);
}
