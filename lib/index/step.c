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
        return index_state(node, event->state, plan);
    case INDEX_SHUTDOWN:
        return index_shutdown(node, plan);
    case INDEX_DOWN:
        return index_down(node, plan);
    case INDEX_UP:
        if (node->held) {
            return index_same(plan, "the node is held down by the operator");
        }
        return index_up(node, plan);
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
    return broken != NULL ? index_refuse(plan, broken) : verdict;
}
