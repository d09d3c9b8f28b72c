/* Maps for tests, one node a row, with the shortest words that read well. */
#ifndef FLARE_TEST_UNIT_MAPS_H
#define FLARE_TEST_UNIT_MAPS_H

#include "test/unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "cluster/map.h"

/*
 * "a:1 M/act/0/1, b:2 S/prep/0/0" -> a map at version 10, thread types from 16
 * in the order of the text.
 */
static inline struct cluster_map *
map_of(const char *text)
{
    static const char roles[] = "MSP";
    static const char *const states[] = {"act", "prep", "down", "ready"};
    struct cluster_map *map = cluster_map_new(64);
    struct slice rest = slice_str(text);

    assert_non_null(map);
    map->version = 10;
    while (rest.n > 0) {
        struct slice row = slice_until(&rest, ',');
        struct slice key = slice_word(&row);
        struct slice fields = slice_word(&row);
        struct slice host = slice_until(&key, ':');
        struct node node = {.thread_type = map->next_thread_type++};
        struct slice role = slice_until(&fields, '/');
        struct slice state = slice_until(&fields, '/');
        struct slice partition = slice_until(&fields, '/');
        int64_t value;
        uint64_t port;

        assert_true(slice_u64(key, 65535, &port));
        assert_true(node_set_name(&node, host, port));
        node.role = (enum node_role)(strchr(roles, role.p[0]) - roles);
        for (int i = 0; i < 4; i++) {
            if (slice_eq(state, slice_str(states[i]))) {
                node.state = (enum node_state)i;
            }
        }
        assert_true(slice_i64(partition, -1, 10000, &value));
        node.partition = (int)value;
        assert_true(slice_i64(fields, 0, 100000000, &value));
        node.balance = (int)value;
        (void)cluster_map_put(map, &node);
    }
    return map;
}

/* The same notation back, in a static buffer. */
static inline const char *
map_says(const struct cluster_map *map)
{
    static const char *const states[] = {"act", "prep", "down", "ready"};
    static char text[4096];
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < map->nnodes && at < sizeof(text); i++) {
        const struct node *node = &map->node[i];

        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s %c/%s/%d/%d",
                               i > 0 ? ", " : "", node->key, "MSP"[node->role],
                               states[node->state], node -> partition,
                               node -> balance);
    }
    return text;
}

#endif
