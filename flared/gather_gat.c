/* gat: every key is touched at its master. */
#include "flared/gather_impl.h"

#include "flared/cmd.h"
#include "proto/emit.h"

static void
on_gat(struct peer_call *peer, enum peer_result result,
       const struct reply *reply)
{
    struct group *group = LIST_ENTRY(peer, struct group, peer);
    struct gather *g = group->gather;

    if (result == PEER_REPLY && reply->kind == REPLY_VALUE) {
        if (!gather_take(g, group, reply)) {
            g->error = "SERVER_ERROR proxy error";
        }
        if (!reply->last) {
            return;
        }
    } else if (result != PEER_REPLY) {
        metric_add(&g->call.worker->metrics, METRIC_PROXY_ERROR, 1);
        g->error = forward_failure(result);
    } else if (reply->code != REPLY_CODE_NOT_FOUND) {
        g->error = "SERVER_ERROR proxy error";
    }
    gather_one_less(g);
}

static void
gat_there(struct gather *g, struct part *part, const struct route *route)
{
    struct worker *worker = g->call.worker;
    struct peer *peer =
        pool_get(&worker->pool, node_host(route->to), route->to->port);
    struct buf *out = peer_out(peer);
    struct group *group = gather_add_group(g, route->partition);
    const struct request req = {
        .command = g->command, .key = part->key, .tell_version = g->cas};

    part->group = group;
    if (out == NULL ||
        !emit_forward(out, &req, g->expire, slice_str(worker->node->self))) {
        g->error = forward_failure(PEER_UNSENT);
        return;
    }
    g->pending++;
    peer_expect(peer, &group->peer, EXPECT_VALUE, on_gat);
}

static void
gat_here(struct gather *g, struct part *part)
{
    struct outcome outcome;

    if (!gather_has_room(g)) {
        return;
    }
    cmd_touch_local(g->call.session, part->key, g->expire, &outcome);
    if (outcome.answer == CHANGE_TOUCHED) {
        gather_put(g, part, &outcome.item);
        g->seq = outcome.changed ? outcome.seq : g->seq;
    } else if (outcome.answer != CHANGE_NOT_FOUND) {
        g->error = "SERVER_ERROR i/o error";
    }
}

static struct route
route_write(const struct worker *worker, struct slice key)
{
    const struct cluster_view *view = worker->view;

    return view != NULL
               ? cluster_route_write(view, keyhash(view->hash, key), false)
               : (struct route){ROUTE_NO_PARTITION, -1, NULL};
}

/* False: the request waits or was answered. */
static bool
can_touch_key(struct session *session, const struct request *req,
              struct slice key)
{
    struct worker *worker = session->worker;
    struct route route = route_write(worker, key);

    if (route.kind == ROUTE_LOCAL) {
        return cmd_may_change(session, req);
    }
    if (route.kind != ROUTE_FORWARD) {
        cmd_refuse_route(session, req, route.kind);
        return false;
    }
    return !hold_for_peer(
        session, pool_get(&worker->pool, node_host(route.to), route.to->port));
}

/* Can every key be touched now?  Likewise. */
static bool
can_touch(struct session *session, const struct request *req)
{
    struct slice keys = req->keys;
    struct slice key = request_key(&keys);

    while (key.n > 0 && can_touch_key(session, req, key)) {
        key = request_key(&keys);
    }
    return key.n == 0;
}

void
gather_gat(struct session *session, const struct request *req)
{
    struct gather *g;

    if (!can_touch(session, req)) {
        return;
    }
    g = gather_new(session, req);

    g->expire = item_expire_at(req->exptime, session->worker->loop.wall);
    for (unsigned i = 0; i < g->nparts && g->error == NULL; i++) {
        struct part *part = &g->parts[i];
        struct route route = route_write(session->worker, part->key);

        if (route.kind == ROUTE_LOCAL) {
            gat_here(g, part);
        } else if (route.kind == ROUTE_FORWARD) {
            gat_there(g, part, &route);
        } else {
            g->error = forward_refusal(route.kind);
        }
    }
    if (!cmd_wants_sync(session, req)) {
        g->waiter.disk_only = true;
    }
    gather_one_less(g);
}
