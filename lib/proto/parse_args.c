#include "proto/parse_args.h"

#include "proto/words.h"

static const char bad_exptime[] = "CLIENT_ERROR invalid exptime argument";
static const char bad_delta[] = "CLIENT_ERROR invalid numeric delta argument";
static const char bad_delete[] =
    "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]";

/* version, quit and mn overlook arguments, as in memcached. */
static enum parse_status
parse_none(struct slice rest, struct request *req, struct parse *out)
{
    if (req->command == COMMAND_VERSION || req->command == COMMAND_QUIT ||
        req->command == COMMAND_MN || words_next(&rest).n == 0) {
        return PARSE_OK;
    }
    return words_complain(out, words_error);
}

/* KEY+, at least one: `none` is the answer to an empty list. */
static enum parse_status
parse_keys(struct slice rest, const struct proto_limits *limits,
           struct request *req, const char *none, struct parse *out)
{
    struct slice key = words_next(&rest);

    if (key.n == 0) {
        return words_complain(out, none);
    }
    req->key = key;
    do {
        if (key.n > limits->key_max) {
            return words_complain(out, words_bad_format);
        }
        if (++req->nkeys > limits->keys_max) {
            return words_complain(out, "CLIENT_ERROR too many keys");
        }
        req->keys.n = (size_t)(key.p + key.n - req->key.p);
        key = words_next(&rest);
    } while (key.n > 0);
    req->keys.p = req->key.p;
    return PARSE_OK;
}

/* KEY EXPTIME: touch, and gat as flare nodes send it to each other. */
static enum parse_status
parse_touch(struct slice rest, const struct proto_limits *limits,
            struct request *req, struct parse *out)
{
    struct words words;
    uint64_t ignored;
    unsigned tail = 2;

    words_split(rest, &words);
    if (req->from_peer && words.n > 2 &&
        slice_u64(words.w[2], UINT64_MAX, &ignored)) {
        tail = 3;
    }
    if (words.n < 2 || !words_tail(&words, tail, req)) {
        return words_complain(out, words_error);
    }
    if (words.w[0].n > limits->key_max) {
        return words_refuse(out, req, words_bad_format);
    }
    if (!words_i64(words.w[1], &req->exptime)) {
        return words_refuse(out, req, bad_exptime);
    }
    req->key = req->keys = words.w[0];
    req->nkeys = 1;
    return PARSE_OK;
}

static enum parse_status
parse_gat(struct slice rest, const struct proto_limits *limits,
          struct request *req, struct parse *out)
{
    struct slice word;

    if (req->from_peer) {
        return parse_touch(rest, limits, req, out);
    }
    word = words_next(&rest);
    if (word.n == 0) {
        return words_complain(out, words_error);
    }
    if (!words_i64(word, &req->exptime)) {
        return words_complain(out, bad_exptime);
    }
    return parse_keys(rest, limits, req, "END", out);
}

static enum parse_status
parse_arith(struct slice rest, const struct proto_limits *limits,
            struct request *req, struct parse *out)
{
    struct words words;

    words_split(rest, &words);
    if (words.n < 2 || !words_tail(&words, req->has_unique ? 3 : 2, req)) {
        return words_complain(out, words_error);
    }
    if (words.w[0].n > limits->key_max) {
        return words_refuse(out, req, words_bad_format);
    }
    if (!words_u64(words.w[1], UINT64_MAX, &req->number)) {
        return words_refuse(out, req, bad_delta);
    }
    req->key = words.w[0];
    return PARSE_OK;
}

/* KEY [TIME [VERSION]] [options], flare's. */
static bool
take_peer_delete(const struct words *words, struct request *req)
{
    unsigned at = 1;
    uint64_t time;

    if (words->n > at && words->n <= WORDS_MAX &&
        slice_u64(words->w[at], INT64_MAX, &time)) {
        req->exptime = (int64_t)time;
        at++;
        if (words->n > at &&
            slice_u64(words->w[at], UINT64_MAX, &req->version)) {
            req->has_version = true;
            at++;
        }
    }
    return words_options(words, at, req);
}

/* KEY [0] [options]: 0 is all that memcached has kept of the time. */
static bool
take_plain_delete(const struct words *words, struct request *req)
{
    bool zero = words->n > 1 && slice_eq(words->w[1], SLICE("0"));

    return words_options(words, zero ? 2 : 1, req);
}

static enum parse_status
parse_delete(struct slice rest, const struct proto_limits *limits,
             struct request *req, struct parse *out)
{
    struct words words;

    words_split(rest, &words);
    if (words.n == 0) {
        return words_complain(out, words_error);
    }
    if (!(req->from_peer ? take_peer_delete(&words, req)
                         : take_plain_delete(&words, req))) {
        req->noreply = words_end_noreply(&words);
        return words.n > 3 || req->from_peer
                   ? words_complain(out, words_error)
                   : words_refuse(out, req, bad_delete);
    }
    if (words.w[0].n > limits->key_max) {
        return words_refuse(out, req, words_bad_format);
    }
    req->key = words.w[0];
    return PARSE_OK;
}

/* [DELAY] [noreply] [async]; one more word means nothing. */
static enum parse_status
parse_flush(struct slice rest, struct request *req, struct parse *out)
{
    struct words words;
    unsigned at = 0;

    words_split(rest, &words);
    if (words.n > 0 && words_i64(words.w[0], &req->exptime)) {
        at = 1;
    }
    if (words_options(&words, at, req) && !req->sync) {
        return PARSE_OK;
    }
    if (words.n > 2 || req->from_peer) {
        return words_complain(out, words_error);
    }
    req->noreply = words_end_noreply(&words);
    return at == 1 ? PARSE_OK : words_refuse(out, req, bad_exptime);
}

