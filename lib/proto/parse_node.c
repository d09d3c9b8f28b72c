#include <string.h>

#include "proto/parse_store.h"
#include "proto/words.h"

/* Of one node sync: 1,000 nodes are ordinary, this many are not. */
enum { NODE_LINES_MAX = 4096, NODE_LINE_LIMIT = 2048 };

/* The next line of in, from *at on; false: not there yet. */
static bool
take_line(struct slice in, size_t *at, struct slice *line)
{
    const char *p = in.p + *at;
    const char *end = *at < in.n ? memchr(p, '\n', in.n - *at) : NULL;

    if (end == NULL) {
        return false;
    }
    *line = (struct slice){p, (size_t)(end - p)};
    *at += line->n + 1;
    return true;
}

static enum parse_status
take_lines(struct slice in, const struct proto_limits *limits,
           struct request *req, struct parse *out)
{
    const size_t limit =
        limits->line_max < NODE_LINE_LIMIT ? limits->line_max : NODE_LINE_LIMIT;
    const size_t first = out->consumed;
    size_t start = first, at = first;
    struct slice line;

    for (unsigned n = 0; n < NODE_LINES_MAX; n++) {
        const bool whole = take_line(in, &at, &line);

        if (!whole && in.n - start < limit) {
            out->consumed = 0;
            return PARSE_MORE;
        }
        if (!whole || at - start > limit) {
            break;
        }
        struct slice word = words_next(&line);
        if (word.n > 0 && word.p[word.n - 1] == '\r') {
            word.n--;
        }
        out->consumed = at;
        if (slice_eq(word, SLICE("END"))) {
            req->value = (struct slice){in.p + first, start - first};
            return PARSE_OK;
        }
        if (!slice_eq(word, SLICE("NODE"))) {
            return words_complain(out, "CLIENT_ERROR format error");
        }
        start = at;
    }
    out->consumed = in.n;
    return PARSE_CLOSE;
}

enum parse_status
parse_node(struct slice in, struct slice rest,
           const struct proto_limits *limits, struct request *req,
           struct parse *out)
{
    struct words words;

    words_split(rest, &words);
    if (words.n == 0 || words.n > 2 || !slice_eq(words.w[0], SLICE("sync")) ||
        (words.n == 2 && !slice_u64(words.w[1], UINT64_MAX, &req->version))) {
        return words_complain(out, words_error);
    }
    req->has_version = words.n == 2;
    return take_lines(in, limits, req, out);
}
