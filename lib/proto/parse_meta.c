#include "proto/parse_meta.h"

#include <string.h>

#include "proto/base64.h"
#include "proto/parse_store.h"
#include "proto/words.h"

enum { OPAQUE_MAX = 32, FLAGS_MAX = 17 };

static const char bad_token[] = "CLIENT_ERROR bad token in command line format";
static const char bad_flag[] = "CLIENT_ERROR invalid flag";
static const char bad_flags[] = "CLIENT_ERROR invalid or duplicate flag";
static const char bad_key[] = "CLIENT_ERROR error decoding key";
static const char too_many[] = "CLIENT_ERROR options flags are too long";
static const char bad_opaque[] = "CLIENT_ERROR opaque token too long";

/* What follows a flag's letter. */
enum token {
    TOKEN_NONE,   /* there is no such flag */
    TOKEN_ANY,    /* none is needed, any is overlooked */
    TOKEN_OPAQUE, /* O */
    TOKEN_TIME,   /* a number of seconds */
    TOKEN_UNIQUE, /* a cas unique */
    TOKEN_FLAGS,  /* client flags */
    TOKEN_MODE,   /* a character */
    TOKEN_DELTA,
    TOKEN_INITIAL,
};

static const unsigned char tokens[128] = {
    ['b'] = TOKEN_ANY,     ['c'] = TOKEN_ANY,    ['f'] = TOKEN_ANY,
    ['h'] = TOKEN_ANY,     ['k'] = TOKEN_ANY,    ['l'] = TOKEN_ANY,
    ['q'] = TOKEN_ANY,     ['s'] = TOKEN_ANY,    ['t'] = TOKEN_ANY,
    ['u'] = TOKEN_ANY,     ['v'] = TOKEN_ANY,    ['x'] = TOKEN_ANY,
    ['I'] = TOKEN_ANY,     ['L'] = TOKEN_ANY,    ['P'] = TOKEN_ANY,
    ['O'] = TOKEN_OPAQUE,  ['N'] = TOKEN_TIME,   ['R'] = TOKEN_TIME,
    ['T'] = TOKEN_TIME,    ['C'] = TOKEN_UNIQUE, ['E'] = TOKEN_UNIQUE,
    ['F'] = TOKEN_FLAGS,   ['M'] = TOKEN_MODE,   ['D'] = TOKEN_DELTA,
    ['J'] = TOKEN_INITIAL,
};

static const char *
take_time(char letter, struct slice token, struct request_meta *meta)
{
    int64_t value;

    if (!words_i64(token, &value)) {
        return bad_token;
    }
    if (letter == 'N') {
        meta->vivify = value;
    } else if (letter == 'R') {
        meta->recache = value;
    } else {
        meta->ttl = value;
    }
    return NULL;
}

/* As memcached 1.6.18, which keeps the low half of larger client flags. */
static const char *
take_client_flags(struct slice token, struct request_meta *meta)
{
    uint64_t value;

    if (!words_u64(token, UINT64_MAX, &value)) {
        return words_bad_format;
    }
    meta->client_flags = (uint32_t)value;
    return NULL;
}

/* NULL, or what is wrong with the token. */
static const char *
take_token(char letter, struct slice token, struct request_meta *meta)
{
    switch ((enum token)tokens[(unsigned char)letter]) {
    case TOKEN_NONE:
    case TOKEN_ANY:
        break;
    case TOKEN_OPAQUE:
        return token.n < OPAQUE_MAX ? NULL : bad_opaque;
    case TOKEN_TIME:
        return take_time(letter, token, meta);
    case TOKEN_UNIQUE:
        return words_u64(token, UINT64_MAX,
                         letter == 'C' ? &meta->compare : &meta->unique)
                   ? NULL
                   : bad_token;
    case TOKEN_FLAGS:
        return take_client_flags(token, meta);
    case TOKEN_MODE:
        meta->mode = '\0';
        if (token.n == 1) {
            meta->mode = *token.p;
        }
        return token.n == 1 ? NULL
                            : "CLIENT_ERROR incorrect length for M token";
    case TOKEN_DELTA:
        return words_u64(token, UINT64_MAX, &meta->delta)
                   ? NULL
                   : "CLIENT_ERROR invalid numeric delta value";
    case TOKEN_INITIAL:
        return words_u64(token, UINT64_MAX, &meta->initial)
                   ? NULL
                   : "CLIENT_ERROR invalid numeric initial value";
    }
    return NULL;
}

