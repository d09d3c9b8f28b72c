#include "proto/emit.h"

/*
 * A moment in 1970 that flare does not take for a number of seconds from now:
 * how "has expired" is written.
 */
enum { RELATIVE_MAX = 2592000, LONG_AGO = RELATIVE_MAX + 1 };

/* Undo what a failed emit has added. */
static bool
settle(struct buf *out, size_t before, bool ok)
{
    if (!ok) {
        buf_truncate(out, before);
    }
    return ok;
}

static bool
put_hops(struct buf *out, struct slice hops, struct slice self)
{
    return buf_put_slice(out, hops) &&
           (hops.n == 0 || self.n == 0 || buf_put(out, ",", 1)) &&
           buf_put_slice(out, self) && buf_put(out, ">", 1);
}

static bool
put_prefix(struct buf *out, struct slice hops, struct slice self)
{
    return buf_put(out, "<", 1) && put_hops(out, hops, self);
}

static bool
put_key(struct buf *out, struct slice key)
{
    return buf_put(out, " ", 1) && buf_put_slice(out, key);
}

static bool
put_number(struct buf *out, uint64_t value)
{
    return buf_put(out, " ", 1) && buf_put_u64(out, value);
}

static bool
put_expire(struct buf *out, int64_t expire)
{
    if (expire != 0 && expire <= RELATIVE_MAX) {
        expire = LONG_AGO;
    }
    return put_number(out, (uint64_t)expire);
}

static bool
put_version(struct buf *out, bool has_version, uint64_t version)
{
    return !has_version || put_number(out, version);
}

/* What the request's text does not say, see request.h; and a comma. */
static bool
put_note(struct buf *out, const struct request *req, int64_t expire)
{
    if (!req->tell_version && !req->has_unique && !req->create) {
        return true;
    }
    if (expire != 0 && expire <= RELATIVE_MAX) {
        expire = LONG_AGO;
    }
    return buf_put(out, "?", 1) &&
           (!req->tell_version || buf_put(out, "v:", 2)) &&
           (!req->has_unique ||
            (buf_put(out, "u", 1) && buf_put_u64(out, req->unique) &&
             buf_put(out, ":", 1))) &&
           (!req->create ||
            (buf_put(out, "n", 1) && buf_put_u64(out, req->initial) &&
             buf_put(out, ":e", 2) && buf_put_u64(out, (uint64_t)expire))) &&
           buf_put(out, ",", 1);
}

static bool
put_options(struct buf *out, const struct request *req)
{
    return (!req->sync || buf_put_slice(out, SLICE(" sync"))) &&
           (!req->async || buf_put_slice(out, SLICE(" async")));
}

static bool
put_line_end(struct buf *out)
{
    return buf_put(out, "\r\n", 2);
}

static bool
put_joined_version(struct buf *out, const struct request *req)
{
    bool joins =
        req->command == COMMAND_APPEND || req->command == COMMAND_PREPEND;

    return put_version(out,
                       joins && req->has_unique && !req->has_version &&
                           req->unique < UINT64_MAX,
                       req->unique + 1);
}

static bool
put_store(struct buf *out, const struct request *req, int64_t expire)
{
    return put_number(out, req->flags) && put_expire(out, expire) &&
           put_number(out, req->value.n) &&
           put_version(out, req->has_version, req->version) &&
           put_joined_version(out, req) && put_options(out, req) &&
           put_line_end(out) && buf_put_slice(out, req->value) &&
           put_line_end(out);
}

static bool
put_write(struct buf *out, const struct request *req, int64_t expire)
{
    bool is_gat = req->command == COMMAND_GAT || req->command == COMMAND_GATS;
    const char *name = command_name(is_gat ? COMMAND_GAT : req->command);

    if (!command_writes(req->command) || !buf_put_str(out, name) ||
        !put_key(out, req->key)) {
        return false;
    }
    if (is_gat || req->command == COMMAND_TOUCH) {
        return put_expire(out, expire) && put_line_end(out);
    }
    if (req->command == COMMAND_INCR || req->command == COMMAND_DECR) {
        return put_number(out, req->number) &&
               put_version(out, req->has_unique, req->unique) &&
               put_options(out, req) && put_line_end(out);
    }
    if (req->command == COMMAND_DELETE) {
        return put_expire(out, expire) &&
               put_version(out, req->has_version, req->version) &&
               put_version(out, !req->has_version && req->has_unique,
                           req->unique) &&
               put_options(out, req) && put_line_end(out);
    }
    return put_store(out, req, expire);
}

