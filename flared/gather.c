#include "flared/gather.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flared/cmd.h"
#include "flared/forward.h"
#include "proto/emit.h"
#include "proto/reply.h"

/* One key and the place of its VALUE block, if it has one. */
struct part {
    struct slice key; /* in gather->keys */
    int group;        /* -1: answered here, in gather->local */
    size_t at, n;     /* bytes of the group's text; n = 0: a miss */
};

/* What one node was asked for. */
struct group {
    struct peer_call peer;
    struct gather *gather;
    char node[NODE_KEY_MAX + 1]; /* who was asked; "": nobody yet */
    int partition;
    unsigned next; /* part to look from for the next VALUE */
    unsigned index;
    bool retried;
    struct held held; /* while nobody can be asked */
    struct buf text;
};

struct gather {
    struct call call;
    struct gate_waiter waiter;
    enum command command;
    bool cas;
    unsigned nparts, ngroups, pending;
    struct part *parts;
    struct group *groups;
    struct buf keys, local;
    int64_t expire; /* gat */
    uint64_t seq;   /* of the last change made here, 0: none */
    uint64_t bytes; /* of values so far */
    const char *error;
};

static void
destroy(struct call *call)
{
    struct gather *g = LIST_ENTRY(call, struct gather, call);

    for (unsigned i = 0; i < g->ngroups; i++) {
        buf_fini(&g->groups[i].text);
    }
    buf_fini(&g->keys);
    buf_fini(&g->local);
    free(g->parts);
    free(g->groups);
    free(g);
}

static void
count(const struct gather *g)
{
    const bool touches =
        g->command == COMMAND_GAT || g->command == COMMAND_GATS;
    struct metrics *m = &g->call.worker->metrics;
    unsigned hits = 0;
    unsigned remote = 0;

    for (unsigned i = 0; i < g->nparts; i++) {
        if (g->parts[i].group >= 0) {
            remote++;
            hits += g->parts[i].n > 0 ? 1 : 0;
        }
    }
    metric_add(m, touches ? METRIC_TOUCH_HITS : METRIC_GET_HITS, hits);
    metric_add(m, touches ? METRIC_TOUCH_MISSES : METRIC_GET_MISSES,
               remote - hits);
    metric_add(m, METRIC_PROXY_READ, remote);
}

static bool
compose(struct gather *g)
{
    struct buf *out = &g->call.out;

    if (g->error != NULL) {
        return reply_line(out, g->error);
    }
    for (unsigned i = 0; i < g->nparts; i++) {
        const struct part *part = &g->parts[i];
        const struct buf *text =
            part->group < 0 ? &g->local : &g->groups[part->group].text;

        if (part->n > 0 &&
            !buf_put(out, buf_slice(text).p + part->at, part->n)) {
            return false;
        }
    }
    return reply_line(out, "END");
}

static void
finish(struct gather *g)
{
    count(g);
    if (!compose(g) && g->call.session != NULL) {
        session_fail(g->call.session, "out of memory");
    }
    call_done(&g->call);
}

static void
on_gate(struct gate_waiter *waiter, bool passed)
{
    struct gather *g = LIST_ENTRY(waiter, struct gather, waiter);

    if (!passed) {
        metric_add(&g->call.worker->metrics, METRIC_SYNC_TIMEOUTS, 1);
        g->error = CMD_SYNC_TIMEOUT;
    }
    finish(g);
}

static void
one_less(struct gather *g)
{
    struct worker *worker = g->call.worker;

    if (--g->pending > 0) {
        return;
    }
    g->waiter.seq = g->seq;
    g->waiter.run = on_gate;
    if (g->seq == 0 || gate_is_open_for(&worker->node->gate, &g->waiter)) {
        finish(g);
        return;
    }
    cmd_gate_wait(worker, &g->waiter);
}

static void on_get(struct peer_call *peer, enum peer_result result,
                   const struct reply *reply);

