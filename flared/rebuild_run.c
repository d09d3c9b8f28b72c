#include "flared/rebuild_run.h"

#include <inttypes.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "flared/index_link.h"
#include "flared/intake.h"
#include "flared/rebuild_join.h"
#include "flared/rebuild_source.h"

enum { SEQUENCE_GAP = 1 << 20 };

struct rebuilder {
    struct flared *node;
    struct loop *loop;
    struct source_owner owner;
    struct rebuild plan;
    struct cluster_view *view; /* the newest; NULL when nothing runs */
    struct source_run **run;   /* one of each of the plan's sources */
    struct joiner *joiner;     /* a slave's, when all is here */
    struct buf scratch;
    struct mono began;
    unsigned flushes;        /* of the node when the sources were called */
    struct rebuild_step due; /* at the end of this turn, if `is_due` */
    bool is_due;
    struct loop_item act;

    /* For other threads. */
    atomic_bool running;
    atomic_uint_fast64_t records, bytes;
    pthread_mutex_t lock; /* guards source */
    char source[NODE_KEY_MAX + 1];
};

/* --- the store's side --------------------------------------------------- */

static bool
on_record(struct source_owner *owner, const struct rebuild_source *source,
          const struct reply *record)
{
    struct rebuilder *r = LIST_ENTRY(owner, struct rebuilder, owner);
    struct change change = {
        .op = CHANGE_SET,
        .source = CHANGE_DUMP,
        .has_version = record->has_version && record->version != 0,
        .key = record->key,
        .value = record->data,
        .flags = record->flags,
        .expire = record->expire,
        .version = record->version,
    };
    struct outcome outcome;

    if (r->is_due) {
        return false;
    }
    if (!rebuild_accepts(&r->plan, source, r->view,
                         keyhash(r->view->hash, record->key))) {
        return true;
    }
    intake_apply_dump(r->node->intake, &change, r->loop->wall, &r->scratch,
                      &outcome);
    if (outcome.answer == CHANGE_FAILED) {
        r->due = (struct rebuild_step){REBUILD_FAIL, 0,
                                       "the storage does not take a record"};
        r->is_due = true;
        loop_at_turn_end(r->loop, &r->act);
        return false;
    }
    atomic_fetch_add(&r->records, 1);
    atomic_fetch_add(&r->bytes, record->key.n + record->data.n);
    return true;
}

static bool
empty_slave(struct rebuilder *r)
{
    return store_rebuild_begin(r->node->store, true);
}

/*
 * A master to be begins a history of its own: what its log says of before has
 * nothing to do with what it will hold.
 */
static bool
empty_master(struct rebuilder *r)
{
    struct store *store = r->node->store;
    const uint64_t epoch = atomic_load(&r->node->standing.epoch);
    /* Others write meanwhile: no sequence may be given twice in an epoch. */
    const uint64_t last = ulog_last(store_log(store)) + SEQUENCE_GAP;
    struct lineage history = {.seq = last};
    struct err err;

    if (epoch != 0) {
        lineage_begin(&history, epoch, last + 1);
    }
    if (store_restart_at(store, &history, &err) != 0) {
        log_error("rebuild: %s", err.msg);
        return false;
    }
    return true;
}

static void
forget_progress(struct rebuilder *r)
{
    r->flushes = atomic_load(&r->node->flushes);
    atomic_store(&r->records, 0);
    atomic_store(&r->bytes, 0);
    atomic_store(&r->node->old_life, ulog_last(store_log(r->node->store)));
}

/* Records of a source are to come. */
static bool
on_copy(struct source_owner *owner, bool streams)
{
    struct rebuilder *r = LIST_ENTRY(owner, struct rebuilder, owner);

    if (r->plan.role != NODE_SLAVE) {
        return true; /* it was emptied before any source was asked */
    }
    if (!streams && !empty_slave(r)) {
        r->due = (struct rebuild_step){REBUILD_FAIL, 0,
                                       "the store cannot be emptied"};
        r->is_due = true;
        loop_at_turn_end(r->loop, &r->act);
        return false;
    }
    forget_progress(r);
    return true;
}

/* --- sources ------------------------------------------------------------ */

