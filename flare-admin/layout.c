#include "flare-admin/layout.h"

/* Nodes of the host that are not used yet. */
static int
left_on(const struct layout_node *nodes, size_t n, struct slice host)
{
    int left = 0;

    for (size_t i = 0; i < n; i++) {
        left += nodes[i].partition < 0 && slice_eq(nodes[i].host, host);
    }
    return left;
}

/* Copies of the partition on the host; partition -1: masters. */
static int
copies_on(const struct layout_node *nodes, size_t n, struct slice host,
          int partition)
{
    int copies = 0;

    for (size_t i = 0; i < n; i++) {
        const struct layout_node *node = &nodes[i];
        bool counts = partition < 0 ? node->master : true;

        copies += counts && node->partition >= 0 &&
                  (partition < 0 || node->partition == partition) &&
                  slice_eq(node->host, host);
    }
    return copies;
}

/*
 * The unused node that suits best: on the host with the fewest of what shall
 * be spread, of these on the one with the most nodes left.
 */
static struct layout_node *
pick(struct layout_node *nodes, size_t n, int partition)
{
    struct layout_node *best = NULL;
    int best_copies = 0, best_left = 0;

    for (size_t i = 0; i < n; i++) {
        int copies, left;

        if (nodes[i].partition >= 0) {
            continue;
        }
        copies = copies_on(nodes, n, nodes[i].host, partition);
        left = left_on(nodes, n, nodes[i].host);
        if (best == NULL || copies < best_copies ||
            (copies == best_copies && left > best_left)) {
            best = &nodes[i];
            best_copies = copies;
            best_left = left;
        }
    }
    return best;
}

static bool
doubled(const struct layout_node *nodes, size_t n, int partition)
{
    for (size_t i = 0; i < n; i++) {
        if (nodes[i].partition == partition &&
            copies_on(nodes, n, nodes[i].host, partition) > 1) {
            return true;
        }
    }
    return false;
}

static int
doubled_partitions(const struct layout_node *nodes, size_t n, int first,
                   int partitions)
{
    int count = 0;

    for (int p = first; p < first + partitions; p++) {
        count += doubled(nodes, n, p);
    }
    return count;
}

static void
swap(struct layout_node *a, struct layout_node *b)
{
    struct layout_node kept = *a;

    a->partition = b->partition;
    a->master = b->master;
    b->partition = kept.partition;
    b->master = kept.master;
}

/* Exchange the i-th node's place if fewer partitions are doubled then. */
static bool
improve_one(struct layout_node *nodes, size_t n, size_t i, int first,
            int partitions)
{
    int now = doubled_partitions(nodes, n, first, partitions);

    for (size_t j = i + 1; now > 0 && j < n; j++) {
        swap(&nodes[i], &nodes[j]);
        if (doubled_partitions(nodes, n, first, partitions) < now) {
            return true;
        }
        swap(&nodes[i], &nodes[j]);
    }
    return false;
}

static bool
improve(struct layout_node *nodes, size_t n, int first, int partitions)
{
    size_t i = 0;

    while (i < n && !improve_one(nodes, n, i, first, partitions)) {
        i++;
    }
    return i < n;
}

/* One more copy of each partition: the first is the master. */
static void
add_copies(struct layout_node *nodes, size_t n, int first, int partitions,
           bool masters)
{
    for (int p = first; p < first + partitions; p++) {
        struct layout_node *node = pick(nodes, n, masters ? -1 : p);

        if (node != NULL) {
            node->partition = p;
            node->master = masters;
        }
    }
}

int
layout_make(struct layout_node *nodes, size_t n, int first, int partitions,
            int copies)
{
    for (size_t i = 0; i < n; i++) {
        nodes[i].partition = -1;
        nodes[i].master = false;
    }
    for (int copy = 0; copy < copies; copy++) {
        add_copies(nodes, n, first, partitions, copy == 0);
    }
    while (improve(nodes, n, first, partitions)) {
    }
    return doubled_partitions(nodes, n, first, partitions);
}
