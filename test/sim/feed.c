/* A master and its slaves: who gets what, who counts. */
#include <string.h>

#include "base/alloc.h"
#include "repl/fanout.h"
#include "test/sim/actors.h"

#include <stdlib.h>

/* Without an answer for so many intervals a slave is reported as lost. */
enum { SILENT_INTERVALS = 2 };

static struct feed *
feed_of(struct world *w, size_t me, struct link_end end)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        if (same_end(end, w->node[me].feed[i].link)) {
            return &w->node[me].feed[i];
        }
    }
    return NULL;
}

static bool
is_active_slave(const struct node_sim *node, size_t place)
{
    const struct node *slave =
        cluster_map_find(node->view->map, place_key(place));

    return slave != NULL && slave->role == NODE_SLAVE &&
           slave->state == NODE_ACTIVE &&
           slave->partition == node->view->self->partition;
}

/* --- the gate ------------------------------------------------------------- */

struct stream_gate
feed_gate(const struct world *w, size_t me)
{
    const struct node_sim *node = &w->node[me];
    struct stream_copy copy[SIM_NODES];
    unsigned n = 0;

    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct feed *feed = &node->feed[i];

        copy[n++] = (struct stream_copy){
            .in_set =
                is_active_slave(node, i) &&
                !(w->set.plant == PLANT_LOCAL_DROP && feed->trouble_at != 0),
            .joined = feed->joined,
            .acked = feed->acked,
        };
    }
    return stream_gate(copy, n);
}

/* --- starting a stream ---------------------------------------------------- */

static void
trouble(struct world *w, struct feed *feed, int64_t again)
{
    if (feed->trouble_at == 0) {
        feed->trouble_at = w->now;
    }
    wire_close(w, &feed->link);
    feed->state = FEED_IDLE;
    feed->in_flight = 0;
    feed->retry_at = w->now + again;
}

static void
say_hello(struct world *w, size_t me, size_t slave)
{
    struct node_sim *node = &w->node[me];
    struct feed *feed = &node->feed[slave];

    feed->link = wire_open(w, me, slave);
    feed->state = FEED_ASKED;
    feed->in_flight = 0;
    feed->heard_at = w->now;
    wire_send(w, feed->link,
              &(struct msg){.type = MSG_HELLO,
                            .a = node->epoch,
                            .b = node->disk.lineage.seq,
                            .c = node->disk.first});
}

static void
report_lost(struct world *w, size_t me, size_t slave)
{
    struct feed *feed = &w->node[me].feed[slave];

    if (w->now >= feed->told_at && is_active_slave(&w->node[me], slave)) {
        TRACE(w, "n%zu reports n%zu as lost", me, slave);
        feed->told_at = w->now + w->set.interval;
        node_report(w, me,
                    &(struct msg){.type = MSG_LOST,
                                  .a = slave,
                                  .b = w->node[me].view->map->version});
    }
}

static uint64_t
chain_at(const struct journal *j, uint64_t seq)
{
    const struct entry *e = journal_at(j, seq);

    return e != NULL ? e->chain : j->base_chain;
}

/* The slave has said where it is. */
static void
begin_stream(struct world *w, size_t me, size_t slave, const struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    struct feed *feed = &node->feed[slave];
    struct stream_plan plan =
        stream_compare(&node->disk.lineage, node->disk.first, msg->lineage);
    struct msg answer = {.a = plan.seq, .b = node->disk.lineage.seq};

    if ((msg->a != 0 || feed->cannot) && plan.start != STREAM_FULL) {
        plan.start = STREAM_FULL; /* its copy is not finished, or its log */
        plan.seq = node->disk.lineage.seq;
    }
    if (w->set.plant == PLANT_NO_REWIND && plan.start == STREAM_REWIND) {
        plan.start = STREAM_RESUME;
    }
    switch (plan.start) {
    case STREAM_RESUME:
        answer.type = MSG_RESUME;
        w->figures.resumes++;
        break;
    case STREAM_REWIND:
        answer.type = MSG_REWIND;
        w->figures.rewinds++;
        break;
    case STREAM_FULL:
        if (is_active_slave(node, slave)) {
            report_lost(w, me, slave);
            trouble(w, feed, w->set.interval);
            return;
        }
        answer = (struct msg){.type = MSG_FULL,
                              .a = plan.seq,
                              .b = lineage_epoch(&node->disk.lineage),
                              .c = chain_at(&node->disk, plan.seq)};
        w->figures.fulls++;
        feed->cannot = false;
        break;
    }
    TRACE(w, "n%zu -> n%zu: %s %llu", me, slave,
          plan.start == STREAM_RESUME   ? "resume"
          : plan.start == STREAM_REWIND ? "rewind"
                                        : "full",
          (unsigned long long)plan.seq);
    feed->next = plan.seq + 1;
    feed->state = plan.start == STREAM_REWIND ? FEED_GIVING : FEED_STREAM;
    wire_send(w, feed->link, &answer);
    feed_pump(w, me);
}

