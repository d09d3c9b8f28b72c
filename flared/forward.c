#include "flared/forward.h"

#include "proto/emit.h"
#include "proto/reply.h"

struct forward {
    struct call call;
    struct peer_call peer;
};

const char *
forward_refusal(enum route_kind kind)
{
    return kind == ROUTE_NO_PARTITION ? "SERVER_ERROR no partition available"
                                      : "SERVER_ERROR proxy failure";
}

const char *
forward_failure(enum peer_result result)
{
    return result == PEER_UNSENT ? "SERVER_ERROR proxy failure"
                                 : "SERVER_ERROR proxy error";
}

static void
destroy(struct call *call)
{
    spares_give(&call->worker->spares, LIST_ENTRY(call, struct forward, call),
                sizeof(struct forward));
}

static void
on_answer(struct peer_call *peer, enum peer_result result,
          const struct reply *reply)
{
    struct forward *f = LIST_ENTRY(peer, struct forward, peer);
    struct buf *out = &f->call.out;
    bool ok = true;

    if (out->base == NULL) {
        loop_lend(&f->call.worker->loop, out);
    }
    if (result != PEER_REPLY) {
        metric_add(&f->call.worker->metrics, METRIC_PROXY_ERROR, 1);
        ok = reply_line(out, forward_failure(result));
    } else if (reply->kind == REPLY_VALUE) {
        ok = reply->has_version
                 ? reply_value_cas(out, reply->key, reply->flags, reply->data,
                                   reply->version)
                 : reply_value(out, reply->key, reply->flags, reply->data);
    } else {
        /* REPLY_LINE, or a KEY line. */
        ok = buf_put_slice(out, reply->line) && buf_put(out, "\r\n", 2);
    }
    if (!ok) {
        buf_clear(out);
    }
    if (result != PEER_REPLY || reply->last) {
        if (!ok && f->call.session != NULL) {
            session_fail(f->call.session, "out of memory");
        }
        call_done(&f->call);
    }
}

static bool
emit(struct worker *worker, struct peer *peer, const struct request *req,
     int64_t expire)
{
    struct buf *out = peer_out(peer);

    return out != NULL &&
           emit_forward(out, req, expire, slice_str(worker->node->self));
}

void
forward_write(struct session *session, const struct request *req,
              const struct node *to, int64_t expire)
{
    struct worker *worker = session->worker;
    struct peer *peer = pool_get(&worker->pool, node_host(to), to->port);
    bool gat = req->command == COMMAND_GAT || req->command == COMMAND_GATS;
    struct forward *f;

    if (hold_for_peer(session, peer)) {
        return;
    }
    metric_add(&worker->metrics, METRIC_PROXY_WRITE, 1);
    if (!emit(worker, peer, req, expire)) {
        metric_add(&worker->metrics, METRIC_PROXY_ERROR, 1);
        session_line(session, req, forward_failure(PEER_UNSENT));
        return;
    }
    f = spares_take(&worker->spares, sizeof(*f));
    call_init(&f->call, session, destroy);
    f->call.quiet = req->noreply;
    peer_expect(peer, &f->peer, gat ? EXPECT_VALUE : EXPECT_LINE, on_answer);
}

static bool
emit_keys(struct buf *out, const struct request *req, struct slice self)
{
    struct slice keys = req->keys;
    struct slice key = request_key(&keys);
    bool ok = buf_put(out, "<", 1) && buf_put_slice(out, self) &&
              buf_put(out, ">keys", 5);

    while (ok && key.n > 0) {
        ok = buf_put(out, " ", 1) && buf_put_slice(out, key);
        key = request_key(&keys);
    }
    return ok && buf_put(out, " ", 1) && buf_put_u64(out, req->number) &&
           buf_put(out, "\r\n", 2);
}

void
forward_keys(struct session *session, const struct request *req,
             const struct node *to)
{
    struct worker *worker = session->worker;
    struct peer *peer = pool_get(&worker->pool, node_host(to), to->port);
    struct buf *out = peer_out(peer);
    size_t mark = out != NULL ? buf_len(out) : 0;
    struct forward *f;

    if (hold_for_peer(session, peer)) {
        return;
    }
    if (out == NULL || !emit_keys(out, req, slice_str(worker->node->self))) {
        if (out != NULL) {
            buf_truncate(out, mark);
        }
        session_line(session, req, forward_failure(PEER_UNSENT));
        return;
    }
    f = spares_take(&worker->spares, sizeof(*f));
    call_init(&f->call, session, destroy);
    peer_expect(peer, &f->peer, EXPECT_LINES, on_answer);
}