/*
 * Ask a node (NULL: there is none) for every part of the group that has no
 * answer yet.
 */
static bool
ask(struct gather *g, struct group *group, const struct node *to)
{
    struct worker *worker = g->call.worker;
    struct slice self = slice_str(worker->node->self);
    struct peer *peer;
    struct buf *out;
    size_t mark;

    if (to == NULL) {
        return false;
    }
    peer = pool_get(&worker->pool, node_host(to), to->port);
    out = peer_out(peer);
    memcpy(group->node, to->key, sizeof(group->node));
    if (out == NULL) {
        return false;
    }
    mark = buf_len(out);
    bool ok = emit_get_begin(out, g->cas, SLICE(""), self);

    for (unsigned i = group->next; ok && i < g->nparts; i++) {
        if (g->parts[i].group == (int)group->index) {
            ok = emit_get_key(out, g->parts[i].key);
        }
    }
    if (!ok || !emit_get_end(out)) {
        buf_truncate(out, mark);
        return false;
    }
    peer_expect(peer, &group->peer, EXPECT_VALUES, on_get);
    return true;
}

/* Once, somebody else who has the data. */
static bool
ask_another(struct gather *g, struct group *group)
{
    const struct cluster_view *view = g->call.worker->view;
    const struct node *was, *other;

    if (group->retried || g->call.session == NULL || view == NULL ||
        group->partition >= view->npartitions) {
        return false;
    }
    group->retried = true;
    was = cluster_map_find(view->map, slice_str(group->node));
    other = cluster_route_other_reader(view, group->partition, was);
    return ask(g, group, other);
}

static void on_retry(struct held *held, bool late);

/* Nobody could be asked, or has answered: wait for a better map, or give up. */
static void
wait_for_better(struct gather *g, struct group *group, enum peer_result result)
{
    struct worker *worker = g->call.worker;
    const struct node *was = NULL;
    int64_t down_ms = 0;

    if (worker->view != NULL) {
        was = cluster_map_find(worker->view->map, slice_str(group->node));
    }
    if (was != NULL) {
        down_ms =
            peer_down_ms(pool_get(&worker->pool, node_host(was), was->port));
    }
    group->held.run = on_retry;
    if (g->call.session == NULL || !hold_other(worker, &group->held, down_ms)) {
        metric_add(&worker->metrics, METRIC_PROXY_ERROR, 1);
        g->error = forward_failure(result);
        one_less(g);
    }
}

/* False: another value would be too much, or something is wrong already. */
static bool
has_room(struct gather *g)
{
    if (g->error == NULL &&
        g->bytes > g->call.worker->node->options.answer_max) {
        g->error = CMD_TOO_MUCH;
    }
    return g->error == NULL;
}

/* Answers come in the order asked; a key that is skipped was a miss. */
static bool
take_value(struct gather *g, struct group *group, const struct reply *reply)
{
    while (group->next < g->nparts) {
        struct part *part = &g->parts[group->next++];

        if (part->group != (int)group->index ||
            !slice_eq(part->key, reply->key)) {
            continue;
        }
        if (!has_room(g)) {
            buf_fini(&group->text);
            return true;
        }
        part->at = buf_len(&group->text);
        if (!(g->cas ? reply_value_cas(&group->text, reply->key, reply->flags,
                                       reply->data, reply->version)
                     : reply_value(&group->text, reply->key, reply->flags,
                                   reply->data))) {
            g->error = "SERVER_ERROR out of memory";
            return true;
        }
        part->n = buf_len(&group->text) - part->at;
        g->bytes += part->n;
        return true;
    }
    return false; /* an answer to something that was not asked */
}

