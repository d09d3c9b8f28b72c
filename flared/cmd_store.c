#include "flared/cmd.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "flared/forward.h"
#include "flared/maintain.h"
#include "flared/meta_reply.h"
#include "proto/reply.h"

static const enum change_op change_of[COMMAND_COUNT] = {
    [COMMAND_SET] = CHANGE_SET,         [COMMAND_ADD] = CHANGE_ADD,
    [COMMAND_REPLACE] = CHANGE_REPLACE, [COMMAND_APPEND] = CHANGE_APPEND,
    [COMMAND_PREPEND] = CHANGE_PREPEND, [COMMAND_CAS] = CHANGE_CAS,
    [COMMAND_INCR] = CHANGE_INCR,       [COMMAND_DECR] = CHANGE_DECR,
    [COMMAND_TOUCH] = CHANGE_TOUCH,     [COMMAND_DELETE] = CHANGE_DELETE,
};

static const char *const answer_text[] = {
    [CHANGE_STORED] = "STORED",
    [CHANGE_NOT_STORED] = "NOT_STORED",
    [CHANGE_EXISTS] = "EXISTS",
    [CHANGE_NOT_FOUND] = "NOT_FOUND",
    [CHANGE_DELETED] = "DELETED",
    [CHANGE_TOUCHED] = "TOUCHED",
    [CHANGE_NUMBER] = "",
    [CHANGE_NON_NUMERIC] =
        "CLIENT_ERROR cannot increment or decrement non-numeric value",
    [CHANGE_TOO_LARGE] = "SERVER_ERROR object too large for cache",
    [CHANGE_FAILED] = "SERVER_ERROR i/o error",
};

/* --- answers that wait for the copies ------------------------------------- */

struct gated {
    struct call call;
    struct gate_waiter waiter;
};

static void
destroy_gated(struct call *call)
{
    spares_give(&call->worker->spares, LIST_ENTRY(call, struct gated, call),
                sizeof(struct gated));
}

static void
on_gate(struct gate_waiter *waiter, bool passed)
{
    struct gated *gated = LIST_ENTRY(waiter, struct gated, waiter);

    if (!passed) {
        metric_add(&gated->call.worker->metrics, METRIC_SYNC_TIMEOUTS, 1);
        buf_clear(&gated->call.out);
        if (!reply_line(&gated->call.out, CMD_SYNC_TIMEOUT) &&
            gated->call.session != NULL) {
            session_fail(gated->call.session, "out of memory");
        }
    }
    call_done(&gated->call);
}

void
cmd_gate_wait(struct worker *worker, struct gate_waiter *waiter)
{
    metric_add(&worker->metrics, METRIC_SYNC_WAITS, 1);
    waiter->deadline =
        mono_after_ms(worker->loop.now,
                      (int64_t)atomic_load_explicit(&worker->node->sync_timeout,
                                                    memory_order_relaxed));
    gate_wait(&worker->gate_queue, waiter);
    /* It may have passed before anybody knew that somebody waits. */
    if (gate_is_open_for(&worker->node->gate, waiter) &&
        !atomic_exchange(&worker->gate_queue.posted, true)) {
        mailbox_post(&worker->loop.mailbox, &worker->gate_queue.wake);
    }
}

struct buf *
cmd_gated_answer(struct session *session, const struct request *req,
                 uint64_t seq)
{
    struct worker *worker = session->worker;
    struct gate_waiter waiter = {
        .seq = seq,
        .disk_only = !cmd_wants_sync(session, req),
        .run = on_gate,
    };
    struct gated *gated;

    if (req->noreply || seq == 0 ||
        gate_is_open_for(&worker->node->gate, &waiter)) {
        return session_answer(session);
    }
    gated = spares_take(&worker->spares, sizeof(*gated));
    call_init(&gated->call, session, destroy_gated);
    gated->waiter = waiter;
    cmd_gate_wait(worker, &gated->waiter);
    return &gated->call.out;
}

/* --- the changes ---------------------------------------------------------- */

static enum metric
count_pair(bool hit, enum metric hits, enum metric misses)
{
    return hit ? hits : misses;
}

static void
count(struct metrics *m, enum command command, enum change_answer answer)
{
    bool found = answer != CHANGE_NOT_FOUND;

    if (answer == CHANGE_NON_NUMERIC || answer == CHANGE_FAILED) {
        return;
    }
    if (command == COMMAND_INCR) {
        metric_add(m, count_pair(found, METRIC_INCR_HITS, METRIC_INCR_MISSES),
                   1);
    } else if (command == COMMAND_DECR) {
        metric_add(m, count_pair(found, METRIC_DECR_HITS, METRIC_DECR_MISSES),
                   1);
    } else if (command == COMMAND_DELETE) {
        metric_add(
            m, count_pair(found, METRIC_DELETE_HITS, METRIC_DELETE_MISSES), 1);
    } else if (command == COMMAND_TOUCH) {
        metric_add(m, count_pair(found, METRIC_TOUCH_HITS, METRIC_TOUCH_MISSES),
                   1);
    } else if (answer == CHANGE_STORED) {
        metric_add(m, METRIC_TOTAL_ITEMS, 1);
    }
    if (command == COMMAND_CAS) {
        metric_add(m,
                   answer == CHANGE_EXISTS
                       ? METRIC_CAS_BADVAL
                       : count_pair(found, METRIC_CAS_HITS, METRIC_CAS_MISSES),
                   1);
    }
}

