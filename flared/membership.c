#include "flared/membership.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "cluster/diff.h"
#include "cluster/map_text.h"
#include "flared/hold.h"
#include "flared/index_link.h"
#include "flared/intake.h"
#include "flared/last_map.h"
#include "flared/maintain.h"
#include "flared/rebuild_run.h"
#include "flared/replicate.h"
#include "flared/worker.h"

enum { WAITING_MAX = 64 }; /* offers; then the oldest is refused */

/*
 * A slave that becomes master may lack the last changes of the old one, which
 * another slave may have: its own must have higher versions even so.  What a
 * new partition's master gets yet of the keys that moved to it is older, too.
 */
static const uint64_t PROMOTION_GAP = UINT64_C(1) << 20;

/* A version further ahead than this is no map of our index. */
static const uint64_t VERSION_JUMP_MAX = UINT64_C(1) << 32;

struct membership {
    struct flared *node;
    struct cluster_view *view; /* in use */
    struct list waiting;       /* of struct waiting, oldest first */
    unsigned nwaiting;
    struct map_offer *offer;   /* being applied; NULL: the first map, or none */
    struct cluster_view *next; /* being applied; NULL: none */
    bool closing;              /* to be freed when `next` has come through */
    bool fell_back;            /* it has been tried */
    bool kept;                 /* `view`, or `next`, is the one kept last */
};

/* An offer that waits for its turn. */
struct waiting {
    struct list link;
    struct map_offer *offer;
};

static void take_next(struct membership *m);
static struct map_offer *take_waiting(struct membership *m);
static void answer(struct map_offer *offer, enum sync_verdict verdict);

struct membership *
membership_new(struct flared *node)
{
    struct membership *m = xcalloc(1, sizeof(*m));

    m->node = node;
    list_init(&m->waiting);
    return m;
}

void
membership_free(struct membership *m)
{
    if (m == NULL) {
        return;
    }
    while (!list_empty(&m->waiting)) {
        answer(take_waiting(m), SYNC_OLDER);
    }
    if (m->offer != NULL) {
        answer(STEAL(m->offer), SYNC_OLDER);
    }
    cluster_view_unref(STEAL(m->view));
    m->closing = true;
    if (m->next == NULL) {
        free(m);
    }
}

/* The map was on its way when membership_free() was called. */
static void
end_late(struct membership *m)
{
    cluster_view_unref(m->next);
    free(m);
}

struct cluster_view *
membership_view(struct membership *m)
{
    return m->view;
}

/* --- is it a map for us? ------------------------------------------------ */

static uint64_t
our_version(const struct membership *m)
{
    return m->view != NULL ? m->view->map->version : 0;
}

static enum sync_verdict
check_version(const struct membership *m, uint64_t version)
{
    const uint64_t ours = our_version(m);

    if (ours == 0 || m->kept) {
        return SYNC_OK;
    }
    if (version < ours) {
        log_warn("map of version %" PRIu64 " is older than ours, %" PRIu64
                 ": refused",
                 version, ours);
        return SYNC_OLDER;
    }
    if (version - ours > VERSION_JUMP_MAX) {
        log_error("map of version %" PRIu64 " is absurdly far above ours, "
                  "%" PRIu64 ": refused",
                  version, ours);
        return SYNC_OLDER;
    }
    return SYNC_OK;
}

static bool
same_node(const struct node *a, const struct node *b)
{
    return slice_eq(node_key(a), node_key(b)) && a->role == b->role &&
           a->state == b->state && a->partition == b->partition &&
           a->balance == b->balance && a->thread_type == b->thread_type;
}

/* The same version with the same rows: sent twice, nothing to do. */
static bool
in_use_already(const struct membership *m, const struct cluster_map *map)
{
    const struct cluster_map *ours = m->view != NULL ? m->view->map : NULL;

    if (ours == NULL || ours->version != map->version ||
        ours->nnodes != map->nnodes) {
        return false;
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        if (!same_node(&ours->node[i], &map->node[i])) {
            return false;
        }
    }
    return true;
}

static struct cluster_map *
parse(struct slice lines, uint64_t version)
{
    const char *why = "";
    unsigned line = 0;
    struct cluster_map *map = map_text_parse(lines, version, &why, &line);

    if (map == NULL) {
        log_error("map of version %" PRIu64 ", line %u: %s", version, line,
                  why);
    }
    return map;
}

/* --- from a map to everybody using it ----------------------------------- */

static void
answer(struct map_offer *offer, enum sync_verdict verdict)
{
    offer->verdict = verdict;
    mailbox_post(offer->reply_to, &offer->mail_back);
}

