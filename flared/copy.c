#include "flared/copy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "flared/index_link.h"
#include "proto/emit.h"

enum {
    PAUSE_MIN = 50,    /* ms */
    PAUSE_MAX = 1000,  /* ms */
    REFUSALS_MAX = 25, /* error answers in a row to the same entry: some 20 s */
    LINE_MAX_ANSWER = 4096,
    VALUE_MAX_ANSWER = 1 << 20, /* keys that are wanted */
};

static const struct peer_options peer_options = {
    .connect_ms = 2000,
    .answer_ms = 30000,
    .line_max = LINE_MAX_ANSWER,
    .value_max = VALUE_MAX_ANSWER,
    .limits = {.in_turn = 65536,
               .out_high = (size_t)2 * COPY_WINDOW_BYTES,
               .out_low = COPY_WINDOW_BYTES / 2},
};

/* --- beginning and end -------------------------------------------------- */

static void on_pause_over(struct timer *timer);

static void
open_reader(struct copy *copy)
{
    struct ulog *log = store_log(copy->node->store);

    ulog_reader_close(copy->reader);
    copy->reader = ulog_reader_open(log, copy->acked);
    copy->read = copy->acked;
}

struct copy *
copy_new(struct flared *node, struct loop *loop, struct loop_item *progress,
         const struct fanout_target *target, struct cluster_view *view,
         uint64_t after)
{
    struct copy *copy = xcalloc(1, sizeof(*copy));
    AUTO_FREE char *host = NULL;
    struct slice name = node_host(target->node);

    copy->node = node;
    copy->loop = loop;
    copy->progress = progress;
    copy->target = *target->node;
    copy->scope = target->scope;
    copy->counts = target->counts;
    copy->view = cluster_view_ref(view);
    copy->drain_until = UINT64_MAX;
    copy->start = after;
    copy->acked = feed_applies(copy) ? 0 : after;
    copy->pause_ms = PAUSE_MIN;
    copy->flight = xcalloc(COPY_RING, sizeof(*copy->flight));
    list_init(&copy->link);
    timer_init(&copy->pause, loop, on_pause_over);
    host = xstrndup(name.p, name.n);
    copy->peer = peer_new(loop, host, target->node->port, &peer_options);
    open_reader(copy);
    return copy;
}

void
copy_free(struct copy *copy)
{
    if (copy == NULL) {
        return;
    }
    copy->closing = true;
    list_remove(&copy->link);
    peer_free(copy->peer);
    timer_fini(&copy->pause);
    ulog_reader_close(copy->reader);
    cluster_view_unref(copy->view);
    free(copy->flight);
    buf_fini(&copy->scratch);
    buf_fini(&copy->feed.want);
    free(copy);
}

void
copy_set_view(struct copy *copy, const struct fanout_target *target,
              struct cluster_view *view)
{
    cluster_view_ref(view);
    cluster_view_unref(copy->view);
    copy->view = view;
    copy->target = *target->node;
    copy->counts = target->counts;
    if (copy->feed.mode == FEED_STREAM &&
        copy->feed.epoch != atomic_load(&copy->node->standing.epoch)) {
        peer_reset(copy->peer); /* greet it as who we are now */
    }
    if (copy->state == COPY_LOST) { /* the index kept it: say it again */
        index_link_report_lost(copy->node->index_link, &copy->target);
    }
}

/* --- trouble ------------------------------------------------------------ */

void
copy_lost(struct copy *copy, const char *why)
{
    if (copy->state == COPY_LOST) {
        return;
    }
    if (copy->draining) {
        log_warn("replication to %s ends after sequence %" PRIu64 ": %s",
                 copy->target.key, copy->acked, why);
        copy->state = COPY_LOST;
        copy->drain_until = 0;
        return;
    }
    log_error("replication to %s ends after sequence %" PRIu64
              ": %s; the index is asked to take it out",
              copy->target.key, copy->acked, why);
    copy->state = COPY_LOST;
    timer_stop(&copy->pause);
    index_link_report_lost(copy->node->index_link, &copy->target);
}

static void
begin_pause(struct copy *copy)
{
    open_reader(copy);
    copy->state = COPY_PAUSED;
    timer_once(&copy->pause, copy->pause_ms);
    copy->pause_ms *= 2;
    if (copy->pause_ms > PAUSE_MAX) {
        copy->pause_ms = PAUSE_MAX;
    }
}

void
copy_settle(struct copy *copy, const char *why)
{
    if (copy->state != COPY_RUNNING) {
        return;
    }
    if (!copy->troubled) {
        copy->troubled = true;
        log_warn("replication to %s halts after sequence %" PRIu64 ": %s",
                 copy->target.key, copy->acked, why);
    }
    copy->state = COPY_SETTLING;
    if (copy->inflight == 0) {
        begin_pause(copy);
    }
}