static void
count_request(struct metrics *m, enum command command)
{
    if (command == COMMAND_TOUCH) {
        metric_add(m, METRIC_CMD_TOUCH, 1);
    } else if (command != COMMAND_INCR && command != COMMAND_DECR &&
               command != COMMAND_DELETE) {
        metric_add(m, METRIC_CMD_SET, 1);
    }
}

static bool
put_outcome(struct buf *out, const struct outcome *outcome, bool tell_version)
{
    const char *text =
        outcome->answer == CHANGE_NUMBER ? NULL : answer_text[outcome->answer];

    if (tell_version && outcome->version != 0) {
        return reply_told(out, text, outcome->number, outcome->version);
    }
    return text == NULL ? reply_number(out, outcome->number)
                        : reply_line(out, text);
}

static void
change_here(struct session *session, const struct request *req, bool copy)
{
    struct worker *worker = session->worker;
    const struct change change = {
        .op = change_of[req->command],
        .source = copy ? CHANGE_COPY : CHANGE_CLIENT,
        .has_version = req->command == COMMAND_CAS ||
                       (req->has_version && req->version != 0),
        .key = req->key,
        .value = req->value,
        .flags = req->flags,
        .expire = item_expire_at(req->exptime, worker->loop.wall),
        .version = req->version,
        .delta = req->number,
        .has_unique = req->has_unique,
        .unique = req->unique,
        .create = req->create,
        .initial = req->initial,
    };
    struct outcome outcome;

    store_apply(worker->node->store, &change, worker->loop.wall,
                &worker->scratch, &outcome);
    count(&worker->metrics, req->command, outcome.answer);
    if (outcome.answer == CHANGE_STORED) {
        access_stored(&worker->node->access, req->key, worker->loop.wall);
    } else if (outcome.answer == CHANGE_TOUCHED) {
        access_fetched(&worker->node->access, req->key, worker->loop.wall);
    }
    if (req->noreply) {
        return;
    }
    if (!put_outcome(
            cmd_gated_answer(session, req, outcome.changed ? outcome.seq : 0),
            &outcome, req->tell_version)) {
        session_fail(session, "out of memory");
    }
}

void
cmd_change(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    const struct cluster_view *view = worker->view;
    struct route route = {ROUTE_NO_PARTITION, -1, NULL};

    cmd_note_write(session, req);
    if (cmd_is_from_master(session, req)) {
        count_request(&worker->metrics, req->command);
        change_here(session, req, true);
        return;
    }
    if (view != NULL) {
        route = cluster_route_write(view, keyhash(view->hash, req->key), false);
    }
    if (route.kind == ROUTE_LOCAL) {
        if (cmd_may_change(session, req)) {
            change_here(session, req, false);
        }
    } else if (route.kind == ROUTE_FORWARD && !cmd_goes_round(session, req)) {
        forward_write(session, req, route.to,
                      item_expire_at(req->exptime, worker->loop.wall));
    } else {
        cmd_refuse_route(session, req, route.kind);
    }
    if (!session->held.waits) {
        count_request(&worker->metrics, req->command);
    }
}

/*
 * memcached removes the old value when a new one is too large, so that nobody
 * goes on reading what the client meant to replace.
 */
void
cmd_too_large(struct session *session, const struct request *req)
{
    struct request removal = {
        .command = COMMAND_DELETE,
        .from_peer = req->from_peer,
        .hops = req->hops,
        .key = req->key,
        .noreply = true,
    };

    if (req->command == COMMAND_SET) {
        cmd_change(session, &removal);
    } else if (req->command == COMMAND_MS &&
               (req->meta.mode == '\0' || req->meta.mode == 'S')) {
        char room[PROTO_KEY_MAX];

        removal.key = meta_key(req, room);
        cmd_change(session, &removal);
    }
    if (!session->held.waits) {
        metric_add(&session->worker->metrics, METRIC_STORE_TOO_LARGE, 1);
    }
}

/* --- flush_all ------------------------------------------------------------ */

void
cmd_flush_all(struct session *session, const struct request *req)
{
    struct worker *worker = session->worker;
    int64_t delay = req->exptime;
    uint64_t seq = 0;

    cmd_note_write(session, req);
    if (!cmd_is_from_master(session, req) && !cmd_may_change(session, req)) {
        return;
    }
    metric_add(&worker->metrics, METRIC_CMD_FLUSH, 1);
    if (delay > 0) {
        int64_t at = item_expire_at(delay, worker->loop.wall);

        delay = at > worker->loop.wall.s ? at - worker->loop.wall.s : 0;
    }
    if (delay > 0) {
        maintain_flush_later(worker->node, delay);
    } else if (!node_flush_all(worker->node, &seq)) {
        session_line(session, req, "SERVER_ERROR i/o error");
        return;
    }
    if (!req->noreply &&
        !reply_line(cmd_gated_answer(session, req, seq), "OK")) {
        session_fail(session, "out of memory");
    }
}
