#include "test/unit/maps.h"

#include "cluster/diff.h"

static void
nodes_are_kept_in_the_byte_order_of_their_keys(void **state)
{
    struct cluster_map *map =
        map_of("h:9999 P/act/-1/0, h:10000 P/act/-1/0, a:5 P/act/-1/0");

    (void)state;
    assert_string_equal(map->node[0].key, "a:5");
    assert_string_equal(map->node[1].key, "h:10000");
    assert_string_equal(map->node[2].key, "h:9999");
    assert_ptr_equal(cluster_map_find(map, SLICE("h:9999")), &map->node[2]);
    assert_null(cluster_map_find(map, SLICE("h:999")));
    cluster_map_remove(map, cluster_map_find(map, SLICE("h:10000")));
    assert_int_equal(map->nnodes, 2);
    assert_string_equal(map->node[1].key, "h:9999");
    cluster_map_unref(map);
}

static void
a_copy_is_independent(void **state)
{
    struct cluster_map *map = map_of("a:1 M/act/0/1");
    struct cluster_map *copy = cluster_map_copy(map, 1);

    (void)state;
    copy->node[0].balance = 7;
    assert_int_equal(map->node[0].balance, 1);
    assert_int_equal(copy->version, 10);
    assert_int_equal(copy->next_thread_type, map->next_thread_type);
    assert_ptr_equal(cluster_map_ref(map), map);
    cluster_map_unref(map);
    cluster_map_unref(map);
    cluster_map_unref(copy);
    cluster_map_unref(NULL);
}

static void
a_name_that_cannot_be_written_on_a_line_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "a b", "a:b", "<a", "a>", "a,b", "a\tb", "\x80", "[::1", "::1]",
    };
    struct node node = {0};
    char host[NODE_HOST_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (node_set_name(&node, slice_str(bad[i]), 1)) {
            fail_msg("\"%s\" was accepted", bad[i]);
        }
    }
    memset(host, 'h', sizeof(host));
    assert_false(node_set_name(&node, (struct slice){host, 256}, 1));
    assert_false(node_set_name(&node, SLICE("a"), 0));
    assert_false(node_set_name(&node, SLICE("a"), 65536));
    assert_true(node_set_name(&node, (struct slice){host, 255}, 65535));
    assert_int_equal(strlen(node.key), NODE_KEY_MAX);
    assert_true(node_set_name(&node, SLICE("[::1]"), 12121));
    assert_string_equal(node.key, "[::1]:12121");
    assert_true(slice_eq(node_host(&node), SLICE("[::1]")));
}

static void
roles_and_states_have_words(void **state)
{
    enum node_role role;
    enum node_state node_state;

    (void)state;
    assert_true(node_role_parse(SLICE("slave"), &role));
    assert_int_equal(role, NODE_SLAVE);
    assert_false(node_role_parse(SLICE("Slave"), &role));
    assert_true(node_state_parse(SLICE("ready"), &node_state));
    assert_int_equal(node_state, NODE_READY);
    assert_false(node_state_parse(SLICE("rea"), &node_state));
    assert_string_equal(node_role_name((enum node_role)3), "");
    assert_string_equal(node_state_name((enum node_state)9), "");
}

static void
a_map_knows_its_partitions_and_masters(void **state)
{
    struct cluster_map *map =
        map_of("a:1 M/act/0/1, b:2 M/down/1/1, c:3 M/act/1/1, "
               "d:4 M/down/2/1, e:5 M/ready/3/1, f:6 S/act/0/1");

    (void)state;
    assert_null(cluster_map_broken(map));
    assert_int_equal(cluster_map_partitions(map), 3);
    assert_string_equal(cluster_map_master(map, 0)->key, "a:1");
    assert_string_equal(cluster_map_master(map, 1)->key, "c:3");
    assert_string_equal(cluster_map_master(map, 2)->key, "d:4");
    assert_null(cluster_map_master(map, 3));
    assert_string_equal(cluster_map_preparing(map)->key, "e:5");
    cluster_map_unref(map);
}

static const struct soundness {
    const char *map;
    const char *broken; /* NULL: sound */
} maps[] = {
    {"", NULL},
    {"a:1 P/act/-1/0", NULL},
    {"a:1 M/act/0/1, b:2 S/act/0/1", NULL},
    {"a:1 M/down/0/1, b:2 S/act/0/1", NULL},
    {"a:1 M/down/0/1, b:2 M/act/0/1", NULL},
    {"a:1 M/act/0/1, b:2 M/prep/1/1, c:3 S/prep/1/0", NULL},
    {"a:1 M/act/0/1, b:2 S/down/7/1", NULL},
    {"a:1 M/act/0/1, b:2 M/act/0/1", "a partition has two masters"},
    {"a:1 M/act/0/1, b:2 M/act/2/1", "the partitions have a gap"},
    {"a:1 M/act/1/1", "the partitions have a gap"},
    {"a:1 M/act/0/1, b:2 M/prep/1/1, c:3 M/ready/1/1",
     "two partitions are being prepared"},
    {"a:1 M/act/0/1, b:2 M/prep/2/1",
     "the partition being prepared is not the next one"},
    {"a:1 M/act/0/1, b:2 M/prep/0/1",
     "the partition being prepared is not the next one"},
    {"a:1 M/act/0/1, b:2 S/act/1/1", "a slave has no partition to belong to"},
    {"a:1 P/act/0/1", "exactly the masters and slaves have a partition"},
    {"a:1 M/act/-1/1", "exactly the masters and slaves have a partition"},
};

