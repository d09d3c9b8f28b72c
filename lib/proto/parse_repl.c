#include "proto/parse_repl.h"

#include "proto/parse_store.h"
#include "proto/words.h"

#define X(id, name) [REPL_##id] = SLICE(name),
static const struct slice verbs[REPL_COUNT] = {REPL_TABLE(X)};
#undef X

static bool
find_verb(struct slice word, enum repl_verb *verb)
{
    for (unsigned i = 0; i < REPL_COUNT; i++) {
        if (slice_eq(word, verbs[i])) {
            *verb = (enum repl_verb)i;
            return true;
        }
    }
    return false;
}

/* [EPOCH] BYTES, and so many bytes of log entries. */
static enum parse_status
take_entries(struct slice in, struct slice rest,
             const struct proto_limits *limits, struct request *req,
             struct parse *out)
{
    uint64_t bytes;

    if (req->verb == REPL_BATCH &&
        !slice_u64(words_next(&rest), UINT64_MAX, &req->number)) {
        return words_complain(out, words_bad_format);
    }
    if (!slice_u64(words_next(&rest), PARSE_BYTES_MAX, &bytes) ||
        words_next(&rest).n > 0) {
        return words_complain(out, words_bad_format);
    }
    if (bytes > limits->value_max + REPL_DATA_MORE) {
        out->skip = bytes + 2;
        return words_complain(out, "SERVER_ERROR object too large for cache");
    }
    return parse_data(in, bytes, req, out);
}

enum parse_status
parse_repl(struct slice in, struct slice rest,
           const struct proto_limits *limits, struct request *req,
           struct parse *out)
{
    if (!find_verb(words_next(&rest), &req->verb)) {
        return words_complain(out, words_error);
    }
    words_skip(&rest);
    req->words = rest;
    return req->verb == REPL_BATCH || req->verb == REPL_RECORDS
               ? take_entries(in, rest, limits, req, out)
               : PARSE_OK;
}
