#include "proto/reply.h"

#include <stdarg.h>
#include <string.h>

/* "VALUE ", four numbers, their spaces, two line ends. */
enum { VALUE_ROOM = 6 + 4 * (BUF_U64_MAX + 1) + 1 + 4 };

static char *
add(char *to, const char *p, size_t n)
{
    memcpy(to, p, n);
    return to + n;
}

static char *
add_number(char *to, uint64_t value)
{
    *to++ = ' ';
    return to + buf_format_u64(to, value);
}

static char *
add_value(char *to, struct slice key, uint32_t flags, size_t n)
{
    to = add(to, "VALUE ", 6);
    to = add(to, key.p, key.n);
    to = add_number(to, flags);
    return add_number(to, n);
}

/* The end of the line, and the data; `to` is in the room reserved in out. */
static void
finish(struct buf *out, char *to, struct slice data)
{
    to = add(to, "\r\n", 2);
    if (data.n > 0) {
        to = add(to, data.p, data.n);
    }
    to = add(to, "\r\n", 2);
    buf_advance(out, (size_t)(to - buf_tail(out)));
}

static bool
reserve(struct buf *out, struct slice key, struct slice data)
{
    return data.n < SIZE_MAX / 2 &&
           buf_reserve(out, key.n + data.n + VALUE_ROOM);
}

bool
reply_line(struct buf *out, const char *text)
{
    const struct slice line = slice_str(text);

    if (!buf_reserve(out, line.n + 2)) {
        return false;
    }
    memcpy(add(buf_tail(out), line.p, line.n), "\r\n", 2);
    buf_advance(out, line.n + 2);
    return true;
}

bool
reply_number(struct buf *out, uint64_t value)
{
    size_t n;

    if (!buf_reserve(out, BUF_U64_MAX + 2)) {
        return false;
    }
    n = buf_format_u64(buf_tail(out), value);
    memcpy(buf_tail(out) + n, "\r\n", 2);
    buf_advance(out, n + 2);
    return true;
}

bool
reply_told(struct buf *out, const char *text, uint64_t value, uint64_t version)
{
    size_t before = buf_len(out);
    bool ok =
        (text != NULL ? buf_put_str(out, text) : buf_put_u64(out, value)) &&
        buf_put(out, " ", 1) && reply_number(out, version);

    if (!ok) {
        buf_truncate(out, before);
    }
    return ok;
}

bool
reply_value(struct buf *out, struct slice key, uint32_t flags,
            struct slice data)
{
    if (!reserve(out, key, data)) {
        return false;
    }
    finish(out, add_value(buf_tail(out), key, flags, data.n), data);
    return true;
}

bool
reply_value_cas(struct buf *out, struct slice key, uint32_t flags,
                struct slice data, uint64_t version)
{
    char *to;

    if (!reserve(out, key, data)) {
        return false;
    }
    to = add_value(buf_tail(out), key, flags, data.n);
    finish(out, add_number(to, version), data);
    return true;
}

bool
reply_dump(struct buf *out, struct slice key, uint32_t flags, struct slice data,
           uint64_t version, int64_t expire)
{
    char *to;

    if (!reserve(out, key, data)) {
        return false;
    }
    to = add_value(buf_tail(out), key, flags, data.n);
    to = add_number(to, version);
    to = add_number(to, expire < 0 ? 0 : (uint64_t)expire);
    finish(out, to, data);
    return true;
}

bool
reply_stat(struct buf *out, const char *name, const char *fmt, ...)
{
    size_t before = buf_len(out);
    va_list ap;
    bool ok;

    va_start(ap, fmt);
    ok = buf_put(out, "STAT ", 5) && buf_put_str(out, name) &&
         buf_put(out, " ", 1) && buf_vprintf(out, fmt, ap) &&
         buf_put(out, "\r\n", 2);
    va_end(ap);
    if (!ok) {
        buf_truncate(out, before);
    }
    return ok;
}
