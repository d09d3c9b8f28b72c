#include "cluster/view.h"

/* The partition being prepared, if the key is going to live there. */
static const struct view_partition *
next_home(const struct cluster_view *view, uint32_t hash)
{
    if (view->preparing == NULL ||
        view->next_row[hash % view->slots] != view->npartitions) {
        return NULL;
    }
    return view->preparing;
}

bool
cluster_view_moves(const struct cluster_view *view, uint32_t hash)
{
    return next_home(view, hash) != NULL;
}

/* By weight: the reader whose share of 0 .. sum-1 holds a random number. */
static const struct node *
pick_reader(const struct view_partition *p, struct rand *rand)
{
    uint32_t at = rand_below(rand, p->reader_sum[p->nreaders - 1]);
    unsigned low = 0;
    unsigned high = p->nreaders - 1;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (at < p->reader_sum[middle]) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return p->readers[low];
}

struct route
cluster_route_read(const struct cluster_view *view, uint32_t hash,
                   struct rand *rand)
{
    const struct view_partition *p;
    int number;

    if (view->npartitions == 0) {
        return (struct route){ROUTE_NO_PARTITION, -1, NULL};
    }
    number = view->row[hash % view->slots];
    p = &view->partition[number];
    if (p->mine_read) {
        return (struct route){ROUTE_LOCAL, number, NULL};
    }
    if (p->nreaders == 0) {
        return (struct route){ROUTE_NO_NODE, number, NULL};
    }
    return (struct route){ROUTE_FORWARD, number, pick_reader(p, rand)};
}

const struct node *
cluster_route_other_reader(const struct cluster_view *view, int partition,
                           const struct node * not )
{
    const struct view_partition *p;

    if (partition < 0 || partition >= view->npartitions) {
        return NULL;
    }
    p = &view->partition[partition];
    for (unsigned i = 0; i < p->nreaders; i++) {
        if (p->readers[i] != not &&p->readers[i] != view->self) {
            return p->readers[i];
        }
    }
    return p->master != not &&p->master != view->self ? p->master : NULL;
}

struct route
cluster_route_write(const struct cluster_view *view, uint32_t hash,
                    bool from_peer)
{
    const struct view_partition *next;
    const struct view_partition *p;
    int number;

    if (view->npartitions == 0) {
        return (struct route){ROUTE_NO_PARTITION, -1, NULL};
    }
    number = view->row[hash % view->slots];
    p = &view->partition[number];
    next = from_peer ? next_home(view, hash) : NULL;
    if (p->mine_master || (from_peer && p->mine_member) ||
        (next != NULL && next->mine_member)) {
        return (struct route){ROUTE_LOCAL, number, NULL};
    }
    if (p->master == NULL) {
        return (struct route){ROUTE_NO_NODE, number, NULL};
    }
    return (struct route){ROUTE_FORWARD, number, p->master};
}
