#include "test/bench/wire.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_SIZE = 14 }; /* "key:" and ten digits */

bool
wire_init(struct wire *wire, enum wire_protocol protocol, size_t value_size,
          unsigned multi, bool verify)
{
    *wire = (struct wire){protocol, value_size, multi, verify,
                          malloc(value_size + WIRE_SHIFT)};
    if (wire->pattern == NULL) {
        return false;
    }
    for (size_t i = 0; i < value_size + WIRE_SHIFT; i++) {
        wire->pattern[i] = (char)('a' + i * i % 101 % 26);
    }
    return true;
}

void
wire_fini(struct wire *wire)
{
    free(wire->pattern);
}

static struct slice
value_of(const struct wire *wire, uint64_t key)
{
    return (struct slice){wire->pattern + key % WIRE_SHIFT, wire->value_size};
}

static void
write_key(char *to, uint64_t key)
{
    to[0] = 'k';
    to[1] = 'e';
    to[2] = 'y';
    to[3] = ':';
    for (int i = KEY_SIZE - 1; i >= 4; i--) {
        to[i] = (char)('0' + key % 10);
        key /= 10;
    }
}

static bool
put_key(struct buf *out, uint64_t key)
{
    if (!buf_reserve(out, KEY_SIZE)) {
        return false;
    }
    write_key(buf_tail(out), key);
    buf_advance(out, KEY_SIZE);
    return true;
}

static bool
put_memcached(const struct wire *wire, struct buf *out, enum wire_op op,
              uint64_t key, uint64_t keys)
{
    bool ok;

    if (op == WIRE_SET) {
        return buf_put(out, "set ", 4) && put_key(out, key) &&
               buf_put(out, " 0 0 ", 5) && buf_put_u64(out, wire->value_size) &&
               buf_put(out, "\r\n", 2) &&
               buf_put_slice(out, value_of(wire, key)) &&
               buf_put(out, "\r\n", 2);
    }
    ok = buf_put(out, "get", 3);
    for (unsigned i = 0; ok && i < wire->multi; i++) {
        ok = buf_put(out, " ", 1) && put_key(out, (key + i) % keys);
    }
    return ok && buf_put(out, "\r\n", 2);
}

static bool
put_bulk_key(struct buf *out, uint64_t key)
{
    return buf_put(out, "$14\r\n", 5) && put_key(out, key) &&
           buf_put(out, "\r\n", 2);
}

static bool
put_redis(const struct wire *wire, struct buf *out, enum wire_op op,
          uint64_t key, uint64_t keys)
{
    bool ok;

    if (op == WIRE_SET) {
        return buf_put_str(out, "*3\r\n$3\r\nSET\r\n") &&
               put_bulk_key(out, key) && buf_put(out, "$", 1) &&
               buf_put_u64(out, wire->value_size) && buf_put(out, "\r\n", 2) &&
               buf_put_slice(out, value_of(wire, key)) &&
               buf_put(out, "\r\n", 2);
    }
    if (wire->multi == 1) {
        return buf_put_str(out, "*2\r\n$3\r\nGET\r\n") &&
               put_bulk_key(out, key);
    }
    ok = buf_put(out, "*", 1) && buf_put_u64(out, wire->multi + 1) &&
         buf_put_str(out, "\r\n$4\r\nMGET\r\n");
    for (unsigned i = 0; ok && i < wire->multi; i++) {
        ok = put_bulk_key(out, (key + i) % keys);
    }
    return ok;
}

bool
wire_put(const struct wire *wire, struct buf *out, enum wire_op op,
         uint64_t key, uint64_t keys)
{
    return wire->protocol == WIRE_MEMCACHED
               ? put_memcached(wire, out, op, key, keys)
               : put_redis(wire, out, op, key, keys);
}

/* True when in has `text` at its front; *more: it may have, later. */
static bool
begins(struct slice in, struct slice text, bool *more)
{
    size_t n = in.n < text.n ? in.n : text.n;

    if (!slice_eq((struct slice){in.p, n}, (struct slice){text.p, n})) {
        return false;
    }
    *more = *more || n < text.n;
    return n == text.n;
}

