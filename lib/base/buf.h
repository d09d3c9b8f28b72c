/*
 * buf: owned bytes that grow at the end and shrink at the front.
 *
 * Zeroed storage is an empty buf.  Everything that may need memory says so by
 * returning false, with the contents unchanged: how much is asked for is often
 * a client's choice.  A slice of a buf is good until the next call that adds
 * to it, consumes from it or frees it.
 */
#ifndef FLARE_BASE_BUF_H
#define FLARE_BASE_BUF_H

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

struct buf {
    char *base;
    size_t start; /* first byte in use */
    size_t end;   /* one past the last byte in use */
    size_t cap;   /* bytes at base */
};

enum { BUF_U64_MAX = 20 }; /* digits of the largest uint64_t */

static inline size_t
buf_len(const struct buf *b)
{
    return b->end - b->start;
}

static inline struct slice
buf_slice(const struct buf *b)
{
    /* Without memory start and end are 0; adding even that is undefined. */
    return (struct slice){b->base != NULL ? b->base + b->start : NULL,
                          b->end - b->start};
}

/* Where the next byte goes; see buf_reserve() and buf_advance(). */
static inline char *
buf_tail(struct buf *b)
{
    return b->base + b->end;
}

/* Make room for n more bytes, moving or enlarging the memory as needed. */
bool buf_grow(struct buf *b, size_t n);

static inline bool
buf_reserve(struct buf *b, size_t n)
{
    return b->cap - b->end >= n || buf_grow(b, n);
}

/* n bytes were written at buf_tail(); they must have been reserved. */
static inline void
buf_advance(struct buf *b, size_t n)
{
    b->end += n;
}

static inline bool
buf_put(struct buf *b, const void *p, size_t n)
{
    if (!buf_reserve(b, n)) {
        return false;
    }
    if (n > 0) {
        assert(p != NULL);
        memcpy(buf_tail(b), p, n);
        b->end += n;
    }
    return true;
}

static inline bool
buf_put_slice(struct buf *b, struct slice s)
{
    return buf_put(b, s.p, s.n);
}

/* Text without its NUL. */
bool buf_put_str(struct buf *b, const char *text);

/* Decimal. */
bool buf_put_u64(struct buf *b, uint64_t value);
bool buf_put_i64(struct buf *b, int64_t value);

/* Write value as decimal at `to` (BUF_U64_MAX bytes); returns the length. */
size_t buf_format_u64(char *to, uint64_t value);

bool buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Drop n bytes, at most buf_len(), from the front. */
static inline void
buf_consume(struct buf *b, size_t n)
{
    b->start += n;
    if (b->start >= b->end) {
        b->start = b->end = 0;
    }
}

/* Empty, memory kept. */
static inline void
buf_clear(struct buf *b)
{
    b->start = b->end = 0;
}

/* Cut back to n bytes; n must not exceed buf_len(). */
static inline void
buf_truncate(struct buf *b, size_t n)
{
    b->end = b->start + n;
}

/* Release the memory; empty and usable afterwards. */
void buf_fini(struct buf *b);

/* Release the memory if the buffer is empty and holds more than keep bytes. */
void buf_trim(struct buf *b, size_t keep);

#endif
