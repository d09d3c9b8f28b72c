#include "flared/intake.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flared/intake_impl.h"
#include "proto/reply.h"
#include "repl/stream.h"
#include "storage/ulog_format.h"

struct intake *
intake_new(struct flared *node)
{
    struct intake *in = xcalloc(1, sizeof(*in));

    in->node = node;
    (void)pthread_mutex_init(&in->lock, NULL);
    return in;
}

void
intake_subscribe(struct intake *in, void (*flows)(void *arg), void *arg)
{
    (void)pthread_mutex_lock(&in->lock);
    in->on_flow = flows;
    in->on_flow_arg = arg;
    (void)pthread_mutex_unlock(&in->lock);
}

struct touch {
    uint64_t version;
    int64_t expire;
};

static void
forget_touches(struct intake *in)
{
    struct slice key;
    void *value;
    size_t at = 0;

    while (strmap_next(&in->touched, &at, &key, &value)) {
        free(value);
    }
    strmap_fini(&in->touched);
    in->touched = (struct strmap){0};
}

void
intake_end_tail(struct intake *in)
{
    ulog_reader_close(in->tail);
    in->tail = NULL;
    in->awaited = 0;
}

void
intake_free(struct intake *in)
{
    if (in == NULL) {
        return;
    }
    intake_end_tail(in);
    forget_touches(in);
    cluster_view_unref(in->view);
    buf_fini(&in->scratch);
    (void)pthread_mutex_destroy(&in->lock);
    free(in);
}

/* --- whom to listen to ------------------------------------------------------
 */

/* Nobody speaks to us any more. */
static void
hang_up(struct intake *in)
{
    intake_end_tail(in);
    in->session = 0;
    in->flows = false;
}

static struct stream_verdict
hear(const struct intake *in, struct slice sender, uint64_t epoch)
{
    return stream_hear(in->view, sender, epoch,
                       store_epoch_seen(in->node->store));
}

void
intake_set_view(struct intake *in, struct cluster_view *view)
{
    (void)pthread_mutex_lock(&in->lock);
    cluster_view_ref(view);
    cluster_view_unref(in->view);
    in->view = view;
    if (in->session != 0 &&
        hear(in, slice_str(in->master), in->epoch).hearing != STREAM_LISTEN) {
        log_info("the stream from %s ends: it is not our master any more",
                 in->master);
        hang_up(in);
    }
    if (view->self == NULL || view->self->role != NODE_SLAVE) {
        atomic_store(&in->node->rewinding, false);
    }
    (void)pthread_mutex_unlock(&in->lock);
}

static bool
is_active(const struct intake *in)
{
    return in->view != NULL && in->view->self != NULL &&
           in->view->self->state == NODE_ACTIVE;
}

/* --- hello ------------------------------------------------------------------
 */

/*
 * What the log says about the data here.  Nothing while it is half a copy, or
 * half put right, unless by the one who goes on with it.
 */
static void
own_lineage(const struct intake *in, struct lineage *out)
{
    store_lineage(in->node->store, out);
    if ((in->half_rewound || store_data(in->node->store) == STORE_BUILDING) &&
        strcmp(in->builder, in->master) != 0) {
        *out = (struct lineage){.seq = 0};
    }
}

static bool
put_lineage(struct buf *out, const struct lineage *lineage)
{
    bool ok = buf_printf(out, "REPL %" PRIu64 " %" PRIu64 " %u",
                         lineage_epoch(lineage), lineage->seq, lineage->n);

    for (unsigned i = 0; ok && i < lineage->n; i++) {
        ok = buf_printf(out, " %" PRIu64 ":%" PRIu64, lineage->era[i].epoch,
                        lineage->era[i].first);
    }
    return ok && buf_put(out, "\r\n", 2);
}

/* hello VERSION SENDER EPOCH LAST FIRST */
static bool
take_hello(struct intake *in, uint64_t session, struct slice words,
           struct buf *out)
{
    struct slice version = slice_word(&words);
    struct slice sender = slice_word(&words);
    struct lineage lineage;
    struct stream_verdict verdict;
    uint64_t epoch;

    if (!slice_eq(version, SLICE("1"))) {
        return reply_line(out, "SERVER_ERROR only version 1 is spoken here");
    }
    if (sender.n == 0 || sender.n > NODE_KEY_MAX ||
        !slice_u64(slice_word(&words), UINT64_MAX, &epoch)) {
        return reply_line(out, "CLIENT_ERROR bad command line format");
    }
    verdict = hear(in, sender, epoch);
    if (verdict.hearing == STREAM_FENCED) {
        return buf_printf(out, "SERVER_ERROR fenced %" PRIu64 "\r\n",
                          verdict.epoch);
    }
    if (verdict.hearing == STREAM_LATER) {
        return reply_line(out, "SERVER_ERROR later");
    }
    if (!store_see_epoch(in->node->store, epoch)) {
        return reply_line(out, "SERVER_ERROR i/o error");
    }
    hang_up(in);
    in->session = session;
    in->epoch = epoch;
    in->phase = GREETED;
    memcpy(in->master, sender.p, sender.n);
    in->master[sender.n] = '\0';
    own_lineage(in, &lineage);
    return put_lineage(out, &lineage);
}