bool
emit_forward(struct buf *out, const struct request *req, int64_t expire,
             struct slice self)
{
    size_t before = buf_len(out);

    return settle(out, before,
                  buf_put(out, "<", 1) && put_note(out, req, expire) &&
                      put_hops(out, req->hops, self) &&
                      put_write(out, req, expire));
}

static bool
put_flags(struct buf *out, struct slice flags)
{
    struct slice flag = request_flag(&flags);

    for (; flag.n > 0; flag = request_flag(&flags)) {
        if (*flag.p != 'q' && !put_key(out, flag)) {
            return false;
        }
    }
    return put_line_end(out);
}

bool
emit_meta(struct buf *out, const struct request *req, struct slice self)
{
    const bool is_set = req->command == COMMAND_MS;
    size_t before = buf_len(out);

    return settle(
        out, before,
        put_prefix(out, req->hops, self) &&
            buf_put_str(out, command_name(req->command)) &&
            put_key(out, req->key) &&
            (!is_set || put_number(out, req->value.n)) &&
            put_flags(out, req->meta.flags) &&
            (!is_set || (buf_put_slice(out, req->value) && put_line_end(out))));
}

bool
emit_mark(struct buf *out, struct slice self, struct slice key,
          uint64_t version, unsigned marks)
{
    size_t before = buf_len(out);

    return settle(out, before,
                  put_prefix(out, SLICE(""), self) &&
                      buf_put_str(out, command_name(COMMAND_MARK)) &&
                      put_key(out, key) && put_number(out, version) &&
                      put_number(out, marks) && put_line_end(out));
}

bool
emit_get_begin(struct buf *out, bool gets, struct slice hops, struct slice self)
{
    size_t before = buf_len(out);

    return settle(out, before,
                  (hops.n + self.n == 0 || put_prefix(out, hops, self)) &&
                      buf_put(out, "gets", gets ? 4 : 3));
}

bool
emit_get_key(struct buf *out, struct slice key)
{
    return settle(out, buf_len(out), put_key(out, key));
}

bool
emit_get_end(struct buf *out)
{
    return put_line_end(out);
}

bool
emit_set(struct buf *out, struct slice self, const struct emit_record *record)
{
    struct request req = {
        .command = COMMAND_SET,
        .key = record->key,
        .flags = record->flags,
        .has_version = true,
        .version = record->version,
        .value = record->value,
    };

    return emit_forward(out, &req, record->expire, self);
}

bool
emit_delete(struct buf *out, struct slice self, struct slice key,
            uint64_t version)
{
    struct request req = {
        .command = COMMAND_DELETE,
        .key = key,
        .has_version = true,
        .version = version,
    };

    return emit_forward(out, &req, 0, self);
}

bool
emit_touch(struct buf *out, struct slice self, struct slice key, int64_t expire)
{
    struct request req = {.command = COMMAND_TOUCH, .key = key};

    return emit_forward(out, &req, expire, self);
}

bool
emit_flush_all(struct buf *out, struct slice self)
{
    size_t before = buf_len(out);

    return settle(out, before,
                  put_prefix(out, SLICE(""), self) &&
                      buf_put_slice(out, SLICE("flush_all\r\n")));
}

bool
emit_dump(struct buf *out, uint64_t wait_us, int partition, int partition_size,
          uint64_t bwlimit)
{
    size_t before = buf_len(out);

    return settle(
        out, before,
        buf_put_slice(out, SLICE("dump")) && put_number(out, wait_us) &&
            buf_put(out, " ", 1) && buf_put_i64(out, partition) &&
            buf_put(out, " ", 1) && buf_put_i64(out, partition_size) &&
            put_version(out, bwlimit != 0, bwlimit) && put_line_end(out));
}