static void
on_get(struct peer_call *peer, enum peer_result result,
       const struct reply *reply)
{
    struct group *group = LIST_ENTRY(peer, struct group, peer);
    struct gather *g = group->gather;

    if (result == PEER_REPLY && reply->kind == REPLY_VALUE) {
        if (!take_value(g, group, reply)) {
            g->error = "SERVER_ERROR proxy error";
        }
        return;
    }
    if (result == PEER_REPLY && slice_eq(reply->line, SLICE(CMD_TOO_MUCH))) {
        g->error = CMD_TOO_MUCH; /* for that node already */
        one_less(g);
        return;
    }
    if (result == PEER_REPLY && reply->code == REPLY_CODE_END) {
        one_less(g);
        return;
    }
    if (!ask_another(g, group)) {
        wait_for_better(g, group, result);
    }
}

static struct gather *
gather_new(struct session *session, const struct request *req)
{
    struct gather *g = xcalloc(1, sizeof(*g));
    struct slice keys;

    g->command = req->command;
    g->cas = req->command == COMMAND_GETS || req->command == COMMAND_GATS;
    g->nparts = req->nkeys;
    g->parts = xcalloc(req->nkeys, sizeof(*g->parts));
    call_init(&g->call, session, destroy);
    if (!buf_put_slice(&g->keys, req->keys)) {
        g->error = "SERVER_ERROR out of memory";
        g->nparts = 0;
        return g;
    }
    keys = buf_slice(&g->keys);
    for (unsigned i = 0; i < g->nparts; i++) {
        g->parts[i].key = request_key(&keys);
        g->parts[i].group = -1;
    }
    g->pending = 1; /* held until everything has been asked */
    return g;
}

static struct group *
group_add(struct gather *g, int partition)
{
    struct group *group = &g->groups[g->ngroups];

    group->gather = g;
    group->index = g->ngroups++;
    group->partition = partition;
    return group;
}

/* The group that asks `to` for keys of this partition. */
static struct group *
group_for(struct gather *g, const struct route *route)
{
    const char *name = route->kind == ROUTE_FORWARD ? route->to->key : "";
    struct group *group;

    for (unsigned i = 0; i < g->ngroups; i++) {
        group = &g->groups[i];
        if (group->partition == route->partition &&
            strcmp(group->node, name) == 0) {
            return group;
        }
    }
    group = group_add(g, route->partition);
    memcpy(group->node, name, strlen(name) + 1);
    return group;
}

static void
get_here(struct gather *g, struct part *part)
{
    struct worker *worker = g->call.worker;
    struct item item;

    if (!has_room(g)) {
        return;
    }
    part->at = buf_len(&g->local);
    switch (store_get(worker->node->store, part->key, worker->loop.wall,
                      &worker->scratch, &item)) {
    case STORE_OK:
        metric_add(&worker->metrics, METRIC_GET_HITS, 1);
        if (!(g->cas ? reply_value_cas(&g->local, part->key, item.flags,
                                       item.value, item.version)
                     : reply_value(&g->local, part->key, item.flags,
                                   item.value))) {
            g->error = "SERVER_ERROR out of memory";
        }
        part->n = buf_len(&g->local) - part->at;
        g->bytes += part->n;
        return;
    case STORE_MISS:
        metric_add(&worker->metrics, METRIC_GET_MISSES, 1);
        return;
    case STORE_ERROR:
        g->error = "SERVER_ERROR i/o error";
        return;
    }
}

static void
place_get(struct gather *g, struct part *part, const struct request *req,
          bool goes_round)
{
    struct route route = cmd_route_read(g->call.session, req, part->key);

    if (route.kind == ROUTE_LOCAL) {
        get_here(g, part);
    } else if (route.kind == ROUTE_NO_NODE ||
               (route.kind == ROUTE_FORWARD && !goes_round)) {
        part->group = (int)group_for(g, &route)->index;
    } else {
        g->error = forward_refusal(route.kind);
    }
}