static void
log_change(const struct flared *node, const struct cluster_view *before,
           const struct cluster_view *after)
{
    const struct node *self = after->self;

    if (self == NULL) {
        log_warn("map of version %" PRIu64 " (%zu nodes) does not name this "
                 "node: registering again",
                 after->map->version, after->map->nnodes);
        return;
    }
    if (before != NULL && before->self != NULL &&
        same_node(before->self, self)) {
        log_debug("map of version %" PRIu64 " is in use", after->map->version);
        return;
    }
    if (before == NULL && self->role == NODE_MASTER &&
        store_count(node->store) == 0) {
        log_warn("the map has this node as master of partition %d, but its "
                 "data folder is empty: is it the right one?",
                 self->partition);
    }
    log_info("this node is %s, %s now partition=%d balance=%d version=%" PRIu64,
             node_role_name(self->role), node_state_name(self->state),
             self->partition, self->balance, after->map->version);
}

static void
act_on_diff(struct membership *m, enum diff_kind kind)
{
    struct flared *node = m->node;
    const struct node *self = m->view->self;

    if (kind != DIFF_NOTHING) {
        index_link_forget(node->index_link); /* it was about another role */
    }
    switch (kind) {
    case DIFF_NOTHING:
        rebuilder_set_view(node->rebuilder, m->view);
        return;
    case DIFF_STATE:
        if (self != NULL && self->state == NODE_ACTIVE) {
            rebuilder_settled(node->rebuilder);
        } else {
            rebuilder_set_view(node->rebuilder, m->view);
        }
        return;
    case DIFF_BUILD_SLAVE:
        if (self->state == NODE_ACTIVE) {
            /* It was the master a moment ago: the stream finds out the rest. */
            rebuilder_cancel(node->rebuilder);
            return;
        }
        rebuilder_begin(node->rebuilder, kind, m->view);
        return;
    case DIFF_BUILD_MASTER:
        rebuilder_begin(node->rebuilder, kind, m->view);
        return;
    case DIFF_PROMOTED:
        rebuilder_settled(node->rebuilder);
        return;
    case DIFF_DEMOTED:
        rebuilder_cancel(node->rebuilder);
        return;
    }
}

/* Every worker uses it: it is our map now. */
static void
on_workers_have_it(void *arg)
{
    struct membership *m = arg;
    struct cluster_view *before = m->view;
    struct map_offer *offer = m->offer;
    enum diff_kind kind;

    if (m->closing) {
        end_late(m);
        return;
    }
    kind = cluster_diff(before != NULL ? before->map : NULL, m->next->map,
                        slice_str(m->node->self));
    standing_after_view(m->node, m->next);
    replicator_settle(m->node->replicator);
    m->view = m->next;
    m->next = NULL;
    m->offer = NULL;
    atomic_store(&m->node->map_version, m->view->map->version);
    if (offer != NULL) {
        answer(offer, SYNC_OK);
    }
    log_change(m->node, before, m->view);
    act_on_diff(m, kind);
    maintain_set_view(m->node, m->view);
    if (!m->kept) {
        hold_open(m->node, HOLD_UNCONFIRMED);
        if (m->view->map->version > 0) {
            last_map_save(m->node, m->view->map);
        }
    }
    if (m->view->self == NULL) {
        rebuilder_cancel(m->node->rebuilder);
        index_link_start(m->node->index_link);
    }
    cluster_view_unref(before);
    take_next(m);
}

static void
on_replicator_has_it(void *arg)
{
    struct membership *m = arg;

    if (m->closing) {
        end_late(m);
        return;
    }
    workers_set_view(m->node, m->next, on_workers_have_it, m);
}

static bool
is_promotion(const struct cluster_view *before,
             const struct cluster_view *after)
{
    if (before == NULL || before->self == NULL || after->self == NULL ||
        after->self->role != NODE_MASTER) {
        return false;
    }
    return before->self->role == NODE_SLAVE ||
           (before->self->role == NODE_MASTER &&
            before->self->state != NODE_ACTIVE &&
            after->self->state == NODE_ACTIVE);
}

