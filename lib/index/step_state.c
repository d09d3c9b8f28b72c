/* "node state": prepare, ready, active, and what the operator takes down. */
#include <string.h>

#include "index/step.h"

static enum index_verdict
to_ready(struct node *node, struct index_plan *plan)
{
    if (node->state != NODE_PREPARE) {
        return index_refuse(plan, "only a node in prepare becomes ready");
    }
    node->state = NODE_READY;
    return index_changed(plan, "the node has copied what it will serve");
}

static enum index_verdict
to_active(struct node *node, const struct index_event *event,
          struct index_plan *plan)
{
    switch (node->state) {
    case NODE_ACTIVE:
        return index_same(plan, "the node is active already");
    case NODE_DOWN:
        return index_up(node, event, plan);
    case NODE_PREPARE:
        if (node->role != NODE_SLAVE) {
            return index_refuse(plan, "the node is not ready");
        }
        break;
    case NODE_READY:
        break;
    }
    if (node->role == NODE_MASTER) {
        memcpy(plan->first, node->key, sizeof(plan->first));
    }
    node->state = NODE_ACTIVE;
    return index_changed(plan, node->role == NODE_MASTER
                                   ? "the new partition is in use"
                                   : "the slave has all data");
}

enum index_verdict
index_state(struct node *node, const struct index_event *event,
            struct index_plan *plan)
{
    enum index_verdict verdict = INDEX_REFUSED;

    switch (event->state) {
    case NODE_ACTIVE:
        verdict = to_active(node, event, plan);
        break;
    case NODE_READY:
        verdict = to_ready(node, plan);
        break;
    case NODE_DOWN:
        verdict = index_down(node, event, plan);
        if (verdict == INDEX_CHANGED) {
            node->held = true;
        }
        break;
    case NODE_PREPARE:
        verdict = index_refuse(plan, "a role puts a node into prepare");
        break;
    }
    return verdict;
}
