#include "flarei/election.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flarei/member.h"

enum { PATIENCE_MS = 100 };

struct asked {
    char key[NODE_KEY_MAX + 1];
    uint64_t turn; /* of the answer that counts */
};

struct election {
    struct list link;
    struct flarei *flarei;
    struct index_event event;
    char host[NODE_HOST_MAX + 1]; /* the event's */
    struct mono since;
    struct asked *asked;
    size_t nasked;
    struct timer timer;
    void (*done)(void *owner, const struct index_outcome *out);
    void *owner; /* NULL: done is not called */
};

static void
election_free(struct election *election)
{
    timer_fini(&election->timer);
    list_remove(&election->link);
    free(election->asked);
    free(election);
}

static void
finish(struct election *election)
{
    struct index_outcome out;

    list_remove(&election->link);
    timer_stop(&election->timer);
    index_decide(election->flarei, &election->event, election, election->since,
                 &out);
    if (election->owner != NULL) {
        election->done(election->owner, &out);
    }
    election_free(election);
}

static void
on_timer(struct timer *timer)
{
    finish(LIST_ENTRY(timer, struct election, timer));
}

static struct election *
election_new(struct flarei *flarei, const struct index_event *event)
{
    struct election *election = xcalloc(1, sizeof(*election));

    election->flarei = flarei;
    election->event = *event;
    memcpy(election->host, event->host.p, event->host.n);
    election->event.host.p = election->host;
    election->asked = xcalloc(flarei->map->nnodes, sizeof(*election->asked));
    timer_init(&election->timer, &flarei->loop, on_timer);
    list_append(&flarei->elections, &election->link);
    return election;
}

/* Ask all whose answer matters and who can be asked. */
static void
ask(struct election *election)
{
    const struct flarei *flarei = election->flarei;

    for (size_t i = 0; i < flarei->map->nnodes; i++) {
        const struct node *node = &flarei->map->node[i];
        struct member *member = strmap_find(&flarei->members, node_key(node));
        struct asked *asked = &election->asked[election->nasked];

        if (index_wants_position(flarei->map, &election->event, node) &&
            member_ask_position(member)) {
            memcpy(asked->key, node->key, sizeof(asked->key));
            asked->turn = member->positions_asked;
            election->nasked++;
        }
    }
}

static bool
is_over(const struct election *election, const struct asked *asked)
{
    const struct member *member =
        strmap_find(&election->flarei->members, slice_str(asked->key));

    return member == NULL || member->positions_over >= asked->turn;
}

static bool
is_complete(const struct election *election)
{
    for (size_t i = 0; i < election->nasked; i++) {
        if (!is_over(election, &election->asked[i])) {
            return false;
        }
    }
    return true;
}

static int64_t
patience_ms(const struct flarei *flarei)
{
    int64_t interval = (int64_t)flarei_options_interval_ms(&flarei->options);

    return interval < PATIENCE_MS ? interval : PATIENCE_MS;
}

static bool
matters(const struct flarei *flarei, const struct index_event *event)
{
    for (size_t i = 0; i < flarei->map->nnodes; i++) {
        if (index_wants_position(flarei->map, event, &flarei->map->node[i])) {
            return true;
        }
    }
    return false;
}

struct election *
election_hold(struct flarei *flarei, const struct index_event *event,
              struct mono since,
              void (*done)(void *owner, const struct index_outcome *out),
              void *owner)
{
    struct election *election;
    struct index_outcome out;

    if (matters(flarei, event)) {
        election = election_new(flarei, event);
        election->since = since;
        ask(election);
        if (election->nasked > 0) {
            election->done = done;
            election->owner = owner;
            timer_once(&election->timer, patience_ms(flarei));
            return election;
        }
        election_free(election);
    }
    index_decide(flarei, event, NULL, since, &out);
    if (owner != NULL) {
        done(owner, &out);
    }
    return NULL;
}

void
election_orphan(struct election *election)
{
    if (election != NULL) {
        election->owner = NULL;
    }
}

/* None of them waits for what carrying out another one may change. */
void
election_heard(struct flarei *flarei)
{
    struct list *link = flarei->elections.next;
    struct list complete;

    list_init(&complete);
    while (link != &flarei->elections) {
        struct election *election = LIST_ENTRY(link, struct election, link);

        link = link->next;
        if (is_complete(election)) {
            list_remove(&election->link);
            list_append(&complete, &election->link);
        }
    }
    while ((link = list_pop(&complete)) != NULL) {
        finish(LIST_ENTRY(link, struct election, link));
    }
}

bool
election_is_on(const struct flarei *flarei, const struct index_event *event)
{
    struct list *link = flarei->elections.next;

    for (; link != &flarei->elections; link = link->next) {
        const struct election *election =
            LIST_ENTRY(link, struct election, link);

        if (election->event.type == event->type &&
            election->event.port == event->port &&
            slice_eq(election->event.host, event->host)) {
            return true;
        }
    }
    return false;
}

bool
election_is_fresh(const struct election *election, struct slice key)
{
    const struct member *member;

    for (size_t i = 0; election != NULL && i < election->nasked; i++) {
        const struct asked *asked = &election->asked[i];

        if (slice_eq(slice_str(asked->key), key)) {
            member = strmap_find(&election->flarei->members, key);
            return member != NULL && member->positions_told >= asked->turn;
        }
    }
    return false;
}

void
elections_fini(struct flarei *flarei)
{
    struct list *link;

    while ((link = list_pop(&flarei->elections)) != NULL) {
        election_free(LIST_ENTRY(link, struct election, link));
    }
}