void
copy_rest(struct copy *copy, int64_t ms)
{
    *peer_note(copy->peer) = false;
    copy->state = COPY_PAUSED;
    timer_once(&copy->pause, ms);
}

void
copy_begin_flare(struct copy *copy)
{
    copy->feed.mode = FEED_FLARE;
    *peer_note(copy->peer) = true;
    if (!copy->begun) {
        copy->begun = true;
        copy->acked = copy->start;
        open_reader(copy);
    }
}

void
copy_goes_on(struct copy *copy, uint64_t seq)
{
    copy->begun = true;
    copy->acked = seq;
    copy->refusals = 0;
    copy->pause_ms = PAUSE_MIN;
    open_reader(copy);
    log_info("replication to %s: the stream goes on after %" PRIu64,
             copy->target.key, seq);
    copy->troubled = false;
}

static void
on_pause_over(struct timer *timer)
{
    struct copy *copy = LIST_ENTRY(timer, struct copy, pause);

    copy->state = COPY_RUNNING;
    if (!peer_is_connected(copy->peer)) {
        peer_reset(copy->peer); /* the pause was ours to make */
    }
    loop_at_turn_end(copy->loop, copy->progress);
}

/* --- answers ------------------------------------------------------------ */

void
copy_acknowledge(struct copy *copy, uint64_t seq)
{
    copy->acked = copy->feed.mode != FEED_STREAM && copy->inflight == 0
                      ? copy->read
                      : seq;
    copy->refusals = 0;
    copy->pause_ms = PAUSE_MIN;
    if (copy->troubled) {
        copy->troubled = false;
        log_info("replication to %s goes on at sequence %" PRIu64,
                 copy->target.key, seq);
    }
}

void
copy_refused(struct copy *copy, const struct reply *reply)
{
    if (copy->state != COPY_RUNNING) {
        return;
    }
    if (++copy->refusals >= REFUSALS_MAX) {
        copy_lost(copy, log_text(reply->line).text);
        return;
    }
    copy_settle(copy, log_text(reply->line).text);
}

static void
failed(struct copy *copy)
{
    int error = peer_last_error(copy->peer);

    if (copy->feed.mode == FEED_FLARE) {
        copy->feed.mode = FEED_UNKNOWN;
    }
    copy->knows_no_marks = false; /* the next one may */
    copy_settle(copy, error != 0 ? strerror(error) : "connection lost");
}

/* An answer to one of flare's commands. */
static void
flare_answer(struct copy *copy, const struct flight *flight,
             const struct reply *reply)
{
    if (flight->kind == FLIGHT_MARK && reply->kind == REPLY_LINE &&
        reply->code == REPLY_CODE_ERROR) {
        /* flare knows no marks, and needs none. */
        copy->knows_no_marks = true;
    } else if (reply_is_error(reply)) {
        copy_refused(copy, reply);
        return;
    }
    if (copy->state == COPY_RUNNING) {
        copy_acknowledge(copy, flight->seq);
    }
}

static void
on_answer(struct peer_call *call, enum peer_result result,
          const struct reply *reply)
{
    struct flight *flight = LIST_ENTRY(call, struct flight, call);
    struct copy *copy = flight->copy;

    if (result == PEER_REPLY && !reply->last) {
        return;
    }
    copy->head = (copy->head + 1) % COPY_RING;
    copy->inflight--;
    copy->bytes -= flight->bytes;
    if (copy->closing) {
        return;
    }
    if (result != PEER_REPLY) {
        failed(copy);
    } else if (flight->kind == FLIGHT_ENTRY || flight->kind == FLIGHT_MARK) {
        flare_answer(copy, flight, reply);
    } else {
        feed_answer(copy, flight, reply);
    }
    if (copy->state == COPY_SETTLING && copy->inflight == 0) {
        begin_pause(copy);
    }
    loop_at_turn_end(copy->loop, copy->progress);
}

void
copy_sent(struct copy *copy, enum flight_kind kind, uint64_t seq, size_t bytes,
          enum reply_expect expect)
{
    struct flight *flight =
        &copy->flight[(copy->head + copy->inflight) % COPY_RING];

    flight->copy = copy;
    flight->kind = kind;
    flight->seq = seq;
    flight->bytes = bytes;
    flight->sent = copy->loop->now;
    copy->inflight++;
    copy->bytes += bytes;
    peer_expect(copy->peer, &flight->call, expect, on_answer);
}

/* --- sending ------------------------------------------------------------ */

static bool
wants(const struct copy *copy, const struct ulog_entry *entry)
{
    if (entry->op == ULOG_FLUSH) {
        return copy->scope == FANOUT_PARTITION;
    }
    if (entry->op == ULOG_DIGEST ||
        (entry->op == ULOG_MARK && copy->knows_no_marks)) {
        return false;
    }
    return fanout_wants(copy->view, copy->scope,
                        keyhash(copy->view->hash, entry->key));
}

