#include "cluster/diff.h"

/*
 * A node that was in no earlier map, or left it, held no data for anybody: for
 * what follows it was a proxy.
 */
static struct node
as_it_was(const struct cluster_map *before, struct slice self)
{
    const struct node *node = cluster_map_find(before, self);

    if (node == NULL) {
        return (struct node){.role = NODE_PROXY,
                             .state = NODE_ACTIVE,
                             .partition = NODE_NO_PARTITION};
    }
    return *node;
}

static bool
is_building(const struct node *node)
{
    return node->state == NODE_PREPARE || node->state == NODE_READY;
}

enum diff_kind
cluster_diff(const struct cluster_map *before, const struct cluster_map *after,
             struct slice self)
{
    const struct node *now =
        after != NULL ? cluster_map_find(after, self) : NULL;
    struct node was;

    if (before == NULL || now == NULL) {
        return DIFF_NOTHING;
    }
    was = as_it_was(before, self);
    if (was.role == now->role && was.partition == now->partition &&
        (is_building(&was) || !is_building(now))) {
        return was.state == now->state ? DIFF_NOTHING : DIFF_STATE;
    }
    /* Who builds and did not was a proxy in between, in a map it has missed. */
    switch (now->role) {
    case NODE_MASTER:
        return is_building(now) ? DIFF_BUILD_MASTER : DIFF_PROMOTED;
    case NODE_SLAVE:
        return now->state == NODE_DOWN ? DIFF_STATE : DIFF_BUILD_SLAVE;
    case NODE_PROXY:
        break;
    }
    return DIFF_DEMOTED;
}