/* --- how it goes on ---------------------------------------------------------
 */

void
intake_flow(struct intake *in, bool nothing_to_copy)
{
    in->phase = FLOWING;
    in->flows = nothing_to_copy;
    if (nothing_to_copy) {
        atomic_store(&in->node->rewinding, false);
    }
    if (in->on_flow != NULL) {
        in->on_flow(in->on_flow_arg);
    }
}

bool
intake_put_ok(struct intake *in, struct buf *out)
{
    return buf_printf(out, "OK %" PRIu64 "\r\n",
                      ulog_last(store_log(in->node->store)));
}

static bool
take_resume(struct intake *in, struct slice words, struct buf *out)
{
    const uint64_t last = ulog_last(store_log(in->node->store));
    uint64_t seq;

    if (!slice_u64(slice_word(&words), UINT64_MAX, &seq) || seq != last) {
        return reply_line(out, "SERVER_ERROR that is not where this log ends");
    }
    in->count.resumed++;
    log_info("stream from %s, epoch %" PRIu64 ": goes on after %" PRIu64,
             in->master, in->epoch, seq);
    /* What a dump is bringing is not here by that. */
    intake_flow(in, store_data(in->node->store) != STORE_BUILDING);
    return intake_put_ok(in, out);
}

/* full SEQ N EPOCH:FIRST... : the master's own history. */
static bool
parse_lineage(struct slice words, struct lineage *out)
{
    uint64_t n;

    *out = (struct lineage){.seq = 0};
    if (!slice_u64(slice_word(&words), UINT64_MAX, &out->seq) ||
        !slice_u64(slice_word(&words), LINEAGE_MAX, &n)) {
        return false;
    }
    for (out->n = 0; out->n < n; out->n++) {
        struct slice first = slice_word(&words);
        struct slice epoch = slice_until(&first, ':');

        if (!slice_u64(epoch, UINT64_MAX, &out->era[out->n].epoch) ||
            !slice_u64(first, UINT64_MAX, &out->era[out->n].first)) {
            return false;
        }
    }
    return lineage_is_sound(out);
}

static bool
take_full(struct intake *in, struct slice words, struct buf *out)
{
    struct lineage history;
    struct err err;

    if (is_active(in)) {
        return reply_line(out, "SERVER_ERROR active but needs a full copy");
    }
    if (!parse_lineage(words, &history)) {
        return reply_line(out, "CLIENT_ERROR bad command line format");
    }
    log_info("stream from %s, epoch %" PRIu64 ": a full copy is needed, "
             "the %" PRIu64 " records here go",
             in->master, in->epoch, store_count(in->node->store));
    in->builder[0] = '\0';
    if (store_restart_at(in->node->store, &history, &err) != 0) {
        log_error("full copy: %s", err.msg);
        return reply_line(out, "SERVER_ERROR i/o error");
    }
    atomic_fetch_add(&in->node->flushes, 2); /* what is being read is older */
    forget_touches(in);
    in->half_rewound = false;
    memcpy(in->builder, in->master, sizeof(in->builder));
    in->count.fulls++;
    intake_flow(in, false);
    return intake_put_ok(in, out);
}

/* --- the flow ---------------------------------------------------------------
 */

static bool
refuse_batch(struct intake *in, const char *why, struct buf *out)
{
    log_error("stream from %s, epoch %" PRIu64 ": a batch is refused: %s",
              in->master, in->epoch, why);
    hang_up(in);
    return buf_printf(out, "SERVER_ERROR %s\r\n", why);
}

static void
note_touch(struct intake *in, const struct ulog_entry *entry)
{
    struct touch *touch = xcalloc(1, sizeof(*touch));

    *touch = (struct touch){entry->version, entry->expire};
    free(strmap_put(&in->touched, entry->key, touch));
}

/*
 * A dump that runs may bring back what a flush_all in there removes, and knows
 * nothing of a touch of what it has read already.
 */
static void
note_for_dump(struct intake *in, struct slice data)
{
    struct ulog_entry entry;
    size_t n = 0;

    if (store_data(in->node->store) != STORE_BUILDING) {
        return;
    }
    while (data.n > 0 && ulog_decode_entry(data, &entry, &n) == ULOG_DECODED) {
        if (entry.op == ULOG_FLUSH) {
            atomic_fetch_add(&in->node->flushes, 2);
        } else if (entry.op == ULOG_TOUCH) {
            note_touch(in, &entry);
        }
        data.p += n;
        data.n -= n;
    }
}

