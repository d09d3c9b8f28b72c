#include <stddef.h>
#include <string.h>

#include "proto/parse_args.h"
#include "proto/parse_meta.h"
#include "proto/parse_repl.h"
#include "proto/parse_store.h"
#include "proto/request.h"
#include "proto/words.h"

/*
 * Lines as memcached bounds them: one that is not finished and begins with no
 * command, and one that is no list of keys.
 */
enum { UNKNOWN_MAX = 2048, LINE_LIMIT = 16384 };

enum { LETTER_MAX = 9 }; /* commands of a letter, and a zero */

struct command_row {
    struct slice name;
    enum shape shape;
    bool writes;
};

#define X(name, id, shape, writes)                                             \
    [COMMAND_##id] = {SLICE(name), SHAPE_##shape, writes},
static const struct command_row commands[COMMAND_COUNT] = {COMMAND_TABLE(X)};
#undef X

/*
 * Commands by first letter, the frequent ones first.  A list ends at a zero,
 * which is COMMAND_GET: get itself is looked at before the list.
 */
static const unsigned char by_letter['z' - 'a' + 1][LETTER_MAX] = {
    ['a' - 'a'] = {COMMAND_ADD, COMMAND_APPEND},
    ['c' - 'a'] = {COMMAND_CAS},
    ['d' - 'a'] = {COMMAND_DELETE, COMMAND_DECR, COMMAND_DUMP, COMMAND_DUMP_KEY,
                   COMMAND_DIGEST},
    ['f' - 'a'] = {COMMAND_FLUSH_ALL},
    ['g' - 'a'] = {COMMAND_GETS, COMMAND_GAT, COMMAND_GATS},
    ['i' - 'a'] = {COMMAND_INCR},
    ['k' - 'a'] = {COMMAND_KEYS, COMMAND_KILL},
    ['m' - 'a'] = {COMMAND_MG, COMMAND_MS, COMMAND_MD, COMMAND_MA, COMMAND_MN,
                   COMMAND_ME, COMMAND_META, COMMAND_MARK},
    ['n' - 'a'] = {COMMAND_NODE},
    ['p' - 'a'] = {COMMAND_PING, COMMAND_PREPEND},
    ['q' - 'a'] = {COMMAND_QUIT},
    ['r' - 'a'] = {COMMAND_REPLACE, COMMAND_REPL},
    ['s' - 'a'] = {COMMAND_SET, COMMAND_STATS, COMMAND_SHOW, COMMAND_SHUTDOWN},
    ['t' - 'a'] = {COMMAND_TOUCH},
    ['v' - 'a'] = {COMMAND_VERSION, COMMAND_VERBOSITY},
};

const char *
command_name(enum command command)
{
    return commands[command].name.p;
}

bool
command_writes(enum command command)
{
    return commands[command].writes;
}

static bool
find_command(struct slice name, enum command *command)
{
    const unsigned char *list;

    if (name.n == 3 && memcmp(name.p, "get", 3) == 0) {
        *command = COMMAND_GET;
        return true;
    }
    if (name.n == 0 || *name.p < 'a' || *name.p > 'z') {
        return false;
    }
    list = by_letter[*name.p - 'a'];
    for (unsigned i = 0; i < LETTER_MAX && list[i] != COMMAND_GET; i++) {
        if (slice_eq(name, commands[list[i]].name)) {
            *command = (enum command)list[i];
            return true;
        }
    }
    return false;
}

/* Take "<hops>" off the front of the line; false: it has no end in sight. */
static bool
take_hops(struct slice *line, struct request *req)
{
    const char *end;

    if (line->n == 0 || *line->p != '<') {
        return true;
    }
    end = memchr(line->p, '>', line->n < UNKNOWN_MAX ? line->n : UNKNOWN_MAX);
    if (end == NULL) {
        return false;
    }
    req->from_peer = true;
    req->hops = (struct slice){line->p + 1, (size_t)(end - line->p) - 1};
    hops_take_note(&req->hops, req);
    line->n -= (size_t)(end - line->p) + 1;
    line->p = end + 1;
    return true;
}

/* The command that an unfinished line begins with; false: none. */
static bool
peek_command(struct slice line, enum command *command)
{
    struct request req = {.from_peer = false};
    struct slice name;

    if (!take_hops(&line, &req)) {
        return false;
    }
    name = words_next(&line);
    return line.n > 0 && find_command(name, command);
}

static bool
lists_keys(enum command command)
{
    enum shape shape = commands[command].shape;

    return shape == SHAPE_KEYS || shape == SHAPE_GAT || shape == SHAPE_PREFIX;
}

/* No end within `limit` bytes: wait for it, or give up. */
static enum parse_status
look_further(struct slice in, size_t limit, size_t line_max, const char **end,
             struct parse *out)
{
    const struct slice head = {in.p, in.n < limit ? in.n : limit};
    const bool is_long = in.n > UNKNOWN_MAX || in.n >= limit;
    enum command command = COMMAND_COUNT;
    const bool known = !is_long || peek_command(head, &command);

    *end = NULL;
    if (in.n < limit && known) {
        return PARSE_MORE;
    }
    if (known && lists_keys(command)) {
        *end = memchr(in.p, '\n', in.n < line_max ? in.n : line_max);
        if (*end != NULL) {
            return PARSE_OK;
        }
        if (in.n < line_max) {
            return PARSE_MORE;
        }
        out->why = "CLIENT_ERROR line too long";
    }
    out->consumed = in.n;
    return PARSE_CLOSE;
}

enum parse_status
parse_line(struct slice in, const struct proto_limits *limits,
           struct slice *line, struct parse *out)
{
    const size_t limit =
        limits->line_max < LINE_LIMIT ? limits->line_max : LINE_LIMIT;
    size_t window = in.n < limit ? in.n : limit;
    const char *end = window > 0 ? memchr(in.p, '\n', window) : NULL;

    *out = (struct parse){0, 0, 0, NULL};
    if (in.n > 0 && (unsigned char)*in.p == 0x80) {
        out->consumed = in.n; /* the binary protocol is not spoken here */
        return PARSE_CLOSE;
    }
    if (end == NULL) {
        enum parse_status status =
            look_further(in, limit, limits->line_max, &end, out);
        if (end == NULL) {
            return status;
        }
    }
    *line = (struct slice){in.p, (size_t)(end - in.p)};
    out->consumed = line->n + 1;
    if (line->n > 0 && line->p[line->n - 1] == '\r') {
        line->n--;
    }
    /* To memcached and flare a NUL ends the text: no key has one. */
    end = line->n > 0 ? memchr(line->p, '\0', line->n) : NULL;
    if (end != NULL) {
        line->n = (size_t)(end - line->p);
    }
    return PARSE_OK;
}

/*
 * Somebody's browser, or worse, somebody who makes one talk to us: METHOD
 * PATH HTTP/..., or METHOD /PATH.
 */
static bool
is_http(struct slice method, struct slice rest)
{
    static const struct slice methods[] = {
        SLICE("GET"),    SLICE("POST"),    SLICE("PUT"),   SLICE("HEAD"),
        SLICE("DELETE"), SLICE("OPTIONS"), SLICE("PATCH"),
    };
    struct slice path = words_next(&rest);
    struct slice http = words_next(&rest);

    if (http.n >= 5 && memcmp(http.p, "HTTP/", 5) == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (slice_eq(method, methods[i])) {
            return path.n > 0 && *path.p == '/';
        }
    }
    return false;
}

static enum parse_status
parse_command(struct slice in, struct slice line,
              const struct proto_limits *limits, struct request *req,
              struct parse *out)
{
    struct slice name = words_next(&line);
    enum shape shape;

    if (!find_command(name, &req->command)) {
        if (is_http(name, line)) {
            return PARSE_CLOSE;
        }
        return words_complain(out, words_error);
    }
    shape = commands[req->command].shape;
    if (shape == SHAPE_STORE || shape == SHAPE_CAS) {
        return parse_store(in, line, limits, req, out);
    }
    if (shape == SHAPE_NODE) {
        return parse_node(in, line, limits, req, out);
    }
    if (shape == SHAPE_META || shape == SHAPE_MSET) {
        return parse_meta(in, line, limits, req, out);
    }
    if (shape == SHAPE_REPL) {
        return parse_repl(in, line, limits, req, out);
    }
    return parse_args(shape, line, limits, req, out);
}

/* See emit_forward(): we go by the note. */
static void
drop_plain_form(struct request *req)
{
    if (req->command == COMMAND_DELETE || req->command == COMMAND_APPEND ||
        req->command == COMMAND_PREPEND) {
        req->has_version = false;
        req->version = 0;
    }
}

enum parse_status
parse_request(struct slice in, const struct proto_limits *limits,
              struct request *req, struct parse *out)
{
    struct slice line;
    enum parse_status status = parse_line(in, limits, &line, out);

    if (status != PARSE_OK) {
        return status;
    }
    memset(req, 0, offsetof(struct request, meta));
    if (!take_hops(&line, req)) {
        return words_complain(out, words_error);
    }
    status = parse_command(in, line, limits, req, out);
    if (req->has_unique) {
        drop_plain_form(req);
    }
    return status;
}

struct slice
request_key(struct slice *keys)
{
    return words_next(keys);
}

struct slice
request_flag(struct slice *flags)
{
    return words_next(flags);
}
