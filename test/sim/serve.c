/* Requests at a node: done here, passed on, or kept for a master to come. */
#include <string.h>

#include "test/sim/actors.h"

enum { HOLD_INTERVALS = 10, SYNC_INTERVALS = 20 };

static struct pending *
pending_new(struct world *w, size_t me)
{
    for (size_t i = 0; i < SIM_PENDING; i++) {
        if (w->node[me].pending[i].state == PENDING_FREE) {
            return &w->node[me].pending[i];
        }
    }
    return NULL;
}

static void
answer(struct world *w, struct pending *p, enum answer what)
{
    wire_send(w, p->from,
              &(struct msg){.type = MSG_ANSWER, .a = p->id, .b = what});
    p->state = PENDING_FREE;
}

/* --- a write of my own ---------------------------------------------------- */

static bool
may_write(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];
    const struct cluster_view *view = node->view;
    struct stream_contact contact = {.heard = node->heard, .woke = node->woke};
    int64_t lease =
        stream_lease_ms((uint64_t)(w->set.interval / MS), w->set.threshold);

    if (view == NULL) {
        return false;
    }
    for (size_t i = 0; i < view->map->nnodes; i++) {
        const struct node *other = &view->map->node[i];

        contact.has_slaves |= other->role == NODE_SLAVE &&
                              other->state == NODE_ACTIVE &&
                              other->partition == view->self->partition;
    }
    return node->epoch != 0 && !node->fenced &&
           stream_has_lease(&contact, lease, mono_of(w));
}

static void
write_here(struct world *w, size_t me, struct pending *p)
{
    struct node_sim *node = &w->node[me];

    if (w->set.sync && feed_gate(w, me).copies < w->set.min_in_sync) {
        answer(w, p, ANSWER_REFUSED);
        return;
    }
    if (!journal_append(&node->disk, node->epoch, p->key, p->value)) {
        answer(w, p, ANSWER_REFUSED);
        return;
    }
    TRACE(w, "n%zu appends (%llu, %llu): key %u = %u", me,
          (unsigned long long)node->epoch,
          (unsigned long long)node->disk.lineage.seq, p->key, p->value);
    p->state = PENDING_GATE;
    p->seq = node->disk.lineage.seq;
    p->epoch = node->epoch;
    p->deadline = w->now + SYNC_INTERVALS * w->set.interval;
    node_written(w, me);
    feed_pump(w, me);
    serve_gate(w, me);
}

void
serve_gate(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];
    uint64_t passed = UINT64_MAX;

    if (node->epoch == 0) {
        return;
    }
    if (w->set.sync && w->set.plant != PLANT_NO_GATE) {
        passed = feed_gate(w, me).passed;
    }
    for (size_t i = 0; i < SIM_PENDING; i++) {
        struct pending *p = &node->pending[i];

        if (p->state == PENDING_GATE && p->seq <= passed &&
            node_is_synced(w, node, p->seq)) {
            check_ack(w, me, p->epoch, p->seq);
            answer(w, p, ANSWER_STORED);
        }
    }
}

void
serve_deposed(struct world *w, size_t me)
{
    for (size_t i = 0; i < SIM_PENDING; i++) {
        struct pending *p = &w->node[me].pending[i];

        if (p->state == PENDING_GATE) {
            answer(w, p, ANSWER_UNKNOWN);
        }
    }
}

/* --- a write of somebody else --------------------------------------------- */

static size_t
master_place(const struct node_sim *node)
{
    const struct node *master = cluster_map_master(node->view->map, 0);

    return master != NULL && master->state == NODE_ACTIVE
               ? place_of(node_key(master))
               : 0;
}