static enum parse_status
parse_number(struct slice rest, struct request *req, struct parse *out)
{
    struct words words;

    words_split(rest, &words);
    if (req->command == COMMAND_KILL) {
        return words.n == 1 && slice_u64(words.w[0], UINT64_MAX, &req->number)
                   ? PARSE_OK
                   : words_complain(out, words_error);
    }
    if (words.n == 0 || words.n > 2) {
        return words_complain(out, words_error);
    }
    req->noreply = words_end_noreply(&words);
    return words_u64(words.w[0], UINT64_MAX, &req->number)
               ? PARSE_OK
               : words_refuse(out, req, words_bad_format);
}

static enum parse_status
parse_words(struct slice rest, struct request *req)
{
    words_skip(&rest);
    while (rest.n > 0 && rest.p[rest.n - 1] == ' ') {
        rest.n--;
    }
    req->words = rest;
    return PARSE_OK;
}

/*
 * [PARTITION SIZE [BWLIMIT]] from word `at` on: both or neither, and the
 * partition is one of them.  Whatever follows is overlooked.
 */
static bool
take_part(const struct words *words, unsigned at, struct request *req)
{
    int64_t partition = -1, size = 0;

    if (words->n > at &&
        !slice_i64(words->w[at], INT32_MIN, INT32_MAX, &partition)) {
        return false;
    }
    if (words->n > at + 1 &&
        !slice_i64(words->w[at + 1], 0, INT32_MAX, &size)) {
        return false;
    }
    if (words->n > at + 2 &&
        !slice_u64(words->w[at + 2], UINT32_MAX, &req->dump.bwlimit)) {
        return false;
    }
    req->dump.partition = partition < 0 ? -1 : (int)partition;
    req->dump.partition_size = (int)size;
    return partition < 0 ? size == 0 : partition < size;
}

static enum parse_status
parse_dump(struct slice rest, bool has_wait, struct request *req,
           struct parse *out)
{
    struct words words;

    words_split(rest, &words);
    if (has_wait && words.n > 0 &&
        !slice_u64(words.w[0], UINT32_MAX, &req->dump.wait_us)) {
        return words_complain(out, words_error);
    }
    return take_part(&words, has_wait ? 1 : 0, req)
               ? PARSE_OK
               : words_complain(out, words_error);
}

/* PREFIX+ LIMIT. */
static enum parse_status
parse_prefix(struct slice rest, const struct proto_limits *limits,
             struct request *req, struct parse *out)
{
    enum parse_status status = parse_keys(rest, limits, req, words_error, out);
    struct slice last, before = {NULL, 0}, left = req->keys;

    if (status != PARSE_OK) {
        return words_complain(out, words_error);
    }
    last = words_next(&left);
    for (unsigned i = 1; i < req->nkeys; i++) {
        before = last;
        last = words_next(&left);
    }
    if (before.n == 0 || !slice_u64(last, INT32_MAX, &req->number) ||
        req->number == 0) {
        return words_complain(out, words_error);
    }
    req->nkeys--;
    req->keys.n = (size_t)(before.p + before.n - req->keys.p);
    return PARSE_OK;
}

/* KEY VERSION MARKS; only nodes say it to each other. */
static enum parse_status
parse_mark(struct slice rest, const struct proto_limits *limits,
           struct request *req, struct parse *out)
{
    struct words words;

    words_split(rest, &words);
    if (!req->from_peer || words.n != 3 || words.w[0].n > limits->key_max ||
        !slice_u64(words.w[1], UINT64_MAX, &req->version) ||
        !slice_u64(words.w[2], UINT8_MAX, &req->number)) {
        return words_complain(out, words_error);
    }
    req->has_version = true;
    req->key = words.w[0];
    return PARSE_OK;
}

enum parse_status
parse_args(enum shape shape, struct slice rest,
           const struct proto_limits *limits, struct request *req,
           struct parse *out)
{
    switch (shape) {
    case SHAPE_KEYS:
        return parse_keys(rest, limits, req, words_error, out);
    case SHAPE_GAT:
        return parse_gat(rest, limits, req, out);
    case SHAPE_ARITH:
        return parse_arith(rest, limits, req, out);
    case SHAPE_DELETE:
        return parse_delete(rest, limits, req, out);
    case SHAPE_TOUCH:
        return parse_touch(rest, limits, req, out);
    case SHAPE_FLUSH:
        return parse_flush(rest, req, out);
    case SHAPE_NUMBER:
        return parse_number(rest, req, out);
    case SHAPE_WORDS:
        return parse_words(rest, req);
    case SHAPE_DUMP:
        return parse_dump(rest, true, req, out);
    case SHAPE_DUMPKEY:
        return parse_dump(rest, false, req, out);
    case SHAPE_PREFIX:
        return parse_prefix(rest, limits, req, out);
    case SHAPE_MARK:
        return parse_mark(rest, limits, req, out);
    case SHAPE_META:
    case SHAPE_MSET:
    case SHAPE_REPL:
    case SHAPE_NONE:
    case SHAPE_STORE:
    case SHAPE_CAS:
    case SHAPE_NODE:
        break;
    }
    return parse_none(rest, req, out);
}
