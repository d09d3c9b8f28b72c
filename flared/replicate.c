#include "flared/replicate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "flared/hold.h"
#include "flared/replicate_impl.h"
#include "net/timer.h"
#include "repl/fanout.h"
#include "repl/stream.h"

enum {
    TICK_MS = 50,
    INHERIT_MS = 10000,      /* how far back an inherited slave is fed from, */
    INHERIT_ENTRIES = 65536, /* and how many entries at most */
};

/* --- each turn ---------------------------------------------------------- */

/*
 * Nothing passes between a map in which this node is no master any more and the
 * moment when every worker uses it: no copy is left that could confirm.
 */
void
replicator_set_gate(struct replicator *r)
{
    struct stream_gate all = stream_gate(NULL, 0);
    bool has_flare = false;

    if (r->frozen) {
        return;
    }
    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        const struct copy *copy = LIST_ENTRY(l, struct copy, link);
        const struct stream_copy one = {copy->counts, copy->joined,
                                        copy->acked};
        const struct stream_gate gate = stream_gate(&one, 1);

        has_flare =
            has_flare || (copy->counts && copy->scope == FANOUT_PARTITION &&
                          copy->feed.mode == FEED_FLARE);
        all.copies += gate.copies - 1;
        all.passed = gate.passed < all.passed ? gate.passed : all.passed;
    }
    atomic_store(&r->node->standing.copies, all.copies);
    if (has_flare != r->has_flare) {
        r->has_flare = has_flare;
        standing_has_flare(&r->node->standing, has_flare);
    }
    if (all.passed != r->gate) {
        r->gate = all.passed;
        gate_set(&r->node->gate, all.passed);
    }
}

static void
drop_drained(struct replicator *r)
{
    struct list *at = r->copies.next;

    while (at != &r->copies) {
        struct copy *copy = LIST_ENTRY(at, struct copy, link);

        at = at->next;
        if (copy_has(copy, copy->drain_until)) {
            log_info("replication to %s is complete", copy->target.key);
            copy_free(copy);
        }
    }
}

/*
 * A master that knows an old map only goes on when every slave that could have
 * replaced it follows it, and has nothing that it lacks.
 */
static void
confirm_old_map(struct replicator *r)
{
    if ((atomic_load(&r->node->writes_held) & HOLD_UNCONFIRMED) == 0 ||
        r->view == NULL || atomic_load(&r->node->standing.epoch) == 0) {
        return;
    }
    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        const struct copy *copy = LIST_ENTRY(l, struct copy, link);

        if (copy->counts &&
            (copy->feed.mode != FEED_STREAM || copy->feed.step != FEED_FLOW)) {
            return;
        }
    }
    log_info("every slave follows this master: it goes on with the last map");
    hold_open(r->node, HOLD_UNCONFIRMED);
}

static void
check_stop(struct replicator *r)
{
    if (!r->stopping) {
        return;
    }
    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        const struct copy *copy = LIST_ENTRY(l, struct copy, link);

        if (copy->state != COPY_LOST && !copy_has(copy, r->stop_at) &&
            !copy_has(copy, copy->drain_until)) {
            return;
        }
    }
    loop_stop(&r->loop);
}

static void
post_again(struct replicator *r)
{
    if (!r->again_posted) {
        r->again_posted = true;
        mailbox_post(&r->loop.mailbox, &r->again);
    }
}

/*
 * Feed everybody.  The log is asked to wake us only while somebody has read
 * all of it; what was appended just before that is seen by looking once more.
 */
static void
on_turn(struct loop_item *item)
{
    struct replicator *r = LIST_ENTRY(item, struct replicator, turn);
    bool idle = false, more = false;

    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        enum copy_pump result = copy_pump(LIST_ENTRY(l, struct copy, link));

        idle = idle || result == COPY_IDLE;
        more = more || result == COPY_MORE;
    }
    if (idle && r->woken) {
        r->woken = false;
        ulog_rearm(store_log(r->node->store));
        more = true;
    }
    if (more) {
        post_again(r);
    }
    drop_drained(r);
    replicator_set_gate(r);
    replicator_check_awaits(r);
    confirm_old_map(r);
    replicator_take_snapshot(r);
    check_stop(r);
}

static void
on_wake(struct mail *mail)
{
    struct replicator *r = LIST_ENTRY(mail, struct replicator, wake);

    r->woken = true;
    loop_at_turn_end(&r->loop, &r->turn);
}

static void
on_again(struct mail *mail)
{
    struct replicator *r = LIST_ENTRY(mail, struct replicator, again);

    r->again_posted = false;
    loop_at_turn_end(&r->loop, &r->turn);
}

/* The appending thread. */
static void
on_append(void *arg)
{
    struct replicator *r = arg;

    mailbox_post(&r->loop.mailbox, &r->wake);
}

