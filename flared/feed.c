#include "flared/feed.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "flared/copy.h"
#include "flared/hold.h"
#include "repl/stream.h"
#include "storage/ulog_format.h"

enum {
    BATCH_BYTES = 1 << 18,   /* of one batch, unless an entry is larger */
    RECORDS_BYTES = 1 << 20, /* of one answer to WANT, likewise */
    LATER_MS = 20,           /* until a copy's map is as new as ours */
    FENCED_MS = 200,
    HEARTBEATS = 6, /* so many fit into a lease */
};

bool
feed_applies(const struct copy *copy)
{
    return copy->scope == FANOUT_PARTITION && !copy->draining &&
           atomic_load(&copy->node->standing.epoch) != 0 &&
           copy->feed.mode != FEED_FLARE;
}

/* --- what is said -----------------------------------------------------------
 */

/* Takes note of what was just appended to peer_out(). */
static void
sent(struct copy *copy, enum flight_kind kind, uint64_t seq, size_t bytes)
{
    copy_sent(copy, kind, seq, bytes, EXPECT_REPL);
    copy->feed.said = copy->loop->now;
}

static enum copy_pump
cannot_send(struct copy *copy, bool has_out)
{
    copy_settle(copy, has_out ? "memory is out" : "no connection");
    return COPY_BUSY;
}

static enum copy_pump
say_hello(struct copy *copy)
{
    struct flared *node = copy->node;
    struct ulog *log = store_log(node->store);
    struct buf *out = peer_out(copy->peer);

    copy->feed.epoch = atomic_load(&node->standing.epoch);
    if (out == NULL ||
        !buf_printf(
            out, "repl hello 1 %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\r\n",
            node->self, copy->feed.epoch, ulog_last(log), ulog_first(log))) {
        return cannot_send(copy, out != NULL);
    }
    *peer_note(copy->peer) = true;
    copy->feed.step = FEED_WAIT;
    sent(copy, FLIGHT_HELLO, 0, 0);
    return COPY_BUSY;
}

static void
say_start(struct copy *copy, const char *word, uint64_t seq)
{
    struct buf *out = peer_out(copy->peer);

    if (out == NULL || !buf_printf(out, "repl %s %" PRIu64 "\r\n", word, seq)) {
        (void)cannot_send(copy, out != NULL);
        return;
    }
    sent(copy, FLIGHT_START, seq, 0);
}

static bool
put_full(struct buf *out, const struct lineage *mine)
{
    bool ok = buf_printf(out, "repl full %" PRIu64 " %u", mine->seq, mine->n);

    for (unsigned i = 0; ok && i < mine->n; i++) {
        ok = buf_printf(out, " %" PRIu64 ":%" PRIu64, mine->era[i].epoch,
                        mine->era[i].first);
    }
    return ok && buf_put(out, "\r\n", 2);
}

/* It begins with an empty store and our history, and copies by itself. */
static void
say_full(struct copy *copy, const char *why)
{
    struct buf *out = peer_out(copy->peer);
    struct lineage mine;

    log_info("replication to %s: it needs a full copy: %s", copy->target.key,
             why);
    store_lineage(copy->node->store, &mine);
    if (out == NULL || !put_full(out, &mine)) {
        (void)cannot_send(copy, out != NULL);
        return;
    }
    sent(copy, FLIGHT_FULL, mine.seq, 0);
}

/* --- records that were asked for --------------------------------------------
 */

static bool
put_entry(struct buf *out, const struct ulog_entry *entry)
{
    const size_t n = ulog_entry_size(entry);

    if (n == 0 || !buf_reserve(out, n)) {
        return false;
    }
    memset(buf_tail(out), 0, n);
    ulog_encode_entry(buf_tail(out), entry);
    buf_advance(out, n);
    return true;
}

