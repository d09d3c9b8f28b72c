/*
 * meta_reply: what the meta commands answer (memcached's protocol.txt).
 */
#ifndef FLARE_FLARED_META_REPLY_H
#define FLARE_FLARED_META_REPLY_H

#include "base/buf.h"
#include "base/clock.h"
#include "flared/access.h"
#include "item/item.h"
#include "proto/reply_parse.h"
#include "proto/request.h"

/* What there is to tell of a request that was carried out. */
struct meta_result {
    enum reply_code code; /* HD, NS, EX, NF, EN; HD becomes VA where v asks */
    struct item item;     /* as it is now; with HD */
    int64_t was_expire;   /* before a T of this request */
    bool has_number;      /* ma: the value is number */
    uint64_t number;
    bool created;          /* by N */
    bool stale, sent, won; /* mg: X, Z and W */
    struct access_seen seen;
};

/* Append the answer; nothing if q hides it.  False: memory is out. */
bool meta_reply(struct buf *out, const struct request *req,
                const struct meta_result *result, struct wall now);

/* "ME key ...", size being the record's. */
bool meta_reply_debug(struct buf *out, const struct request *req,
                      const struct meta_result *result, size_t size,
                      struct wall now);

/* True when the flag q of this request suppresses such an answer. */
bool meta_is_hidden(const struct request *req, enum reply_code code);

/* The key proper, decoded into room[PROTO_KEY_MAX] where b says so. */
struct slice meta_key(const struct request *req, char *room);

static inline bool
meta_has(const struct request *req, char letter)
{
    return (req->meta.has & META_FLAG(letter)) != 0;
}

#endif