static void
an_unsound_map_is_told_from_a_sound_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(maps); i++) {
        struct cluster_map *map = map_of(maps[i].map);
        const char *broken = cluster_map_broken(map);

        if ((broken == NULL) != (maps[i].broken == NULL) ||
            (broken != NULL && strcmp(broken, maps[i].broken) != 0)) {
            fail_msg("%s: %s", maps[i].map, broken);
        }
        cluster_map_unref(map);
    }
}

static void
thread_types_are_unique_and_below_the_next(void **state)
{
    struct cluster_map *map = map_of("a:1 P/act/-1/0, b:2 P/act/-1/0");

    (void)state;
    map->node[1].thread_type = 16;
    assert_string_equal(cluster_map_broken(map),
                        "two nodes have the same thread type");
    map->node[1].thread_type = 18;
    assert_string_equal(cluster_map_broken(map),
                        "a thread type is not below the next one");
    map->node[1].thread_type = 15;
    assert_string_equal(cluster_map_broken(map), "a thread type is below 16");
    cluster_map_unref(map);
}

static const struct change {
    const char *before;
    const char *after;
    enum diff_kind kind;
} changes[] = {
    {"a:1 P/act/-1/0", "a:1 P/act/-1/0", DIFF_NOTHING},
    {"a:1 P/act/-1/0", "b:2 P/act/-1/0", DIFF_NOTHING},
    {"b:2 P/act/-1/0", "a:1 P/act/-1/0", DIFF_NOTHING},
    {"a:1 P/act/-1/0", "a:1 P/down/-1/0", DIFF_STATE},
    {"a:1 S/prep/0/0", "a:1 S/act/0/0", DIFF_STATE},
    {"a:1 S/act/0/0", "a:1 S/act/0/5", DIFF_NOTHING},
    {"a:1 M/down/0/0", "a:1 M/act/0/0", DIFF_STATE},
    {"a:1 M/ready/1/0", "a:1 M/act/1/0", DIFF_STATE},
    {"a:1 P/act/-1/0", "a:1 S/prep/0/0", DIFF_BUILD_SLAVE},
    {"a:1 P/act/-1/0", "a:1 S/act/0/0", DIFF_BUILD_SLAVE},
    {"b:2 P/act/-1/0", "a:1 S/prep/0/0", DIFF_BUILD_SLAVE},
    {"a:1 S/act/1/0", "a:1 S/prep/0/0", DIFF_BUILD_SLAVE},
    {"a:1 S/act/0/1", "a:1 S/prep/0/0", DIFF_BUILD_SLAVE},
    {"a:1 S/down/0/1", "a:1 S/prep/0/0", DIFF_BUILD_SLAVE},
    {"a:1 S/prep/0/0", "a:1 S/down/0/0", DIFF_STATE},
    {"a:1 M/prep/1/0", "a:1 M/ready/1/0", DIFF_STATE},
    {"a:1 P/act/-1/0", "a:1 M/prep/1/0", DIFF_BUILD_MASTER},
    {"a:1 P/act/-1/0", "a:1 M/act/0/1", DIFF_PROMOTED},
    {"a:1 S/act/0/1", "a:1 M/act/0/1", DIFF_PROMOTED},
    {"a:1 S/act/0/1", "a:1 P/act/-1/0", DIFF_DEMOTED},
    {"a:1 M/act/0/1", "a:1 P/down/-1/0", DIFF_DEMOTED},
};

static void
a_node_sees_what_a_new_map_asks_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct cluster_map *before = map_of(changes[i].before);
        struct cluster_map *after = map_of(changes[i].after);
        enum diff_kind kind = cluster_diff(before, after, SLICE("a:1"));

        if (kind != changes[i].kind) {
            fail_msg("%s -> %s: %d", changes[i].before, changes[i].after, kind);
        }
        assert_int_equal(cluster_diff(NULL, after, SLICE("a:1")), DIFF_NOTHING);
        assert_int_equal(cluster_diff(before, NULL, SLICE("a:1")),
                         DIFF_NOTHING);
        cluster_map_unref(before);
        cluster_map_unref(after);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_kept_in_the_byte_order_of_their_keys),
        cmocka_unit_test(a_copy_is_independent),
        cmocka_unit_test(a_name_that_cannot_be_written_on_a_line_is_refused),
        cmocka_unit_test(roles_and_states_have_words),
        cmocka_unit_test(a_map_knows_its_partitions_and_masters),
        cmocka_unit_test(an_unsound_map_is_told_from_a_sound_one),
        cmocka_unit_test(thread_types_are_unique_and_below_the_next),
        cmocka_unit_test(a_node_sees_what_a_new_map_asks_of_it),
    };
    return cmocka_run_group_tests_name("cluster/map", tests, NULL, NULL);
}