static void
give_records(struct world *w, size_t me, struct feed *feed, struct msg *msg)
{
    const struct journal *j = &w->node[me].disk;
    struct msg answer = {.type = MSG_RECORDS,
                         .a = j->lineage.seq,
                         .n = msg->n,
                         .rows = msg->rows};

    msg->rows = NULL;
    for (size_t i = 0; i < answer.n; i++) {
        answer.rows[i].value = j->value[answer.rows[i].key];
        answer.rows[i].at = j->at[answer.rows[i].key];
    }
    feed->state = FEED_STREAM;
    wire_send(w, feed->link, &answer);
    feed_pump(w, me);
}

/* --- the stream ----------------------------------------------------------- */

static void
send_batch(struct world *w, size_t me, struct feed *feed)
{
    const struct journal *j = &w->node[me].disk;
    struct msg msg = {
        .type = MSG_BATCH, .a = w->node[me].epoch, .b = j->lineage.seq};
    const struct entry *e = journal_at(j, feed->next);

    if (e != NULL) {
        uint64_t left = j->lineage.seq - feed->next + 1;

        msg.n = left < SIM_BATCH ? (size_t)left : SIM_BATCH;
        msg.entries = xreallocarray(NULL, msg.n, sizeof(*msg.entries));
        memcpy(msg.entries, e, msg.n * sizeof(*msg.entries));
        feed->next += msg.n;
    }
    feed->in_flight++;
    feed->beat_at = w->now + w->set.interval / 2;
    wire_send(w, feed->link, &msg);
}

static void
pump(struct world *w, size_t me, struct feed *feed)
{
    const struct journal *j = &w->node[me].disk;

    while (feed->state == FEED_STREAM && feed->in_flight < SIM_FLIGHT &&
           feed->next <= j->lineage.seq) {
        if (feed->next < j->first) {
            trouble(w, feed, 0); /* the log has gone on without it */
            return;
        }
        send_batch(w, me, feed);
    }
}

void
feed_pump(struct world *w, size_t me)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        pump(w, me, &w->node[me].feed[i]);
    }
}

static void
on_ok(struct world *w, size_t me, struct feed *feed, uint64_t seq)
{
    feed->in_flight -= feed->in_flight > 0;
    feed->heard_at = w->now;
    feed->trouble_at = 0;
    w->node[me].heard = mono_of(w);
    if (seq > feed->acked) {
        feed->acked = seq;
        serve_gate(w, me);
    }
    pump(w, me, feed);
}

bool
feed_msg(struct world *w, size_t me, struct link_end end, struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    struct feed *feed = feed_of(w, me, end);
    size_t slave;

    if (feed == NULL) {
        return feed_asked(w, me, end, msg);
    }
    slave = (size_t)(feed - node->feed);
    switch ((int)msg->type) {
    case MSG_WHERE:
        feed->heard_at = w->now;
        begin_stream(w, me, slave, msg);
        break;
    case MSG_WANT:
        give_records(w, me, feed, msg);
        break;
    case MSG_OK:
        on_ok(w, me, feed, msg->a);
        break;
    case MSG_FENCED:
        TRACE(w, "n%zu is fenced by n%zu at %llu", me, slave,
              (unsigned long long)msg->a);
        node->fenced = msg->a > node->view->map->version;
        trouble(w, feed, w->set.interval / 2);
        break;
    case MSG_LATER:
        trouble(w, feed, 20 * MS);
        break;
    case MSG_CANNOT:
        feed->cannot = true;
        trouble(w, feed, 0);
        break;
    default:
        trouble(w, feed, 20 * MS);
        break;
    }
    return true;
}

