/* A slave and its master: what it is sent, and how a learner becomes one. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "test/sim/actors.h"

enum { ASK_INTERVALS = 3 }; /* then the source is taken for gone */

static struct follow *
follow_of(struct world *w, size_t me)
{
    return &w->node[me].follow;
}

static bool
is_learner(const struct node_sim *node)
{
    return node->view != NULL && rebuild_wanted(node->view);
}

/* --- the stream ----------------------------------------------------------- */

static void
stop_stream(struct world *w, struct follow *f)
{
    wire_close(w, &f->link);
    f->streams = false;
    f->owes = 0;
}

static void
restart(struct world *w, struct follow *f)
{
    wire_close(w, &f->asks);
    rebuild_fini(&f->rebuild);
    f->needs_dump = f->dumped = false;
    f->ask_at = f->wait_at = 0;
    stop_stream(w, f); /* the master begins anew */
}

static struct stream_verdict
hear(const struct world *w, size_t me, size_t sender, uint64_t epoch)
{
    const struct node_sim *node = &w->node[me];

    if (w->set.plant == PLANT_NO_FENCE) {
        return (struct stream_verdict){STREAM_LISTEN, 0};
    }
    return stream_hear(node->view, place_key(sender), epoch, node->disk.seen);
}

static void
on_hello(struct world *w, size_t me, struct link_end end, const struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    struct follow *f = &node->follow;
    size_t sender = wire_other(w, end);
    struct stream_verdict verdict = hear(w, me, sender, msg->a);
    struct msg answer = {.type = MSG_WHERE, .a = node->disk.building};

    switch (verdict.hearing) {
    case STREAM_LATER:
        answer.type = MSG_LATER;
        break;
    case STREAM_FENCED:
        answer = (struct msg){.type = MSG_FENCED, .a = verdict.epoch};
        break;
    case STREAM_LISTEN:
        if (msg->a > node->disk.seen) {
            node->disk.seen = msg->a;
        }
        f->joined = false; /* it may have been let go in between */
        f->join_at = UINT64_MAX;
        restart(w, f);
        f->link = end;
        f->epoch = msg->a;
        f->master = sender;
        f->last = msg->b;
        answer.lineage = xcalloc(1, sizeof(*answer.lineage));
        *answer.lineage = node->disk.lineage;
        break;
    }
    wire_send(w, end, &answer);
}

/* The keys that are in what is given up. */
static void
ask_for_tail(struct world *w, size_t me, uint64_t seq)
{
    struct journal *j = &w->node[me].disk;
    struct msg msg = {.type = MSG_WANT};

    if (!stream_can_rewind(&j->lineage, j->first, seq)) {
        wire_send(w, w->node[me].follow.link,
                  &(struct msg){.type = MSG_CANNOT});
        return;
    }
    for (uint64_t at = seq + 1; at <= j->lineage.seq; at++) {
        uint32_t key = journal_at(j, at)->key;
        size_t i = 0;

        while (i < msg.n && msg.rows[i].key != key) {
            i++;
        }
        if (i == msg.n) {
            msg.rows = xreallocarray(msg.rows, msg.n + 1, sizeof(*msg.rows));
            msg.rows[msg.n++] = (struct row){key, 0, 0};
        }
    }
    w->node[me].follow.owed = seq;
    wire_send(w, w->node[me].follow.link, &msg);
}

static void
settle_whole(struct world *w, size_t me)
{
    struct journal *j = &w->node[me].disk;

    if (j->building && j->whole_at > 0 && j->lineage.seq >= j->whole_at) {
        j->building = false;
        j->whole_at = 0;
        TRACE(w, "n%zu is whole again", me);
    }
}

static void
rewind_to(struct world *w, size_t me, const struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    struct journal *j = &node->disk;

    if (j->lineage.seq < node->follow.owed) {
        stop_stream(w, &node->follow);
        return;
    }
    w->figures.rewound += j->lineage.seq - node->follow.owed;
    TRACE(w, "n%zu gives up what is above %llu (had %llu)", me,
          (unsigned long long)node->follow.owed,
          (unsigned long long)j->lineage.seq);
    for (size_t i = 0; i < msg->n; i++) {
        journal_force(j, &msg->rows[i]);
    }
    journal_cut(j, node->follow.owed);
    if (w->set.plant != PLANT_GHOST) {
        j->building = true;
        j->whole_at = msg->a > 0 ? msg->a : 1;
    }
    node->follow.streams = true;
    settle_whole(w, me);
}

static void
send_ok(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];
    struct follow *f = &node->follow;

    for (; f->owes > 0 && wire_is_open(w, f->link); f->owes--) {
        wire_send(w, f->link,
                  &(struct msg){.type = MSG_OK, .a = node->disk.lineage.seq});
    }
}

