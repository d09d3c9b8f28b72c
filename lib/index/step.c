#include "index/step.h"

#include <string.h>

/* A node's version beyond this is a mistake or an attack, not a history. */
static const uint64_t jump_max = UINT64_C(1) << 40;

enum index_verdict
index_refuse(struct index_plan *plan, const char *why)
{
    cluster_map_unref(plan->map);
    *plan = (struct index_plan){.why = why};
    return INDEX_REFUSED;
}

enum index_verdict
index_refuse_ours(struct index_plan *plan, const char *why)
{
    (void)index_refuse(plan, why);
    plan->explain = true;
    return INDEX_REFUSED;
}

enum index_verdict
index_same(struct index_plan *plan, const char *why)
{
    (void)index_refuse(plan, why);
    return INDEX_SAME;
}

enum index_verdict
index_changed(struct index_plan *plan, const char *why)
{
    plan->why = why;
    return INDEX_CHANGED;
}

void
index_make_proxy(struct node *node)
{
    node->role = NODE_PROXY;
    node->partition = NODE_NO_PARTITION;
    node->balance = 0;
    node->wait = NODE_WAIT_NOT;
}

void
index_dismiss_slaves(struct cluster_map *map, int partition)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        struct node *node = &map->node[i];

        if (node->role != NODE_SLAVE || node->partition != partition) {
            continue;
        }
        index_make_proxy(node);
        node->state = node->state == NODE_DOWN ? NODE_DOWN : NODE_ACTIVE;
    }
}

bool
index_has_master(const struct cluster_map *map, int partition)
{
    const struct node *master = cluster_map_master(map, partition);

    return master != NULL && master->state == NODE_ACTIVE;
}

const struct node_data *
index_fresh(const struct index_event *event, const struct node *node)
{
    for (size_t i = 0; i < event->npositions; i++) {
        const struct index_position *position = &event->positions[i];

        if (position->fresh && position->data.copy != NODE_COPY_UNKNOWN &&
            slice_eq(position->key, node_key(node))) {
            return &position->data;
        }
    }
    return NULL;
}

void
index_forget_data(struct cluster_map *map, const struct index_event *event,
                  const struct node *heir)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        struct node *node = &map->node[i];

        if (node->partition == heir->partition &&
            (node != heir || index_fresh(event, node) == NULL)) {
            node->data = (struct node_data){.copy = NODE_COPY_UNKNOWN};
        }
    }
}

void
index_note_failover(struct index_plan *plan, const struct index_event *e,
                    const struct node *from, const struct node *to,
                    int partition)
{
    struct index_failover *note = &plan->failover;

    *note = (struct index_failover){.version = plan->map->version + 1,
                                    .took_ms = -1,
                                    .cause = e->type,
                                    .evidence = e->evidence,
                                    .partition = partition};
    if (from != NULL) {
        memcpy(note->from, from->key, sizeof(note->from));
        note->from_data = from->data;
    }
    if (to != NULL) {
        memcpy(note->to, to->key, sizeof(note->to));
        note->to_data = to->data;
    }
}

/* The number of records is not told each time. */
static void
take_position(struct node *node, const struct node_data *data)
{
    uint64_t records = node->data.records;

    if (data->copy == NODE_COPY_UNKNOWN) {
        return;
    }
    node->data = *data;
    if (node->data.records == 0) {
        node->data.records = records;
    }
}

/*
 * What is known of those who are down is what they had: from what they say now
 * it may be judged whether they still have it.
 */
static void
take_positions(struct cluster_map *map, const struct index_event *event)
{
    for (size_t i = 0; i < event->npositions; i++) {
        struct node *node = cluster_map_find(map, event->positions[i].key);

        if (node != NULL && node->state != NODE_DOWN) {
            take_position(node, &event->positions[i].data);
        }
    }
}

static enum index_verdict
renumber(const struct cluster_map *map, uint64_t version,
         struct index_plan *plan)
{
    if (version <= map->version) {
        return index_same(plan, "the node has not seen a later map");
    }
    if (version - map->version > jump_max) {
        return index_refuse(plan, "the node's map version is not credible");
    }
    plan->map->version = version;
    return index_changed(plan, "a node had seen a later map version");
}

/* An active slave of this node, which is an active master. */
static bool
is_candidate(const struct node *master, const struct node *node)
{
    return master->role == NODE_MASTER && master->state == NODE_ACTIVE &&
           node->role == NODE_SLAVE && node->state == NODE_ACTIVE &&
           node->partition == master->partition;
}

