/* "node role": new masters and slaves, retirement, balance. */
#include <string.h>

#include "index/step.h"

/* Somebody of the partition must answer reads when the node has balance b. */
static const char *
balance_refused(const struct cluster_map *map, const struct node *node, int b)
{
    int64_t sum = b;

    if (b < 0) {
        return "the balance must be given and not be negative";
    }
    if (b > NODE_BALANCE_MAX) {
        return "the balance is too large";
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *other = &map->node[i];

        if (other != node && other->partition == node->partition) {
            sum += other->balance;
        }
    }
    return sum == 0 ? "nobody would answer reads of the partition" : NULL;
}

static enum index_verdict
set_balance(struct node *node, int balance, struct index_plan *plan)
{
    const char *why = balance_refused(plan->map, node, balance);

    if (why != NULL) {
        return index_refuse(plan, why);
    }
    node->balance = balance;
    return index_changed(plan, "the balance is set");
}

static enum index_verdict
retire(struct node *node, struct index_plan *plan)
{
    index_make_proxy(node);
    node->state = NODE_ACTIVE;
    return index_changed(plan, "the node is a proxy");
}

/*
 * The partition's data is on its master, which is down.  Another node may take
 * its place when it has followed that master and is as far as that was, as far
 * as is known, or when the operator gives the data up.
 */
static const char *
replacement_refused(const struct node *node, const struct node *lost,
                    const struct index_event *event)
{
    const struct node_data *data = index_fresh(event, node);

    if (event->force) {
        return NULL;
    }
    if (data == NULL || data->partition != lost->partition ||
        data->copy != NODE_COPY_COMPLETE) {
        return "the partition's data is on its master, which is down, and not "
               "on this node; force gives it up";
    }
    if (lost->data.copy == NODE_COPY_UNKNOWN ||
        data->epoch < lost->master_since ||
        node_data_compare(data, &lost->data) < 0) {
        return "the partition's master, which is down, may have more than "
               "this node; force gives that up";
    }
    return NULL;
}

/* A partition that nobody has yet, or whose master is down. */
static enum index_verdict
found_partition(struct node *node, const struct index_event *event,
                struct index_plan *plan)
{
    int partitions = cluster_map_partitions(plan->map);
    int wanted = event->partition;
    unsigned size = event->partition_size;
    const struct node *lost = cluster_map_master(plan->map, wanted);
    const char *why;

    if (event->balance < 1 || event->balance > NODE_BALANCE_MAX) {
        return index_refuse(plan, "a master needs a balance from 1 up");
    }
    if (wanted < 0 || wanted > partitions) {
        return index_refuse(plan, "partitions are numbered without a gap");
    }
    if (wanted >= NODE_PARTITION_MAX ||
        (size > 0 && (unsigned)wanted + 1 >= size)) {
        return index_refuse(plan, "partition-size allows no more partitions");
    }
    if (wanted == partitions && cluster_map_preparing(plan->map) != NULL) {
        return index_refuse(plan, "another node is preparing this partition");
    }
    if (wanted < partitions && index_has_master(plan->map, wanted)) {
        return index_refuse(plan, "the partition has a master");
    }
    if (wanted < partitions) {
        why = replacement_refused(node, lost, event);
        if (why != NULL) {
            return index_refuse_ours(plan, why);
        }
        index_note_failover(plan, event, lost, node, wanted);
    }
    node->role = NODE_MASTER;
    node->partition = wanted;
    node->balance = event->balance;
    if (wanted == partitions && wanted > 0) {
        node->state = NODE_PREPARE;
        memcpy(plan->last, node->key, sizeof(plan->last));
        return index_changed(plan, "a new partition is being prepared");
    }
    node->state = NODE_ACTIVE;
    return index_changed(plan, wanted == partitions
                                   ? "the first partition is in use"
                                   : "a new master replaces one that is down");
}

/* The sources hear of the copy first, so that it misses no write. */
static enum index_verdict
join_partition(struct node *node, const struct index_event *event,
               struct index_plan *plan)
{
    const struct node *preparing = cluster_map_preparing(plan->map);
    int balance = 0;

