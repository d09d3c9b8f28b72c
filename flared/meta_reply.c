#include "flared/meta_reply.h"

#include "proto/base64.h"

struct slice
meta_key(const struct request *req, char *room)
{
    if (!meta_has(req, 'b')) {
        return req->key;
    }
    return (struct slice){room, base64_decode(req->key, room)};
}

bool
meta_is_hidden(const struct request *req, enum reply_code code)
{
    if (!meta_has(req, 'q')) {
        return false;
    }
    if (req->command == COMMAND_MG) {
        return code == REPLY_CODE_EN;
    }
    return code == REPLY_CODE_HD || code == REPLY_CODE_VA;
}

static bool
put_u64(struct buf *out, const char *name, uint64_t value)
{
    return buf_put_str(out, name) && buf_put_u64(out, value);
}

static bool
put_i64(struct buf *out, const char *name, int64_t value)
{
    return buf_put_str(out, name) && buf_put_i64(out, value);
}

static bool
put_text(struct buf *out, struct slice text)
{
    return buf_put(out, " ", 1) && buf_put_slice(out, text);
}

static bool
put_key(struct buf *out, const struct request *req)
{
    return buf_put(out, " k", 2) && buf_put_slice(out, req->key) &&
           (!meta_has(req, 'b') || buf_put(out, " b", 2));
}

static bool
put_ttl(struct buf *out, int64_t expire, struct wall now)
{
    return put_i64(out, " t", expire == 0 ? -1 : expire - now.s);
}

/* The flags of an item that mg shows. */
static bool
put_item_flag(struct buf *out, char letter, const struct meta_result *r)
{
    switch (letter) {
    case 'f':
        return put_u64(out, " f", r->item.flags);
    case 'h':
        return put_u64(out, " h", r->seen.fetched);
    case 'l':
        return put_i64(out, " l", r->seen.idle);
    case 's':
        return put_u64(out, " s", r->item.value.n);
    default:
        return true;
    }
}

/* One flag of the request, if there is something to say to it. */
static bool
put_flag(struct buf *out, const struct request *req, struct slice flag,
         const struct meta_result *r, int64_t expire, struct wall now)
{
    const bool done = r->code == REPLY_CODE_HD;

    switch (*flag.p) {
    case 'O':
        return put_text(out, flag);
    case 'k':
        return put_key(out, req);
    case 'c':
        if (req->command == COMMAND_MD ||
            (!done && req->command != COMMAND_MS)) {
            return true;
        }
        return put_u64(out, " c", done ? r->item.version : 0);
    case 't':
        return !done || req->command == COMMAND_MS ||
               req->command == COMMAND_MD || put_ttl(out, expire, now);
    case 's':
        return !done ||
               (req->command != COMMAND_MG && req->command != COMMAND_MS) ||
               put_item_flag(out, 's', r);
    default:
        return !done || req->command != COMMAND_MG ||
               put_item_flag(out, *flag.p, r);
    }
}

/* All of them in order; a t shows what the T and N before it have made. */
static bool
put_flags(struct buf *out, const struct request *req,
          const struct meta_result *r, struct wall now)
{
    struct slice flags = req->meta.flags;
    struct slice flag = request_flag(&flags);
    int64_t expire = r->was_expire;

    for (; flag.n > 0; flag = request_flag(&flags)) {
        if (*flag.p == 'T') {
            expire = item_expire_at(req->meta.ttl, now);
        } else if (*flag.p == 'N' && r->created) {
            expire = item_expire_at(req->meta.vivify, now);
        }
        if (!put_flag(out, req, flag, r, expire, now)) {
            return false;
        }
    }
    return true;
}

static const char *
code_text(enum reply_code code)
{
    static const char *const texts[REPLY_CODE_COUNT] = {
        [REPLY_CODE_HD] = "HD", [REPLY_CODE_NS] = "NS", [REPLY_CODE_EX] = "EX",
        [REPLY_CODE_NF] = "NF", [REPLY_CODE_EN] = "EN",
    };

    return texts[code];
}

/* v, and what it shows. */
static bool
find_value(const struct request *req, const struct meta_result *r, char *digits,
           struct slice *value)
{
    if (!meta_has(req, 'v') || r->code != REPLY_CODE_HD) {
        return false;
    }
    if (req->command == COMMAND_MA) {
        *value = (struct slice){digits, buf_format_u64(digits, r->number)};
        return true;
    }
    *value = r->item.value;
    return req->command == COMMAND_MG &&
           (!meta_has(req, 'C') || req->meta.compare != r->item.version);
}

bool
meta_reply(struct buf *out, const struct request *req,
           const struct meta_result *r, struct wall now)
{
    const size_t before = buf_len(out);
    char digits[BUF_U64_MAX];
    struct slice value = {NULL, 0};
    bool has_value = find_value(req, r, digits, &value);
    bool ok;

    if (meta_is_hidden(req, has_value ? REPLY_CODE_VA : r->code)) {
        return true;
    }
    ok = has_value ? put_u64(out, "VA ", value.n)
                   : buf_put_str(out, code_text(r->code));
    ok = ok && put_flags(out, req, r, now) &&
         (!r->sent || buf_put(out, " Z", 2)) &&
         (!r->stale || buf_put(out, " X", 2)) &&
         (!r->won || buf_put(out, " W", 2)) && buf_put(out, "\r\n", 2);
    if (has_value) {
        ok = ok && buf_put_slice(out, value) && buf_put(out, "\r\n", 2);
    }
    if (!ok) {
        buf_truncate(out, before);
    }
    return ok;
}

bool
meta_reply_debug(struct buf *out, const struct request *req,
                 const struct meta_result *r, size_t size, struct wall now)
{
    const int64_t expire = r->item.expire;
    const size_t before = buf_len(out);
    bool ok = buf_put_str(out, "ME ") && buf_put_slice(out, req->key) &&
              put_i64(out, " exp=", expire == 0 ? -1 : now.s - expire) &&
              put_i64(out, " la=", r->seen.idle) &&
              put_u64(out, " cas=", r->item.version) &&
              buf_put_str(out, " fetch=") &&
              buf_put_str(out, r->seen.fetched ? "yes" : "no") &&
              put_u64(out, " cls=1 size=", size) && buf_put(out, "\r\n", 2);

    if (!ok) {
        buf_truncate(out, before);
    }
    return ok;
}
