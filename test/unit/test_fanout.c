#include "test/unit/maps.h"

#include <stdlib.h>

#include "repl/fanout.h"

static struct partition_table *table;

static int
set_up(void **state)
{
    (void)state;
    table = partition_table_new(8, 1, 4096);
    return table == NULL;
}

static int
tear_down(void **state)
{
    (void)state;
    partition_table_free(table);
    return 0;
}

static struct cluster_view *
view_of(const char *map, const char *self)
{
    const char *why = NULL;
    struct cluster_view *view = cluster_view_new(map_of(map), slice_str(self),
                                                 table, KEYHASH_SIMPLE, &why);

    if (view == NULL) {
        fail_msg("%s: %s", map, why);
    }
    return view;
}

#define TWO                                                                    \
    "a:1 M/act/0/1, b:2 S/act/0/2, c:3 M/act/1/1, d:4 S/prep/1/0, "            \
    "e:5 P/act/-1/0, f:6 S/down/0/0, g:7 S/prep/0/0"
#define GROWING "a:1 M/act/0/1, b:2 S/act/0/2, c:3 M/prep/1/1, d:4 S/prep/1/1"
#define NEARLY "a:1 M/act/0/1, b:2 S/act/0/2, c:3 M/ready/1/1, d:4 S/act/1/1"
#define GROWN "a:1 M/act/0/1, b:2 S/act/0/2, c:3 M/act/1/1, d:4 S/act/1/1"
#define FAILED "a:1 P/down/-1/0, b:2 M/act/0/2, c:3 M/act/1/1, d:4 S/act/1/1"

/* "b:2=" all keys, "c:3~" moving ones, "!" counts for the gate. */
static const struct {
    const char *map, *self, *targets;
} feeds[] = {
    {TWO, "a:1", "b:2=! g:7=" /* f:6 is down */},
    {TWO, "c:3", "d:4="},
    {TWO, "b:2", ""},
    {TWO, "e:5", ""},
    {TWO, "x:9", ""},
    {GROWING, "a:1", "b:2=! c:3~"},
    {GROWING, "c:3", "d:4="},
    {GROWING, "d:4", ""},
    {NEARLY, "a:1", "b:2=! c:3~!"},
    {NEARLY, "c:3", "d:4=!"},
    {GROWN, "a:1", "b:2=!"},
    {"a:1 M/down/0/1, b:2 S/act/0/1", "a:1", ""},
};

static void
a_master_feeds_its_slaves_and_the_master_to_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(feeds); i++) {
        struct cluster_view *view = view_of(feeds[i].map, feeds[i].self);
        struct fanout *fanout = fanout_new(view);
        char text[256] = "";
        size_t at = 0;

        assert_non_null(fanout);
        for (unsigned t = 0; t < fanout->n; t++) {
            const struct fanout_target *target = &fanout->target[t];

            at +=
                (size_t)snprintf(text + at, sizeof(text) - at, "%s%s%s%s",
                                 t > 0 ? " " : "", target->node->key,
                                 target->scope == FANOUT_PARTITION ? "=" : "~",
                                 target->counts ? "!" : "");
        }
        if (strcmp(text, feeds[i].targets) != 0) {
            fail_msg("%s as %s feeds \"%s\", not \"%s\"", feeds[i].map,
                     feeds[i].self, text, feeds[i].targets);
        }
        free(fanout);
        cluster_view_unref(view);
    }
}

static const struct {
    const char *before, *after, *self;
    enum fanout_scope scope;
    const char *copy;
    enum fanout_fate fate;
} fates[] = {
    {GROWING, NEARLY, "a:1", FANOUT_PARTITION, "b:2", FANOUT_KEEP},
    {GROWING, NEARLY, "a:1", FANOUT_MOVING, "c:3", FANOUT_KEEP},
    {NEARLY, GROWN, "a:1", FANOUT_MOVING, "c:3", FANOUT_DRAIN},
    {NEARLY, GROWN, "a:1", FANOUT_PARTITION, "b:2", FANOUT_KEEP},
    {NEARLY, GROWN, "c:3", FANOUT_PARTITION, "d:4", FANOUT_KEEP},
    {NEARLY, "a:1 M/act/0/1, b:2 S/act/0/2, c:3 P/act/-1/0", "a:1",
     FANOUT_MOVING, "c:3", FANOUT_DROP},
    {NEARLY, "a:1 M/act/0/1, b:2 S/act/0/2, c:3 S/prep/0/0", "a:1",
     FANOUT_MOVING, "c:3", FANOUT_RENEW},
    {GROWN, "a:1 M/act/0/1, b:2 S/down/0/2, c:3 M/act/1/1", "a:1",
     FANOUT_PARTITION, "b:2", FANOUT_DROP},
    {GROWN, "a:1 M/act/0/1", "a:1", FANOUT_PARTITION, "b:2", FANOUT_DROP},
    {GROWN, FAILED, "a:1", FANOUT_PARTITION, "b:2", FANOUT_DRAIN},
    {TWO, "a:1 P/act/-1/0, b:2 M/act/0/2, c:3 M/act/1/1, g:7 S/prep/0/0", "a:1",
     FANOUT_PARTITION, "g:7", FANOUT_DROP},
    {GROWN, "b:2 S/act/0/1, x:9 M/act/0/1", "a:1", FANOUT_PARTITION, "b:2",
     FANOUT_DRAIN},
};

