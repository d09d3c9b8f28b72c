/*
 * cluster_view: the map as one node sees it, ready for requests.
 *
 * Built when a map arrives, shared by reference with every thread, never
 * changed.  Routing is a table look-up: no lock, no allocation, no loop over
 * nodes (spec: data-plane 3, control-plane 2.2 and 5).
 */
#ifndef FLARE_CLUSTER_VIEW_H
#define FLARE_CLUSTER_VIEW_H

#include "base/rand.h"
#include "cluster/map.h"
#include "hash/keyhash.h"
#include "hash/partition.h"

struct view_partition {
    const struct node *master; /* active; NULL: preserved, no master alive */
    bool mine_master;          /* I am it */
    bool mine_member;          /* I am master or a slave that is not down */
    bool mine_read;            /* I may answer reads from my own data */
    unsigned nreaders;
    const struct node **readers; /* each with a balance > 0 and active */
    unsigned *reader_sum;        /* running sum of their balances */
    unsigned nmembers;
    const struct node **members; /* master first, then slaves not down */
};

struct cluster_view {
    atomic_uint refs;
    struct cluster_map *map;  /* one reference */
    const uint16_t *row;      /* for npartitions; borrowed from the table */
    const uint16_t *next_row; /* for npartitions + 1, while preparing */
    unsigned slots;
    enum keyhash_kind hash;
    const struct node *self; /* in map, or NULL */
    int npartitions;         /* active ones */
    struct view_partition *partition;
    struct view_partition *preparing; /* partition npartitions, or NULL */
};

/*
 * Takes over one reference to map.  `self` is "host:port".  NULL, with *why a
 * constant sentence, when the map is unsound, has more partitions than the
 * table, or memory is out; the reference is released then too.
 */
struct cluster_view *cluster_view_new(struct cluster_map *map,
                                      struct slice self,
                                      struct partition_table *table,
                                      enum keyhash_kind hash, const char **why);
struct cluster_view *cluster_view_ref(struct cluster_view *view);
void cluster_view_unref(struct cluster_view *view); /* NULL is fine */

enum route_kind {
    ROUTE_LOCAL,
    ROUTE_FORWARD,      /* to route.to */
    ROUTE_NO_PARTITION, /* there is no active partition at all */
    ROUTE_NO_NODE,      /* the partition has nobody who could answer */
};

struct route {
    enum route_kind kind;
    int partition; /* by the active map; -1 with NO_PARTITION */
    const struct node *to;
};

/* `hash` is keyhash() of the key; rand picks among several readers. */
struct route cluster_route_read(const struct cluster_view *view, uint32_t hash,
                                struct rand *rand);

/*
 * A reader other than `not`, for a second try; NULL: there is none.  Never
 * self.
 */
const struct node *cluster_route_other_reader(const struct cluster_view *view,
                                              int partition,
                                              const struct node * not );

/* A write, by a client or (from_peer) with a hop prefix. */
struct route cluster_route_write(const struct cluster_view *view, uint32_t hash,
                                 bool from_peer);

/*
 * True when the key moves to the partition that is being prepared: its current
 * master also feeds the preparing one.
 */
bool cluster_view_moves(const struct cluster_view *view, uint32_t hash);

#endif