/* What may be acknowledged is on the disk, where that is asked for. */
static bool
is_safe(const struct intake *in, uint64_t last)
{
    struct ulog *log = store_log(in->node->store);
    struct err err;

    if (ulog_passed(log) >= last) {
        return true;
    }
    if (ulog_write_out(log, &err) != 0) {
        log_error("%s", err.msg);
        return false;
    }
    return true;
}

static bool
take_batch(struct intake *in, const struct request *req, struct buf *out)
{
    const uint64_t before = ulog_last(store_log(in->node->store));
    uint64_t last = before;

    if (in->phase != FLOWING || req->number != in->epoch) {
        return refuse_batch(in, "that epoch does not flow here", out);
    }
    if (req->value.n > 0) {
        note_for_dump(in, req->value);
        switch (
            store_replicate(in->node->store, req->value, &in->scratch, &last)) {
        case STREAM_OK:
            break;
        case STREAM_DAMAGED:
            return refuse_batch(in, "its entries are damaged", out);
        case STREAM_GAP:
            return refuse_batch(in, "it does not begin where this log ends",
                                out);
        case STREAM_EPOCH:
            return refuse_batch(in, "it is older than this log", out);
        case STREAM_FAILED:
            return refuse_batch(in, "i/o error", out);
        }
        in->count.entries += last - before;
        if (!is_safe(in, last)) {
            return refuse_batch(in, "i/o error", out);
        }
    }
    return buf_printf(out, "OK %" PRIu64 "\r\n", last);
}

static bool
take_locked(struct intake *in, uint64_t session, const struct request *req,
            struct buf *out)
{
    if (req->verb == REPL_HELLO) {
        return take_hello(in, session, req->words, out);
    }
    if (session != in->session) {
        return reply_line(out, "SERVER_ERROR say hello first");
    }
    switch (req->verb) {
    case REPL_RESUME:
        return take_resume(in, req->words, out);
    case REPL_REWIND:
        return intake_take_rewind(in, req->words, out);
    case REPL_RECORDS:
        return intake_take_records(in, req->value, out);
    case REPL_FULL:
        return take_full(in, req->words, out);
    case REPL_BATCH:
        return take_batch(in, req, out);
    case REPL_HELLO:
    case REPL_JOIN:
    case REPL_POSITION:
    case REPL_HANDOVER:
    case REPL_COUNT:
        break;
    }
    return reply_line(out, "ERROR");
}

bool
intake_take(struct intake *in, uint64_t session, const struct request *req,
            struct buf *out)
{
    bool ok;

    (void)pthread_mutex_lock(&in->lock);
    ok = take_locked(in, session, req, out);
    (void)pthread_mutex_unlock(&in->lock);
    return ok;
}

/* --- a node that is being built ---------------------------------------------
 */

enum intake_stage
intake_stage(struct intake *in, const char *master)
{
    enum intake_stage stage = INTAKE_NOTHING;

    (void)pthread_mutex_lock(&in->lock);
    if (in->session != 0 && in->phase == FLOWING &&
        strcmp(in->master, master) == 0) {
        stage = in->flows ? INTAKE_FLOWS : INTAKE_COPY;
    }
    (void)pthread_mutex_unlock(&in->lock);
    return stage;
}

void
intake_start_over(struct intake *in)
{
    (void)pthread_mutex_lock(&in->lock);
    if (store_data(in->node->store) == STORE_BUILDING) {
        in->builder[0] = '\0';
        hang_up(in);
    }
    (void)pthread_mutex_unlock(&in->lock);
}

void
intake_apply_dump(struct intake *in, struct change *change, struct wall now,
                  struct buf *scratch, struct outcome *out)
{
    const struct touch *touch;

    (void)pthread_mutex_lock(&in->lock);
    touch =
        in->touched.count > 0 ? strmap_find(&in->touched, change->key) : NULL;
    if (touch != NULL && touch->version == change->version) {
        change->expire = touch->expire;
    }
    store_apply(in->node->store, change, now, scratch, out);
    (void)pthread_mutex_unlock(&in->lock);
}

void
intake_built(struct intake *in)
{
    (void)pthread_mutex_lock(&in->lock);
    forget_touches(in);
    in->builder[0] = '\0';
    in->flows = in->session != 0 && in->phase == FLOWING;
    (void)pthread_mutex_unlock(&in->lock);
}

/* --- for people and for the index -------------------------------------------
 */

void
intake_status(struct intake *in, struct intake_status *out)
{
    (void)pthread_mutex_lock(&in->lock);
    *out = in->count;
    if (in->session != 0) {
        memcpy(out->master, in->master, sizeof(out->master));
    }
    out->epoch = in->epoch;
    out->seq = ulog_last(store_log(in->node->store));
    (void)pthread_mutex_unlock(&in->lock);
}
