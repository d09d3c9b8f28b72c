#include "flared/gather.h"

#include <string.h>

#include "flared/cmd.h"
#include "flared/forward.h"
#include "flared/gather_impl.h"
#include "proto/emit.h"
#include "proto/reply.h"

static void
release(struct worker *worker, struct buf *buf)
{
    if (buf->base != NULL) {
        loop_take_back(&worker->loop, buf);
    }
}

static struct buf *
lend(struct gather *g, struct buf *buf)
{
    if (buf->base == NULL) {
        loop_lend(&g->call.worker->loop, buf);
    }
    return buf;
}

static void
destroy(struct call *call)
{
    struct gather *g = LIST_ENTRY(call, struct gather, call);
    struct worker *worker = call->worker;

    while (g->groups != NULL) {
        struct group *group = g->groups;

        g->groups = group->after;
        release(worker, &group->text);
        spares_give(&worker->spares, group, sizeof(*group));
    }
    release(worker, &g->local);
    spares_give(&worker->spares, g, g->size);
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
        if (g->parts[i].group != NULL) {
            remote++;
            hits += g->parts[i].n > 0 ? 1 : 0;
        }
    }
    metric_add(m, touches ? METRIC_TOUCH_HITS : METRIC_GET_HITS, hits);
    metric_add(m, touches ? METRIC_TOUCH_MISSES : METRIC_GET_MISSES,
               remote - hits);
    metric_add(m, METRIC_PROXY_READ, remote);
}

static struct buf *
text_of(struct gather *g, const struct part *part)
{
    return part->group == NULL ? &g->local : &part->group->text;
}

/* All blocks in the order asked, when they came from one place; else NULL. */
static struct buf *
whole_text(struct gather *g)
{
    if (g->groups == NULL) {
        return &g->local;
    }
    return g->groups->after == NULL && buf_len(&g->local) == 0
               ? &g->groups->text
               : NULL;
}

