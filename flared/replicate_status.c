/* How far the copies are, for other threads. */
#include <string.h>

#include "base/alloc.h"
#include "flared/replicate_impl.h"

static void
put_status(struct copy_status *out, const struct copy *copy)
{
    memcpy(out->key, copy->target.key, sizeof(out->key));
    out->thread_type = copy->target.thread_type;
    out->connected = peer_is_connected(copy->peer);
    out->counts = copy->counts || copy->joined;
    out->streams = copy->feed.mode == FEED_STREAM;
    out->resumed = copy->feed.resumed;
    out->rewound = copy->feed.rewound;
    out->fulls = copy->feed.fulls;
    out->acked = copy->acked;
}

void
replicator_take_snapshot(struct replicator *r)
{
    unsigned n = 0;

    pthread_mutex_lock(&r->lock);
    for (struct list *l = r->copies.next; l != &r->copies; l = l->next) {
        if (n == r->status_room) {
            r->status_room = n == 0 ? 4 : 2 * n;
            r->status =
                xreallocarray(r->status, r->status_room, sizeof(*r->status));
        }
        put_status(&r->status[n++], LIST_ENTRY(l, struct copy, link));
    }
    r->nstatus = n;
    pthread_mutex_unlock(&r->lock);
}

/* How long ago the entry after `acked` was in the log already; in ms. */
static int64_t
age_of_next(const struct replicator *r, uint64_t acked, struct mono now)
{
    const unsigned n = r->nhistory < HISTORY ? r->nhistory : HISTORY;
    int64_t age = 0;

    for (unsigned i = 0; i < n; i++) {
        const struct mark *mark = &r->history[i];
        int64_t ms = mono_ms_between(mark->at, now);

        if (mark->last > acked && ms > age) {
            age = ms;
        }
    }
    return age;
}

unsigned
replicator_status(struct replicator *replicator, struct copy_status *out,
                  unsigned max)
{
    const uint64_t last = ulog_last(store_log(replicator->node->store));
    const struct mono now = clock_mono();
    unsigned n;

    pthread_mutex_lock(&replicator->lock);
    n = replicator->nstatus < max ? replicator->nstatus : max;
    for (unsigned i = 0; i < n; i++) {
        out[i] = replicator->status[i];
        out[i].behind = last > out[i].acked ? last - out[i].acked : 0;
        out[i].behind_ms = age_of_next(replicator, out[i].acked, now);
    }
    pthread_mutex_unlock(&replicator->lock);
    return n;
}
