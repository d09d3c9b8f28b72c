/* Coming and going: add, remove, down with failover, up, shutdown. */
#include <string.h>

#include "index/step.h"

static enum index_verdict
add_new(const struct index_event *event, struct index_plan *plan)
{
    struct node node = {.role = NODE_PROXY,
                        .state = NODE_ACTIVE,
                        .partition = NODE_NO_PARTITION,
                        .thread_type = plan->map->next_thread_type};

    if (!node_set_name(&node, event->host, event->port)) {
        return index_refuse(plan, "this is no name or port of a node");
    }
    if (node.thread_type >= INT32_MAX - 1) {
        return index_refuse(plan, "there are no thread types left");
    }
    plan->map->next_thread_type++;
    (void)cluster_map_put(plan->map, &node);
    return index_changed(plan, "a new node has joined");
}

/*
 * A node adds itself when its process starts.  If it is thought to be alive,
 * the process before this one has died unnoticed: what it held is given up
 * first, and the new one is heard when it answers the monitor.
 */
enum index_verdict
index_add(struct node *node, const struct index_event *event,
          struct index_plan *plan)
{
    if (node == NULL) {
        return add_new(event, plan);
    }
    node->held = false;
    if (node->state == NODE_DOWN) {
        return index_changed(plan, "a node that was down has started again");
    }
    (void)index_down(node, plan);
    return index_changed(plan, "the node was restarted before it was missed");
}

enum index_verdict
index_remove(struct node *node, struct index_plan *plan)
{
    if (node->state != NODE_DOWN) {
        return index_refuse(plan, "only a node that is down can be removed");
    }
    if (node->role == NODE_MASTER &&
        !index_has_master(plan->map, node->partition)) {
        return index_refuse(plan, "it preserves a partition without a master");
    }
    cluster_map_remove(plan->map, node);
    return index_changed(plan, "the node was removed");
}

/* The active slave with the largest balance; of equals the first by key. */
static struct node *
choose_heir(struct cluster_map *map, int partition)
{
    struct node *heir = NULL;

    for (size_t i = 0; i < map->nnodes; i++) {
        struct node *node = &map->node[i];

        if (node->role == NODE_SLAVE && node->state == NODE_ACTIVE &&
            node->partition == partition &&
            (heir == NULL || node->balance > heir->balance)) {
            heir = node;
        }
    }
    return heir;
}

/*
 * A partition waits for one master only: for the last one that had it, whose
 * data is the newest.
 */
static void
forget_earlier_masters(struct cluster_map *map, const struct node *last)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        struct node *node = &map->node[i];

        if (node != last && node->role == NODE_MASTER &&
            node->partition == last->partition && node->state == NODE_DOWN) {
            index_make_proxy(node);
        }
    }
}

/*
 * A dead master with nobody to take over keeps its role: giving it up would
 * lower the number of partitions and send every key somewhere else.
 */
static enum index_verdict
master_down(struct node *node, struct index_plan *plan)
{
    struct node *heir = choose_heir(plan->map, node->partition);

    node->state = NODE_DOWN;
    if (heir == NULL) {
        forget_earlier_masters(plan->map, node);
        return index_changed(plan, "a master is down and nobody can take over");
    }
    heir->role = NODE_MASTER;
    if (heir->balance == 0) {
        heir->balance = 1; /* the largest is 0, so nobody answers reads */
    }
    memcpy(plan->first, heir->key, sizeof(plan->first));
    index_make_proxy(node);
    return index_changed(plan, "a master is down and a slave takes over");
}

enum index_verdict
index_down(struct node *node, struct index_plan *plan)
{
    int partition = node->partition;

    if (node->state == NODE_DOWN) {
        return index_same(plan, "the node is down already");
    }
    if (node->role == NODE_MASTER && node->state == NODE_ACTIVE) {
        return master_down(node, plan);
    }
    if (node->role == NODE_MASTER) {
        index_dismiss_slaves(plan->map, partition);
    }
    node->state = NODE_DOWN;
    index_make_proxy(node);
    return index_changed(plan, "the node is down");
}

enum index_verdict
index_shutdown(struct node *node, struct index_plan *plan)
{
    bool told = node->role == NODE_MASTER && node->state == NODE_ACTIVE;
    enum index_verdict verdict;

    if (!told) {
        memcpy(plan->skip, node->key, sizeof(plan->skip));
    }
    verdict = index_down(node, plan);
    if (verdict == INDEX_CHANGED) {
        node->held = true;
    }
    return verdict;
}

enum index_verdict
index_up(struct node *node, struct index_plan *plan)
{
    bool resumes = node->role == NODE_MASTER &&
                   !index_has_master(plan->map, node->partition);

    if (node->state != NODE_DOWN) {
        return index_same(plan, "the node is not down");
    }
    node->held = false;
    if (resumes) {
        node->state = NODE_ACTIVE;
        return index_changed(plan,
                             "a master is back and its partition with it");
    }
    node->state = NODE_ACTIVE;
    if (node->role == NODE_MASTER) {
        index_make_proxy(node);
        return index_changed(plan, "an earlier master is back, as a proxy");
    }
    node->role = NODE_PROXY;
    node->partition = NODE_NO_PARTITION;
    return index_changed(plan, "the node is back, as a proxy");
}
