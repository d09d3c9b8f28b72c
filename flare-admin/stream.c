#include "flare-admin/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { SINK_BYTES = 65536, SINK_SETS = 256, PAUSE_MIN_MS = 10 };

static struct archive_record
record_of(const struct reply *reply)
{
    struct slice line = reply->line;

    if (reply->kind == REPLY_ITEM) {
        (void)slice_until(&line, ' '); /* KEY */
        return (struct archive_record){.key = line};
    }
    return (struct archive_record){
        .key = reply->key,
        .data = reply->data,
        .flags = reply->flags,
        .expire = reply->has_expire ? reply->expire : 0,
        .version = reply->has_version ? reply->version : 0,
    };
}

static enum stream_result
ended(struct server *server, const char *command, const struct reply *reply)
{
    bool keys = strncmp(command, "dump_key", 8) == 0;

    if (reply->code == REPLY_CODE_END) {
        return STREAM_DONE;
    }
    output_error(&server->tool->out, "%s parser: error \"%s\"",
                 keys ? "key" : "value", log_text(reply->line).text);
    return STREAM_REFUSED;
}

enum stream_result
stream_dump(struct server *server, const char *command, stream_fn *each,
            void *arg)
{
    bool keys = strncmp(command, "dump_key", 8) == 0;
    enum reply_expect expect = keys ? EXPECT_LINES : EXPECT_VALUES;
    struct buf line = {0};
    struct reply reply;
    bool sent;

    sent = buf_printf(&line, "%s\r\n", command) &&
           server_send(server, buf_slice(&line));
    buf_fini(&line);
    while (sent) {
        struct archive_record record;

        switch (server_next(server, expect, &reply)) {
        case SERVER_PIECE:
            break;
        case SERVER_LOST:
            return STREAM_LOST;
        case SERVER_INTERRUPTED:
            return STREAM_INTERRUPTED;
        }
        if (reply.kind == REPLY_LINE) {
            return ended(server, command, &reply);
        }
        record = record_of(&reply);
        if (!each(arg, &record)) {
            return STREAM_STOPPED;
        }
    }
    return STREAM_LOST;
}

/* --- into a node -----------------------------------------------------------
 */

bool
sink_put(struct sink *sink, const struct archive_record *r)
{
    bool ok;

    if (sink->pending == 0) {
        (void)snprintf(sink->keys, sizeof(sink->keys), "%s",
                       log_text(r->key).text);
    }
    ok = buf_put_str(&sink->out, "set ") && buf_put_slice(&sink->out, r->key) &&
         buf_printf(&sink->out, " %u %jd %zu\r\n", r->flags,
                    (intmax_t)r->expire, r->data.n) &&
         buf_put_slice(&sink->out, r->data) && buf_put_str(&sink->out, "\r\n");
    if (!ok) {
        output_error(&sink->server->tool->out, "out of memory");
        return false;
    }
    sink->pending++;
    return (sink->pending < SINK_SETS && buf_len(&sink->out) < SINK_BYTES) ||
           sink_flush(sink);
}

static void
note_refused(struct sink *sink, const struct reply *reply)
{
    if (sink->refused++ == 0) {
        (void)snprintf(sink->first, sizeof(sink->first),
                       "%.120s (among the entries from key %.120s on)",
                       log_text(reply->line).text, sink->keys);
    }
}

bool
sink_flush(struct sink *sink)
{
    struct reply reply;

    if (sink->pending == 0) {
        return true;
    }
    if (!server_send(sink->server, buf_slice(&sink->out))) {
        return false;
    }
    sink->bytes += buf_len(&sink->out);
    buf_clear(&sink->out);
    for (; sink->pending > 0; sink->pending--) {
        switch (server_next(sink->server, EXPECT_LINE, &reply)) {
        case SERVER_PIECE:
            break;
        case SERVER_LOST:
        case SERVER_INTERRUPTED:
            return false;
        }
        if (reply.code == REPLY_CODE_STORED) {
            sink->stored++;
        } else {
            note_refused(sink, &reply);
        }
    }
    return true;
}

void
sink_fini(struct sink *sink)
{
    buf_fini(&sink->out);
}

/* --- how fast --------------------------------------------------------------
 */

uint64_t
bandwidth_parse(const char *text)
{
    static const char units[] = "kMG";
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;

    for (int i = 0; unit != NULL && i <= unit - units; i++) {
        value *= 1024;
    }
    end += unit != NULL;
    return *end == 'B' ? value : value / 8;
}

bool
bandwidth_spend(struct bandwidth *b, uint64_t bytes)
{
    struct mono now = clock_mono();
    int64_t due;

    if (b->limit == 0) {
        return true;
    }
    if (b->bytes == 0) {
        b->since = now;
    }
    b->bytes += bytes;
    due = (int64_t)((double)b->bytes * 1000 / (double)b->limit) -
          mono_ms_between(b->since, now);
    return due < PAUSE_MIN_MS || prompt_pause(due);
}
