/* memcached: lru_crawler metadump for the keys, get for what they hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flare-admin/import.h"

enum { GETS = 64 };

bool
import_key_fits(struct slice key)
{
    for (size_t i = 0; i < key.n; i++) {
        if ((unsigned char)key.p[i] <= ' ' || key.p[i] == 0x7f) {
            return false;
        }
    }
    return key.n > 0 && key.n <= 250;
}

void
import_skip(struct import *im, struct slice key, const char *why)
{
    if (im->skipped++ == 0) {
        (void)snprintf(im->first, sizeof(im->first), "%.100s: %s",
                       log_text(key).text, why);
    }
}

/* All keys with their expiry: "key\0" and 8 bytes, one after the other. */
struct found {
    struct buf keys;
    uint64_t n;
};

static int
hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %41 -> A */
static void
put_decoded(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '%' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 &&
            hex(s.p[i + 2]) >= 0) {
            c = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
            i += 2;
        }
        (void)buf_put(out, &c, 1);
    }
}

/* "key=a exp=-1 la=... cas=... fetch=no cls=1 size=64" */
static bool
take_key(struct found *found, struct slice line)
{
    struct slice key = {NULL, 0};
    int64_t expire = 0;

    while (line.n > 0) {
        struct slice value = slice_word(&line);
        struct slice name = slice_until(&value, '=');

        if (slice_eq(name, SLICE("key"))) {
            key = value;
        } else if (slice_eq(name, SLICE("exp"))) {
            (void)slice_i64(value, INT64_MIN / 2, INT64_MAX / 2, &expire);
        }
    }
    if (key.n == 0) {
        return false;
    }
    expire = expire < 0 ? 0 : expire; /* -1: never */
    put_decoded(&found->keys, key);
    (void)buf_put(&found->keys, "", 1);
    (void)buf_put(&found->keys, &expire, sizeof(expire));
    found->n++;
    return true;
}

static int
list_keys(struct import *im, struct found *found, struct err *err)
{
    struct slice line;
    int rc = wire_send(&im->wire, SLICE("lru_crawler metadump all\r\n"), err);

    while (rc == 0) {
        rc = wire_line(&im->wire, &line, err);
        if (rc != 0 || slice_eq(line, SLICE("END"))) {
            break;
        }
        if (!take_key(found, line)) {
            rc = err_set(err, ERR_CORRUPT,
                         "%s does not list its keys: \"%s\" (it has to be "
                         "memcached 1.4.31 or later)",
                         im->wire.name, log_text(line).text);
        }
    }
    return rc;
}

/* The place of a key in what was found; both lists have the same order. */
struct wanted {
    struct slice key[GETS];
    int64_t expire[GETS];
    size_t n, at;
};

static size_t
take_some(struct slice *rest, struct wanted *w)
{
    *w = (struct wanted){.n = 0};
    while (w->n < GETS && rest->n > 0) {
        size_t n = strnlen(rest->p, rest->n);

        w->key[w->n] = (struct slice){rest->p, n};
        memcpy(&w->expire[w->n], rest->p + n + 1, sizeof(int64_t));
        rest->p += n + 1 + sizeof(int64_t);
        rest->n -= n + 1 + sizeof(int64_t);
        w->n++;
    }
    return w->n;
}

/* VALUE key flags bytes, then the data and a line end. */
static int
take_value(struct import *im, struct wanted *w, struct slice line,
           struct err *err)
{
    struct archive_record record = {.flags = 0};
    struct slice key, data;
    uint64_t flags, bytes;
    int rc;

    (void)slice_word(&line);
    key = slice_word(&line);
    if (!slice_u64(slice_word(&line), UINT32_MAX, &flags) ||
        !slice_u64(slice_word(&line), 1 << 30, &bytes)) {
        return err_set(err, ERR_CORRUPT, "%s answers a get with something else",
                       im->wire.name);
    }
    while (w->at < w->n && !slice_eq(w->key[w->at], key)) {
        w->at++; /* gone meanwhile */
    }
    if (w->at == w->n) {
        return err_set(err, ERR_CORRUPT, "%s answers what was not asked",
                       im->wire.name);
    }
    rc = wire_bytes(&im->wire, bytes + 2, &data, err);
    if (rc != 0) {
        return rc;
    }
    record.key = w->key[w->at];
    record.data = (struct slice){data.p, bytes};
    record.flags = (uint32_t)flags;
    record.expire = w->expire[w->at];
    return im->each(im->arg, &record) ? 0 : 1;
}

static int
get_some(struct import *im, struct wanted *w, struct err *err)
{
    struct buf line = {0};
    struct slice answer;
    int rc;

    (void)buf_put_str(&line, "get");
    for (size_t i = 0; i < w->n; i++) {
        (void)(buf_put_str(&line, " ") && buf_put_slice(&line, w->key[i]));
    }
    (void)buf_put_str(&line, "\r\n");
    rc = wire_send(&im->wire, buf_slice(&line), err);
    while (rc == 0) {
        rc = wire_line(&im->wire, &answer, err);
        if (rc != 0 || slice_eq(answer, SLICE("END"))) {
            break;
        }
        rc = take_value(im, w, answer, err);
    }
    buf_fini(&line);
    return rc;
}

int
import_memcached(struct import *im, struct err *err)
{
    struct found found = {.n = 0};
    struct wanted wanted;
    struct slice rest;
    int rc = list_keys(im, &found, err);

    rest = buf_slice(&found.keys);
    while (rc == 0 && take_some(&rest, &wanted) > 0) {
        rc = get_some(im, &wanted, err);
    }
    buf_fini(&found.keys);
    return rc;
}
