/*
 * words: taking a command line apart.
 *
 * For the parsers of this module only.  Words are separated by spaces; tabs
 * and control characters belong to a word.
 */
#ifndef FLARE_PROTO_WORDS_H
#define FLARE_PROTO_WORDS_H

#include <string.h>

#include "proto/request.h"

enum { WORDS_MAX = 9 };

/* The words of a line, as far as they matter. */
struct words {
    struct slice w[WORDS_MAX];
    unsigned n; /* WORDS_MAX + 1 when there are more */
};

/* Drop spaces from the front. */
static inline void
words_skip(struct slice *rest)
{
    while (rest->n > 0 && *rest->p == ' ') {
        rest->p++;
        rest->n--;
    }
}

/* The next word off the front of *rest, empty when there is none. */
static inline struct slice
words_next(struct slice *rest)
{
    struct slice word;
    const char *end;

    words_skip(rest);
    word = *rest;
    end = word.n > 0 ? memchr(word.p, ' ', word.n) : NULL;
    if (end == NULL) {
        rest->n = 0;
        return word;
    }
    word.n = (size_t)(end - word.p);
    rest->p = end;
    rest->n -= word.n;
    return word;
}

void words_split(struct slice rest, struct words *words);

/* True when the last word is noreply. */
bool words_end_noreply(const struct words *words);

/*
 * Numbers as memcached reads them: decimal, and one '+' may stand in front.
 */
bool words_u64(struct slice word, uint64_t max, uint64_t *out);
bool words_i64(struct slice word, int64_t *out);

/*
 * Read noreply, sync and async, each at most once and in any order, from word
 * `from` to the end.
 * False, with *req as it was, when there is anything else.
 */
bool words_options(const struct words *words, unsigned from,
                   struct request *req);

/*
 * As words_options(), the way memcached reads the end of a line: a plain
 * client may have one word there that means nothing.  False: too many words.
 */
bool words_tail(const struct words *words, unsigned from, struct request *req);

/* Fill *out and return PARSE_BAD; `refuse` is silent after noreply. */
static inline enum parse_status
words_complain(struct parse *out, const char *why)
{
    out->why = why;
    return PARSE_BAD;
}

static inline enum parse_status
words_refuse(struct parse *out, const struct request *req, const char *why)
{
    out->why = req->noreply ? NULL : why;
    return PARSE_BAD;
}

extern const char words_error[];
extern const char words_bad_format[];

#endif
