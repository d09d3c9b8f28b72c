/* A slave gives up what its master never had. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "flared/intake_impl.h"
#include "proto/reply.h"
#include "repl/stream.h"
#include "storage/ulog_format.h"

enum { WANT_BYTES = 1 << 18 }; /* of keys that are asked for at a time */

static bool
refuse_rewind(struct intake *in, struct buf *out, const char *why)
{
    log_warn("stream from %s: cannot give up single entries: %s", in->master,
             why);
    intake_end_tail(in);
    in->phase = GREETED;
    return reply_line(out, "SERVER_ERROR needs a full copy");
}

enum tail_end { TAIL_MORE, TAIL_END, TAIL_BAD };

/* Keys of the entries that are given up, each once, into *keys. */
static enum tail_end
read_keys(struct intake *in, struct buf *keys, unsigned *n)
{
    struct strmap seen = {0};
    struct ulog_entry entry;
    enum tail_end end = TAIL_MORE;

    *n = 0;
    while (end == TAIL_MORE && buf_len(keys) < WANT_BYTES) {
        switch (ulog_reader_next(in->tail, &entry)) {
        case ULOG_READ_END:
            end = TAIL_END;
            continue;
        case ULOG_READ_GONE:
            end = TAIL_BAD;
            continue;
        case ULOG_READ_OK:
            break;
        }
        if (entry.op == ULOG_FLUSH) {
            end = TAIL_BAD;
        } else if (strmap_find(&seen, entry.key) == NULL) {
            const uint16_t size = (uint16_t)entry.key.n;
            const char head[2] = {(char)(size & 0xff), (char)(size >> 8)};

            (void)strmap_put(&seen, entry.key, in);
            end = buf_put(keys, head, 2) && buf_put_slice(keys, entry.key)
                      ? TAIL_MORE
                      : TAIL_BAD;
            ++*n;
        }
    }
    strmap_fini(&seen);
    return end;
}

static bool
end_rewind(struct intake *in, struct buf *out)
{
    const uint64_t given_up = in->tail_end - in->rewind_to;
    struct err err;

    intake_end_tail(in);
    if (store_rewind_end(in->node->store, in->rewind_to, &err) != 0) {
        log_error("giving up entries: %s", err.msg);
        in->phase = GREETED;
        return reply_line(out, "SERVER_ERROR i/o error");
    }
    in->half_rewound = false;
    in->builder[0] = '\0';
    in->count.rewound += given_up;
    in->count.rewinds++;
    log_warn("stream from %s, epoch %" PRIu64 ": %" PRIu64
             " entries above %" PRIu64 " that it never had are given up",
             in->master, in->epoch, given_up, in->rewind_to);
    intake_flow(in, true);
    return intake_put_ok(in, out);
}

/* Ask for the next records, or see that all are here. */
static bool
want_more(struct intake *in, struct buf *out)
{
    struct buf keys = {0};
    enum tail_end end =
        in->tail_read ? TAIL_END : read_keys(in, &keys, &in->awaited);
    bool ok;

    if (end == TAIL_BAD) {
        buf_fini(&keys);
        return refuse_rewind(in, out, "the log does not tell them all");
    }
    in->tail_read = end == TAIL_END;
    if (buf_len(&keys) == 0) {
        buf_fini(&keys);
        return end_rewind(in, out);
    }
    ok = buf_printf(out, "WANT %zu\r\n", buf_len(&keys)) &&
         buf_put_slice(out, buf_slice(&keys)) && buf_put(out, "\r\n", 2);
    buf_fini(&keys);
    return ok;
}

bool
intake_take_rewind(struct intake *in, struct slice words, struct buf *out)
{
    struct store *store = in->node->store;
    struct lineage mine;
    uint64_t seq;

    if (!slice_u64(slice_word(&words), UINT64_MAX, &seq)) {
        return reply_line(out, "CLIENT_ERROR bad command line format");
    }
    store_lineage(store, &mine);
    if (!stream_can_rewind(&mine, ulog_first(store_log(store)), seq)) {
        return refuse_rewind(in, out, "the log does not reach back");
    }
    atomic_store(&in->node->rewinding, true);
    in->half_rewound = true;
    memcpy(in->builder, in->master, sizeof(in->builder));
    in->phase = REWINDING;
    in->rewind_to = seq;
    in->tail_end = mine.seq;
    in->tail = ulog_reader_open(store_log(store), seq);
    in->tail_read = false;
    return want_more(in, out);
}

/* One record as the master has it; false: it cannot be kept. */
static bool
force(struct intake *in, const struct ulog_entry *entry, unsigned *marks)
{
    const struct store_record record = {
        .key = entry->key,
        .present = entry->op == ULOG_SET,
        .item = {.flags = entry->flags,
                 .expire = entry->expire,
                 .version = entry->version,
                 .value = entry->value},
        .marks = *marks,
    };

    if (entry->op == ULOG_MARK) {
        *marks = entry->flags; /* of the record behind it */
        return true;
    }
    *marks = 0;
    in->awaited = in->awaited > 0 ? in->awaited - 1 : 0;
    return store_force(in->node->store, &record);
}

bool
intake_take_records(struct intake *in, struct slice data, struct buf *out)
{
    struct ulog_entry entry;
    unsigned marks = 0;
    size_t n = 0;

    if (in->phase != REWINDING) {
        return reply_line(out, "SERVER_ERROR nothing was asked for");
    }
    while (data.n > 0) {
        if (ulog_decode_entry(data, &entry, &n) != ULOG_DECODED) {
            return reply_line(out, "SERVER_ERROR a record is damaged");
        }
        if (!force(in, &entry, &marks)) {
            return reply_line(out, "SERVER_ERROR i/o error");
        }
        data.p += n;
        data.n -= n;
    }
    return in->awaited > 0 ? reply_line(out, "OK 0") : want_more(in, out);
}