static void
hang_up(struct rebuilder *r)
{
    joiner_free(STEAL(r->joiner));
    for (unsigned i = 0; r->run != NULL && i < r->plan.nsources; i++) {
        source_run_free(r->run[i]);
    }
    free(STEAL(r->run));
}

static void
show_source(struct rebuilder *r)
{
    const char *name = r->plan.nsources > 0 ? r->plan.source[0].key : "";

    pthread_mutex_lock(&r->lock);
    memcpy(r->source, name, strlen(name) + 1);
    pthread_mutex_unlock(&r->lock);
}

static void
call_sources(struct rebuilder *r)
{
    const uint64_t limit = atomic_load(&r->node->reconstruction_bwlimit);
    const unsigned n = r->plan.nsources;

    show_source(r);
    if (n == 0) {
        log_info("rebuild: the master of partition %d is not ready yet; "
                 "waiting for it",
                 r->plan.partition);
        return;
    }
    r->owner.bwlimit = limit > 0 && limit / n == 0 ? 1 : limit / n;
    r->run = xcalloc(n, sizeof(struct source_run *));
    for (unsigned i = 0; i < n; i++) {
        log_info("rebuild: copying partition %d of %d from %s",
                 r->plan.partition, r->plan.size, r->plan.source[i].key);
        r->run[i] = source_run_new(&r->owner, &r->plan.source[i]);
    }
}

/* --- ends --------------------------------------------------------------- */

/* Nothing runs any more; the store is as it is. */
static void
close_down(struct rebuilder *r)
{
    hang_up(r);
    rebuild_fini(&r->plan);
    cluster_view_unref(STEAL(r->view));
    buf_fini(&r->scratch);
    r->is_due = false;
    atomic_store(&r->running, false);
}

static void
fail(struct rebuilder *r, const char *why)
{
    log_error("rebuild failed: %s; this node becomes a proxy again, the "
              "%" PRIu64 " records copied so far stay in its store until the "
              "next rebuild",
              why, (uint64_t)atomic_load(&r->records));
    (void)store_rebuild_end(r->node->store, false);
    close_down(r);
    index_link_report_failed(r->node->index_link);
}

static void
stop(struct rebuilder *r, const char *why)
{
    if (atomic_load(&r->running)) {
        log_info("rebuild: stopped after %" PRIu64 " records: %s",
                 (uint64_t)atomic_load(&r->records), why);
        (void)store_rebuild_end(r->node->store, false);
        close_down(r);
    }
}

static void
start(struct rebuilder *r)
{
    const char *why = "";

    hang_up(r); /* before the plan it points into is replaced */
    if (!rebuild_plan(&r->plan, r->view, &why)) {
        fail(r, why);
        return;
    }
    if (r->plan.role == NODE_MASTER) {
        if (!empty_master(r)) {
            fail(r, "the store cannot be emptied");
            return;
        }
        forget_progress(r);
    }
    call_sources(r);
}

static void
restart(struct rebuilder *r, const char *why)
{
    if (why != NULL) {
        log_warn("rebuild: %s; beginning anew", why);
    }
    hang_up(r);
    (void)store_rebuild_end(r->node->store, false);
    intake_start_over(r->node->intake);
    start(r);
}

static void
report(struct rebuilder *r)
{
    const enum node_state state =
        r->plan.role == NODE_MASTER ? NODE_READY : NODE_ACTIVE;

    log_info("rebuild: %" PRIu64 " records, %" PRIu64
             " bytes copied in %" PRId64 " ms; reporting %s",
             (uint64_t)atomic_load(&r->records),
             (uint64_t)atomic_load(&r->bytes),
             mono_ms_between(r->began, r->loop->now), node_state_name(state));
    close_down(r);
    index_link_report_state(r->node->index_link, state);
}

/* The master waits for us, and we have all it had then; or never will. */
static void
on_joined(void *arg, const char *why)
{
    struct rebuilder *r = arg;

    r->due = why == NULL ? (struct rebuild_step){REBUILD_FINISH, 0, NULL}
                         : (struct rebuild_step){REBUILD_FAIL, 0, why};
    r->is_due = true;
    loop_at_turn_end(r->loop, &r->act);
}

