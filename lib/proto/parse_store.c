#include "proto/parse_store.h"

#include "proto/words.h"

enum { ARG_KEY, ARG_FLAGS, ARG_EXPTIME, ARG_BYTES, ARG_UNIQUE };

/*
 * What follows the length: cas's unique, or the version that flare allows;
 * then options.  False: too many words.
 */
static bool
take_tail(const struct words *words, struct request *req)
{
    if (req->command == COMMAND_CAS) {
        return words->n > ARG_UNIQUE && words_tail(words, ARG_UNIQUE + 1, req);
    }
    if (words->n > ARG_UNIQUE &&
        slice_u64(words->w[ARG_UNIQUE], UINT64_MAX, &req->version) &&
        words_options(words, ARG_UNIQUE + 1, req)) {
        req->has_version = true;
        return true;
    }
    req->version = 0;
    return words_tail(words, ARG_UNIQUE, req);
}

/* flags beyond 32 bits: memcached 1.6.18 keeps the low half, flare refuses. */
static bool
take_flags(struct slice word, struct request *req)
{
    uint64_t max = req->from_peer ? UINT32_MAX : UINT64_MAX;
    uint64_t flags;

    if (!words_u64(word, max, &flags)) {
        return false;
    }
    req->flags = (uint32_t)flags;
    return true;
}

static bool
take_unique(const struct words *words, struct request *req)
{
    if (req->command != COMMAND_CAS) {
        return true;
    }
    req->has_version = true;
    return words_u64(words->w[ARG_UNIQUE], UINT64_MAX, &req->version);
}

enum parse_status
parse_data(struct slice in, uint64_t bytes, struct request *req,
           struct parse *out)
{
    const size_t line = out->consumed;
    const size_t need = line + (size_t)bytes + 2;

    if (in.n < need) {
        out->consumed = 0;
        out->need = need;
        return PARSE_MORE;
    }
    out->consumed = need;
    if (in.p[need - 2] != '\r' || in.p[need - 1] != '\n') {
        return words_refuse(out, req, "CLIENT_ERROR bad data chunk");
    }
    req->value = (struct slice){in.p + line, (size_t)bytes};
    return PARSE_OK;
}

enum parse_status
parse_store(struct slice in, struct slice rest,
            const struct proto_limits *limits, struct request *req,
            struct parse *out)
{
    struct words words;
    uint64_t bytes;

    words_split(rest, &words);
    if (words.n <= ARG_BYTES) {
        return words_complain(out, words_error);
    }
    if (!words_u64(words.w[ARG_BYTES], PARSE_BYTES_MAX, &bytes)) {
        req->noreply = words_end_noreply(&words);
        return words_refuse(out, req, words_bad_format);
    }
    /* From here on a refused line takes its data with it. */
    out->skip = bytes + 2;
    if (!take_tail(&words, req)) {
        return words_complain(out, words_error);
    }
    if (words.w[ARG_KEY].n > limits->key_max ||
        !take_flags(words.w[ARG_FLAGS], req) ||
        !words_i64(words.w[ARG_EXPTIME], &req->exptime) ||
        !take_unique(&words, req)) {
        return words_refuse(out, req, words_bad_format);
    }
    req->key = words.w[ARG_KEY];
    if (bytes > limits->value_max) {
        (void)words_refuse(out, req, "SERVER_ERROR object too large for cache");
        return PARSE_TOO_LARGE;
    }
    out->skip = 0;
    return parse_data(in, bytes, req, out);
}