static void
on_tick(struct timer *timer)
{
    struct replicator *r = LIST_ENTRY(timer, struct replicator, tick);
    struct mark *mark;

    pthread_mutex_lock(&r->lock);
    mark = &r->history[r->nhistory++ % HISTORY];
    mark->at = r->loop.now;
    mark->last = ulog_last(store_log(r->node->store));
    pthread_mutex_unlock(&r->lock);
    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        feed_tick(LIST_ENTRY(l, struct copy, link));
    }
    if (!list_empty(&r->awaits)) {
        loop_at_turn_end(&r->loop, &r->turn);
    }
}

/* --- a new view --------------------------------------------------------- */

/*
 * Where the log was INHERIT_MS ago, within reason.  Never before this node's
 * data began: it does not know what was deleted meanwhile.
 */
static uint64_t
inherited_start(struct replicator *r)
{
    struct ulog *log = store_log(r->node->store);
    const uint64_t last = ulog_last(log), first = ulog_first(log);
    const struct mono since = mono_after_ms(r->loop.now, -INHERIT_MS);
    uint64_t start = atomic_load(&r->node->old_life);
    const unsigned n = r->nhistory < HISTORY ? r->nhistory : HISTORY;

    if (last > INHERIT_ENTRIES && last - INHERIT_ENTRIES > start) {
        start = last - INHERIT_ENTRIES;
    }
    for (unsigned i = 0; i < n; i++) {
        const struct mark *mark = &r->history[i];

        if (mark->at.ns <= since.ns && mark->last > start) {
            start = mark->last;
        }
    }
    return first > 0 && start < first - 1 ? first - 1 : start;
}

struct copy *
replicator_find(struct replicator *r, struct slice key)
{
    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        struct copy *copy = LIST_ENTRY(l, struct copy, link);

        if (!copy->draining && slice_eq(node_key(&copy->target), key)) {
            return copy;
        }
    }
    return NULL;
}

static void
end_copy(struct copy *copy)
{
    log_info("replication to %s ends at sequence %" PRIu64, copy->target.key,
             copy->acked);
    if (copy->feed.mode == FEED_STREAM && copy->begun) {
        /* Should it come back, it gets what it missed, within reason. */
        ulog_want_after(store_log(copy->node->store), copy->acked);
    }
    copy_free(copy);
}

static void
revise_copy(struct replicator *r, struct copy *copy, struct cluster_view *view,
            const struct fanout *fanout)
{
    struct slice key = node_key(&copy->target);

    if (copy->draining) {
        if (!fanout_lives(view, key)) {
            log_warn("%s is gone before it had everything up to the change of "
                     "the map",
                     copy->target.key);
            copy_free(copy);
        }
        return;
    }
    switch (fanout_fate(copy->scope, key, r->view, view, fanout)) {
    case FANOUT_KEEP:
        copy_set_view(copy, fanout_find(fanout, key), view);
        return;
    case FANOUT_DRAIN:
        if (copy->feed.mode == FEED_STREAM) {
            /* Its log has another master now: nothing more from us. */
            end_copy(copy);
        } else {
            copy->draining = true;
        }
        return;
    case FANOUT_DROP:
    case FANOUT_RENEW:
        end_copy(copy);
        return;
    }
}

static void
add_copy(struct replicator *r, const struct fanout_target *target,
         struct cluster_view *view)
{
    uint64_t after = ulog_last(store_log(r->node->store));
    struct copy *copy;

    if (target->node->role == NODE_SLAVE &&
        target->node->state == NODE_ACTIVE && fanout_inherits(r->view, view)) {
        after = inherited_start(r);
    }
    copy = copy_new(r->node, &r->loop, &r->turn, target, view, after);
    list_append(&r->copies, &copy->link);
    store_log_marks(r->node->store);
    log_info("replication to %s begins after sequence %" PRIu64,
             copy->target.key, after);
}

static void
install(struct replicator *r, struct cluster_view *view)
{
    AUTO_FREE struct fanout *fanout = fanout_new(view);
    struct list *at = r->copies.next;

    if (fanout == NULL) {
        abort(); /* a few bytes a node: memory is out */
    }
    while (at != &r->copies) {
        struct copy *copy = LIST_ENTRY(at, struct copy, link);

        at = at->next;
        revise_copy(r, copy, view, fanout);
    }
    for (unsigned i = 0; i < fanout->n; i++) {
        if (replicator_find(r, node_key(fanout->target[i].node)) == NULL) {
            add_copy(r, &fanout->target[i], view);
        }
    }
    if (fanout_resigns(r->view, view)) {
        r->frozen = true;
    }
    cluster_view_unref(r->view);
    r->view = view;
    replicator_set_gate(r);
    loop_at_turn_end(&r->loop, &r->turn);
}

