/*
 * binary: memcached's binary protocol, as frames to requests and replies to
 * frames (spec: memcached-commands, Binary).
 *
 * A frame is turned into the request that a client of the text protocol would
 * have made; what makes its answer binary again is kept beside it, in its
 * head.  The answer is taken piece by piece, as reply_parse() gives it.
 *
 * Pure, as request.h.
 */
#ifndef FLARE_PROTO_BINARY_H
#define FLARE_PROTO_BINARY_H

#include "base/buf.h"
#include "proto/reply_parse.h"
#include "proto/request.h"

enum {
    BINARY_REQUEST = 0x80, /* first byte of a request, and of no text */
    BINARY_RESPONSE = 0x81,
    BINARY_HEADER = 24,         /* bytes */
    BINARY_BODY_MAX = 1u << 30, /* longer ones are not even skipped */
};

enum binary_status {
    BINARY_OK = 0x0000,
    BINARY_NOT_FOUND = 0x0001,
    BINARY_EXISTS = 0x0002,
    BINARY_TOO_LARGE = 0x0003,
    BINARY_INVALID = 0x0004,
    BINARY_NOT_STORED = 0x0005,
    BINARY_NON_NUMERIC = 0x0006,
    BINARY_UNKNOWN = 0x0081,
    BINARY_NO_MEMORY = 0x0082,
    BINARY_INTERNAL = 0x0084, /* the body is what the text protocol says */
};

/* What the answer to a frame needs to know of it. */
struct binary_head {
    uint8_t opcode;
    bool quiet;                /* says nothing on the ordinary outcome */
    bool with_key;             /* answers repeat the key */
    bool hit;                  /* a value has been answered */
    enum binary_status status; /* settled already, unless BINARY_OK */
    uint32_t opaque;
};

/*
 * Parse the first frame in `in`, as parse_request() does a line.  BAD,
 * TOO_LARGE and CLOSE: answer head->status, unless it is BINARY_OK, in the
 * order of the requests; head is meaningful whenever the status is not MORE.
 * CLOSE: hang up then.  quit and quitq are COMMAND_QUIT, head->quiet tells
 * them apart.
 */
enum parse_status binary_parse(struct slice in,
                               const struct proto_limits *limits,
                               struct request *req, struct binary_head *head,
                               struct parse *out);

/* What the text of the answer looks like. */
enum reply_expect binary_expect(const struct binary_head *head);

/*
 * Append what this piece of the answer is as frames.  `key` is the request's.
 * False, with *out as it was: memory is out.
 */
bool binary_answer(struct buf *out, struct binary_head *head, struct slice key,
                   const struct reply *reply);

#endif