static bool
is_fed_by_stream(const struct rebuilder *r)
{
    return r->plan.role == NODE_SLAVE && r->plan.nsources == 1 &&
           r->run != NULL && source_run_streams(r->run[0]);
}

/* What was begun with an empty store is whole now. */
static bool
complete(struct rebuilder *r)
{
    if (store_data(r->node->store) != STORE_BUILDING) {
        return true;
    }
    if (!store_rebuild_end(r->node->store, true)) {
        return false;
    }
    intake_built(r->node->intake);
    return true;
}

static void
complete_and_report(struct rebuilder *r)
{
    if (!store_commit(r->node->store) || !complete(r)) {
        fail(r, "the storage cannot write what was copied");
        return;
    }
    report(r);
}

/*
 * Records that were copied may be newer than the place in the log that the
 * stream has reached: the copy is not whole before the stream has come to
 * where the master was when the last record was read, which joining waits for.
 */
static void
finish(struct rebuilder *r)
{
    const struct rebuild_source *source;

    if (r->joiner != NULL) {
        complete_and_report(r);
        return;
    }
    if (store_data(r->node->store) == STORE_BUILDING &&
        atomic_load(&r->node->flushes) != r->flushes) {
        /* Of what came since, some was read before the flush. */
        restart(r, "flush_all came meanwhile");
        return;
    }
    if (!is_fed_by_stream(r)) {
        complete_and_report(r);
        return;
    }
    source = &r->plan.source[0];
    r->joiner = joiner_new(r->node, r->loop, rebuild_host(source), source->port,
                           on_joined, r);
}

/* --- steps -------------------------------------------------------------- */

static void
take_step(struct rebuilder *r, struct rebuild_step step)
{
    switch (step.action) {
    case REBUILD_FINISH:
        finish(r);
        return;
    case REBUILD_RESTART:
        restart(r, step.why);
        return;
    case REBUILD_FAIL:
        fail(r, step.why);
        return;
    case REBUILD_STOP:
        stop(r, step.why);
        return;
    case REBUILD_ASK:
    case REBUILD_COPY:
    case REBUILD_AWAIT:
    case REBUILD_NOTHING:
        return;
    }
}

static void
on_act(struct loop_item *item)
{
    struct rebuilder *r = LIST_ENTRY(item, struct rebuilder, act);

    if (r->is_due) {
        r->is_due = false;
        take_step(r, r->due);
    }
}

/* A source has come to an end; from within its callback. */
static void
on_step(struct source_owner *owner, struct source_run *run,
        struct rebuild_step step)
{
    struct rebuilder *r = LIST_ENTRY(owner, struct rebuilder, owner);

    if (step.action == REBUILD_NOTHING) {
        log_info("rebuild: %s has sent all", source_run_name(run));
        return;
    }
    if (!r->is_due) {
        r->due = step;
        r->is_due = true;
        loop_at_turn_end(r->loop, &r->act);
    }
}

/* --- orders from any thread --------------------------------------------- */

enum order_kind {
    ORDER_BEGIN,
    ORDER_VIEW,
    ORDER_CANCEL,
    ORDER_SETTLED,
    ORDER_STREAM,
    ORDER_QUIT,
};

struct order {
    struct mail mail;
    struct rebuilder *rebuilder;
    enum order_kind kind;
    struct cluster_view *view; /* a reference, or NULL */
    sem_t *done;               /* QUIT */
};

static void
begin(struct rebuilder *r, struct cluster_view *view)
{
    stop(r, "another one begins");
    r->view = cluster_view_ref(view);
    r->began = r->loop->now;
    atomic_store(&r->running, true);
    start(r);
}

static void
take_view(struct rebuilder *r, struct cluster_view *view)
{
    if (!atomic_load(&r->running)) {
        return;
    }
    cluster_view_ref(view);
    cluster_view_unref(r->view);
    r->view = view;
    take_step(r, rebuild_on_view(&r->plan, view));
}

/*
 * The stream began, perhaps not for the first time: what was being copied, or
 * was thought to be whole, is gone if it was emptied.
 */
