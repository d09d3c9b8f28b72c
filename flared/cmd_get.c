#include "flared/cmd.h"

#include "flared/ahead.h"
#include "flared/forward.h"
#include "flared/gather.h"
#include "proto/reply.h"

static bool
put_value(struct buf *out, bool cas, struct slice key, const struct item *item)
{
    return cas ? reply_value_cas(out, key, item->flags, item->value,
                                 item->version)
               : reply_value(out, key, item->flags, item->value);
}

enum local { LOCAL_DONE, LOCAL_REMOTE, LOCAL_FAILED, LOCAL_TOO_MUCH };

/* Answer one key from the own data, or find that it is elsewhere. */
static enum local
get_local(struct session *session, const struct request *req, struct slice key,
          struct buf *out)
{
    struct worker *worker = session->worker;
    struct item item;

    if (cmd_route_read(session, req, key).kind != ROUTE_LOCAL) {
        return LOCAL_REMOTE;
    }
    switch (store_get(worker->node->store, key, worker->loop.wall,
                      &worker->scratch, &item)) {
    case STORE_OK:
        access_fetched(&worker->node->access, key, worker->loop.wall);
        metric_add(&worker->metrics, METRIC_GET_HITS, 1);
        return put_value(out, req->command == COMMAND_GETS, key, &item)
                   ? LOCAL_DONE
                   : LOCAL_FAILED;
    case STORE_MISS:
        metric_add(&worker->metrics, METRIC_GET_MISSES, 1);
        return LOCAL_DONE;
    case STORE_ERROR:
        break;
    }
    return LOCAL_FAILED;
}

/* The next keys, few enough to be looked ahead for together. */
static unsigned
take_keys(struct slice *rest, struct slice *keys)
{
    unsigned n = 0;

    while (n < AHEAD_KEYS && (keys[n] = request_key(rest)).n > 0) {
        n++;
    }
    return n;
}

static enum local
get_several(struct session *session, const struct request *req, struct buf *out,
            size_t mark, const struct slice *keys, unsigned n)
{
    const uint64_t max = session->worker->node->options.answer_max;
    enum local local = LOCAL_DONE;

    if (n > 1) {
        ahead_keys(session->worker, keys, n);
    }
    for (unsigned i = 0; i < n && local == LOCAL_DONE; i++) {
        local = buf_len(out) - mark > max
                    ? LOCAL_TOO_MUCH
                    : get_local(session, req, keys[i], out);
    }
    return local;
}

/*
 * All keys from here if that is possible; at the first that is not, what was
 * written is taken back and the whole request is gathered.
 */
void
cmd_get(struct session *session, const struct request *req)
{
    struct buf *out = session_answer(session);
    size_t mark = buf_len(out);
    uint64_t hits = metric_get(&session->worker->metrics, METRIC_GET_HITS);
    uint64_t misses = metric_get(&session->worker->metrics, METRIC_GET_MISSES);
    struct slice rest = req->keys;
    struct slice keys[AHEAD_KEYS];
    unsigned n;

    metric_add(&session->worker->metrics, METRIC_CMD_GET, req->nkeys);
    while ((n = take_keys(&rest, keys)) > 0) {
        enum local local = get_several(session, req, out, mark, keys, n);

        if (local != LOCAL_DONE) {
            buf_truncate(out, mark);
        }
        if (local == LOCAL_FAILED || local == LOCAL_TOO_MUCH) {
            session_line(session, req,
                         local == LOCAL_FAILED ? "SERVER_ERROR i/o error"
                                               : CMD_TOO_MUCH);
            return;
        }
        if (local == LOCAL_REMOTE) {
            struct metrics *m = &session->worker->metrics;

            atomic_store_explicit(&m->value[METRIC_GET_HITS], hits,
                                  memory_order_relaxed);
            atomic_store_explicit(&m->value[METRIC_GET_MISSES], misses,
                                  memory_order_relaxed);
            gather_get(session, req);
            return;
        }
    }
    if (!buf_put(out, "END\r\n", 5)) {
        session_fail(session, "out of memory");
    }
}

/* flare's form, from a peer: one key, no END; NOT_FOUND for a miss. */
static void
gat_for_peer(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    const struct cluster_view *view = worker->view;
    int64_t expire = item_expire_at(req->exptime, worker->loop.wall);
    struct outcome outcome;
    struct route route = {ROUTE_NO_PARTITION, -1, NULL};

    if (view != NULL) {
        route = cluster_route_write(view, keyhash(view->hash, req->key), false);
    }
    if (route.kind == ROUTE_FORWARD && !cmd_goes_round(session, req)) {
        forward_write(session, req, route.to, expire);
        return;
    }
    if (route.kind != ROUTE_LOCAL) {
        cmd_refuse_route(session, req, route.kind);
        return;
    }
    if (!cmd_may_change(session, req)) {
        return;
    }
    cmd_touch_local(session, req->key, expire, &outcome);
    if (outcome.answer != CHANGE_TOUCHED) {
        session_line(session, req,
                     outcome.answer == CHANGE_NOT_FOUND
                         ? "NOT_FOUND"
                         : "SERVER_ERROR i/o error");
        return;
    }
    if (!req->noreply &&
        !put_value(
            cmd_gated_answer(session, req, outcome.changed ? outcome.seq : 0),
            req->command == COMMAND_GATS || req->tell_version, req->key,
            &outcome.item)) {
        session_fail(session, "out of memory");
    }
}

/*
 * memcached's form: the time first, then any number of keys.  Every key is
 * touched at its master, so it is gathered unless this node is the only one.
 */
void
cmd_gat(struct session *session, const struct request *req)
{
    cmd_note_write(session, req);
    if (req->from_peer) {
        gat_for_peer(session, req);
    } else {
        gather_gat(session, req);
    }
    if (!session->held.waits) {
        metric_add(&session->worker->metrics, METRIC_CMD_TOUCH, req->nkeys);
    }
}

void
cmd_touch_local(struct session *session, struct slice key, int64_t expire,
                struct outcome *outcome)
{
    struct worker *worker = session->worker;
    const struct change change = {
        .op = CHANGE_TOUCH,
        .source = CHANGE_CLIENT,
        .key = key,
        .expire = expire,
    };
    bool hit;

    store_apply(worker->node->store, &change, worker->loop.wall,
                &worker->scratch, outcome);
    hit = outcome->answer == CHANGE_TOUCHED;
    if (hit) {
        access_fetched(&worker->node->access, key, worker->loop.wall);
    }
    metric_add(&worker->metrics, hit ? METRIC_TOUCH_HITS : METRIC_TOUCH_MISSES,
               1);
}
