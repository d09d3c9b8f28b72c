#include "base/slice.h"

#include <string.h>

struct slice
slice_str(const char *text)
{
    return (struct slice){text, strlen(text)};
}

bool
slice_eq(struct slice a, struct slice b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

int
slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

struct slice
slice_word(struct slice *rest)
{
    while (rest->n > 0 && *rest->p == ' ') {
        rest->p++;
        rest->n--;
    }
    struct slice word = {rest->p, 0};
    while (word.n < rest->n && word.p[word.n] != ' ') {
        word.n++;
    }
    rest->p += word.n;
    rest->n -= word.n;
    return word;
}

struct slice
slice_until(struct slice *rest, char separator)
{
    const char *at = rest->n > 0 ? memchr(rest->p, separator, rest->n) : NULL;
    struct slice head = *rest;

    if (at == NULL) {
        *rest = (struct slice){rest->p + rest->n, 0};
        return head;
    }
    head.n = (size_t)(at - rest->p);
    rest->p = at + 1;
    rest->n -= head.n + 1;
    return head;
}

bool
slice_u64(struct slice s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.n == 0) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
        if (digit > 9 || digit > max || value > (max - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool
slice_i64(struct slice s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = s.n > 0 && *s.p == '-';
    uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t size;
    int64_t value;

    if (negative) {
        s.p++;
        s.n--;
    }
    if (!slice_u64(s, limit, &size)) {
        return false;
    }
    value = negative ? (int64_t)(0 - size) : (int64_t)size;
    if (value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}
