#include "flared/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flared/server.h"
#include "flared/session.h"
#include "repl/fanout.h"

enum {
    TICK_MS = 100,
    SESSION_ID_MIN = 16, /* smaller numbers are the node's own threads */
    PEER_CONNECT_MS = 2000,
    PEER_ANSWER_MS = 30000,
    SCRATCH_KEEP = 1 << 20, /* bytes */
};

struct grave {
    struct list link;
    void *memory;
};

static void
on_burial(struct loop_item *item)
{
    struct worker *worker = LIST_ENTRY(item, struct worker, burial);
    struct list *first;

    while ((first = list_pop(&worker->graves)) != NULL) {
        struct grave *grave = LIST_ENTRY(first, struct grave, link);

        free(grave->memory);
        free(grave);
    }
}

void
worker_bury(struct worker *worker, void *memory)
{
    struct grave *grave = xcalloc(1, sizeof(*grave));

    grave->memory = memory;
    list_append(&worker->graves, &grave->link);
    worker->burial.run = on_burial;
    loop_at_turn_end(&worker->loop, &worker->burial);
}

uint64_t
worker_next_session_id(struct worker *worker)
{
    uint64_t n = worker->node->nworkers;

    return SESSION_ID_MIN * n + worker->next_id++ * n + worker->index;
}

static void
expire_idle(struct worker *worker)
{
    struct list *at = worker->sessions.next;

    while (at != &worker->sessions) {
        struct session *session = LIST_ENTRY(at, struct session, link);

        at = at->next;
        session_count_bytes(session);
        if (session->ncalls == 0) {
            (void)conn_expire(session->conn, worker->loop.now);
        }
    }
}

static void
on_tick(struct timer *timer)
{
    struct worker *worker = LIST_ENTRY(timer, struct worker, tick);

    worker->ticked[1] = worker->ticked[0];
    worker->ticked[0] = worker->loop.now;
    gate_queue_run(&worker->gate_queue, &worker->node->gate, worker->loop.now);
    if (worker->index == 0) {
        standing_tick(&worker->node->standing, worker->loop.now);
    }
    worker->ticks++;
    latency_tick(worker);
    if (worker->ticks % (1000 / TICK_MS) == 0) {
        expire_idle(worker);
        buf_clear(&worker->scratch);
        buf_trim(&worker->scratch, SCRATCH_KEEP);
    }
}

static void
on_peer_moved(void *arg)
{
    hold_retry(arg);
}

struct mono
worker_alive_at(const struct worker *worker)
{
    return worker->ticked[1];
}

static int
worker_init(struct worker *worker, struct flared *node, unsigned index,
            struct err *err)
{
    const struct proto_limits *limits = server_proto_limits(node->server);
    const struct peer_options peers = {
        .connect_ms = PEER_CONNECT_MS,
        .answer_ms = PEER_ANSWER_MS,
        .line_max = limits->line_max,
        .value_max = limits->value_max,
        .limits = *server_conn_limits(node->server),
        .moved = on_peer_moved,
        .arg = worker,
    };
    int rc = loop_init(&worker->loop, err);

    if (rc != 0) {
        return rc;
    }
    worker->node = node;
    worker->index = index;
    list_init(&worker->sessions);
    list_init(&worker->graves);
    pool_init(&worker->pool, &worker->loop, &peers);
    rand_init(&worker->rand, (uint64_t)clock_mono().ns + index);
    gate_queue_init(&worker->gate_queue);
    hold_init(&worker->hold, &worker->loop);
    latency_init(worker);
    timer_init(&worker->tick, &worker->loop, on_tick);
    timer_every(&worker->tick, TICK_MS);
    return 0;
}

/* The thread has ended: everything of the worker is this thread's now. */
static void
worker_fini(struct worker *worker)
{
    struct list *first;

    while ((first = list_first(&worker->sessions)) != NULL) {
        session_close(LIST_ENTRY(first, struct session, link));
    }
    gate_queue_run(&worker->gate_queue, &worker->node->gate,
                   (struct mono){INT64_MAX});
    timer_fini(&worker->tick);
    hold_fini(&worker->hold);
    pool_fini(&worker->pool);
    loop_fini(&worker->loop); /* runs what is left for the end of a turn */
    on_burial(&worker->burial);
    cluster_view_unref(worker->view);
    partition_table_free(worker->table);
    buf_fini(&worker->scratch);
    latency_fini(worker);
    spares_fini(&worker->spares);
}