/* The record under a key as it is here, or that there is none. */
static bool
put_record(struct copy *copy, struct buf *out, struct slice key)
{
    struct store *store = copy->node->store;
    struct ulog_entry entry = {.op = ULOG_DELETE, .key = key};
    struct item item;
    unsigned marks;

    switch (store_get(store, key, copy->loop->wall, &copy->scratch, &item)) {
    case STORE_MISS:
        return put_entry(out, &entry);
    case STORE_ERROR:
        return false;
    case STORE_OK:
        break;
    }
    entry.version = item.version;
    marks = store_marks(store, key, item.version);
    if (marks != 0) {
        entry.op = ULOG_MARK;
        entry.flags = marks;
        if (!put_entry(out, &entry)) {
            return false;
        }
    }
    entry.op = ULOG_SET;
    entry.flags = item.flags;
    entry.expire = item.expire;
    entry.value = item.value;
    return put_entry(out, &entry);
}

/* The next key that it wants; empty: it has told no more. */
static struct slice
next_key(struct feed *feed)
{
    struct slice rest = buf_slice(&feed->want);
    struct slice key = {NULL, 0};
    size_t n;

    if (rest.p == NULL || rest.n < feed->want_at + 2) {
        return key;
    }
    rest.p += feed->want_at;
    rest.n -= feed->want_at;
    n = (size_t)((unsigned char)rest.p[0] | (unsigned char)rest.p[1] << 8);
    if (rest.n - 2 < n) {
        return key;
    }
    feed->want_at += 2 + n;
    return (struct slice){rest.p + 2, n};
}

static bool
is_all_sent(const struct feed *feed)
{
    return feed->want_at >= buf_len(&feed->want);
}

static enum copy_pump
say_records(struct copy *copy)
{
    struct feed *feed = &copy->feed;
    struct buf *out = peer_out(copy->peer);
    struct buf records = {0};
    bool ok = out != NULL;

    while (ok && !is_all_sent(feed) && buf_len(&records) < RECORDS_BYTES) {
        struct slice key = next_key(feed);

        ok = key.n > 0 && put_record(copy, &records, key);
    }
    ok = ok && buf_printf(out, "repl records %zu\r\n", buf_len(&records)) &&
         buf_put_slice(out, buf_slice(&records)) && buf_put(out, "\r\n", 2);
    buf_fini(&records);
    if (!ok) {
        return cannot_send(copy, out != NULL);
    }
    feed->step = FEED_WAIT;
    sent(copy, FLIGHT_RECORDS, 0, 0);
    return COPY_BUSY;
}

/* --- answers ----------------------------------------------------------------
 */

/* REPL EPOCH SEQ N EPOCH:FIRST ... */
static bool
parse_history(struct slice line, struct lineage *out)
{
    uint64_t epoch, n;

    *out = (struct lineage){.seq = 0};
    (void)slice_word(&line);
    if (!slice_u64(slice_word(&line), UINT64_MAX, &epoch) ||
        !slice_u64(slice_word(&line), UINT64_MAX, &out->seq) ||
        !slice_u64(slice_word(&line), LINEAGE_MAX, &n)) {
        return false;
    }
    for (out->n = 0; out->n < n; out->n++) {
        struct slice first = slice_word(&line);
        struct slice word = slice_until(&first, ':');

        if (!slice_u64(word, UINT64_MAX, &out->era[out->n].epoch) ||
            !slice_u64(first, UINT64_MAX, &out->era[out->n].first)) {
            return false;
        }
    }
    return lineage_is_sound(out);
}

static void
compare(struct copy *copy, const struct reply *reply)
{
    struct store *store = copy->node->store;
    struct lineage mine, theirs;
    struct stream_plan plan;

    if (!parse_history(reply->line, &theirs)) {
        copy_settle(copy, "its history is no history");
        return;
    }
    copy->feed.mode = FEED_STREAM;
    store_lineage(store, &mine);
    plan = stream_compare(&mine, ulog_first(store_log(store)), &theirs);
    if (plan.start != STREAM_RESUME &&
        (atomic_load(&copy->node->writes_held) & HOLD_UNCONFIRMED) != 0) {
        /* Who is right only the index can tell. */
        copy_rest(copy, FENCED_MS);
        return;
    }
    switch (plan.start) {
    case STREAM_RESUME:
        say_start(copy, "resume", plan.seq);
        return;
    case STREAM_REWIND:
        log_info("replication to %s: it gives up what it has above %" PRIu64
                 ", up to %" PRIu64,
                 copy->target.key, plan.seq, theirs.seq);
        say_start(copy, "rewind", plan.seq);
        return;
    case STREAM_FULL:
        say_full(copy, plan.why);
        return;
    }
}

