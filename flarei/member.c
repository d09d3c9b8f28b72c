#include "flarei/member.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flarei/election.h"
#include "index/position.h"

enum {
    CONFIRM_MS = 20,  /* between being turned away and asking once more */
    JOINING_MS = 100, /* between looks at a node that does not listen yet */
    LATE_MS = 100,    /* a timer that comes so late: we were not running */
    GRACE_MS = 250,   /* for an answer that could not come meanwhile */
};

static int64_t
interval_ms(const struct member *member)
{
    return (int64_t)flarei_options_interval_ms(&member->flarei->options);
}

static int64_t
patience_ms(const struct member *member)
{
    return (int64_t)member->flarei->options.monitor_read_timeout;
}

const struct node *
member_node(const struct member *member)
{
    return cluster_map_find(member->flarei->map, slice_str(member->key));
}

bool
member_ask_position(struct member *member)
{
    if (member->old ||
        !link_ask(member->link, LINK_POSITION, SLICE("repl position\r\n"),
                  patience_ms(member))) {
        return false;
    }
    member->positions_asked++;
    return true;
}

static void
report(struct member *member, struct index_event *event)
{
    const struct node *node = member_node(member);

    if (node == NULL) {
        return;
    }
    event->host = node_host(node);
    event->port = node->port;
    if (!election_is_on(member->flarei, event)) {
        (void)election_hold(member->flarei, event, member->trouble, NULL, NULL);
    }
}

static void
report_down(struct member *member, enum health_evidence evidence)
{
    report(member,
           &(struct index_event){.type = INDEX_DOWN, .evidence = evidence});
}

/* Whether a master still has its data is known when it has said so. */
static void
report_up(struct member *member, const struct node *node)
{
    if (node->role == NODE_MASTER && !node->held && !member->returning) {
        member->returning = member_ask_position(member);
    }
    if (!member->returning) {
        report(member, &(struct index_event){.type = INDEX_UP});
    }
}

static void
take_position(struct member *member, const struct reply *reply)
{
    bool returning = member->returning;

    if (!reply->last) {
        (void)index_position_parse(reply->line, &member->said);
        return;
    }
    member->data = member->said;
    member->said = (struct node_data){.copy = NODE_COPY_UNKNOWN};
    member->old = reply->code == REPLY_CODE_ERROR;
    member->positions_over++;
    member->positions_told = member->positions_over;
    if (returning) {
        member->returning = false;
        report(member,
               &(struct index_event){.type = INDEX_UP, .data = member->data});
    }
    election_heard(member->flarei);
}

/* Too early to count against a node that has only just added itself. */
static bool
is_premature(struct member *member, enum health_evidence evidence)
{
    struct mono now = member->flarei->loop.now;

    if (evidence != HEALTH_REFUSED || !member->health.joining) {
        return false;
    }
    timer_once(&member->tick, JOINING_MS);
    if (!mono_reached(member->count_at, now)) {
        return true;
    }
    member->count_at = mono_after_ms(now, interval_ms(member));
    return false;
}

/*
 * A lost connection is looked into at once, unless it was lost as soon as it
 * was made: that may happen again and again.
 */
static int64_t
confirm_ms(const struct member *member, enum health_evidence evidence)
{
    int64_t lasted = mono_ms_between(member->up_at, member->flarei->loop.now);

    return evidence == HEALTH_CLOSED && lasted > CONFIRM_MS ? 0 : CONFIRM_MS;
}

static void
act(struct member *member, const struct node *node,
    enum health_evidence evidence, enum health_verdict verdict)
{
    switch (verdict) {
    case HEALTH_NOTHING:
        break;
    case HEALTH_CONFIRM:
        timer_once(&member->tick, confirm_ms(member, evidence));
        break;
    case HEALTH_DOWN:
        report_down(member, evidence);
        break;
    case HEALTH_UP:
        report_up(member, node);
        break;
    }
}

static void
weigh(struct member *member, enum health_evidence evidence)
{
    const struct node *node = member_node(member);
    unsigned threshold = (unsigned)member->flarei->options.monitor_threshold;

    if (evidence != HEALTH_ANSWERED && member->answers) {
        member->trouble = member->flarei->loop.now;
    }
    member->answers = evidence == HEALTH_ANSWERED;
    if (node == NULL || is_premature(member, evidence)) {
        return;
    }
    act(member, node, evidence,
        health_step(&member->health, evidence, node->state == NODE_DOWN,
                    threshold));
}

/* Silence is timed from the last word, not from a ping. */
static void
watch_silence(struct member *member)
{
    const struct flarei_options *o = &member->flarei->options;
    int64_t patience =
        health_patience_ms((unsigned)o->monitor_threshold, interval_ms(member),
                           patience_ms(member));

    member->due = mono_after_ms(member->heard_at, patience);
    timer_once(&member->silence,
               mono_ms_between(member->flarei->loop.now, member->due) + 1);
}