/* Takes over the map; SYNC_OK: it is on its way. */
static enum sync_verdict
apply(struct membership *m, struct cluster_map *map)
{
    struct flared *node = m->node;
    const uint64_t version = map->version;
    const char *why = "";

    m->next = cluster_view_new(map, slice_str(node->self), node->meta.table,
                               node->meta.hash, &why);
    if (m->next == NULL) {
        log_error("map of version %" PRIu64 " is refused: %s", version, why);
        return SYNC_BAD;
    }
    m->kept = false;
    if (is_promotion(m->view, m->next)) {
        store_skip_versions(node->store, PROMOTION_GAP);
    }
    /* First nobody but the new master may write here, then we may. */
    intake_set_view(node->intake, m->next);
    standing_before_view(node, m->next);
    replicator_set_view(node->replicator, m->next, on_replicator_has_it, m);
    return SYNC_OK;
}

/* True: it is being applied; false: it has been answered. */
static bool
begin_offer(struct membership *m, struct map_offer *offer)
{
    enum sync_verdict verdict = check_version(m, offer->version);
    struct cluster_map *map;

    if (verdict != SYNC_OK) {
        answer(offer, verdict);
        return false;
    }
    map = parse(buf_slice(&offer->lines), offer->version);
    if (map != NULL && in_use_already(m, map)) {
        cluster_map_unref(map);
        answer(offer, SYNC_OK);
        return false;
    }
    verdict = map != NULL ? apply(m, map) : SYNC_BAD;
    if (verdict != SYNC_OK) {
        answer(offer, verdict);
        return false;
    }
    m->offer = offer;
    return true;
}

static bool
can_begin(const struct membership *m)
{
    return m->next == NULL && atomic_load(&m->node->has_meta);
}

/* The oldest; there is one. */
static struct map_offer *
take_waiting(struct membership *m)
{
    struct list *oldest = list_pop(&m->waiting);
    struct waiting *waiting;
    struct map_offer *offer;

    assert(oldest != NULL);
    waiting = LIST_ENTRY(oldest, struct waiting, link);
    offer = waiting->offer;
    m->nwaiting--;
    free(waiting);
    return offer;
}

static void
take_next(struct membership *m)
{
    while (can_begin(m) && !list_empty(&m->waiting)) {
        if (begin_offer(m, take_waiting(m))) {
            return;
        }
    }
}

void
membership_on_offer(struct mail *mail)
{
    struct map_offer *offer = LIST_ENTRY(mail, struct map_offer, mail);
    struct membership *m = offer->node->membership;
    struct waiting *waiting;

    if (m == NULL) { /* the node is shutting down */
        answer(offer, SYNC_OLDER);
        return;
    }
    waiting = xcalloc(1, sizeof(*waiting));
    if (m->nwaiting >= WAITING_MAX) {
        answer(take_waiting(m), SYNC_OLDER);
    }
    waiting->offer = offer;
    list_append(&m->waiting, &waiting->link);
    m->nwaiting++;
    take_next(m);
}

enum sync_verdict
membership_first(struct membership *m, struct slice lines)
{
    struct cluster_map *map;
    enum sync_verdict verdict = SYNC_OK;

    if (m->next == NULL && (m->view == NULL || m->kept)) {
        map = parse(lines, 0);
        verdict = map != NULL ? apply(m, map) : SYNC_BAD;
    }
    take_next(m);
    return verdict;
}

/* Could the index have made somebody else master meanwhile? */
static bool
has_heirs(const struct cluster_view *view)
{
    const struct node *self = view->self;

    for (size_t i = 0; i < view->map->nnodes; i++) {
        const struct node *node = &view->map->node[i];

        if (node->role == NODE_SLAVE && node->state == NODE_ACTIVE &&
            node->partition == self->partition) {
            return true;
        }
    }
    return false;
}

void
membership_fall_back(struct membership *m)
{
    struct flared *node = m->node;
    struct index_meta meta;
    struct cluster_map *map;

    if (m->fell_back || m->view != NULL || m->next != NULL ||
        atomic_load(&node->has_meta)) {
        return;
    }
    m->fell_back = true;
    map = last_map_load(node, &meta);
    if (map == NULL) {
        return;
    }
    if (cluster_map_find(map, slice_str(node->self)) == NULL ||
        index_meta_use(&meta, node) != NULL) {
        log_warn("the last map of version %" PRIu64 " is not used: it does not "
                 "fit this node",
                 map->version);
        cluster_map_unref(map);
        return;
    }
    log_warn("no index server can be reached: going on with the last map, "
             "version %" PRIu64,
             map->version);
    if (apply(m, map) != SYNC_OK) {
        return;
    }
    m->kept = true;
    if (m->next->self->role == NODE_MASTER &&
        m->next->self->state == NODE_ACTIVE && has_heirs(m->next)) {
        hold_close(node, HOLD_UNCONFIRMED);
    }
}
