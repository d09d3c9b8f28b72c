#include "proto/reply_parse.h"

#include <string.h>

#include "proto/words.h"

#define X(name) SLICE(#name),
static const struct slice codes[REPLY_CODE_COUNT] = {REPLY_TABLE(X)};
#undef X

static bool
find_code(struct slice word, enum reply_code *code)
{
    for (int i = 0; i < REPLY_CODE_NUMBER; i++) {
        if (slice_eq(word, codes[i])) {
            *code = (enum reply_code)i;
            return true;
        }
    }
    return false;
}

/* The line that ends an answer: a word that is known, or a number. */
static enum reply_status
take_last_line(struct slice word, struct reply *out)
{
    out->kind = REPLY_LINE;
    out->last = true;
    if (find_code(word, &out->code)) {
        return REPLY_OK;
    }
    out->code = REPLY_CODE_NUMBER;
    return slice_u64(word, UINT64_MAX, &out->number) ? REPLY_OK : REPLY_BAD;
}

static bool
is_item(struct slice word)
{
    return slice_eq(word, SLICE("STAT")) || slice_eq(word, SLICE("NODE")) ||
           slice_eq(word, SLICE("META")) || slice_eq(word, SLICE("KEY")) ||
           slice_eq(word, SLICE("POSITION"));
}

/* KEY FLAGS BYTES [VERSION [EXPIRE]] */
static bool
take_value_line(struct slice rest, struct reply *out, uint64_t *bytes)
{
    struct words words;
    uint64_t flags;

    words_split(rest, &words);
    if (words.n < 3 || words.n > 5 ||
        !slice_u64(words.w[1], UINT32_MAX, &flags) ||
        !slice_u64(words.w[2], SIZE_MAX / 4, bytes)) {
        return false;
    }
    out->key = words.w[0];
    out->flags = (uint32_t)flags;
    out->has_version = words.n > 3;
    out->has_expire = words.n > 4;
    return (words.n < 4 || slice_u64(words.w[3], UINT64_MAX, &out->version)) &&
           (words.n < 5 || slice_i64(words.w[4], 0, INT64_MAX, &out->expire));
}

static enum reply_status
take_data(struct slice in, size_t line, uint64_t bytes, struct reply *out,
          size_t *consumed)
{
    if (in.n - line < bytes + 2) {
        return REPLY_MORE;
    }
    if (memcmp(in.p + line + bytes, "\r\n", 2) != 0) {
        return REPLY_BAD;
    }
    out->kind = REPLY_VALUE;
    out->data = (struct slice){in.p + line, (size_t)bytes};
    *consumed = line + (size_t)bytes + 2;
    return REPLY_OK;
}

static enum reply_status
take_value(struct slice in, size_t line, struct slice rest, uint64_t value_max,
           struct reply *out, size_t *consumed)
{
    uint64_t bytes;

    if (!take_value_line(rest, out, &bytes) || bytes > value_max) {
        return REPLY_BAD;
    }
    return take_data(in, line, bytes, out, consumed);
}

/* VA SIZE FLAG*, or WANT SIZE, and the data. */
static enum reply_status
take_sized(struct slice in, size_t line, struct slice rest, uint64_t value_max,
           struct reply *out, size_t *consumed)
{
    uint64_t bytes;

    if (!slice_u64(words_next(&rest), SIZE_MAX / 4, &bytes) ||
        bytes > value_max) {
        return REPLY_BAD;
    }
    out->last = true;
    return take_data(in, line, bytes, out, consumed);
}

enum reply_status
reply_parse(struct slice in, enum reply_expect expect, size_t line_max,
            uint64_t value_max, struct reply *out, size_t *consumed)
{
    size_t window = in.n < line_max ? in.n : line_max;
    const char *end = window > 0 ? memchr(in.p, '\n', window) : NULL;
    bool values = expect == EXPECT_VALUES || expect == EXPECT_VALUE;
    struct slice word, rest;
    enum reply_status status;
    size_t line;

    *consumed = 0;
    if (end == NULL) {
        return in.n < line_max ? REPLY_MORE : REPLY_BAD;
    }
    memset(out, 0, sizeof(*out));
    out->line = (struct slice){in.p, (size_t)(end - in.p)};
    line = out->line.n + 1;
    if (out->line.n > 0 && end[-1] == '\r') {
        out->line.n--;
    }
    rest = out->line;
    word = words_next(&rest);
    if (values && slice_eq(word, SLICE("VALUE"))) {
        out->last = expect == EXPECT_VALUE;
        return take_value(in, line, rest, value_max, out, consumed);
    }
    if (expect == EXPECT_META && slice_eq(word, SLICE("VA"))) {
        out->code = REPLY_CODE_VA;
        return take_sized(in, line, rest, value_max, out, consumed);
    }
    if (expect == EXPECT_REPL && slice_eq(word, SLICE("WANT"))) {
        out->code = REPLY_CODE_WANT;
        return take_sized(in, line, rest, value_max, out, consumed);
    }
    if (expect == EXPECT_LINES && is_item(word)) {
        out->kind = REPLY_ITEM;
        status = REPLY_OK;
    } else {
        status = take_last_line(word, out);
    }
    *consumed = status == REPLY_OK ? line : 0;
    return status;
}

bool
reply_is_error(const struct reply *reply)
{
    return reply->kind == REPLY_LINE &&
           (reply->code == REPLY_CODE_ERROR ||
            reply->code == REPLY_CODE_CLIENT_ERROR ||
            reply->code == REPLY_CODE_SERVER_ERROR);
}