/* Heard of since, or we are late ourselves: that is no silence. */
static bool
must_wait(struct member *member)
{
    struct mono now = member->flarei->loop.now;
    struct mono due = member->due;

    watch_silence(member);
    if (!mono_reached(member->due, now)) {
        member->graced = false;
        return true;
    }
    if (!member->graced && mono_ms_between(due, now) > LATE_MS) {
        member->graced = true;
        timer_once(&member->silence, GRACE_MS);
        return true;
    }
    return false;
}

static void
on_silence(struct timer *timer)
{
    struct member *member = LIST_ENTRY(timer, struct member, silence);
    const struct node *node = member_node(member);
    unsigned threshold = (unsigned)member->flarei->options.monitor_threshold;

    if (node == NULL || must_wait(member)) {
        return;
    }
    timer_once(timer, interval_ms(member));
    member->answers = false;
    act(member, node, HEALTH_SILENT,
        health_overdue(&member->health, node->state == NODE_DOWN, threshold));
}

static void
ping(struct member *member)
{
    if (!member->pinging) {
        member->pinging = link_ask(member->link, LINK_PING, SLICE("ping\r\n"),
                                   patience_ms(member));
    }
}

static void
on_tick(struct timer *timer)
{
    struct member *member = LIST_ENTRY(timer, struct member, tick);

    timer_once(timer, interval_ms(member));
    if (link_is_up(member->link)) {
        ping(member);
    } else {
        link_connect(member->link, patience_ms(member));
    }
}

static void
on_up(void *owner)
{
    struct member *member = owner;

    member->up_at = member->flarei->loop.now;
    ping(member);
    broadcast_run(member->flarei);
}

/* So that it is known how far a master was, when it can say so no more. */
static void
follow_data(struct member *member)
{
    const struct node *node = member_node(member);

    if (member->answers && node != NULL && node->state == NODE_ACTIVE &&
        node->role != NODE_PROXY &&
        member->positions_over == member->positions_asked) {
        (void)member_ask_position(member);
    }
}

static void
on_answer(void *owner, enum link_ask ask, const struct reply *reply)
{
    struct member *member = owner;

    member->heard_at = member->flarei->loop.now;
    switch (ask) {
    case LINK_PING:
        member->pinging = false;
        weigh(member, slice_eq(reply->line, SLICE("OK")) ? HEALTH_ANSWERED
                                                         : HEALTH_WRONG);
        follow_data(member);
        if (member->acked < member->flarei->map->version) {
            broadcast_run(member->flarei);
        }
        break;
    case LINK_SYNC:
        broadcast_answer(member, reply);
        break;
    case LINK_STATS:
        broadcast_learn(member, reply);
        break;
    case LINK_POSITION:
        take_position(member, reply);
        break;
    case LINK_HANDOVER:
        break;
    }
}

/* What it has is known again only when it acknowledges on a new connection. */
static void
forget_connection(struct member *member)
{
    member->pinging = false;
    member->sent = 0;
    member->acked = 0;
    member->old = false;
    member->returning = false;
    member->positions_over = member->positions_asked;
}

static void
on_lost(void *owner, enum health_evidence evidence)
{
    struct member *member = owner;

    forget_connection(member);
    weigh(member, evidence);
    election_heard(member->flarei);
    broadcast_run(member->flarei);
}

static const struct link_ops member_link_ops = {
    .up = on_up,
    .answer = on_answer,
    .lost = on_lost,
};

struct member *
member_new(struct flarei *flarei, const struct node *node)
{
    struct member *member = xcalloc(1, sizeof(*member));
    char *host = xstrndup(node->key, node->host_len);

    member->flarei = flarei;
    memcpy(member->key, node->key, sizeof(member->key));
    member->id = ++flarei->last_id;
    member->since = flarei->loop.wall;
    member->turn = BROADCAST_MIDDLE;
    member->since_behind = flarei->loop.now;
    member->trouble = flarei->loop.now;
    member->link =
        link_new(&flarei->loop, host, node->port, &member_link_ops, member);
    timer_init(&member->tick, &flarei->loop, on_tick);
    timer_init(&member->silence, &flarei->loop, on_silence);
    free(host);
    return member;
}

void
member_free(struct member *member)
{
    link_free(member->link);
    timer_fini(&member->tick);
    timer_fini(&member->silence);
    free(member);
}

void
member_start(struct member *member)
{
    timer_once(&member->tick, 0);
    member->heard_at = member->flarei->loop.now;
    watch_silence(member);
}

void
member_restarted(struct member *member)
{
    health_join(&member->health);
    member->count_at =
        mono_after_ms(member->flarei->loop.now, interval_ms(member));
    link_drop(member->link);
    forget_connection(member);
    member->data = (struct node_data){.copy = NODE_COPY_UNKNOWN};
    member->answers = false;
    member_start(member);
}

void
member_reload(struct member *member)
{
    timer_once(&member->tick, interval_ms(member));
    watch_silence(member);
}