void
feed_closed(struct world *w, size_t me, struct link_end end)
{
    struct feed *feed = feed_of(w, me, end);

    if (feed != NULL) {
        trouble(w, feed, 10 * MS + (int64_t)rand_below(&w->r, 20) * MS);
    }
}

/* --- a learner's questions ------------------------------------------------ */

static void
dump(struct world *w, size_t me, struct link_end end)
{
    const struct journal *j = &w->node[me].disk;
    struct msg msg = {.type = MSG_RECORDS, .a = j->lineage.seq};

    for (uint32_t key = 0; key < SIM_KEYS; key++) {
        if (j->value[key] == 0) {
            continue;
        }
        if (msg.n % 32 == 0) {
            if (msg.n > 0) {
                wire_send(w, end, &msg);
            }
            msg.n = 0;
            msg.rows = xreallocarray(NULL, 32, sizeof(*msg.rows));
        }
        msg.rows[msg.n++] = (struct row){key, j->value[key], j->at[key]};
    }
    if (msg.rows != NULL) {
        wire_send(w, end, &msg);
    }
    wire_send(w, end, &(struct msg){.type = MSG_END});
}

bool
feed_asked(struct world *w, size_t me, struct link_end end,
           const struct msg *msg)
{
    struct node_sim *node = &w->node[me];
    size_t from = wire_other(w, end);
    struct msg answer = {0};

    switch ((int)msg->type) {
    case MSG_KNOWN:
        answer.type =
            node->epoch != 0 && node->feed[from].wanted ? MSG_YES : MSG_NO;
        break;
    case MSG_DUMP:
        if (node->epoch == 0 || node->disk.building) {
            answer.type = MSG_REFUSED;
            break;
        }
        dump(w, me, end);
        return true;
    case MSG_JOIN:
        if (node->epoch == 0 || node->epoch != msg->a ||
            !node->feed[from].wanted ||
            (node->view->map->version < msg->b &&
             w->set.plant != PLANT_OLD_JOIN)) {
            answer.type = MSG_REFUSED;
            break;
        }
        node->feed[from].joined = w->set.plant != PLANT_NO_JOIN;
        answer = (struct msg){.type = MSG_JOINED, .a = node->disk.lineage.seq};
        TRACE(w, "n%zu counts n%zu from %llu on", me, from,
              (unsigned long long)answer.a);
        break;
    default:
        return false;
    }
    wire_send(w, end, &answer);
    return true;
}

/* --- the map, the time ---------------------------------------------------- */

static void
stop_feed(struct world *w, struct feed *feed)
{
    wire_close(w, &feed->link);
    *feed = (struct feed){.state = FEED_IDLE};
}

void
feed_stop(struct world *w, size_t me)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        stop_feed(w, &w->node[me].feed[i]);
    }
}

void
feed_follow_map(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];
    struct fanout *fanout = node->epoch != 0 ? fanout_new(node->view) : NULL;

    for (size_t i = 1; i <= w->set.nodes && fanout != NULL; i++) {
        struct feed *feed = &node->feed[i];
        const struct fanout_target *target = fanout_find(fanout, place_key(i));

        if (target == NULL) {
            stop_feed(w, feed);
        } else if (!feed->wanted) {
            feed->wanted = true;
            feed->retry_at = w->now;
        }
    }
    free(fanout);
    feed_tick(w, me);
}

void
feed_tick(struct world *w, size_t me)
{
    struct node_sim *node = &w->node[me];
    int64_t patience = SILENT_INTERVALS * w->set.interval;

    for (size_t i = 1; i <= w->set.nodes && node->epoch != 0; i++) {
        struct feed *feed = &node->feed[i];

        if (!feed->wanted) {
            continue;
        }
        if (feed->state == FEED_IDLE && w->now >= feed->retry_at &&
            !node->fenced) {
            say_hello(w, me, i);
        } else if (feed->state != FEED_IDLE &&
                   w->now - feed->heard_at > patience) {
            trouble(w, feed, 0);
        } else if (feed->state == FEED_STREAM && w->now >= feed->beat_at &&
                   feed->in_flight < SIM_FLIGHT) {
            send_batch(w, me, feed);
        }
        if (feed->trouble_at != 0 && w->now - feed->trouble_at > patience) {
            report_lost(w, me, i);
        }
    }
}