/* A whole line that is none of what was hoped for. */
static enum wire_result
take_other(struct slice in, size_t done, size_t *used)
{
    const char *end = in.n > 0 ? memchr(in.p, '\n', in.n) : NULL;

    if (end == NULL) {
        return in.n > 4096 ? WIRE_LOST : WIRE_MORE;
    }
    *used = done + (size_t)(end - in.p) + 1;
    return memchr(in.p, 'E', (size_t)(end - in.p)) != NULL || *in.p == '-'
               ? WIRE_ERROR
               : WIRE_LOST;
}

static void
skip(struct slice *in, size_t n)
{
    in->p += n;
    in->n -= n;
}

/* The data of one value, its line end behind it, at the front of *in. */
static enum wire_result
take_data(const struct wire *wire, struct slice *in, uint64_t key)
{
    struct slice value = value_of(wire, key);

    if (in->n < value.n + 2) {
        return WIRE_MORE;
    }
    if (memcmp(in->p + value.n, "\r\n", 2) != 0) {
        return WIRE_LOST;
    }
    if (wire->verify && memcmp(in->p, value.p, value.n) != 0) {
        return WIRE_WRONG;
    }
    skip(in, value.n + 2);
    return WIRE_HIT;
}

/* The line that comes before the value of this key. */
static void
put_value_line(const struct wire *wire, struct buf *line, uint64_t key)
{
    if (wire->protocol == WIRE_MEMCACHED) {
        (void)(buf_put(line, "VALUE ", 6) && put_key(line, key) &&
               buf_put(line, " 0 ", 3));
    } else {
        (void)buf_put(line, "$", 1);
    }
    (void)(buf_put_u64(line, wire->value_size) && buf_put(line, "\r\n", 2));
}

static enum wire_result
take_values(const struct wire *wire, struct slice in, uint64_t key,
            uint64_t keys, size_t *used)
{
    const bool redis = wire->protocol == WIRE_REDIS;
    const char *start = in.p;
    bool missed = false, more = false;
    char text[64];

    for (unsigned i = 0; i < wire->multi; i++) {
        struct buf line = {text, 0, 0, sizeof(text)};

        put_value_line(wire, &line, (key + i) % keys);
        if (begins(in, buf_slice(&line), &more)) {
            enum wire_result result;

            skip(&in, buf_len(&line));
            result = take_data(wire, &in, (key + i) % keys);
            if (result != WIRE_HIT) {
                return result;
            }
        } else if (redis && begins(in, SLICE("$-1\r\n"), &more)) {
            skip(&in, 5);
            missed = true;
        } else if (more) {
            return WIRE_MORE;
        } else {
            missed = true;
        }
    }
    if (!redis && !begins(in, SLICE("END\r\n"), &more)) {
        return more ? WIRE_MORE : take_other(in, (size_t)(in.p - start), used);
    }
    *used = (size_t)(in.p - start) + (redis ? 0 : 5);
    return missed ? WIRE_MISS : WIRE_HIT;
}

/* "*N\r\n" in front of an MGET's answer. */
static enum wire_result
take_array(const struct wire *wire, struct slice in, uint64_t key,
           uint64_t keys, size_t *used)
{
    enum wire_result result;
    const char *end;
    size_t n;

    if (in.n == 0) {
        return WIRE_MORE;
    }
    if (*in.p == '-') {
        return take_other(in, 0, used);
    }
    if (wire->multi == 1) {
        return take_values(wire, in, key, keys, used);
    }
    end = memchr(in.p, '\n', in.n);
    if (end == NULL) {
        return WIRE_MORE;
    }
    n = (size_t)(end - in.p) + 1;
    skip(&in, n);
    result = take_values(wire, in, key, keys, used);
    *used += n;
    return result;
}

enum wire_result
wire_take(const struct wire *wire, struct slice in, enum wire_op op,
          uint64_t key, uint64_t keys, size_t *used)
{
    const bool redis = wire->protocol == WIRE_REDIS;
    struct slice stored = redis ? SLICE("+OK\r\n") : SLICE("STORED\r\n");
    bool more = false;

    *used = 0;
    if (op == WIRE_GET) {
        return redis ? take_array(wire, in, key, keys, used)
                     : take_values(wire, in, key, keys, used);
    }
    if (begins(in, stored, &more)) {
        *used = stored.n;
        return WIRE_HIT;
    }
    return more ? WIRE_MORE : take_other(in, 0, used);
}