static void
pass_on(struct world *w, size_t me, struct pending *p, size_t to)
{
    struct node_sim *node = &w->node[me];

    if (!wire_is_open(w, node->to[to])) {
        node->to[to] = wire_open(w, me, to);
    }
    p->state = PENDING_AWAY;
    p->to = node->to[to];
    p->deadline = w->now + SYNC_INTERVALS * w->set.interval;
    wire_send(w, p->to,
              &(struct msg){.type = MSG_WRITE,
                            .a = (uint64_t)(p - node->pending),
                            .b = p->key,
                            .c = p->value,
                            .d = 1});
}

/* Do it, send it away, keep it, or give up. */
static void
try(struct world *w, size_t me, struct pending *p)
{
    struct node_sim *node = &w->node[me];
    size_t master = node->view != NULL ? master_place(node) : 0;
    bool mine = master == me;
    struct stream_request request = {
        .writes = true,
        .has_target = mine ? may_write(w, me) : master != 0 && !p->peer,
        .since = p->since,
    };

    if (p->peer && !mine) {
        answer(w, p, ANSWER_REFUSED); /* its sender has an older map */
        return;
    }
    switch (stream_hold(&request, HOLD_INTERVALS * w->set.interval / MS,
                        mono_of(w))) {
    case STREAM_GO:
        if (mine) {
            write_here(w, me, p);
        } else {
            pass_on(w, me, p, master);
        }
        break;
    case STREAM_WAIT:
        p->state = PENDING_HELD;
        break;
    case STREAM_REFUSE:
        answer(w, p, ANSWER_REFUSED);
        break;
    }
}

/* The master has refused it, so it was not done: again, with the next map. */
static void
come_back(struct world *w, struct pending *p, uint64_t what)
{
    if (what == ANSWER_REFUSED &&
        !mono_reached(
            mono_after_ms(p->since, HOLD_INTERVALS * w->set.interval / MS),
            mono_of(w))) {
        p->state = PENDING_HELD;
        return;
    }
    answer(w, p, (enum answer)what);
}

bool
serve_msg(struct world *w, size_t me, struct link_end end, struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    struct pending *p;

    if (msg->type == MSG_ANSWER) {
        p = &node->pending[msg->a % SIM_PENDING];
        if (p->state == PENDING_AWAY && same_end(p->to, end)) {
            come_back(w, p, msg->b);
        }
        return true;
    }
    if (msg->type != MSG_WRITE) {
        return false;
    }
    p = pending_new(w, me);
    if (p == NULL) {
        wire_send(w, end,
                  &(struct msg){
                      .type = MSG_ANSWER, .a = msg->a, .b = ANSWER_REFUSED});
        return true;
    }
    *p = (struct pending){.state = PENDING_HELD,
                          .from = end,
                          .id = msg->a,
                          .key = (uint32_t)msg->b,
                          .value = (uint32_t)msg->c,
                          .peer = msg->d != 0,
                          .since = mono_of(w)};
    try(w, me, p);
    return true;
}

void
serve_closed(struct world *w, size_t me, struct link_end end, bool refused)
{
    struct node_sim *node = &w->node[me];

    for (size_t i = 1; i < SIM_PLACES; i++) {
        if (same_end(node->to[i], end)) {
            node->to[i] = (struct link_end){0, 0, 0};
        }
    }
    for (size_t i = 0; i < SIM_PENDING; i++) {
        struct pending *p = &node->pending[i];

        if (p->state == PENDING_AWAY && same_end(p->to, end)) {
            come_back(w, p, refused ? ANSWER_REFUSED : ANSWER_UNKNOWN);
        }
    }
}

void
serve_tick(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];

    for (size_t i = 0; i < SIM_PENDING; i++) {
        struct pending *p = &node->pending[i];

        if (p->state == PENDING_HELD) {
            try(w, me, p);
        } else if (p->state == PENDING_GATE && w->now >= p->deadline) {
            answer(w, p, ANSWER_UNKNOWN);
        } else if (p->state == PENDING_AWAY && w->now >= p->deadline) {
            wire_close(w, &node->to[wire_other(w, p->to)]);
            answer(w, p, ANSWER_UNKNOWN);
        }
    }
}
