#include "flarei/member.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flarei/index.h"

enum {
    CONFIRM_MS = 20, /* between being turned away and asking once more */
    JOINING_MS = 100 /* between looks at a node that does not listen yet */
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

static void
report(struct member *member, enum index_event_type type)
{
    const struct node *node = member_node(member);
    struct index_event event = {.type = type};

    if (node != NULL) {
        event.host = node_host(node);
        event.port = node->port;
        (void)index_apply(member->flarei, &event);
    }
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
weigh(struct member *member, enum health_evidence evidence)
{
    const struct node *node = member_node(member);
    unsigned threshold = (unsigned)member->flarei->options.monitor_threshold;

    member->answers = evidence == HEALTH_ANSWERED;
    if (node == NULL || is_premature(member, evidence)) {
        return;
    }
    switch (health_step(&member->health, evidence, node->state == NODE_DOWN,
                        threshold)) {
    case HEALTH_NOTHING:
        break;
    case HEALTH_CONFIRM:
        timer_once(&member->tick, confirm_ms(member, evidence));
        break;
    case HEALTH_DOWN:
        report(member, INDEX_DOWN);
        break;
    case HEALTH_UP:
        report(member, INDEX_UP);
        break;
    }
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

static void
on_answer(void *owner, enum link_ask ask, const struct reply *reply)
{
    struct member *member = owner;

    switch (ask) {
    case LINK_PING:
        member->pinging = false;
        weigh(member, slice_eq(reply->line, SLICE("OK")) ? HEALTH_ANSWERED
                                                         : HEALTH_WRONG);
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
    }
}

/* What it has is known again only when it acknowledges on a new connection. */
static void
forget_connection(struct member *member)
{
    member->pinging = false;
    member->sent = 0;
    member->acked = 0;
}

static void
on_lost(void *owner, enum health_evidence evidence)
{
    struct member *member = owner;

    forget_connection(member);
    weigh(member, evidence);
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
    member->link =
        link_new(&flarei->loop, host, node->port, &member_link_ops, member);
    timer_init(&member->tick, &flarei->loop, on_tick);
    free(host);
    return member;
}

void
member_free(struct member *member)
{
    link_free(member->link);
    timer_fini(&member->tick);
    free(member);
}

void
member_start(struct member *member)
{
    timer_once(&member->tick, 0);
}

void
member_restarted(struct member *member)
{
    health_join(&member->health);
    member->count_at =
        mono_after_ms(member->flarei->loop.now, interval_ms(member));
    link_drop(member->link);
    forget_connection(member);
    member->answers = false;
    member_start(member);
}

void
member_reload(struct member *member)
{
    timer_once(&member->tick, interval_ms(member));
}
