/*
 * reply_parse: another daemon's answer, decoded.
 *
 * Pure, as request.h.  What an answer looks like depends on what was asked,
 * so the caller says what it expects.
 */
#ifndef FLARE_PROTO_REPLY_PARSE_H
#define FLARE_PROTO_REPLY_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum reply_expect {
    EXPECT_LINE,   /* one line: a word (STORED ...), a number, an error */
    EXPECT_VALUES, /* VALUE blocks, then END or an error line */
    EXPECT_VALUE,  /* flare's gat: one VALUE block without END, or a line */
    EXPECT_META,   /* of mg ms md ma me mn: one line, data behind it if VA */
    EXPECT_LINES,  /* STAT, NODE ... lines, then END or an error */
    EXPECT_REPL,   /* of repl: one line, data behind it if WANT */
};

enum reply_kind {
    REPLY_LINE,  /* the last line of an answer; see code */
    REPLY_VALUE, /* one VALUE block; of a meta command VA, line and data; of
                    repl WANT and its data */
    REPLY_ITEM,  /* one STAT, NODE, META, KEY or POSITION line, in .line */
};

/* The first word of a REPLY_LINE (spec: control-plane 0). */
#define REPLY_TABLE(X)                                                         \
    X(OK)                                                                      \
    X(END)                                                                     \
    X(STORED)                                                                  \
    X(NOT_STORED)                                                              \
    X(EXISTS)                                                                  \
    X(NOT_FOUND)                                                               \
    X(DELETED)                                                                 \
    X(FOUND)                                                                   \
    X(TOUCHED)                                                                 \
    X(ERROR)                                                                   \
    X(CLIENT_ERROR)                                                            \
    X(SERVER_ERROR)                                                            \
    X(VERSION)                                                                 \
    X(RESET)                                                                   \
    X(HD)                                                                      \
    X(NS)                                                                      \
    X(EX)                                                                      \
    X(NF)                                                                      \
    X(EN)                                                                      \
    X(ME)                                                                      \
    X(MN)                                                                      \
    X(VA)                                                                      \
    X(REPL)                                                                    \
    X(WANT)                                                                    \
    X(NUMBER)

#define X(name) REPLY_CODE_##name,
enum reply_code { REPLY_TABLE(X) REPLY_CODE_COUNT };
#undef X

struct reply {
    enum reply_kind kind;
    bool last;            /* nothing of this answer follows */
    enum reply_code code; /* REPLY_LINE */
    uint64_t number;      /* REPLY_LINE with REPLY_CODE_NUMBER */
    struct slice line;    /* REPLY_LINE, REPLY_ITEM: without its line end */
    struct slice key, data;
    uint32_t flags;
    bool has_version, has_expire;
    uint64_t version;
    int64_t expire;
};

enum reply_status {
    REPLY_OK,   /* *out is filled in, *consumed bytes were used */
    REPLY_MORE, /* come back with more bytes; *consumed is 0 */
    REPLY_BAD,  /* not an answer: the stream is lost */
};

/*
 * Decode the next piece of an answer.  A line longer than line_max or a data
 * block larger than value_max is REPLY_BAD.
 */
enum reply_status reply_parse(struct slice in, enum reply_expect expect,
                              size_t line_max, uint64_t value_max,
                              struct reply *out, size_t *consumed);

/* True for ERROR, CLIENT_ERROR and SERVER_ERROR. */
bool reply_is_error(const struct reply *reply);

#endif
