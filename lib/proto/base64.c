#include "proto/base64.h"

/* The six bits of a digit; 64: it is none. */
static unsigned
digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (unsigned)(c - 'A');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned)(c - 'a') + 26;
    }
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0') + 52;
    }
    if (c == '+') {
        return 62;
    }
    return c == '/' ? 63 : 64;
}

size_t
base64_decode(struct slice text, char *to)
{
    size_t n = 0, digits = text.n;
    unsigned bits = 0, have = 0;

    if (text.n == 0 || text.n % 4 != 0) {
        return 0;
    }
    for (int i = 0; i < 2 && text.p[digits - 1] == '='; i++) {
        digits--;
    }
    for (size_t i = 0; i < digits; i++) {
        unsigned d = digit(text.p[i]);

        if (d > 63) {
            return 0;
        }
        bits = (bits << 6 | d) & 0xffff;
        have += 6;
        if (have < 8) {
            continue;
        }
        have -= 8;
        if (to != NULL) {
            to[n] = (char)(bits >> have);
        }
        n++;
    }
    return n;
}