void
follow_synced(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];

    if (node_is_synced(w, node, node->disk.lineage.seq)) {
        send_ok(w, me);
    }
}

static void
on_batch(struct world *w, size_t me, struct link_end end, const struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    struct follow *f = &node->follow;
    bool fits = f->streams && msg->a == f->epoch &&
                hear(w, me, f->master, msg->a).hearing == STREAM_LISTEN;

    for (size_t i = 0; i < msg->n && fits; i++) {
        fits = journal_mirror(w, &node->disk, &msg->entries[i]);
    }
    node_written(w, me);
    if (!fits) {
        wire_send(w, end, &(struct msg){.type = MSG_REFUSED});
        stop_stream(w, f);
        return;
    }
    f->last = msg->b;
    f->owes++;
    settle_whole(w, me);
    follow_synced(w, me);
}

/* --- a learner ------------------------------------------------------------ */

static void
fail(struct world *w, size_t me, const char *why)
{
    TRACE(w, "n%zu gives up its copy: %s", me, why != NULL ? why : "");
    restart(w, follow_of(w, me));
    if (w->node[me].view != NULL) {
        node_report(w, me,
                    &(struct msg){.type = MSG_LOST,
                                  .a = me,
                                  .b = w->node[me].view->map->version});
    }
}

static void
rebuild_act(struct world *w, size_t me, struct rebuild_step step)
{
    struct follow *f = follow_of(w, me);

    switch (step.action) {
    case REBUILD_ASK:
        f->ask_at = w->now + step.after_ms * MS + 1;
        wire_close(w, &f->asks);
        break;
    case REBUILD_COPY:
        wire_send(w, f->asks, &(struct msg){.type = MSG_DUMP});
        break;
    case REBUILD_AWAIT:
        f->wait_at = w->now + step.after_ms * MS + 1;
        break;
    case REBUILD_NOTHING:
        break;
    case REBUILD_FINISH:
        f->dumped = true;
        break;
    case REBUILD_RESTART:
        restart(w, f);
        break;
    case REBUILD_FAIL:
        fail(w, me, step.why);
        break;
    case REBUILD_STOP:
        restart(w, f);
        break;
    }
}

static void
rebuild_hear(struct world *w, size_t me, enum rebuild_event event)
{
    struct follow *f = follow_of(w, me);

    if (f->rebuild.nsources > 0) {
        rebuild_act(w, me,
                    rebuild_next(&f->rebuild, &f->rebuild.source[0], event,
                                 mono_of(w)));
    }
}

static void
begin_full(struct world *w, size_t me, const struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    struct follow *f = &node->follow;
    const char *why = NULL;

    journal_restart(&node->disk, msg->b, msg->a, msg->c);
    f->streams = true;
    f->needs_dump = true;
    f->dumped = false;
    if (!is_learner(node) || !rebuild_plan(&f->rebuild, node->view, &why)) {
        fail(w, me, why);
        return;
    }
    rebuild_hear(w, me, REBUILD_START);
}

static void
ask_source(struct world *w, size_t me)
{
    struct follow *f = follow_of(w, me);
    size_t source = place_of(slice_str(f->rebuild.source[0].key));

    f->ask_at = 0;
    f->asks = wire_open(w, me, source);
    f->wait_at = 0;
    f->asked_at = w->now;
    wire_send(w, f->asks, &(struct msg){.type = MSG_KNOWN});
}

/* It has everything that there was when it asked. */
static bool
has_all(const struct world *w, const struct node_sim *node)
{
    const struct follow *f = &node->follow;

    if (w->set.plant == PLANT_EARLY_ACTIVE) {
        return f->streams;
    }
    return f->streams && (!f->needs_dump || f->dumped) &&
           node->disk.lineage.seq >= f->last &&
           (!node->disk.building || node->disk.whole_at == 0);
}

static void
join(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];
    struct follow *f = &node->follow;

    if (w->set.plant == PLANT_EARLY_WHOLE) {
        node->disk.building = false;
    }
    if (!wire_is_open(w, f->asks)) {
        f->asks = wire_open(w, me, f->master);
    }
    f->report_at = w->now + w->set.interval;
    wire_send(w, f->asks,
              &(struct msg){.type = MSG_JOIN,
                            .a = f->epoch,
                            .b = node->view->map->version});
}

static void
report(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];
    struct follow *f = &node->follow;

    if (node->disk.lineage.seq < f->join_at ||
        !node_is_synced(w, node, f->join_at)) {
        return;
    }
    node->disk.building = false; /* dumped, and the log is as far */
    TRACE(w, "n%zu reports that it has all", me);
    f->report_at = w->now + w->set.interval;
    node_report(w, me,
                &(struct msg){.type = MSG_ACTIVE,
                              .a = f->epoch,
                              .b = node->view->map->version});
}

