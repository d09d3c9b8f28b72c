#include "proto/words.h"

const char words_error[] = "ERROR";
const char words_bad_format[] = "CLIENT_ERROR bad command line format";

void
words_split(struct slice rest, struct words *words)
{
    words->n = 0;
    for (;;) {
        struct slice word = words_next(&rest);

        if (word.n == 0) {
            return;
        }
        if (words->n >= WORDS_MAX) {
            words->n = WORDS_MAX + 1;
            return;
        }
        words->w[words->n++] = word;
    }
}

bool
words_end_noreply(const struct words *words)
{
    return words->n > 0 && words->n <= WORDS_MAX &&
           slice_eq(words->w[words->n - 1], SLICE("noreply"));
}

static struct slice
drop_plus(struct slice word)
{
    if (word.n > 1 && *word.p == '+' && word.p[1] != '-') {
        word.p++;
        word.n--;
    }
    return word;
}

bool
words_u64(struct slice word, uint64_t max, uint64_t *out)
{
    return slice_u64(drop_plus(word), max, out);
}

bool
words_i64(struct slice word, int64_t *out)
{
    return slice_i64(drop_plus(word), INT64_MIN, INT64_MAX, out);
}

/* Set *flag when the word says so, which it may do once. */
static bool
take_option(struct slice word, struct slice name, bool *flag)
{
    bool first = !*flag && slice_eq(word, name);

    *flag = *flag || first;
    return first;
}

bool
words_options(const struct words *words, unsigned from, struct request *req)
{
    bool noreply = false, sync = false, async = false;

    if (words->n > WORDS_MAX) {
        return false;
    }
    for (unsigned i = from; i < words->n; i++) {
        if (!take_option(words->w[i], SLICE("noreply"), &noreply) &&
            !take_option(words->w[i], SLICE("sync"), &sync) &&
            !take_option(words->w[i], SLICE("async"), &async)) {
            return false;
        }
    }
    req->noreply = noreply;
    req->sync = sync;
    req->async = async;
    return true;
}

bool
words_tail(const struct words *words, unsigned from, struct request *req)
{
    if (words->n <= from) {
        req->noreply = words_end_noreply(words);
        return true;
    }
    return words_options(words, from, req) ||
           (!req->from_peer && words->n == from + 1);
}
