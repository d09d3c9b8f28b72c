#include "flared/standing.h"

#include <inttypes.h>

#include "base/log.h"
#include "flared/flared.h"
#include "repl/stream.h"

enum { HANDOVER_MS = 3000 }; /* then the master goes on */

void
standing_init(struct standing *s)
{
    (void)pthread_mutex_init(&s->lock, NULL);
    atomic_init(&s->write_until, INT64_MAX);
    atomic_init(&s->lease_until, INT64_MAX);
    atomic_init(&s->epoch, 0);
    atomic_init(&s->copies, 1);
    atomic_init(&s->lease_ms, STREAM_LEASE_DEFAULT);
    s->heard = clock_mono();
}

/* Under the lock. */
static void
publish(struct standing *s)
{
    int64_t until = INT64_MAX;

    if (s->awaits_version || s->fenced > s->version) {
        until = 0;
    } else if (s->has_slaves && !s->has_flare) {
        until = mono_after_ms(s->heard, atomic_load(&s->lease_ms)).ns;
    }
    atomic_store_explicit(&s->lease_until, until, memory_order_release);
    atomic_store_explicit(&s->write_until, s->handing_over ? 0 : until,
                          memory_order_release);
}

void
standing_heard(struct standing *s, struct mono when)
{
    (void)pthread_mutex_lock(&s->lock);
    if (when.ns > s->heard.ns) {
        s->heard = when;
        publish(s);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void
standing_has_flare(struct standing *s, bool has_flare)
{
    (void)pthread_mutex_lock(&s->lock);
    s->has_flare = has_flare;
    publish(s);
    (void)pthread_mutex_unlock(&s->lock);
}

void
standing_fenced(struct standing *s, uint64_t epoch)
{
    bool news;

    (void)pthread_mutex_lock(&s->lock);
    news = epoch > s->fenced && epoch > s->version;
    if (epoch > s->fenced) {
        s->fenced = epoch;
        publish(s);
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (news) {
        log_warn("a copy knows a newer master, of epoch %" PRIu64
                 ": writes are held until the map says who it is",
                 epoch);
    }
}

void
standing_hand_over(struct standing *s, bool going_on)
{
    (void)pthread_mutex_lock(&s->lock);
    s->handing_over = going_on;
    s->hand_until = mono_after_ms(clock_mono(), HANDOVER_MS);
    publish(s);
    (void)pthread_mutex_unlock(&s->lock);
}

void
standing_tick(struct standing *s, struct mono now)
{
    bool late;

    (void)pthread_mutex_lock(&s->lock);
    late = s->handing_over && mono_reached(s->hand_until, now);
    if (late) {
        s->handing_over = false;
        publish(s);
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (late) {
        log_warn("no new map has come: this master goes on");
    }
}

const char *
standing_trouble(struct standing *s, struct mono now)
{
    const char *why = NULL;

    (void)pthread_mutex_lock(&s->lock);
    if (s->handing_over) {
        why = "the master is handing over";
    } else if (s->awaits_version) {
        why = "the index has not confirmed this master yet";
    } else if (s->fenced > s->version) {
        why = "there is a newer master";
    } else if (!standing_may_write(s, now)) {
        why = "neither index nor copies answer this master";
    }
    (void)pthread_mutex_unlock(&s->lock);
    return why;
}

/* --- maps -------------------------------------------------------------------
 */

static bool
is_master(const struct cluster_view *view)
{
    return view->self != NULL && view->self->role == NODE_MASTER &&
           view->self->state != NODE_DOWN;
}

static bool
has_slaves(const struct cluster_view *view)
{
    for (size_t i = 0; is_master(view) && i < view->map->nnodes; i++) {
        const struct node *node = &view->map->node[i];

        if (node->role == NODE_SLAVE && node->state == NODE_ACTIVE &&
            node->partition == view->self->partition) {
            return true;
        }
    }
    return false;
}

/*
 * The epoch of a master is the version of the map that made it one, as long as
 * it stays one in the life of this process.
 */
static void
take_epoch(struct flared *node, uint64_t version)
{
    struct err err;

    if (version < store_epoch_seen(node->store)) {
        log_error("the map's version %" PRIu64 " is below the epoch %" PRIu64
                  " that this node has seen: the index has lost its memory; "
                  "its copies will not follow it",
                  version, store_epoch_seen(node->store));
        return;
    }
    if (!store_begin_epoch(node->store, version, &err)) {
        log_error("cannot begin epoch %" PRIu64 ": %s", version, err.msg);
        return;
    }
    atomic_store(&node->standing.epoch, version);
    log_info("this node is master of its partition in epoch %" PRIu64, version);
}

void
standing_before_view(struct flared *node, const struct cluster_view *view)
{
    struct standing *s = &node->standing;
    const uint64_t version = view->map->version;
    const bool slaves = has_slaves(view);

    if (!is_master(view)) {
        return; /* workers may still believe that it is: see below */
    }
    if (version > 0 && atomic_load(&s->epoch) == 0) {
        take_epoch(node, version);
    }
    (void)pthread_mutex_lock(&s->lock);
    if (slaves && !s->has_slaves) {
        s->heard = clock_mono(); /* nobody could replace it so far */
    }
    s->awaits_version =
        atomic_load(&s->epoch) == 0 && atomic_load(&node->index_is_ours);
    if (version > s->version) {
        s->handing_over = false;
    }
    s->has_slaves = slaves;
    s->version = version;
    publish(s);
    (void)pthread_mutex_unlock(&s->lock);
}

static void
resign(struct flared *node, uint64_t version)
{
    struct standing *s = &node->standing;
    struct err err;

    if (atomic_exchange(&s->epoch, 0) != 0 &&
        !store_begin_epoch(node->store, 0, &err)) {
        log_error("cannot end the epoch: %s", err.msg);
    }
    (void)pthread_mutex_lock(&s->lock);
    s->handing_over = s->awaits_version = false;
    s->has_slaves = false;
    s->version = version;
    publish(s);
    (void)pthread_mutex_unlock(&s->lock);
}

void
standing_after_view(struct flared *node, const struct cluster_view *view)
{
    if (!is_master(view)) {
        resign(node, view->map->version);
    }
    store_keep_expired(node->store,
                       view->self != NULL && view->self->role == NODE_SLAVE);
}
