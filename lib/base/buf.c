#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUF_MIN = 256 };

bool
buf_grow(struct buf *b, size_t n)
{
    size_t used = b->end - b->start;
    size_t want = b->cap > BUF_MIN ? b->cap : BUF_MIN;
    char *base;

    if (n > SIZE_MAX / 4 - used) {
        return false;
    }
    if (b->start > 0 && b->start >= used && b->cap - used >= n) {
        memmove(b->base, b->base + b->start, used);
        b->start = 0;
        b->end = used;
        return true;
    }
    while (want < used + n) {
        want *= 2;
    }
    base = malloc(want);
    if (base == NULL) {
        return false;
    }
    if (used > 0) {
        memcpy(base, b->base + b->start, used);
    }
    free(b->base);
    *b = (struct buf){base, 0, used, want};
    return true;
}

bool
buf_put_str(struct buf *b, const char *text)
{
    return buf_put(b, text, strlen(text));
}

size_t
buf_format_u64(char *to, uint64_t value)
{
    static const char pairs[] = "00010203040506070809"
                                "10111213141516171819"
                                "20212223242526272829"
                                "30313233343536373839"
                                "40414243444546474849"
                                "50515253545556575859"
                                "60616263646566676869"
                                "70717273747576777879"
                                "80818283848586878889"
                                "90919293949596979899";
    char digits[BUF_U64_MAX];
    size_t at = sizeof(digits);

    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * value, 2);
    } else {
        digits[--at] = (char)('0' + value);
    }
    memcpy(to, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

bool
buf_put_u64(struct buf *b, uint64_t value)
{
    if (!buf_reserve(b, BUF_U64_MAX)) {
        return false;
    }
    b->end += buf_format_u64(buf_tail(b), value);
    return true;
}

bool
buf_put_i64(struct buf *b, int64_t value)
{
    if (value >= 0) {
        return buf_put_u64(b, (uint64_t)value);
    }
    if (!buf_reserve(b, BUF_U64_MAX + 1)) {
        return false;
    }
    *buf_tail(b) = '-';
    b->end++;
    return buf_put_u64(b, 0 - (uint64_t)value);
}

bool
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int need;

    va_copy(again, ap);
    need = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (need < 0 || !buf_reserve(b, (size_t)need + 1)) {
        return false;
    }
    (void)vsnprintf(buf_tail(b), (size_t)need + 1, fmt, ap);
    b->end += (size_t)need;
    return true;
}

bool
buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    bool ok;

    va_start(ap, fmt);
    ok = buf_vprintf(b, fmt, ap);
    va_end(ap);
    return ok;
}

void
buf_fini(struct buf *b)
{
    free(b->base);
    *b = (struct buf){NULL, 0, 0, 0};
}

void
buf_trim(struct buf *b, size_t keep)
{
    if (b->start == b->end && b->cap > keep) {
        buf_fini(b);
    }
}
