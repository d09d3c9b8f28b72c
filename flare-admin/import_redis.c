/* Redis: SCAN for the keys, then PTTL and GET; strings only. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "flare-admin/import.h"

/* "+OK", "-ERR ...", ":1", "$5" ...: the first byte and the rest. */
static int
head(struct import *im, char *kind, struct slice *rest, int64_t *number,
     struct err *err)
{
    int rc = wire_line(&im->wire, rest, err);

    *kind = '\0';
    if (rc == 0 && rest->n > 0) {
        *kind = rest->p[0];
        rest->p++;
        rest->n--;
    }
    if (!slice_i64(*rest, -2, INT64_MAX / 2, number)) {
        *number = -1;
    }
    return rc;
}

static int
no_redis(const struct import *im, struct slice said, struct err *err)
{
    return err_set(err, ERR_CORRUPT, "%s does not answer as Redis does: \"%s\"",
                   im->wire.name, log_text(said).text);
}

/* A bulk string; *out without memory and -1 for nil. */
static int
bulk(struct import *im, struct slice *out, bool *nil, struct err *err)
{
    struct slice rest;
    int64_t n;
    char kind;
    int rc = head(im, &kind, &rest, &n, err);

    *nil = rc == 0 && kind == '$' && n == -1;
    if (rc != 0 || *nil) {
        return rc;
    }
    if (kind != '$' || n < 0 || n > (1 << 30)) {
        return no_redis(im, rest, err);
    }
    rc = wire_bytes(&im->wire, (size_t)n + 2, out, err);
    out->n = (size_t)n;
    return rc;
}

static void
put_request(struct buf *out, const char *command, struct slice key)
{
    (void)buf_printf(out, "*2\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(command),
                     command, key.n);
    (void)(buf_put_slice(out, key) && buf_put_str(out, "\r\n"));
}

/* Keys of one SCAN, length first. */
static int
scan(struct import *im, char *cursor, size_t size, struct buf *keys,
     struct err *err)
{
    struct buf line = {0};
    struct slice s;
    int64_t n;
    char kind;
    bool nil;
    int rc;

    (void)buf_printf(&line,
                     "*4\r\n$4\r\nSCAN\r\n$%zu\r\n%s\r\n$5\r\nCOUNT\r\n"
                     "$3\r\n500\r\n",
                     strlen(cursor), cursor);
    rc = wire_send(&im->wire, buf_slice(&line), err);
    buf_fini(&line);
    rc = rc == 0 ? head(im, &kind, &s, &n, err) : rc;
    if (rc == 0 && (kind != '*' || n != 2)) {
        return no_redis(im, s, err);
    }
    rc = rc == 0 ? bulk(im, &s, &nil, err) : rc;
    if (rc == 0) {
        (void)snprintf(cursor, size, "%.*s", (int)s.n, s.p);
        rc = head(im, &kind, &s, &n, err);
    }
    for (; rc == 0 && n > 0; n--) {
        rc = bulk(im, &s, &nil, err);
        if (rc == 0) {
            (void)(buf_put(keys, &s.n, sizeof(s.n)) && buf_put_slice(keys, s));
        }
    }
    return rc;
}

/* The next of the keys; false: there is none. */
static bool
next_key(struct slice *rest, struct slice *key)
{
    if (rest->p == NULL || rest->n < sizeof(key->n)) {
        return false;
    }
    memcpy(&key->n, rest->p, sizeof(key->n));
    key->p = rest->p + sizeof(key->n);
    rest->p += sizeof(key->n) + key->n;
    rest->n -= sizeof(key->n) + key->n;
    return true;
}

/* PTTL's and GET's answers. */
static int
take_record(struct import *im, struct slice key, struct err *err)
{
    struct archive_record record = {.key = key};
    struct slice rest;
    int64_t ms, n;
    char kind;
    int rc = head(im, &kind, &rest, &ms, err);

    if (rc == 0 && kind != ':') {
        return no_redis(im, rest, err);
    }
    rc = rc == 0 ? head(im, &kind, &rest, &n, err) : rc;
    if (rc != 0) {
        return rc;
    }
    if (kind == '-' || (kind == '$' && n < 0)) {
        if (kind == '-') { /* WRONGTYPE; nil: gone meanwhile */
            import_skip(im, key, "it is no string");
        }
        return 0;
    }
    if (kind != '$' || n > (1 << 30)) {
        return no_redis(im, rest, err);
    }
    rc = wire_bytes(&im->wire, (size_t)n + 2, &record.data, err);
    if (rc != 0) {
        return rc;
    }
    record.data.n = (size_t)n;
    record.expire = ms >= 0 ? clock_wall().s + (ms + 999) / 1000 : 0;
    if (!import_key_fits(key)) {
        import_skip(im, key, "flare takes no such key");
        return 0;
    }
    return im->each(im->arg, &record) ? 0 : 1;
}

static int
take_keys(struct import *im, struct slice keys, struct err *err)
{
    struct buf request = {0};
    struct slice rest = keys;
    struct slice key;
    int rc;

    while (next_key(&rest, &key)) {
        put_request(&request, "PTTL", key);
        put_request(&request, "GET", key);
    }
    rc = wire_send(&im->wire, buf_slice(&request), err);
    buf_fini(&request);
    while (rc == 0 && next_key(&keys, &key)) {
        rc = take_record(im, key, err);
    }
    return rc;
}

int
import_redis(struct import *im, struct err *err)
{
    char cursor[32] = "0";
    struct buf keys = {0};
    int rc;

    do {
        buf_clear(&keys);
        rc = scan(im, cursor, sizeof(cursor), &keys, err);
        if (rc == 0) {
            rc = take_keys(im, buf_slice(&keys), err);
        }
    } while (rc == 0 && strcmp(cursor, "0") != 0);
    buf_fini(&keys);
    return rc;
}