    if (preparing != NULL && preparing->partition == event->partition) {
        if (preparing->state != NODE_READY) {
            return index_refuse(plan, "the master is still copying itself");
        }
        balance = event->balance > 0 ? event->balance : 0;
    } else if (event->partition < 0 ||
               !index_has_master(plan->map, event->partition)) {
        return index_refuse(plan, "the partition has no living master");
    }
    if (balance > NODE_BALANCE_MAX) {
        return index_refuse(plan, "the balance is too large");
    }
    node->role = NODE_SLAVE;
    node->state = NODE_PREPARE;
    node->partition = event->partition;
    node->balance = balance;
    node->data = (struct node_data){.copy = NODE_COPY_UNKNOWN};
    memcpy(plan->last, node->key, sizeof(plan->last));
    return index_changed(plan, "a slave begins to copy its master");
}

static enum index_verdict
role_of_proxy(struct node *node, const struct index_event *event,
              struct index_plan *plan)
{
    index_make_proxy(node);
    node->state = NODE_ACTIVE;
    switch (event->role) {
    case NODE_MASTER:
        return found_partition(node, event, plan);
    case NODE_SLAVE:
        return join_partition(node, event, plan);
    case NODE_PROXY:
        break;
    }
    return index_changed(plan, "the node is a proxy");
}

static enum index_verdict
role_of_slave(struct node *node, const struct index_event *event,
              struct index_plan *plan)
{
    const struct node *preparing = cluster_map_preparing(plan->map);
    const char *why;

    if (event->role == NODE_MASTER) {
        return index_refuse(plan, "a slave becomes master only by failover");
    }
    if (node->state == NODE_ACTIVE) {
        if (event->role == NODE_SLAVE) {
            return set_balance(node, event->balance, plan);
        }
        why = balance_refused(plan->map, node, 0);
        return why != NULL ? index_refuse(plan, why) : retire(node, plan);
    }
    if (event->role == NODE_PROXY) {
        return retire(node, plan);
    }
    if (preparing == NULL || preparing->partition != node->partition) {
        return index_refuse(plan,
                            "the slave has no balance until it is active");
    }
    return set_balance(node, event->balance, plan);
}

static enum index_verdict
role_of_master(struct node *node, const struct index_event *event,
               struct index_plan *plan)
{
    if (event->role == NODE_MASTER) {
        return set_balance(node, event->balance, plan);
    }
    if (node->state == NODE_ACTIVE || event->role == NODE_SLAVE) {
        return index_refuse(plan, "a master gives up its role only when down");
    }
    index_dismiss_slaves(plan->map, node->partition);
    return retire(node, plan);
}

enum index_verdict
index_role(struct node *node, const struct index_event *event,
           struct index_plan *plan)
{
    if (node->state == NODE_DOWN) {
        if (!node->held || !event->answers) {
            return index_refuse(plan, "the node is down");
        }
        /* Held down by hand but alive: a role means it is wanted again. */
        (void)index_up(node, event, plan);
    }
    switch (node->role) {
    case NODE_MASTER:
        return role_of_master(node, event, plan);
    case NODE_SLAVE:
        return role_of_slave(node, event, plan);
    case NODE_PROXY:
        break;
    }
    return role_of_proxy(node, event, plan);
}

static const char *
switchover_refused(const struct cluster_map *map, const struct node *node)
{
    if (node == NULL) {
        return "there is no such node";
    }
    if (node->role != NODE_SLAVE || node->state != NODE_ACTIVE) {
        return "only an active slave can take over";
    }
    return index_has_master(map, node->partition)
               ? NULL
               : "the partition has no living master";
}

const struct node *
index_switchover_from(const struct cluster_map *map,
                      const struct index_event *event, const char **why)
{
    const struct node *node = NULL;
    struct node name = {0};

    if (node_set_name(&name, event->host, event->port)) {
        node = cluster_map_find(map, node_key(&name));
    }
    *why = switchover_refused(map, node);
    return *why == NULL ? cluster_map_master(map, node->partition) : NULL;
}

/* Both have the same data, so each goes on with its share of the reads. */
enum index_verdict
index_switchover(struct node *node, const struct index_event *event,
                 struct index_plan *plan)
{
    const char *why = switchover_refused(plan->map, node);
    struct node *master;

    if (why != NULL) {
        return index_refuse_ours(plan, why);
    }
    master = cluster_map_master(plan->map, node->partition);
    index_note_failover(plan, event, master, node, node->partition);
    master->role = NODE_SLAVE;
    node->role = NODE_MASTER;
    index_forget_data(plan->map, event, node);
    memcpy(plan->first, node->key, sizeof(plan->first));
    return index_changed(plan, "a slave and its master have swapped roles");
}
