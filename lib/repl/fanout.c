#include "repl/fanout.h"

#include <stdlib.h>

static bool
is_master(const struct cluster_view *view)
{
    return view != NULL && view->self != NULL &&
           view->self->role == NODE_MASTER && view->self->state != NODE_DOWN;
}

static bool
is_active_master(const struct cluster_view *view)
{
    return is_master(view) && view->self->state == NODE_ACTIVE;
}

/* The master in preparation that is somebody else, or NULL. */
static const struct node *
preparing_other(const struct cluster_view *view)
{
    const struct node *node = cluster_map_preparing(view->map);

    return node != NULL && node != view->self ? node : NULL;
}

static bool
feeds_as_slave(const struct cluster_view *view, const struct node *node)
{
    return node != view->self && node->role == NODE_SLAVE &&
           node->state != NODE_DOWN && node->partition == view->self->partition;
}

static void
add(struct fanout *fanout, const struct node *node, enum fanout_scope scope,
    bool counts)
{
    fanout->target[fanout->n++] = (struct fanout_target){node, scope, counts};
}

struct fanout *
fanout_new(const struct cluster_view *view)
{
    const struct cluster_map *map = view->map;
    struct fanout *fanout = calloc(
        1, sizeof(*fanout) + (map->nnodes + 1) * sizeof(fanout->target[0]));
    const struct node *other;

    if (fanout == NULL || !is_master(view)) {
        return fanout;
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        if (feeds_as_slave(view, &map->node[i])) {
            add(fanout, &map->node[i], FANOUT_PARTITION,
                map->node[i].state == NODE_ACTIVE);
        }
    }
    other = is_active_master(view) ? preparing_other(view) : NULL;
    if (other != NULL) {
        add(fanout, other, FANOUT_MOVING, other->state == NODE_READY);
    }
    return fanout;
}

const struct fanout_target *
fanout_find(const struct fanout *fanout, struct slice key)
{
    for (unsigned i = 0; i < fanout->n; i++) {
        if (slice_eq(node_key(fanout->target[i].node), key)) {
            return &fanout->target[i];
        }
    }
    return NULL;
}

bool
fanout_wants(const struct cluster_view *view, enum fanout_scope scope,
             uint32_t hash)
{
    if (!is_master(view)) {
        return false;
    }
    if (scope == FANOUT_MOVING || !is_active_master(view)) {
        return cluster_view_moves(view, hash);
    }
    return view->row != NULL &&
           view->row[hash % view->slots] == view->self->partition;
}

/* True when this node was the master in preparation and is activated now. */
static bool
was_activated(const struct cluster_view *view, struct slice key)
{
    const struct node *node = cluster_map_find(view->map, key);

    return node != NULL && node->role == NODE_MASTER &&
           node->state == NODE_ACTIVE;
}

/*
 * True when I am master no more, but this node still has my old partition: it
 * may be the new master, and what I answered for must not be lost.
 */
static bool
holds_partition(const struct cluster_view *view, struct slice key,
                const struct node *self_before)
{
    const struct node *node = cluster_map_find(view->map, key);

    return !is_master(view) && node != NULL && self_before != NULL &&
           node->role != NODE_PROXY && node->state == NODE_ACTIVE &&
           node->partition == self_before->partition;
}

enum fanout_fate
fanout_fate(enum fanout_scope scope, struct slice key,
            const struct cluster_view *before, const struct cluster_view *after,
            const struct fanout *targets)
{
    const struct fanout_target *target = fanout_find(targets, key);

    if (target != NULL && target->scope != scope) {
        return FANOUT_RENEW;
    }
    if (target != NULL && before->self != NULL && after->self != NULL &&
        before->self->partition != after->self->partition) {
        return FANOUT_RENEW;
    }
    if (target != NULL) {
        return FANOUT_KEEP;
    }
    if (scope == FANOUT_MOVING) {
        return was_activated(after, key) ? FANOUT_DRAIN : FANOUT_DROP;
    }
    return holds_partition(after, key, before->self) ? FANOUT_DRAIN
                                                     : FANOUT_DROP;
}

bool
fanout_lives(const struct cluster_view *view, struct slice key)
{
    const struct node *node = cluster_map_find(view->map, key);

    return node != NULL && node->state != NODE_DOWN;
}

bool
fanout_inherits(const struct cluster_view *before,
                const struct cluster_view *after)
{
    return is_master(after) && !is_master(before);
}

bool
fanout_resigns(const struct cluster_view *before,
               const struct cluster_view *after)
{
    return is_master(before) && !is_master(after);
}