static void
take_stream(struct rebuilder *r)
{
    const bool is_emptied = store_data(r->node->store) == STORE_BUILDING &&
                            atomic_load(&r->node->flushes) != r->flushes;

    if (!atomic_load(&r->running) || r->run == NULL) {
        return;
    }
    if (r->joiner != NULL && is_emptied) {
        hang_up(r);
        start(r);
        return;
    }
    for (unsigned i = 0; r->run != NULL && i < r->plan.nsources; i++) {
        source_run_stream(r->run[i]);
    }
}

static void
on_order(struct mail *mail)
{
    struct order *order = LIST_ENTRY(mail, struct order, mail);
    struct rebuilder *r = order->rebuilder;

    switch (order->kind) {
    case ORDER_BEGIN:
        begin(r, order->view);
        break;
    case ORDER_VIEW:
        take_view(r, order->view);
        break;
    case ORDER_CANCEL:
        stop(r, "this node is to be something else");
        break;
    case ORDER_SETTLED:
        if (atomic_load(&r->running) && r->plan.role == NODE_MASTER) {
            (void)complete(r); /* whoever says so knows */
        }
        stop(r, "this node was made active");
        break;
    case ORDER_STREAM:
        take_stream(r);
        break;
    case ORDER_QUIT:
        stop(r, "the node shuts down");
        if (r->act.queued) {
            list_remove(&r->act.link);
        }
        sem_post(order->done);
        break;
    }
    cluster_view_unref(order->view);
    free(order);
}

static void
post_order(struct rebuilder *r, enum order_kind kind, struct cluster_view *view,
           sem_t *done)
{
    struct order *order = xcalloc(1, sizeof(*order));

    *order = (struct order){{NULL, on_order},
                            r,
                            kind,
                            view != NULL ? cluster_view_ref(view) : NULL,
                            done};
    mailbox_post(&r->loop->mailbox, &order->mail);
}

void
rebuilder_begin(struct rebuilder *rebuilder, enum diff_kind kind,
                struct cluster_view *view)
{
    (void)kind; /* the view says the same */
    post_order(rebuilder, ORDER_BEGIN, view, NULL);
}

void
rebuilder_set_view(struct rebuilder *rebuilder, struct cluster_view *view)
{
    post_order(rebuilder, ORDER_VIEW, view, NULL);
}

void
rebuilder_cancel(struct rebuilder *rebuilder)
{
    post_order(rebuilder, ORDER_CANCEL, NULL, NULL);
}

void
rebuilder_settled(struct rebuilder *rebuilder)
{
    post_order(rebuilder, ORDER_SETTLED, NULL, NULL);
}

/* The master's stream flows.  Any thread. */
static void
on_stream(void *arg)
{
    post_order(arg, ORDER_STREAM, NULL, NULL);
}

/* --- beginning, end, status --------------------------------------------- */

struct rebuilder *
rebuilder_new(struct flared *node, struct loop *loop)
{
    struct rebuilder *r = xcalloc(1, sizeof(*r));

    r->node = node;
    r->loop = loop;
    r->owner = (struct source_owner){.node = node,
                                     .loop = loop,
                                     .plan = &r->plan,
                                     .on_copy = on_copy,
                                     .on_record = on_record,
                                     .on_step = on_step};
    r->act.run = on_act;
    pthread_mutex_init(&r->lock, NULL);
    intake_subscribe(node->intake, on_stream, r);
    return r;
}

void
rebuilder_free(struct rebuilder *r)
{
    sem_t done;

    if (r == NULL) {
        return;
    }
    intake_subscribe(r->node->intake, NULL, NULL);
    sem_init(&done, 0, 0);
    post_order(r, ORDER_QUIT, NULL, &done);
    while (sem_wait(&done) != 0) {
        /* EINTR */
    }
    sem_destroy(&done);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void
rebuilder_status(struct rebuilder *rebuilder, struct rebuild_status *out)
{
    out->running = atomic_load(&rebuilder->running);
    out->records = atomic_load(&rebuilder->records);
    out->bytes = atomic_load(&rebuilder->bytes);
    pthread_mutex_lock(&rebuilder->lock);
    memcpy(out->source, rebuilder->source, sizeof(out->source));
    pthread_mutex_unlock(&rebuilder->lock);
}