static void
stop_first(struct flared *node, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        loop_stop(&node->workers[i].loop);
    }
    for (unsigned i = 0; i < n; i++) {
        loop_join(&node->workers[i].loop);
    }
}

int
workers_start(struct flared *node, struct err *err)
{
    unsigned n = node->nworkers;
    int rc = 0;

    node->workers = aligned_alloc(64, n * sizeof(*node->workers));
    if (node->workers == NULL) {
        return err_set(err, ERR_NOMEM, "start %u workers: out of memory", n);
    }
    memset(node->workers, 0, n * sizeof(*node->workers));
    for (unsigned i = 0; i < n; i++) {
        rc = worker_init(&node->workers[i], node, i, err);
        if (rc != 0) {
            return rc; /* the process ends: start-up failed */
        }
    }
    for (unsigned i = 0; i < n; i++) {
        char name[24];

        (void)snprintf(name, sizeof(name), "worker-%u", i);
        rc = loop_start(&node->workers[i].loop, name, err);
        if (rc != 0) {
            stop_first(node, i);
            return rc;
        }
    }
    return 0;
}

void
workers_stop(struct flared *node)
{
    stop_first(node, node->nworkers);
}

void
workers_free(struct flared *node)
{
    for (unsigned i = 0; i < node->nworkers; i++) {
        worker_fini(&node->workers[i]);
    }
    free(node->workers);
    node->workers = NULL;
}

/* --- a new view ----------------------------------------------------------- */

struct view_mail;

struct view_change {
    struct flared *node;
    atomic_uint left; /* workers that do not have it yet */
    struct mail done_mail;
    void (*done)(void *arg);
    void *arg;
    struct view_mail *mails;
};

struct view_mail {
    struct mail mail;
    struct view_change *change;
    struct worker *worker;
    struct cluster_view *view; /* a reference */
};

static void
on_all_have_it(struct mail *mail)
{
    struct view_change *change =
        LIST_ENTRY(mail, struct view_change, done_mail);

    change->done(change->arg);
    free(change->mails);
    free(change);
}

/*
 * Peers that are not in the map any more are of no use.  From one that went
 * down no answer is to be expected, and one that is back shall not sit out the
 * pause after its last failure.
 */
static void
drop_peers(struct worker *worker, const struct cluster_view *old)
{
    for (size_t i = 0; old != NULL && i < old->map->nnodes; i++) {
        const struct node *node = &old->map->node[i];
        const struct node *now =
            cluster_map_find(worker->view->map, node_key(node));

        if (now == NULL ||
            (node->state == NODE_DOWN) != (now->state == NODE_DOWN)) {
            pool_drop(&worker->pool, node_host(node), node->port);
        }
    }
}

static void
on_view(struct mail *mail)
{
    struct view_mail *vm = LIST_ENTRY(mail, struct view_mail, mail);
    struct view_change *change = vm->change;
    struct cluster_view *old = vm->worker->view;

    vm->worker->view = vm->view;
    vm->worker->view_at = vm->worker->loop.now;
    hold_retry(vm->worker);
    drop_peers(vm->worker, old);
    if (fanout_resigns(old, vm->view)) {
        gate_queue_fail(&vm->worker->gate_queue);
    }
    cluster_view_unref(old);
    if (atomic_fetch_sub(&change->left, 1) == 1) {
        change->done_mail.deliver = on_all_have_it;
        mailbox_post(&change->node->control.mailbox, &change->done_mail);
    }
}

void
workers_set_view(struct flared *node, struct cluster_view *view,
                 void (*done)(void *arg), void *arg)
{
    struct view_change *change = xcalloc(1, sizeof(*change));

    change->node = node;
    change->done = done;
    change->arg = arg;
    atomic_init(&change->left, node->nworkers);
    change->mails = xcalloc(node->nworkers, sizeof(*change->mails));
    for (unsigned i = 0; i < node->nworkers; i++) {
        struct view_mail *vm = &change->mails[i];

        *vm = (struct view_mail){
            {NULL, on_view}, change, &node->workers[i], cluster_view_ref(view)};
        mailbox_post(&node->workers[i].loop.mailbox, &vm->mail);
    }
}

uint64_t
workers_metric(const struct flared *node, enum metric id)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < node->nworkers; i++) {
        sum += metric_get(&node->workers[i].metrics, id);
    }
    return sum;
}
