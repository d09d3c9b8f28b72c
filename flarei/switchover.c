#include "flarei/switchover.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flarei/member.h"

enum {
    HANDOVER_MS = 2000, /* until it is given up */
    LINGER_MS = 2000,   /* until the old master has the new map */
    ANSWER_MS = 4000,   /* longer than either: the timer decides */
};

struct switchover {
    struct list link;
    struct flarei *flarei;
    struct index_event event;
    char host[NODE_HOST_MAX + 1];  /* the event's */
    char slave[NODE_KEY_MAX + 1];  /* who takes over ... */
    char master[NODE_KEY_MAX + 1]; /* ... from whom */
    struct link *to_master;
    struct timer timer;
    struct mono begun;
    uint64_t committed;    /* in which version of the map; 0: not yet */
    struct log_text words; /* the master's, for a refusal */
    void (*done)(void *owner, const struct index_outcome *out);
    void *owner; /* NULL: done is not called, or was */
};

static void
switchover_free(struct switchover *s)
{
    timer_fini(&s->timer);
    link_free(s->to_master);
    list_remove(&s->link);
    free(s);
}

static void
tell(struct switchover *s, const struct index_outcome *out)
{
    void *owner = s->owner;

    s->owner = NULL;
    if (owner != NULL) {
        s->done(owner, out);
    }
}

static int64_t
elapsed_ms(const struct switchover *s)
{
    return mono_ms_between(s->begun, s->flarei->loop.now);
}

static void
give_up(struct switchover *s, const char *why)
{
    struct index_outcome out = {INDEX_REFUSED, why, true};

    log_warn("%s stays master, %s does not take over after %jd ms: %s",
             s->master, s->slave, (intmax_t)elapsed_ms(s), why);
    tell(s, &out);
    switchover_free(s);
}

/* Both have exactly this. */
static void
note_position(struct switchover *s, const char *key, int partition,
              uint64_t epoch, uint64_t seq)
{
    struct member *member = strmap_find(&s->flarei->members, slice_str(key));

    if (member != NULL) {
        member->data = (struct node_data){.copy = NODE_COPY_COMPLETE,
                                          .partition = partition,
                                          .epoch = epoch,
                                          .seq = seq};
    }
}

static void
commit(struct switchover *s, uint64_t epoch, uint64_t seq)
{
    struct flarei *flarei = s->flarei;
    const char *why = NULL;
    const struct node *master =
        index_switchover_from(flarei->map, &s->event, &why);
    struct index_outcome out;

    if (master == NULL || strcmp(master->key, s->master) != 0) {
        give_up(s, why != NULL ? why : "another node has become master");
        return;
    }
    note_position(s, s->master, master->partition, epoch, seq);
    note_position(s, s->slave, master->partition, epoch, seq);
    index_decide(flarei, &s->event, NULL, s->begun, &out);
    if (out.verdict != INDEX_CHANGED) {
        give_up(s, out.why);
        return;
    }
    log_info("%s hands over to %s at epoch %ju, sequence %ju after %jd ms",
             s->master, s->slave, (uintmax_t)epoch, (uintmax_t)seq,
             (intmax_t)elapsed_ms(s));
    s->committed = flarei->map->version;
    timer_once(&s->timer, LINGER_MS);
    tell(s, &out);
}

static void
on_timer(struct timer *timer)
{
    struct switchover *s = LIST_ENTRY(timer, struct switchover, timer);

    if (s->committed != 0) {
        switchover_free(s);
    } else {
        give_up(s, "the master did not hand over in time");
    }
}

static void
on_up(void *owner)
{
    struct switchover *s = owner;
    struct buf text = {0};

    if (!buf_printf(&text, "repl handover %s\r\n", s->slave) ||
        !link_ask(s->to_master, LINK_HANDOVER, buf_slice(&text), ANSWER_MS)) {
        give_up(s, "out of memory");
    }
    buf_fini(&text);
}

