#include "flarei/broadcast.h"

#include <string.h>

#include "cluster/map_text.h"
#include "flarei/index.h"
#include "flarei/member.h"

enum { TURN_MS = 1000 }; /* how long others wait for those before them */

/* Is there anything it has to be told before others are? */
static bool
is_awaited(const struct flarei *flarei, const struct member *member)
{
    const struct node *node;

    if (member->acked >= flarei->map->version) {
        return false;
    }
    node = member_node(member);
    return node != NULL && node->state != NODE_DOWN;
}

static struct member *
member_at(const struct flarei *flarei, size_t *at)
{
    struct slice key;
    void *value;

    return strmap_next(&flarei->members, at, &key, &value) ? value : NULL;
}

/*
 * Must those of a later turn than `turn` wait, at most until then?  Not for who
 * is to be the first and cannot be told at all.
 */
static bool
must_wait(struct flarei *flarei, enum broadcast_turn turn, struct mono until)
{
    struct member *member;
    size_t at = 0;

    if (mono_reached(until, flarei->loop.now)) {
        return false;
    }
    while ((member = member_at(flarei, &at)) != NULL) {
        if (member->turn <= turn && is_awaited(flarei, member) &&
            (turn != BROADCAST_FIRST || link_is_up(member->link))) {
            return true;
        }
    }
    return false;
}

/* The command for the newest map, made once a version. */
static bool
make_text(struct flarei *flarei)
{
    struct broadcast *b = &flarei->broadcast;

    if (b->version == flarei->map->version) {
        return true;
    }
    buf_clear(&b->text);
    b->version = 0;
    if (buf_put_str(&b->text, "node sync ") &&
        buf_put_u64(&b->text, flarei->map->version) &&
        buf_put_str(&b->text, "\r\n") &&
        map_text_put_nodes(&b->text, flarei->map) &&
        buf_put_str(&b->text, "END\r\n")) {
        b->version = flarei->map->version;
    }
    return b->version != 0;
}

static void
push(struct flarei *flarei, struct member *member)
{
    if (member->sent != 0 || member->acked >= flarei->map->version ||
        !link_is_up(member->link) || !make_text(flarei)) {
        return;
    }
    if (link_ask(member->link, LINK_SYNC, buf_slice(&flarei->broadcast.text),
                 (int64_t)flarei->options.monitor_read_timeout)) {
        member->sent = flarei->map->version;
    }
}

void
broadcast_run(struct flarei *flarei)
{
    struct broadcast *b = &flarei->broadcast;
    bool hold_middle = must_wait(flarei, BROADCAST_FIRST, b->first_until);
    bool hold_last =
        hold_middle || must_wait(flarei, BROADCAST_MIDDLE, b->middle_until);
    struct member *member;
    size_t at = 0;

    while ((member = member_at(flarei, &at)) != NULL) {
        if (!(member->turn == BROADCAST_MIDDLE && hold_middle) &&
            !(member->turn == BROADCAST_LAST && hold_last)) {
            push(flarei, member);
        }
    }
    if (hold_last) {
        struct mono until = hold_middle ? b->first_until : b->middle_until;

        timer_once(&b->timer, mono_ms_between(flarei->loop.now, until) + 1);
    }
}

static void
on_timer(struct timer *timer)
{
    broadcast_run(LIST_ENTRY(timer, struct broadcast, timer)->flarei);
}

static void
set_turn(struct flarei *flarei, const char *key, enum broadcast_turn turn)
{
    struct member *member = strmap_find(&flarei->members, slice_str(key));

    if (member != NULL) {
        member->turn = turn;
    }
}

static void
start_clocks(struct flarei *flarei)
{
    struct member *member;
    size_t at = 0;

    while ((member = member_at(flarei, &at)) != NULL) {
        if (member->acked + 1 == flarei->map->version) {
            member->since_behind = flarei->loop.now;
        }
    }
}

/*
 * A wait that has begun is not prolonged by further changes: many of them must
 * not keep a node from hearing of the first.
 */
void
broadcast_change(struct flarei *flarei, const struct index_plan *plan)
{
    struct broadcast *b = &flarei->broadcast;
    struct mono now = flarei->loop.now;
    struct member *leaver =
        strmap_find(&flarei->members, slice_str(plan->skip));

    start_clocks(flarei);
    set_turn(flarei, plan->first, BROADCAST_FIRST);
    set_turn(flarei, plan->last, BROADCAST_LAST);
    if (leaver != NULL && leaver->sent == 0) {
        leaver->acked = flarei->map->version;
    }
    if (plan->first[0] != '\0' && mono_reached(b->first_until, now)) {
        b->first_until = mono_after_ms(now, TURN_MS);
    }
    if (plan->last[0] != '\0' && mono_reached(b->middle_until, now)) {
        b->middle_until = mono_after_ms(now, TURN_MS);
    }
    broadcast_run(flarei);
}

static void
ask_version(struct member *member)
{
    member->seen = 0;
    (void)link_ask(member->link, LINK_STATS, SLICE("stats\r\n"),
                   (int64_t)member->flarei->options.monitor_read_timeout);
}

void
broadcast_answer(struct member *member, const struct reply *reply)
{
    uint64_t sent = member->sent;
    unsigned held;

    member->sent = 0;
    if (slice_eq(reply->line, SLICE("OK"))) {
        member->acked = sent;
        if (sent == member->flarei->map->version) {
            member->turn = BROADCAST_MIDDLE;
        }
        index_acknowledged(member->flarei, member);
        broadcast_run(member->flarei);
        return;
    }
    if (log_limit_pass(&member->refusals, &held)) {
        log_warn("%s refuses map version %ju: %s", member->key, (uintmax_t)sent,
                 log_text(reply->line).text);
    }
    if (reply->code == REPLY_CODE_SERVER_ERROR) {
        ask_version(member); /* it may have seen a later one */
    }
}

void
broadcast_learn(struct member *member, const struct reply *reply)
{
    struct slice line = reply->line;
    struct index_event event = {.type = INDEX_RENUMBER};

    if (!reply->last) {
        if (slice_eq(slice_word(&line), SLICE("STAT")) &&
            slice_eq(slice_word(&line), SLICE("node_map_version"))) {
            (void)slice_u64(slice_word(&line), UINT64_MAX, &member->seen);
        }
        return;
    }
    event.version = member->seen;
    if (member->seen > member->flarei->map->version) {
        (void)index_apply(member->flarei, &event);
    }
}

void
broadcast_init(struct broadcast *broadcast, struct flarei *flarei)
{
    *broadcast = (struct broadcast){.flarei = flarei};
    timer_init(&broadcast->timer, &flarei->loop, on_timer);
}

void
broadcast_fini(struct broadcast *broadcast)
{
    timer_fini(&broadcast->timer);
    buf_fini(&broadcast->text);
}
