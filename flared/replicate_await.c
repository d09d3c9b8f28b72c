/* Questions about a copy. */
#include <inttypes.h>

#include "base/log.h"
#include "flared/replicate_impl.h"

enum { AWAIT_MS = 1500 }; /* for a copy to have everything */

static void
answer_join(struct replicator_join *join, const char *why)
{
    join->why = why;
    join->mail.deliver = join->done;
    mailbox_post(join->reply_to, &join->mail);
}

static bool
all_have(const struct replicator *r, uint64_t seq)
{
    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        const struct copy *copy = LIST_ENTRY(l, struct copy, link);

        if (copy->counts && copy->state != COPY_LOST && !copy_has(copy, seq)) {
            return false;
        }
    }
    return true;
}

/* False: it waits on; its stream may be about to begin. */
static bool
judge_await(struct replicator *r, const struct replicator_join *join,
            const char **why)
{
    const struct copy *copy = replicator_find(r, slice_str(join->key));
    const bool streams = copy != NULL && copy->feed.mode == FEED_STREAM;

    if (join->key[0] == '\0' ? all_have(r, join->last)
                             : streams && copy_has(copy, join->last) &&
                                   copy->feed.heard.ns >= join->asked.ns) {
        return true;
    }
    *why = streams ? "SERVER_ERROR it does not catch up"
                   : "SERVER_ERROR it is not fed by this master's stream";
    return mono_reached(join->deadline, r->loop.now);
}

void
replicator_check_awaits(struct replicator *r)
{
    struct list *at = r->awaits.next;

    while (at != &r->awaits) {
        struct replicator_join *join =
            LIST_ENTRY(at, struct replicator_join, link);
        const char *why = NULL;

        at = at->next;
        if (judge_await(r, join, &why)) {
            list_remove(&join->link);
            answer_join(join, why);
        }
    }
}

static void
on_join(struct mail *mail)
{
    struct replicator_join *join =
        LIST_ENTRY(mail, struct replicator_join, mail);
    struct replicator *r = join->replicator;
    struct copy *copy = replicator_find(r, slice_str(join->key));

    if (copy == NULL || copy->feed.mode != FEED_STREAM ||
        copy->feed.step != FEED_FLOW) {
        answer_join(join, "SERVER_ERROR it is not fed by this master's stream");
        return;
    }
    if (!copy->joined) {
        log_info("replication to %s: writes wait for it from now on",
                 copy->target.key);
    }
    copy->joined = true;
    replicator_set_gate(r);
    join->last = ulog_last(store_log(r->node->store));
    answer_join(join, NULL);
}

static void
on_await(struct mail *mail)
{
    struct replicator_join *join =
        LIST_ENTRY(mail, struct replicator_join, mail);
    struct replicator *r = join->replicator;
    struct copy *copy = replicator_find(r, slice_str(join->key));

    /* Who has everything already may be deaf by now. */
    join->asked = r->loop.now;
    if (copy != NULL) {
        feed_probe(copy);
    }
    join->last = ulog_last(store_log(r->node->store));
    join->deadline = mono_after_ms(r->loop.now, AWAIT_MS);
    list_append(&r->awaits, &join->link);
    loop_at_turn_end(&r->loop, &r->turn);
}

static void
post_join(struct replicator *r, struct replicator_join *join,
          void (*deliver)(struct mail *mail))
{
    join->replicator = r;
    join->mail.deliver = deliver;
    mailbox_post(&r->loop.mailbox, &join->mail);
}

void
replicator_join(struct replicator *r, struct replicator_join *join)
{
    post_join(r, join, on_join);
}

void
replicator_await(struct replicator *r, struct replicator_join *join)
{
    post_join(r, join, on_await);
}

void
replicator_end_awaits(struct replicator *r)
{
    struct list *first;

    while ((first = list_pop(&r->awaits)) != NULL) {
        answer_join(LIST_ENTRY(first, struct replicator_join, link),
                    "SERVER_ERROR this node shuts down");
    }
}
