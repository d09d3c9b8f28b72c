#include "flared/forward.h"
#include "flared/meta_reply.h"
#include "proto/emit.h"
#include "proto/reply.h"

/*
 * A flare node would read the data of an ms as requests, so that the first ms
 * on a connection waits until the node has answered mn; the session's further
 * requests wait, too, and stay in order.
 */
struct meta_forward {
    struct call call;
    struct peer_call answer;
    struct peer *peer;
    struct request req; /* command and flags only: its slices are gone */
    bool probing;
    struct buf held; /* the request, while it waits */
};

static const char unknown[] =
    "SERVER_ERROR proxy failure: the key's node knows no meta commands";

static void
destroy(struct call *call)
{
    struct meta_forward *f = LIST_ENTRY(call, struct meta_forward, call);

    buf_fini(&f->held);
    spares_give(&call->worker->spares, f, sizeof(*f));
}

/* Requests behind a probe may go on. */
static void
end_probe(struct meta_forward *f)
{
    struct session *session = f->call.session;

    if (f->probing && session != NULL) {
        session->exclusive = false;
        session_moved(session);
    }
    f->probing = false;
}

static void
end_with(struct meta_forward *f, const char *line)
{
    metric_add(&f->call.worker->metrics, METRIC_PROXY_ERROR, 1);
    if (!reply_line(&f->call.out, line) && f->call.session != NULL) {
        session_fail(f->call.session, "out of memory");
    }
    end_probe(f);
    call_done(&f->call);
}

static void
relay(struct meta_forward *f, const struct reply *reply)
{
    struct buf *out = &f->call.out;
    bool ok = true;

    if (out->base == NULL) {
        loop_lend(&f->call.worker->loop, out);
    }
    if (!meta_is_hidden(&f->req, reply->code)) {
        ok = buf_put_slice(out, reply->line) && buf_put(out, "\r\n", 2);
    }
    if (buf_len(out) > 0 && reply->kind == REPLY_VALUE) {
        ok = ok && buf_put_slice(out, reply->data) && buf_put(out, "\r\n", 2);
    }
    if (!ok) {
        buf_clear(out);
        if (f->call.session != NULL) {
            session_fail(f->call.session, "out of memory");
        }
    }
    call_done(&f->call);
}

static void
on_answer(struct peer_call *call, enum peer_result result,
          const struct reply *reply)
{
    struct meta_forward *f = LIST_ENTRY(call, struct meta_forward, answer);

    if (result != PEER_REPLY) {
        end_with(f, forward_failure(result));
    } else if (reply->kind == REPLY_LINE && reply->code == REPLY_CODE_ERROR) {
        end_with(f, unknown);
    } else {
        relay(f, reply);
    }
}

static void
on_probe(struct peer_call *call, enum peer_result result,
         const struct reply *reply)
{
    struct meta_forward *f = LIST_ENTRY(call, struct meta_forward, answer);
    struct buf *out;

    if (result != PEER_REPLY) {
        end_with(f, forward_failure(PEER_UNSENT));
        return;
    }
    if (reply->code != REPLY_CODE_MN) {
        end_with(f, unknown);
        return;
    }
    *peer_note(f->peer) = true;
    out = peer_out(f->peer);
    if (out == NULL || !buf_put_slice(out, buf_slice(&f->held))) {
        end_with(f, forward_failure(PEER_UNSENT));
        return;
    }
    peer_expect(f->peer, &f->answer, EXPECT_META, on_answer);
    end_probe(f);
}

/* False: it cannot be sent. */
static bool
send_request(struct meta_forward *f, const struct request *req,
             struct slice self)
{
    struct buf *out = peer_out(f->peer);
    size_t before;

    if (out == NULL) {
        return false;
    }
    f->probing = req->command == COMMAND_MS && !*peer_note(f->peer);
    if (!f->probing) {
        return emit_meta(out, req, self);
    }
    before = buf_len(out);
    if (!emit_meta(&f->held, req, self) || !buf_put_str(out, "mn\r\n")) {
        buf_truncate(out, before);
        return false;
    }
    return true;
}

void
forward_meta(struct session *session, const struct request *req,
             const struct node *to)
{
    struct worker *worker = session->worker;
    struct peer *peer = pool_get(&worker->pool, node_host(to), to->port);
    struct meta_forward *f;

    if (hold_for_peer(session, peer)) {
        return;
    }
    f = spares_take(&worker->spares, sizeof(*f));
    metric_add(
        &worker->metrics,
        req->command == COMMAND_MG ? METRIC_PROXY_READ : METRIC_PROXY_WRITE, 1);
    f->peer = peer;
    f->req.command = req->command;
    f->req.meta.has = req->meta.has;
    if (!send_request(f, req, slice_str(worker->node->self))) {
        metric_add(&worker->metrics, METRIC_PROXY_ERROR, 1);
        buf_fini(&f->held);
        spares_give(&worker->spares, f, sizeof(*f));
        session_line(session, req, forward_failure(PEER_UNSENT));
        return;
    }
    call_init(&f->call, session, destroy);
    if (f->probing) {
        session->exclusive = true;
    }
    peer_expect(f->peer, &f->answer, EXPECT_META,
                f->probing ? on_probe : on_answer);
}