static bool
wants_position(const struct cluster_map *map, const struct index_event *event,
               const struct node *subject, const struct node *node)
{
    const struct node *lost;

    switch (event->type) {
    case INDEX_DOWN:
    case INDEX_ADD:
    case INDEX_SHUTDOWN:
        return is_candidate(subject, node);
    case INDEX_STATE:
        return event->state == NODE_DOWN && is_candidate(subject, node);
    case INDEX_ROLE:
        lost = cluster_map_master(map, event->partition);
        return event->role == NODE_MASTER && subject == node && lost != NULL &&
               lost->state == NODE_DOWN;
    case INDEX_REMOVE:
    case INDEX_UP:
    case INDEX_RENUMBER:
    case INDEX_SWITCHOVER:
        break;
    }
    return false;
}

bool
index_wants_position(const struct cluster_map *map,
                     const struct index_event *event, const struct node *node)
{
    const struct node *subject = NULL;
    struct node name = {0};

    if (event->type != INDEX_RENUMBER &&
        node_set_name(&name, event->host, event->port)) {
        subject = cluster_map_find(map, node_key(&name));
    }
    return subject != NULL && wants_position(map, event, subject, node);
}

/*
 * A node that joins may have seen a later map than ours: then ours is not what
 * it should be.  It is not worth more for that, but no number is given twice.
 */
static const char *
overtake(const struct index_event *event, struct index_plan *plan)
{
    struct cluster_map *map = plan->map;

    if (event->type != INDEX_ADD || event->version <= map->version) {
        return NULL;
    }
    if (event->version - map->version > jump_max) {
        return "the node's map version is not credible";
    }
    plan->alarm =
        map->nnodes == 0
            ? "the node belongs to a cluster, and this index knows "
              "none: was flare.xml lost, or is this the wrong index?"
            : "the node has seen a later map than this index has: was "
              "an old flare.xml put back?";
    map->version = event->version;
    return NULL;
}

static enum index_verdict
step_known(struct node *node, const struct index_event *event,
           struct index_plan *plan)
{
    switch (event->type) {
    case INDEX_ADD:
        return index_add(node, event, plan);
    case INDEX_REMOVE:
        return index_remove(node, plan);
    case INDEX_ROLE:
        return index_role(node, event, plan);
    case INDEX_STATE:
        return index_state(node, event, plan);
    case INDEX_SHUTDOWN:
        return index_shutdown(node, event, plan);
    case INDEX_DOWN:
        return index_down(node, event, plan);
    case INDEX_UP:
        if (node->held) {
            return index_same(plan, "the node is held down by the operator");
        }
        return index_up(node, event, plan);
    case INDEX_SWITCHOVER:
        return index_switchover(node, event, plan);
    case INDEX_RENUMBER:
        break;
    }
    return index_refuse(plan, "unknown event");
}

static enum index_verdict
step(const struct cluster_map *map, const struct index_event *event,
     struct index_plan *plan)
{
    struct node name = {0};
    struct node *node;
    const char *why = overtake(event, plan);

    if (why != NULL) {
        return index_refuse_ours(plan, why);
    }
    take_positions(plan->map, event);
    if (event->type == INDEX_RENUMBER) {
        return renumber(map, event->version, plan);
    }
    if (!node_set_name(&name, event->host, event->port)) {
        return index_refuse(plan, "this is no name or port of a node");
    }
    node = cluster_map_find(plan->map, node_key(&name));
    if (node != NULL || event->type == INDEX_ADD) {
        return step_known(node, event, plan);
    }
    return index_refuse(plan, "there is no such node");
}

static bool
is_master(const struct node *node)
{
    return node != NULL && node->role == NODE_MASTER &&
           (node->state == NODE_ACTIVE || node->state == NODE_DOWN);
}

/* Who is master from this version on, and who is not any more. */
static void
date_masters(const struct cluster_map *before, struct cluster_map *map)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        struct node *node = &map->node[i];
        const struct node *was = cluster_map_find(before, node_key(node));

        if (!is_master(node)) {
            node->master_since = 0;
        } else if (!is_master(was) ||
                   (was->state == NODE_DOWN && node->state == NODE_ACTIVE)) {
            node->master_since = map->version;
        }
    }
}

enum index_verdict
index_step(const struct cluster_map *map, const struct index_event *event,
           struct index_plan *plan)
{
    enum index_verdict verdict;
    const char *broken;

    *plan = (struct index_plan){.map = cluster_map_copy(map, 1)};
    if (plan->map == NULL) {
        return index_refuse(plan, "out of memory");
    }
    verdict = step(map, event, plan);
    if (verdict != INDEX_CHANGED) {
        return verdict;
    }
    plan->map->version++;
    broken = cluster_map_broken(plan->map);
    if (broken != NULL) {
        return index_refuse(plan, broken);
    }
    date_masters(map, plan->map);
    return verdict;
}