static bool
compose(struct gather *g)
{
    struct buf *out = &g->call.out;
    struct buf *whole = whole_text(g);

    if (g->error != NULL) {
        return reply_line(lend(g, out), g->error);
    }
    if (whole != NULL && out->base == NULL) {
        *out = *lend(g, whole);
        *whole = (struct buf){NULL, 0, 0, 0};
        return reply_line(out, "END");
    }
    (void)lend(g, out);
    for (unsigned i = 0; i < g->nparts; i++) {
        const struct part *part = &g->parts[i];
        const struct buf *text = text_of(g, part);

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

void
gather_one_less(struct gather *g)
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
        if (g->parts[i].group == group) {
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
        gather_one_less(g);
    }
}

/* False: another value would be too much, or something is wrong already. */
bool
gather_has_room(struct gather *g)
{
    if (g->error == NULL &&
        g->bytes > g->call.worker->node->options.answer_max) {
        g->error = CMD_TOO_MUCH;
    }
    return g->error == NULL;
}

/* The VALUE block of a part, behind the others in its text. */
void
gather_put(struct gather *g, struct part *part, const struct item *item)
{
    struct buf *text = lend(g, text_of(g, part));
    bool ok;

    part->at = buf_len(text);
    ok = g->cas ? reply_value_cas(text, part->key, item->flags, item->value,
                                  item->version)
                : reply_value(text, part->key, item->flags, item->value);
    if (!ok) {
        g->error = "SERVER_ERROR out of memory";
    }
    part->n = buf_len(text) - part->at;
    g->bytes += part->n;
}

/* Answers come in the order asked; a key that is skipped was a miss. */
bool
gather_take(struct gather *g, struct group *group, const struct reply *reply)
{
    while (group->next < g->nparts) {
        struct part *part = &g->parts[group->next++];

        if (part->group != group || !slice_eq(part->key, reply->key)) {
            continue;
        }
        if (!gather_has_room(g)) {
            buf_fini(&group->text);
            return true;
        }
        gather_put(g, part,
                   &(struct item){.flags = reply->flags,
                                  .version = reply->version,
                                  .value = reply->data});
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
        if (!gather_take(g, group, reply)) {
            g->error = "SERVER_ERROR proxy error";
        }
        return;
    }
    if (result == PEER_REPLY && slice_eq(reply->line, SLICE(CMD_TOO_MUCH))) {
        g->error = CMD_TOO_MUCH; /* for that node already */
        gather_one_less(g);
        return;
    }
    if (result == PEER_REPLY && reply->code == REPLY_CODE_END) {
        gather_one_less(g);
        return;
    }
    if (!ask_another(g, group)) {
        wait_for_better(g, group, result);
    }
}

struct gather *
gather_new(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    size_t n = sizeof(struct gather) + req->nkeys * sizeof(struct part);
    struct gather *g = spares_take(&worker->spares, n + req->keys.n);
    struct slice keys = {(char *)g + n, req->keys.n};

    memcpy((char *)g + n, req->keys.p, req->keys.n);
    g->size = n + req->keys.n;
    g->command = req->command;
    g->cas = req->command == COMMAND_GETS || req->command == COMMAND_GATS;
    g->nparts = req->nkeys;
    call_init(&g->call, session, destroy);
    for (unsigned i = 0; i < g->nparts; i++) {
        g->parts[i].key = request_key(&keys);
    }
    g->pending = 1; /* held until everything has been asked */
    return g;
}

struct group *
gather_add_group(struct gather *g, int partition)
{
    struct group *group = spares_take(&g->call.worker->spares, sizeof(*group));

    group->gather = g;
    group->partition = partition;
    if (g->groups == NULL) {
        g->groups = group;
    } else {
        g->last_group->after = group;
    }
    g->last_group = group;
    return group;
}

/* The group that asks `to` for keys of this partition. */
static struct group *
group_for(struct gather *g, const struct route *route)
{
    const char *name = route->kind == ROUTE_FORWARD ? route->to->key : "";
    struct group *group;

    for (group = g->groups; group != NULL; group = group->after) {
        if (group->partition == route->partition &&
            strcmp(group->node, name) == 0) {
            return group;
        }
    }
    group = gather_add_group(g, route->partition);
    memcpy(group->node, name, strlen(name) + 1);
    return group;
}

static void
get_here(struct gather *g, struct part *part)
{
    struct worker *worker = g->call.worker;
    struct item item;

    if (!gather_has_room(g)) {
        return;
    }
    switch (store_get(worker->node->store, part->key, worker->loop.wall,
                      &worker->scratch, &item)) {
    case STORE_OK:
        metric_add(&worker->metrics, METRIC_GET_HITS, 1);
        gather_put(g, part, &item);
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
        part->group = group_for(g, &route);
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

        if (part->group != group) {
            continue;
        }
        route = cluster_route_read(view, keyhash(view->hash, part->key),
                                   &g->call.worker->rand);
        if (route.kind != ROUTE_LOCAL) {
            break;
        }
        part->group = NULL;
        get_here(g, part);
    }
    if (route.kind == ROUTE_LOCAL) {
        gather_one_less(g);
    } else if (!ask(g, group, route.to)) {
        wait_for_better(g, group, PEER_UNSENT);
    }
}

void
gather_get(struct session *session, const struct request *req)
{
    struct gather *g = gather_new(session, req);
    bool round = cmd_goes_round(session, req);

    for (unsigned i = 0; i < g->nparts && g->error == NULL; i++) {
        place_get(g, &g->parts[i], req, round);
    }
    for (struct group *group = g->groups; group != NULL && g->error == NULL;
         group = group->after) {
        const struct node *to =
            cluster_map_find(g->call.worker->view->map, slice_str(group->node));

        g->pending++;
        if (!ask(g, group, to) && !ask_another(g, group)) {
            wait_for_better(g, group, PEER_UNSENT);
        }
    }
    gather_one_less(g);
}