struct view_mail {
    struct mail mail;
    struct replicator *replicator;
    struct cluster_view *view; /* a reference */
    void (*done)(void *arg);
    void *arg;
};

/* Back on the control thread. */
static void
on_installed(struct mail *mail)
{
    struct view_mail *vm = LIST_ENTRY(mail, struct view_mail, mail);

    vm->done(vm->arg);
    free(vm);
}

static void
on_view(struct mail *mail)
{
    struct view_mail *vm = LIST_ENTRY(mail, struct view_mail, mail);

    install(vm->replicator, vm->view);
    vm->mail.deliver = on_installed;
    mailbox_post(&vm->replicator->node->control.mailbox, &vm->mail);
}

void
replicator_set_view(struct replicator *replicator, struct cluster_view *view,
                    void (*done)(void *arg), void *arg)
{
    struct view_mail *vm = xcalloc(1, sizeof(*vm));

    *vm = (struct view_mail){
        {NULL, on_view}, replicator, cluster_view_ref(view), done, arg};
    mailbox_post(&replicator->loop.mailbox, &vm->mail);
}

/* --- orders without a view ---------------------------------------------- */

struct order {
    struct mail mail;
    struct replicator *replicator;
    int64_t ms;
};

static void
post_order(struct replicator *r, void (*deliver)(struct mail *), int64_t ms)
{
    struct order *order = xcalloc(1, sizeof(*order));

    *order = (struct order){{NULL, deliver}, r, ms};
    mailbox_post(&r->loop.mailbox, &order->mail);
}

static void
on_settle(struct mail *mail)
{
    struct order *order = LIST_ENTRY(mail, struct order, mail);
    struct replicator *r = order->replicator;
    uint64_t last = ulog_last(store_log(r->node->store));

    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        struct copy *copy = LIST_ENTRY(l, struct copy, link);

        if (copy->draining && copy->drain_until == UINT64_MAX) {
            copy->drain_until = last;
        }
    }
    r->frozen = false;
    free(order);
    loop_at_turn_end(&r->loop, &r->turn);
}

void
replicator_settle(struct replicator *replicator)
{
    post_order(replicator, on_settle, 0);
}

static void
on_stop_timer(struct timer *timer)
{
    struct replicator *r = LIST_ENTRY(timer, struct replicator, stop_timer);

    log_warn("leaving although not every copy has caught up");
    loop_stop(&r->loop);
}

static void
on_stop(struct mail *mail)
{
    struct order *order = LIST_ENTRY(mail, struct order, mail);
    struct replicator *r = order->replicator;

    r->stopping = true;
    r->stop_at = ulog_last(store_log(r->node->store));
    timer_once(&r->stop_timer, order->ms);
    free(order);
    loop_at_turn_end(&r->loop, &r->turn);
}

/* --- beginning and end -------------------------------------------------- */

struct replicator *
replicator_new(struct flared *node, struct err *err)
{
    struct replicator *r = xcalloc(1, sizeof(*r));

    r->node = node;
    r->gate = UINT64_MAX;
    atomic_store(&node->old_life, ulog_last(store_log(node->store)));
    list_init(&r->copies);
    list_init(&r->awaits);
    if (loop_init(&r->loop, err) != 0) {
        free(r);
        return NULL;
    }
    r->wake.deliver = on_wake;
    r->again.deliver = on_again;
    r->turn.run = on_turn;
    pthread_mutex_init(&r->lock, NULL);
    timer_init(&r->stop_timer, &r->loop, on_stop_timer);
    timer_init(&r->tick, &r->loop, on_tick);
    timer_every(&r->tick, TICK_MS);
    ulog_subscribe(store_log(node->store), on_append, r);
    if (loop_start(&r->loop, "replication", err) != 0) {
        replicator_free(r, 0);
        return NULL;
    }
    return r;
}

void
replicator_free(struct replicator *r, int64_t drain_ms)
{
    struct list *first;

    if (r == NULL) {
        return;
    }
    if (r->loop.started) {
        post_order(r, on_stop, drain_ms);
        loop_join(&r->loop);
    }
    ulog_subscribe(store_log(r->node->store), NULL, NULL);
    replicator_end_awaits(r);
    while ((first = list_first(&r->copies)) != NULL) {
        copy_free(LIST_ENTRY(first, struct copy, link));
    }
    timer_fini(&r->tick);
    timer_fini(&r->stop_timer);
    loop_fini(&r->loop);
    cluster_view_unref(r->view);
    pthread_mutex_destroy(&r->lock);
    free(r->status);
    free(r);
}

struct loop *
replicator_loop(struct replicator *replicator)
{
    return &replicator->loop;
}