/* "OK epoch sequence". */
static void
on_answer(void *owner, enum link_ask ask, const struct reply *reply)
{
    struct switchover *s = owner;
    struct slice rest = reply->line;
    uint64_t epoch, seq;

    (void)ask;
    if (s->committed != 0) {
        return;
    }
    if (slice_eq(slice_word(&rest), SLICE("OK")) &&
        slice_u64(slice_word(&rest), UINT64_MAX, &epoch) &&
        slice_u64(slice_word(&rest), UINT64_MAX, &seq)) {
        commit(s, epoch, seq);
    } else if (reply->code == REPLY_CODE_ERROR) {
        give_up(s, "the master does not know how to hand over");
    } else {
        s->words = log_text(reply->line);
        give_up(s, s->words.text);
    }
}

static void
on_lost(void *owner, enum health_evidence evidence)
{
    struct switchover *s = owner;

    (void)evidence;
    if (s->committed == 0) {
        give_up(s, "the connection to the master was lost");
    }
}

static const struct link_ops switchover_link_ops = {
    .up = on_up,
    .answer = on_answer,
    .lost = on_lost,
};

static const char *
refused(struct flarei *flarei, const struct index_event *event,
        const struct node **master)
{
    struct list *link = flarei->switchovers.next;
    const char *why = NULL;

    *master = index_switchover_from(flarei->map, event, &why);
    for (; *master != NULL && link != &flarei->switchovers; link = link->next) {
        const struct switchover *s = LIST_ENTRY(link, struct switchover, link);

        if (s->committed == 0 && strcmp(s->master, (*master)->key) == 0) {
            return "the partition is being handed over already";
        }
    }
    return why;
}

static struct switchover *
switchover_new(struct flarei *flarei, const struct index_event *event,
               const struct node *master)
{
    struct switchover *s = xcalloc(1, sizeof(*s));
    char *host = xstrndup(master->key, master->host_len);
    struct node slave = {0};

    s->flarei = flarei;
    s->event = *event;
    memcpy(s->host, event->host.p, event->host.n);
    s->event.host.p = s->host;
    (void)node_set_name(&slave, event->host, event->port);
    memcpy(s->slave, slave.key, sizeof(s->slave));
    memcpy(s->master, master->key, sizeof(s->master));
    s->begun = flarei->loop.now;
    timer_init(&s->timer, &flarei->loop, on_timer);
    s->to_master =
        link_new(&flarei->loop, host, master->port, &switchover_link_ops, s);
    list_append(&flarei->switchovers, &s->link);
    free(host);
    return s;
}

struct switchover *
switchover_begin(struct flarei *flarei, const struct index_event *event,
                 void (*done)(void *owner, const struct index_outcome *out),
                 void *owner)
{
    const struct node *master;
    const char *why = refused(flarei, event, &master);
    struct switchover *s;

    if (why != NULL) {
        struct index_outcome out = {INDEX_REFUSED, why, true};

        done(owner, &out);
        return NULL;
    }
    s = switchover_new(flarei, event, master);
    s->done = done;
    s->owner = owner;
    log_info("%s is asked to hand over to %s", s->master, s->slave);
    timer_once(&s->timer, HANDOVER_MS);
    link_connect(s->to_master, HANDOVER_MS);
    return s;
}

void
switchover_orphan(struct switchover *switchover)
{
    if (switchover != NULL) {
        switchover->owner = NULL;
    }
}

static struct switchover *
settled(struct flarei *flarei, const struct member *member)
{
    struct list *link = flarei->switchovers.next;

    for (; link != &flarei->switchovers; link = link->next) {
        struct switchover *s = LIST_ENTRY(link, struct switchover, link);

        if (s->committed != 0 && member->acked >= s->committed &&
            strcmp(s->master, member->key) == 0) {
            return s;
        }
    }
    return NULL;
}

void
switchover_acknowledged(struct flarei *flarei, const struct member *member)
{
    struct switchover *s = settled(flarei, member);

    if (s != NULL) {
        switchover_free(s);
    }
}

void
switchovers_fini(struct flarei *flarei)
{
    struct list *link;

    while ((link = list_pop(&flarei->switchovers)) != NULL) {
        switchover_free(LIST_ENTRY(link, struct switchover, link));
    }
}