/* In the order they came, so that the first mistake is the one told. */
static const char *
take_flags(struct slice flags, unsigned max, struct request_meta *meta)
{
    struct slice count = flags;
    unsigned n = 0;

    while (request_flag(&count).n > 0) {
        n++;
    }
    if (n > max) {
        return max == FLAGS_MAX ? too_many
                                : "CLIENT_ERROR options flags too long";
    }
    while (n-- > 0) {
        struct slice flag = request_flag(&flags);
        char letter = *flag.p;
        const char *why;

        if ((unsigned char)letter >= sizeof(tokens) ||
            tokens[(unsigned char)letter] == TOKEN_NONE) {
            return bad_flag;
        }
        if ((meta->has & META_FLAG(letter)) != 0) {
            return "CLIENT_ERROR duplicate flag";
        }
        meta->has |= META_FLAG(letter);
        why = take_token(letter, (struct slice){flag.p + 1, flag.n - 1}, meta);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

static bool
is_one_of(char mode, const char *modes, size_t n)
{
    return mode == '\0' || memchr(modes, mode, n) != NULL;
}

static const char *
check(const struct request *req)
{
    const struct request_meta *meta = &req->meta;

    if ((meta->has & META_FLAG('b')) != 0 &&
        base64_decode(req->key, NULL) == 0) {
        return bad_key;
    }
    if (req->command == COMMAND_MS && !is_one_of(meta->mode, "EAPRS", 5)) {
        return "CLIENT_ERROR invalid mode for ms M token";
    }
    if (req->command == COMMAND_MA && !is_one_of(meta->mode, "I+D-", 4)) {
        return "CLIENT_ERROR invalid mode for ma M token";
    }
    return NULL;
}

/* md and ma say less about what is wrong. */
static const char *
check_flags(struct request *req, unsigned max)
{
    const char *why = take_flags(req->meta.flags, max, &req->meta);

    const bool is_terse =
        req->command == COMMAND_MD || req->command == COMMAND_MA;

    if (why == NULL) {
        why = check(req);
        return why == bad_key && is_terse ? bad_flags : why;
    }
    return is_terse && why != bad_opaque && why != too_many ? bad_flags : why;
}

/* KEY BYTES FLAG*; the flags are in req->meta by now, the key, too. */
static enum parse_status
parse_set(struct slice in, struct slice rest, const struct proto_limits *limits,
          struct request *req, struct parse *out)
{
    uint64_t bytes;
    const char *why;

    if (!words_u64(words_next(&rest), PARSE_BYTES_MAX, &bytes)) {
        return words_complain(out, words_bad_format);
    }
    words_skip(&rest);
    req->meta.flags = rest;
    out->skip = bytes + 2;
    if (req->key.n > limits->key_max) {
        return words_complain(out, words_bad_format);
    }
    why = check_flags(req, FLAGS_MAX - 1);
    if (why != NULL) {
        return words_complain(out, why);
    }
    if (bytes > limits->value_max) {
        (void)words_complain(out, "SERVER_ERROR object too large for cache");
        return PARSE_TOO_LARGE;
    }
    out->skip = 0;
    return parse_data(in, bytes, req, out);
}

/* me KEY [WORD]: of the flags only b counts. */
static enum parse_status
parse_debug(struct slice rest, const struct proto_limits *limits,
            struct request *req, struct parse *out)
{
    struct words words;

    words_split(rest, &words);
    if (words.n == 0 || words.n > 2 || words.w[0].n > limits->key_max) {
        return words_complain(out, words_bad_format);
    }
    req->key = words.w[0];
    if (words.n == 2 && slice_eq(words.w[1], SLICE("b"))) {
        req->meta.has = META_FLAG('b');
        req->meta.flags = words.w[1];
    }
    return check(req) == NULL ? PARSE_OK
                              : words_complain(out, words_bad_format);
}

enum parse_status
parse_meta(struct slice in, struct slice rest,
           const struct proto_limits *limits, struct request *req,
           struct parse *out)
{
    const char *why;

    memset(&req->meta, 0, sizeof(req->meta));
    req->meta.delta = 1;
    if (req->command == COMMAND_ME) {
        return parse_debug(rest, limits, req, out);
    }
    req->key = words_next(&rest);
    if (req->key.n == 0) {
        return words_complain(out, words_error);
    }
    if (req->command == COMMAND_MS) {
        return parse_set(in, rest, limits, req, out);
    }
    if (req->key.n > limits->key_max) {
        return words_complain(out, words_bad_format);
    }
    words_skip(&rest);
    req->meta.flags = rest;
    why = check_flags(req, FLAGS_MAX);
    return why == NULL ? PARSE_OK : words_complain(out, why);
}