static bool
emit(struct buf *out, struct slice self, const struct ulog_entry *entry)
{
    const struct emit_record record = {entry->key, entry->value, entry->flags,
                                       entry->expire, entry->version};

    switch (entry->op) {
    case ULOG_SET:
        return emit_set(out, self, &record);
    case ULOG_DELETE:
        return emit_delete(out, self, entry->key, entry->version);
    case ULOG_TOUCH:
        return emit_touch(out, self, entry->key, entry->expire);
    case ULOG_FLUSH:
        return emit_flush_all(out, self);
    case ULOG_MARK:
        return emit_mark(out, self, entry->key, entry->version, entry->flags);
    case ULOG_DIGEST: /* not wanted */
        break;
    }
    return false;
}

/* One request; `seq` is what its answer acknowledges. */
static bool
send_request(struct copy *copy, const struct ulog_entry *entry, uint64_t seq)
{
    struct buf *out = peer_out(copy->peer);

    if (out == NULL || !emit(out, slice_str(copy->node->self), entry)) {
        copy_settle(copy, out == NULL ? "no connection" : "memory is out");
        return false;
    }
    copy_sent(copy, entry->op == ULOG_MARK ? FLIGHT_MARK : FLIGHT_ENTRY, seq,
              entry->key.n + entry->value.n, EXPECT_LINE);
    return true;
}

/*
 * A copy that is being built may not have the record yet that is touched, and
 * the dump that brings it may have read it before.  So the record goes first;
 * unless it is another one by now, which then comes later in the log.
 */
static bool
send_touched(struct copy *copy, const struct ulog_entry *entry)
{
    struct ulog_entry record = {.op = ULOG_SET, .key = entry->key};
    struct item item;

    if (store_get(copy->node->store, entry->key, copy->loop->wall,
                  &copy->scratch, &item) != STORE_OK ||
        item.version != entry->version) {
        return true;
    }
    record.flags = item.flags;
    record.expire = item.expire;
    record.version = item.version;
    record.value = item.value;
    return send_request(copy, &record, entry->seq - 1);
}

/* False: it could not be sent, and the copy settles. */
static bool
send_entry(struct copy *copy, const struct ulog_entry *entry)
{
    if (entry->op == ULOG_TOUCH && copy->target.state != NODE_ACTIVE &&
        !send_touched(copy, entry)) {
        return false;
    }
    return send_request(copy, entry, entry->seq);
}

bool
copy_window_full(const struct copy *copy)
{
    return copy->inflight >= COPY_WINDOW ||
           (copy->inflight > 0 && copy->bytes >= COPY_WINDOW_BYTES);
}

/* One entry of the log: send it or pass over it. */
static void
take_entry(struct copy *copy, const struct ulog_entry *entry)
{
    if (entry->seq != copy->read + 1) {
        copy_lost(copy, "the log no longer has what comes next");
        return;
    }
    if (entry->op == ULOG_FLUSH && copy->scope == FANOUT_MOVING &&
        !copy->draining) {
        /* It cannot be told: others' records would go too. */
        copy_lost(copy, "flush_all came while it was being prepared");
        return;
    }
    if (!wants(copy, entry)) {
        copy->read = entry->seq;
        if (copy->inflight == 0) {
            copy->acked = entry->seq;
        }
    } else if (send_entry(copy, entry)) {
        copy->read = entry->seq;
    }
}

/* Its commands, one for each entry. */
static enum copy_pump
pump_flare(struct copy *copy)
{
    struct ulog_entry entry;

    for (unsigned n = 0; n < COPY_TURN; n++) {
        if (copy->state != COPY_RUNNING || copy_window_full(copy)) {
            return COPY_BUSY;
        }
        if (copy->read >= copy->drain_until) {
            return COPY_IDLE;
        }
        switch (ulog_reader_next(copy->reader, &entry)) {
        case ULOG_READ_OK:
            take_entry(copy, &entry);
            break;
        case ULOG_READ_END:
            return COPY_IDLE;
        case ULOG_READ_GONE:
            copy_lost(copy, "the log no longer has what comes next");
            break;
        }
    }
    return COPY_MORE;
}

enum copy_pump
copy_pump(struct copy *copy)
{
    if (feed_applies(copy)) {
        return feed_pump(copy);
    }
    if (copy->scope == FANOUT_PARTITION && !copy->draining &&
        copy->feed.mode != FEED_FLARE &&
        atomic_load(&copy->node->index_is_ours)) {
        return COPY_BUSY; /* until we know which master we are */
    }
    return pump_flare(copy);
}