static void
on_hello(struct copy *copy, const struct reply *reply)
{
    struct slice line = reply->line;
    struct slice word;
    uint64_t epoch = 0;

    if (reply->code == REPLY_CODE_REPL) {
        compare(copy, reply);
        return;
    }
    if (reply->code == REPLY_CODE_ERROR) {
        log_info("replication to %s: it knows no stream and is told each "
                 "change",
                 copy->target.key);
        copy_begin_flare(copy);
        return;
    }
    (void)slice_word(&line);
    word = slice_word(&line);
    if (slice_eq(word, SLICE("later"))) {
        copy_rest(copy, LATER_MS);
    } else if (slice_eq(word, SLICE("fenced"))) {
        (void)slice_u64(slice_word(&line), UINT64_MAX, &epoch);
        standing_fenced(&copy->node->standing, epoch);
        copy_rest(copy, FENCED_MS);
    } else {
        copy_settle(copy, log_text(reply->line).text);
    }
}

static void
flow(struct copy *copy, uint64_t seq)
{
    buf_fini(&copy->feed.want);
    copy->feed.step = FEED_FLOW;
    copy_goes_on(copy, seq); /* its reader holds the log from now on */
    ulog_want_after(store_log(copy->node->store), UINT64_MAX);
}

static void
keep_want(struct copy *copy, const struct reply *reply)
{
    struct feed *feed = &copy->feed;

    buf_clear(&feed->want);
    feed->want_at = 0;
    if (!buf_put_slice(&feed->want, reply->data)) {
        copy_settle(copy, "memory is out");
        return;
    }
    feed->step = FEED_RECORDS;
}

static bool
has_word(const struct reply *reply, const char *word)
{
    struct slice line = reply->line, at;

    while ((at = slice_word(&line)).n > 0) {
        if (slice_eq(at, slice_str(word))) {
            return true;
        }
    }
    return false;
}

/* What follows hello was refused. */
static void
start_refused(struct copy *copy, const struct flight *flight,
              const struct reply *reply)
{
    if (has_word(reply, "active")) {
        copy_lost(copy, "it needs a full copy");
    } else if (flight->kind != FLIGHT_FULL && has_word(reply, "full")) {
        say_full(copy, "it cannot give up single entries");
    } else {
        copy_settle(copy, log_text(reply->line).text);
    }
}

/* "OK SEQ" */
static uint64_t
confirmed(const struct reply *reply)
{
    struct slice line = reply->line;
    uint64_t seq = 0;

    (void)slice_word(&line);
    (void)slice_u64(slice_word(&line), UINT64_MAX, &seq);
    return seq;
}

static void
on_start(struct copy *copy, const struct flight *flight,
         const struct reply *reply)
{
    struct feed *feed = &copy->feed;

    if (reply_is_error(reply)) {
        start_refused(copy, flight, reply);
    } else if (reply->code == REPLY_CODE_WANT) {
        keep_want(copy, reply);
    } else if (flight->kind == FLIGHT_RECORDS && !is_all_sent(feed)) {
        feed->step = FEED_RECORDS;
    } else {
        feed->rewound += flight->kind == FLIGHT_RECORDS;
        feed->resumed += flight->kind == FLIGHT_START;
        feed->fulls += flight->kind == FLIGHT_FULL;
        flow(copy, confirmed(reply));
        if (flight->kind == FLIGHT_FULL) {
            store_log_marks(copy->node->store);
        }
    }
}