/* What the group still lacks: from here, or from whoever has it by now. */
static void
on_retry(struct held *held, bool late)
{
    struct group *group = LIST_ENTRY(held, struct group, held);
    struct gather *g = group->gather;
    const struct cluster_view *view = g->call.worker->view;
    struct route route = {ROUTE_LOCAL, -1, NULL};

    (void)late; /* one more try costs nothing; then it is known */
    for (unsigned i = group->next; i < g->nparts; i++) {
        struct part *part = &g->parts[i];

        if (part->group != (int)group->index) {
            continue;
        }
        route = cluster_route_read(view, keyhash(view->hash, part->key),
                                   &g->call.worker->rand);
        if (route.kind != ROUTE_LOCAL) {
            break;
        }
        part->group = -1;
        get_here(g, part);
    }
    if (route.kind == ROUTE_LOCAL) {
        one_less(g);
    } else if (!ask(g, group, route.to)) {
        wait_for_better(g, group, PEER_UNSENT);
    }
}

void
gather_get(struct session *session, const struct request *req)
{
    struct gather *g = gather_new(session, req);
    bool round = cmd_goes_round(session, req);

    g->groups = xcalloc(g->nparts, sizeof(*g->groups));
    for (unsigned i = 0; i < g->nparts && g->error == NULL; i++) {
        place_get(g, &g->parts[i], req, round);
    }
    for (unsigned i = 0; i < g->ngroups && g->error == NULL; i++) {
        const struct node *to = cluster_map_find(g->call.worker->view->map,
                                                 slice_str(g->groups[i].node));

        g->pending++;
        if (!ask(g, &g->groups[i], to) && !ask_another(g, &g->groups[i])) {
            wait_for_better(g, &g->groups[i], PEER_UNSENT);
        }
    }
    one_less(g);
}

/* --- gat ------------------------------------------------------------------ */

static void
on_gat(struct peer_call *peer, enum peer_result result,
       const struct reply *reply)
{
    struct group *group = LIST_ENTRY(peer, struct group, peer);
    struct gather *g = group->gather;

    if (result == PEER_REPLY && reply->kind == REPLY_VALUE) {
        if (!take_value(g, group, reply)) {
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
    one_less(g);
}

static void
gat_there(struct gather *g, struct part *part, const struct route *route)
{
    struct worker *worker = g->call.worker;
    struct peer *peer =
        pool_get(&worker->pool, node_host(route->to), route->to->port);
    struct buf *out = peer_out(peer);
    struct group *group = group_add(g, route->partition);
    const struct request req = {
        .command = g->command, .key = part->key, .tell_version = g->cas};

    part->group = (int)group->index;
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

    if (!has_room(g)) {
        return;
    }
    cmd_touch_local(g->call.session, part->key, g->expire, &outcome);
    if (outcome.answer == CHANGE_TOUCHED) {
        part->at = buf_len(&g->local);
        if (!(g->cas ? reply_value_cas(&g->local, part->key, outcome.item.flags,
                                       outcome.item.value, outcome.item.version)
                     : reply_value(&g->local, part->key, outcome.item.flags,
                                   outcome.item.value))) {
            g->error = "SERVER_ERROR out of memory";
        }
        part->n = buf_len(&g->local) - part->at;
        g->bytes += part->n;
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

/* Can every key be touched now?  False: the request waits or was answered. */
static bool
can_touch(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    struct slice keys = req->keys, key;

    while ((key = request_key(&keys)).n > 0) {
        struct route route = route_write(worker, key);

        if (route.kind == ROUTE_LOCAL) {
            if (!cmd_may_change(session, req)) {
                return false;
            }
        } else if (route.kind != ROUTE_FORWARD) {
            cmd_refuse_route(session, req, route.kind);
            return false;
        } else if (hold_for_peer(session,
                                 pool_get(&worker->pool, node_host(route.to),
                                          route.to->port))) {
            return false;
        }
    }
    return true;
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
    g->groups = xcalloc(g->nparts, sizeof(*g->groups));
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
    one_less(g);
}