static void
learn(struct world *w, size_t me)
{
    struct follow *f = follow_of(w, me);

    if (f->ask_at != 0 && w->now >= f->ask_at) {
        ask_source(w, me);
    }
    if (f->wait_at != 0 && w->now >= f->wait_at) {
        f->wait_at = 0;
        rebuild_hear(w, me, REBUILD_TIMEOUT);
    }
    if (f->asked_at != 0 && wire_is_open(w, f->asks) && !f->dumped &&
        w->now - f->asked_at > ASK_INTERVALS * w->set.interval) {
        wire_close(w, &f->asks);
        follow_closed(w, me, (struct link_end){0, 0, 0}, false);
    }
    if (w->now < f->report_at || !has_all(w, &w->node[me])) {
        return;
    }
    if (f->joined) {
        report(w, me);
    } else {
        join(w, me);
    }
}

/* --- messages ------------------------------------------------------------- */

static bool
on_stream(struct world *w, size_t me, struct link_end end, struct msg *msg)
{
    struct follow *f = follow_of(w, me);

    switch ((int)msg->type) {
    case MSG_RESUME:
        f->streams = true;
        return true;
    case MSG_REWIND:
        ask_for_tail(w, me, msg->a);
        return true;
    case MSG_RECORDS:
        rewind_to(w, me, msg);
        return true;
    case MSG_FULL:
        begin_full(w, me, msg);
        return true;
    case MSG_BATCH:
        on_batch(w, me, end, msg);
        return true;
    default:
        return false;
    }
}

static bool
on_asks(struct world *w, size_t me, struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    struct follow *f = &node->follow;

    f->asked_at = w->now;
    switch ((int)msg->type) {
    case MSG_YES:
        rebuild_hear(w, me, REBUILD_KNOWN);
        return true;
    case MSG_NO:
        rebuild_hear(w, me, REBUILD_UNKNOWN);
        return true;
    case MSG_RECORDS:
        for (size_t i = 0; i < msg->n && f->needs_dump; i++) {
            journal_dumped(&node->disk, &msg->rows[i]);
        }
        return true;
    case MSG_END:
        rebuild_hear(w, me, REBUILD_END);
        return true;
    case MSG_REFUSED:
        if (f->needs_dump && !f->dumped) {
            rebuild_hear(w, me, REBUILD_REFUSED);
        }
        return true;
    case MSG_JOINED:
        f->joined = true;
        f->join_at = msg->a;
        report(w, me);
        return true;
    default:
        return false;
    }
}

bool
follow_msg(struct world *w, size_t me, struct link_end end, struct msg *msg)
{
    struct follow *f = follow_of(w, me);

    if (msg->type == MSG_HELLO) {
        on_hello(w, me, end, msg);
        return true;
    }
    if (same_end(end, f->link)) {
        return on_stream(w, me, end, msg);
    }
    if (same_end(end, f->asks)) {
        return on_asks(w, me, msg);
    }
    if (msg->type == MSG_BATCH) {
        wire_send(w, end, &(struct msg){.type = MSG_REFUSED});
        return true;
    }
    return false;
}

void
follow_closed(struct world *w, size_t me, struct link_end end, bool refused)
{
    struct follow *f = follow_of(w, me);

    if (same_end(end, f->link)) {
        stop_stream(w, f);
    }
    if (end.conn != 0 && !same_end(end, f->asks)) {
        return;
    }
    f->asks = (struct link_end){0, 0, 0};
    if (f->needs_dump && !f->dumped && f->rebuild.nsources > 0) {
        bool copying = f->rebuild.source[0].phase == REBUILD_COPYING;

        rebuild_hear(w, me,
                     copying && !refused ? REBUILD_BROKEN : REBUILD_UNREACHED);
    }
}

/* --- the map, the time ---------------------------------------------------- */

void
follow_stop(struct world *w, size_t me)
{
    struct follow *f = follow_of(w, me);

    restart(w, f);
    f->joined = false;
    f->epoch = 0;
}

void
follow_follow_map(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];
    struct follow *f = &node->follow;
    const struct node *self = node->view->self;

    if (self == NULL || self->role != NODE_SLAVE || self->state == NODE_DOWN) {
        follow_stop(w, me);
        return;
    }
    f->joined = false; /* it must be counted by a master with this map */
    if (f->link.conn != 0 &&
        hear(w, me, f->master, f->epoch).hearing != STREAM_LISTEN) {
        stop_stream(w, f);
    }
    if (f->needs_dump && !f->dumped && f->rebuild.nsources > 0) {
        rebuild_act(w, me, rebuild_on_view(&f->rebuild, node->view));
    }
}

void
follow_tick(struct world *w, size_t me)
{
    if (is_learner(&w->node[me])) {
        learn(w, me);
    }
}
