/* Coming and going: add, remove, down with failover, up, shutdown. */
#include <string.h>

#include "index/step.h"

static enum index_verdict
add_new(const struct index_event *event, struct index_plan *plan)
{
    struct node node = {.role = NODE_PROXY,
                        .state = NODE_ACTIVE,
                        .partition = NODE_NO_PARTITION,
                        .thread_type = plan->map->next_thread_type,
                        .data = event->data};

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

/* May a master with these data go on where it was when it was known last? */
static enum node_wait
judge(const struct node *node, const struct node_data *told)
{
    const struct node_data *known = &node->data;

    switch (told->copy) {
    case NODE_COPY_UNKNOWN:
        return NODE_WAIT_NOT; /* a flare 1.3.4 cannot say */
    case NODE_COPY_BUILDING:
        return NODE_WAIT_BUILDING;
    case NODE_COPY_EMPTY:
        if (known->copy != NODE_COPY_EMPTY) {
            return NODE_WAIT_EMPTY;
        }
        break;
    case NODE_COPY_COMPLETE:
        break;
    }
    if (told->partition != node->partition &&
        told->partition != NODE_NO_PARTITION) {
        return NODE_WAIT_OTHER;
    }
    return known->copy != NODE_COPY_UNKNOWN &&
                   node_data_compare(told, known) < 0
               ? NODE_WAIT_BEHIND
               : NODE_WAIT_NOT;
}

const char *
index_why_waits(enum node_wait wait)
{
    switch (wait) {
    case NODE_WAIT_EMPTY:
        return "a master is back without its data, and is not let in";
    case NODE_WAIT_BUILDING:
        return "a master is back with an unfinished copy, and is not let in";
    case NODE_WAIT_BEHIND:
        return "a master is back with less than it had, and is not let in";
    case NODE_WAIT_OTHER:
        return "a master is back with another partition's data, and is not "
               "let in";
    case NODE_WAIT_NOT:
        break;
    }
    return "a node that was down has started again";
}

/* What it has now counts, unless it is what keeps it out. */
static void
take_data(struct node *node, const struct node_data *told)
{
    node->wait = NODE_WAIT_NOT;
    if (node->role == NODE_MASTER) {
        node->wait = judge(node, told);
    }
    if (node->wait == NODE_WAIT_NOT && told->copy != NODE_COPY_UNKNOWN) {
        node->data = *told;
    }
}

static bool
has_answered(const struct index_event *event, const struct node *node)
{
    for (size_t i = 0; i < event->npositions; i++) {
        if (event->positions[i].fresh &&
            slice_eq(event->positions[i].key, node_key(node))) {
            return true;
        }
    }
    return false;
}

/*
 * A master that was only restarted may have all its data, or have lost its last
 * changes with its machine; a slave that does not answer may be gone, or just
 * be slow.  So it waits until one has answered or all are down: it asks again.
 */
static bool
is_too_early(const struct node *node, const struct index_event *event,
             const struct cluster_map *map)
{
    bool candidates = false;

    if (node->role != NODE_MASTER || node->state != NODE_ACTIVE ||
        event->data.copy == NODE_COPY_UNKNOWN) {
        return false;
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *slave = &map->node[i];

        if (slave->role != NODE_SLAVE || slave->state != NODE_ACTIVE ||
            slave->partition != node->partition) {
            continue;
        }
        if (has_answered(event, slave)) {
            return false;
        }
        candidates = true;
    }
    return candidates;
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
    bool missed;

    if (node == NULL) {
        return add_new(event, plan);
    }
    if (is_too_early(node, event, plan->map)) {
        return index_refuse_ours(plan, "its slaves have not yet said how far "
                                       "they are");
    }
    node->held = false;
    missed = node->state != NODE_DOWN;
    if (missed) {
        (void)index_down(node, event, plan);
    }
    take_data(node, &event->data);
    return index_changed(plan,
                         missed && node->wait == NODE_WAIT_NOT
                             ? "the node was restarted before it was missed"
                             : index_why_waits(node->wait));
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

/* What it has just said of its copy of the partition, if it did. */
static const struct node_data *
fresh_copy(const struct index_event *event, const struct node *node)
{
    const struct node_data *data = index_fresh(event, node);

    return data != NULL && data->partition == node->partition ? data : NULL;
}

/* Is a the better heir?  Of equals it is the one that was there first. */
static bool
is_better(const struct index_event *event, const struct node *a,
          const struct node *b)
{
    const struct node_data *of_a = fresh_copy(event, a);
    const struct node_data *of_b = fresh_copy(event, b);
    int order;

    if (of_a == NULL || of_b == NULL) {
        return of_a == of_b ? a->balance > b->balance : of_a != NULL;
    }
    order = node_data_compare(of_a, of_b);
    return order != 0 ? order > 0 : a->balance > b->balance;
}

/*
 * Of the active slaves the one whose log goes furthest; of equals the one with
 * the largest balance, then the first by key.  Who did not say how far it is
 * comes behind those who did, and an unfinished copy is none.
 */
static struct node *
choose_heir(struct cluster_map *map, const struct index_event *event,
            int partition)
{
    struct node *heir = NULL;

    for (size_t i = 0; i < map->nnodes; i++) {
        struct node *node = &map->node[i];
        const struct node_data *data;

        if (node->role != NODE_SLAVE || node->state != NODE_ACTIVE ||
            node->partition != partition) {
            continue;
        }
        data = fresh_copy(event, node);
        if ((data == NULL || data->copy != NODE_COPY_BUILDING) &&
            (heir == NULL || is_better(event, node, heir))) {
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
master_down(struct node *node, const struct index_event *event,
            struct index_plan *plan)
{
    struct node *heir = choose_heir(plan->map, event, node->partition);

    node->state = NODE_DOWN;
    index_note_failover(plan, event, node, heir, node->partition);
    if (heir == NULL) {
        forget_earlier_masters(plan->map, node);
        return index_changed(plan, "a master is down and nobody can take over");
    }
    heir->role = NODE_MASTER;
    if (heir->balance == 0) {
        heir->balance = 1; /* the largest is 0, so nobody answers reads */
    }
    memcpy(plan->first, heir->key, sizeof(plan->first));
    index_forget_data(plan->map, event, heir);
    index_make_proxy(node);
    return index_changed(plan, "a master is down and a slave takes over");
}

enum index_verdict
index_down(struct node *node, const struct index_event *event,
           struct index_plan *plan)
{
    int partition = node->partition;

    if (node->state == NODE_DOWN) {
        return index_same(plan, "the node is down already");
    }
    if (node->role == NODE_MASTER && node->state == NODE_ACTIVE) {
        return master_down(node, event, plan);
    }
    if (node->role == NODE_MASTER) {
        index_dismiss_slaves(plan->map, partition);
    }
    node->state = NODE_DOWN;
    index_make_proxy(node);
    return index_changed(plan, "the node is down");
}

enum index_verdict
index_shutdown(struct node *node, const struct index_event *event,
               struct index_plan *plan)
{
    bool told = node->role == NODE_MASTER && node->state == NODE_ACTIVE;
    enum index_verdict verdict;

    if (!told) {
        memcpy(plan->skip, node->key, sizeof(plan->skip));
    }
    verdict = index_down(node, event, plan);
    if (verdict == INDEX_CHANGED) {
        node->held = true;
    }
    return verdict;
}

/*
 * The partition's own master.  The monitor only lets it in with the data it
 * had; the operator may know better.
 */
static enum index_verdict
resume(struct node *node, const struct index_event *event,
       struct index_plan *plan)
{
    enum node_wait before = node->wait;

    if (event->type == INDEX_UP) {
        if (event->data.copy != NODE_COPY_UNKNOWN) {
            take_data(node, &event->data);
        }
        if (node->wait != NODE_WAIT_NOT) {
            return node->wait == before
                       ? index_same(plan, index_why_waits(before))
                       : index_changed(plan, index_why_waits(node->wait));
        }
    } else if (node->wait != NODE_WAIT_NOT) {
        node->data = (struct node_data){.copy = NODE_COPY_UNKNOWN};
        node->wait = NODE_WAIT_NOT;
    }
    node->held = false;
    node->state = NODE_ACTIVE;
    index_note_failover(plan, event, NULL, node, node->partition);
    return index_changed(plan, "a master is back and its partition with it");
}

enum index_verdict
index_up(struct node *node, const struct index_event *event,
         struct index_plan *plan)
{
    if (node->state != NODE_DOWN) {
        return index_same(plan, "the node is not down");
    }
    if (node->role == NODE_MASTER &&
        !index_has_master(plan->map, node->partition)) {
        return resume(node, event, plan);
    }
    node->held = false;
    node->wait = NODE_WAIT_NOT;
    node->state = NODE_ACTIVE;
    if (node->role == NODE_MASTER) {
        index_make_proxy(node);
        return index_changed(plan, "an earlier master is back, as a proxy");
    }
    node->role = NODE_PROXY;
    node->partition = NODE_NO_PARTITION;
    return index_changed(plan, "the node is back, as a proxy");
}
