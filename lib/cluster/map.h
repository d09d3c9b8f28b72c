/*
 * cluster_map: who serves what, at one version.
 *
 * A map is written by one owner while it is being built and never changes
 * after it has been shared.  Readers on any thread hold a reference; a new
 * version is a new map.  Nodes are in the byte order of their keys.
 */
#ifndef FLARE_CLUSTER_MAP_H
#define FLARE_CLUSTER_MAP_H

#include <stdatomic.h>
#include <stddef.h>

#include "cluster/node.h"

struct cluster_map {
    atomic_uint refs;
    uint64_t version;
    int next_thread_type; /* index only: above every node's */
    size_t nnodes;
    size_t room; /* nodes there is memory for */
    struct node node[];
};

/* A new map with room for n nodes, none used; one reference.  NULL: no memory.
 */
struct cluster_map *cluster_map_new(size_t n);

/* A private copy at the same version with `extra` more rooms. */
struct cluster_map *cluster_map_copy(const struct cluster_map *map,
                                     size_t extra);

struct cluster_map *cluster_map_ref(struct cluster_map *map);
void cluster_map_unref(struct cluster_map *map); /* NULL is fine */

/*
 * Put a node in its place.  There must be room.  Returns it, or the one that
 * already has this key, replaced.
 */
struct node *cluster_map_put(struct cluster_map *map, const struct node *node);
void cluster_map_remove(struct cluster_map *map, struct node *node);

/* NULL when there is none. */
struct node *cluster_map_find(const struct cluster_map *map, struct slice key);

/* The active or preserved (down) master of a partition, or NULL. */
struct node *cluster_map_master(const struct cluster_map *map, int partition);

/* How many active partitions there are, preserved ones included. */
int cluster_map_partitions(const struct cluster_map *map);

/* The master in state prepare or ready, or NULL. */
struct node *cluster_map_preparing(const struct cluster_map *map);

/*
 * Why no key could be routed by this map, as a constant sentence, or NULL: the
 * part of cluster_map_broken() that a node insists on, whoever sent the map.
 */
const char *cluster_map_unroutable(const struct cluster_map *map);

/*
 * The first rule this map breaks, as a constant sentence, or NULL when it is
 * sound (spec: control-plane 2.2).  Called after every step of the index, and
 * in every test.
 */
const char *cluster_map_broken(const struct cluster_map *map);

#endif
