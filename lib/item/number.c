#include "item/number.h"

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
number_read(struct slice data, uint64_t *out)
{
    const char *p = data.p;
    const char *end = data.p + data.n;
    uint64_t value = 0;
    bool negative;

    while (p < end && is_space(*p)) {
        p++;
    }
    negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    if (p == end || !is_digit(*p)) {
        return false;
    }
    for (; p < end && is_digit(*p); p++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value)) {
            return false;
        }
    }
    if (p < end && !is_space(*p) && *p != '\0') {
        return false;
    }
    if (negative) {
        value = 0 - value;
    }
    *out = value;
    return !negative || value <= INT64_MAX;
}