static void
on_batch(struct copy *copy, const struct flight *flight,
         const struct reply *reply)
{
    if (reply_is_error(reply)) {
        log_warn("replication to %s: a batch up to %" PRIu64 " is refused: %s",
                 copy->target.key, flight->seq, log_text(reply->line).text);
        *peer_note(copy->peer) = false;
        copy_refused(copy, reply);
        return;
    }
    standing_heard(&copy->node->standing, flight->sent);
    copy->feed.heard = flight->sent;
    copy_acknowledge(copy, confirmed(reply));
}

void
feed_answer(struct copy *copy, const struct flight *flight,
            const struct reply *reply)
{
    if (copy->state != COPY_RUNNING) {
        return;
    }
    switch (flight->kind) {
    case FLIGHT_HELLO:
        on_hello(copy, reply);
        return;
    case FLIGHT_START:
    case FLIGHT_RECORDS:
    case FLIGHT_FULL:
        on_start(copy, flight, reply);
        return;
    case FLIGHT_BATCH:
        on_batch(copy, flight, reply);
        return;
    case FLIGHT_ENTRY:
    case FLIGHT_MARK:
        return;
    }
}

/* --- the flow ---------------------------------------------------------------
 */

static bool
say_batch(struct copy *copy, struct slice bytes, uint64_t last)
{
    struct buf *out = peer_out(copy->peer);

    if (out == NULL || !buf_reserve(out, bytes.n + 64) ||
        !buf_printf(out, "repl batch %" PRIu64 " %zu\r\n", copy->feed.epoch,
                    bytes.n) ||
        !buf_put_slice(out, bytes) || !buf_put(out, "\r\n", 2)) {
        (void)cannot_send(copy, out != NULL);
        return false;
    }
    sent(copy, FLIGHT_BATCH, last, bytes.n);
    return true;
}

static enum copy_pump
flow_on(struct copy *copy)
{
    struct slice bytes;
    uint64_t first, last;

    while (copy->state == COPY_RUNNING && !copy_window_full(copy)) {
        switch (ulog_reader_bytes(copy->reader, BATCH_BYTES, &bytes, &first,
                                  &last)) {
        case ULOG_READ_END:
            return COPY_IDLE;
        case ULOG_READ_GONE:
            /* Too far behind: what it has is compared again. */
            log_warn("replication to %s: the log no longer has what comes "
                     "after %" PRIu64,
                     copy->target.key, copy->read);
            copy->feed.step = FEED_GREET;
            return COPY_MORE;
        case ULOG_READ_OK:
            break;
        }
        if (first != copy->read + 1) {
            copy->feed.step = FEED_GREET;
            return COPY_MORE;
        }
        if (!say_batch(copy, bytes, last)) {
            return COPY_BUSY;
        }
        copy->read = last;
    }
    return COPY_BUSY;
}

enum copy_pump
feed_pump(struct copy *copy)
{
    if (copy->state != COPY_RUNNING) {
        return COPY_BUSY;
    }
    if (!*peer_note(copy->peer) && copy->feed.step != FEED_GREET) {
        copy->feed.step = FEED_GREET;
        copy->feed.mode = FEED_UNKNOWN;
    }
    switch (copy->feed.step) {
    case FEED_GREET:
        return copy->inflight > 0 ? COPY_BUSY : say_hello(copy);
    case FEED_RECORDS:
        return say_records(copy);
    case FEED_FLOW:
        return flow_on(copy);
    case FEED_WAIT:
        break;
    }
    return COPY_BUSY;
}

void
feed_probe(struct copy *copy)
{
    if (feed_applies(copy) && copy->state == COPY_RUNNING &&
        copy->feed.step == FEED_FLOW && *peer_note(copy->peer) &&
        !copy_window_full(copy)) {
        (void)say_batch(copy, SLICE(""), copy->read);
    }
}

void
feed_tick(struct copy *copy)
{
    const int64_t every =
        atomic_load(&copy->node->standing.lease_ms) / HEARTBEATS;

    if (mono_reached(mono_after_ms(copy->feed.said, every), copy->loop->now)) {
        feed_probe(copy);
    }
}
