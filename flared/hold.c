#include "flared/hold.h"

#include "flared/session.h"

enum { RETRY_MS = 50 };

static void
run_others(struct hold *hold, struct mono now)
{
    struct list waiting;
    struct list *first;

    list_init(&waiting); /* who has to wait on is put on the list again */
    while ((first = list_pop(&hold->others)) != NULL) {
        list_append(&waiting, first);
    }
    while ((first = list_pop(&waiting)) != NULL) {
        struct held *held = LIST_ENTRY(first, struct held, link);

        held->run(held, mono_reached(held->until, now));
    }
}

static void
look_again(struct worker *worker)
{
    struct list *first;

    while ((first = list_first(&worker->hold.sessions)) != NULL) {
        struct session *session = LIST_ENTRY(first, struct session, held.link);

        hold_release(session);
        session_moved(session); /* offers it at the end of this turn */
    }
    run_others(&worker->hold, worker->loop.now);
}

static void
on_retry(struct loop_item *item)
{
    look_again(LIST_ENTRY(item, struct worker, hold.retry));
}

static void
on_timer(struct timer *timer)
{
    look_again(LIST_ENTRY(timer, struct worker, hold.timer));
}

static void
on_opened(struct mail *mail)
{
    struct worker *worker = LIST_ENTRY(mail, struct worker, hold.opened);

    atomic_store(&worker->hold.is_posted, false);
    hold_retry(worker);
}

void
hold_init(struct hold *hold, struct loop *loop)
{
    list_init(&hold->sessions);
    list_init(&hold->others);
    hold->retry.run = on_retry;
    hold->opened.deliver = on_opened;
    atomic_init(&hold->is_posted, false);
    timer_init(&hold->timer, loop, on_timer);
}

void
hold_fini(struct hold *hold)
{
    run_others(hold, (struct mono){INT64_MAX});
    timer_fini(&hold->timer);
}

static int64_t
budget_ms(const struct worker *worker)
{
    return (int64_t)atomic_load_explicit(&worker->node->failover_wait,
                                         memory_order_relaxed);
}

static void
watch(struct hold *hold)
{
    if (!hold->timer.armed) {
        timer_once(&hold->timer, RETRY_MS);
    }
}

bool
hold_session(struct session *session, int64_t down_ms)
{
    struct worker *worker = session->worker;
    struct held_request *held = &session->held;

    if (!held->begun) {
        held->begun = true;
        held->since = worker->loop.now;
        held->until =
            mono_after_ms(worker->loop.now, budget_ms(worker) - down_ms);
        if (!mono_reached(held->until, worker->loop.now)) {
            metric_add(&worker->metrics, METRIC_HELD_REQUESTS, 1);
        }
    }
    if (session->closing || mono_reached(held->until, worker->loop.now)) {
        return false;
    }
    held->waits = true;
    list_append(&worker->hold.sessions, &held->link);
    watch(&worker->hold);
    return true;
}

bool
hold_for_peer(struct session *session, struct peer *peer)
{
    if (peer_is_connected(peer)) {
        return false;
    }
    (void)peer_out(peer); /* begins to connect */
    return hold_session(session, peer_down_ms(peer));
}

bool
hold_other(struct worker *worker, struct held *held, int64_t down_ms)
{
    if (held->until.ns == 0) {
        held->until =
            mono_after_ms(worker->loop.now, budget_ms(worker) - down_ms);
    }
    if (mono_reached(held->until, worker->loop.now)) {
        return false;
    }
    list_append(&worker->hold.others, &held->link);
    watch(&worker->hold);
    return true;
}

void
hold_release(struct session *session)
{
    if (session->held.waits) {
        session->held.waits = false;
        list_remove(&session->held.link);
    }
}

void
hold_retry(struct worker *worker)
{
    if (!list_empty(&worker->hold.sessions) ||
        !list_empty(&worker->hold.others)) {
        loop_at_turn_end(&worker->loop, &worker->hold.retry);
    }
}