static void
a_new_map_decides_each_copys_fate(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fates); i++) {
        struct cluster_view *before = view_of(fates[i].before, fates[i].self);
        struct cluster_view *after = view_of(fates[i].after, fates[i].self);
        struct fanout *targets = fanout_new(after);
        enum fanout_fate fate = fanout_fate(
            fates[i].scope, slice_str(fates[i].copy), before, after, targets);

        if (fate != fates[i].fate) {
            fail_msg("%s -> %s: fate of %s for %s is %d", fates[i].before,
                     fates[i].after, fates[i].copy, fates[i].self, fate);
        }
        free(targets);
        cluster_view_unref(before);
        cluster_view_unref(after);
    }
}

/* How many of the slots each scope is given, as master of partition 0 of 1. */
static void
only_keys_that_move_go_to_the_master_to_be(void **state)
{
    struct cluster_view *old = view_of(GROWING, "a:1");
    struct cluster_view *new = view_of(GROWING, "c:3");
    struct cluster_view *proxy = view_of(TWO, "e:5");
    unsigned all = 0, moving = 0, its_own = 0;

    (void)state;
    for (uint32_t h = 0; h < 4096; h++) {
        all += fanout_wants(old, FANOUT_PARTITION, h);
        moving += fanout_wants(old, FANOUT_MOVING, h);
        its_own += fanout_wants(new, FANOUT_PARTITION, h);
        assert_false(fanout_wants(proxy, FANOUT_PARTITION, h));
        assert_int_equal(fanout_wants(old, FANOUT_MOVING, h),
                         fanout_wants(new, FANOUT_PARTITION, h));
    }
    assert_int_equal(all, 4096);
    assert_int_equal(moving, 2048);
    assert_int_equal(its_own, 2048);
    cluster_view_unref(old);
    cluster_view_unref(new);
    cluster_view_unref(proxy);
}

static void
a_partitions_keys_only_go_to_its_own_slaves(void **state)
{
    struct cluster_view *first = view_of(GROWN, "a:1");
    struct cluster_view *second = view_of(GROWN, "c:3");

    (void)state;
    for (uint32_t h = 0; h < 10000; h++) {
        assert_int_not_equal(fanout_wants(first, FANOUT_PARTITION, h),
                             fanout_wants(second, FANOUT_PARTITION, h));
    }
    cluster_view_unref(first);
    cluster_view_unref(second);
}

static void
only_a_promotion_inherits_slaves(void **state)
{
    struct cluster_view *slave = view_of(GROWN, "b:2");
    struct cluster_view *master = view_of(FAILED, "b:2");

    (void)state;
    assert_true(fanout_inherits(slave, master));
    assert_true(fanout_inherits(NULL, master));
    assert_false(fanout_inherits(master, master));
    assert_false(fanout_inherits(master, slave));
    cluster_view_unref(slave);
    cluster_view_unref(master);
}

static void
a_copy_that_is_drained_lives_until_it_is_down_or_gone(void **state)
{
    struct cluster_view *view = view_of(FAILED, "b:2");

    (void)state;
    assert_true(fanout_lives(view, SLICE("c:3")));
    assert_false(fanout_lives(view, SLICE("a:1")));
    assert_false(fanout_lives(view, SLICE("z:1")));
    cluster_view_unref(view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_feeds_its_slaves_and_the_master_to_be),
        cmocka_unit_test(a_new_map_decides_each_copys_fate),
        cmocka_unit_test(only_keys_that_move_go_to_the_master_to_be),
        cmocka_unit_test(a_partitions_keys_only_go_to_its_own_slaves),
        cmocka_unit_test(only_a_promotion_inherits_slaves),
        cmocka_unit_test(a_copy_that_is_drained_lives_until_it_is_down_or_gone),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
