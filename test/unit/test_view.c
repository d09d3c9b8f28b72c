#include "test/unit/maps.h"

#include "cluster/view.h"

/* Two slots a partition: hash 0 and 1 for two, and 2 moves to the third. */
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

/* A hash that lies in `partition` of n and, moving, in n of n + 1. */
static uint32_t
hash_in(unsigned n, unsigned partition, bool moving)
{
    const uint16_t *row = partition_table_row(table, n);
    const uint16_t *next = partition_table_row(table, n + 1);

    for (uint32_t h = 0; h < 4096; h++) {
        if (row[h] == partition && (next[h] == n) == moving) {
            return h;
        }
    }
    fail_msg("no such slot");
    return 0;
}

#define TWO                                                                    \
    "a:1 M/act/0/1, b:2 S/act/0/2, c:3 M/act/1/1, d:4 S/prep/1/5, "            \
    "e:5 P/act/-1/0, f:6 S/act/0/0"
#define GROWING TWO ", g:7 M/ready/2/1, h:8 S/prep/2/1"
#define BROKEN "a:1 M/down/0/1, b:2 S/act/0/2, c:3 M/act/1/1"

static const struct rule {
    const char *map;
    const char *self;
    int partition;
    char write;  /* L local, F forward to the master, n nobody, - none */
    char peer;   /* likewise for a write with a hop prefix */
    char read;   /* L local, F to a reader, n nobody, - none */
    bool moving; /* the key goes to the partition that is being prepared */
} rules[] = {
    {"a:1 P/act/-1/0", "a:1", 0, '-', '-', '-', false},
    {TWO, "a:1", 0, 'L', 'L', 'L', false}, /* the master */
    {TWO, "a:1", 1, 'F', 'F', 'F', false},
    {TWO, "b:2", 0, 'F', 'L', 'L', false},    /* a slave with balance */
    {TWO, "f:6", 0, 'F', 'L', 'F', false},    /* a slave without */
    {TWO, "d:4", 1, 'F', 'L', 'F', false},    /* a slave in prepare */
    {TWO, "e:5", 0, 'F', 'F', 'F', false},    /* a proxy */
    {TWO, "x:9", 0, 'F', 'F', 'F', false},    /* somebody unknown */
    {GROWING, "g:7", 0, 'F', 'L', 'F', true}, /* the master to be */
    {GROWING, "g:7", 0, 'F', 'F', 'F', false},
    {GROWING, "h:8", 1, 'F', 'L', 'F', true}, /* its slave */
    {GROWING, "h:8", 1, 'F', 'F', 'F', false},
    {GROWING, "a:1", 0, 'L', 'L', 'L', true},
    {GROWING, "e:5", 0, 'F', 'F', 'F', true},
    {BROKEN, "b:2", 0, 'n', 'L', 'L', false}, /* the master is preserved */
    {BROKEN, "c:3", 0, 'n', 'n', 'F', false},
    {BROKEN, "a:1", 0, 'n', 'n', 'F', false}, /* down as far as the map knows */
    {"a:1 M/down/0/1", "b:2", 0, 'n', 'n', 'n', false},
};

static char
letter(struct route route)
{
    static const char letters[] = {[ROUTE_LOCAL] = 'L',
                                   [ROUTE_FORWARD] = 'F',
                                   [ROUTE_NO_PARTITION] = '-',
                                   [ROUTE_NO_NODE] = 'n'};

    assert_int_equal(route.to != NULL, route.kind == ROUTE_FORWARD);
    return letters[route.kind];
}

static void
each_rule_of_routing_holds(void **state)
{
    struct rand rand;

    (void)state;
    rand_init(&rand, 1);
    for (size_t i = 0; i < COUNT(rules); i++) {
        const struct rule *rule = &rules[i];
        struct cluster_view *view = view_of(rule->map, rule->self);
        uint32_t h = view->npartitions == 0
                         ? 0
                         : hash_in((unsigned)view->npartitions,
                                   (unsigned)rule->partition, rule->moving);
        struct route write = cluster_route_write(view, h, false);
        struct route peer = cluster_route_write(view, h, true);
        struct route read = cluster_route_read(view, h, &rand);

        if (letter(write) != rule->write || letter(peer) != rule->peer ||
            letter(read) != rule->read) {
            fail_msg("%s as %s, partition %d: %c %c %c", rule->map, rule->self,
                     rule->partition, letter(write), letter(peer),
                     letter(read));
        }
        if (write.kind == ROUTE_FORWARD) {
            assert_ptr_equal(write.to,
                             cluster_map_master(view->map, rule->partition));
        }
        assert_int_equal(cluster_view_moves(view, h),
                         rule->moving && view->preparing != NULL);
        cluster_view_unref(view);
    }
}

static void
reads_are_spread_by_balance(void **state)
{
    struct cluster_view *view = view_of(
        "a:1 M/act/0/1, b:2 S/act/0/3, c:3 S/act/0/0, e:5 P/act/-1/0", "e:5");
    unsigned seen[4] = {0};
    struct rand rand;

    (void)state;
    rand_init(&rand, 42);
    for (int i = 0; i < 4000; i++) {
        struct route route = cluster_route_read(view, 0, &rand);

        assert_int_equal(route.kind, ROUTE_FORWARD);
        seen[route.to - view->map->node]++;
    }
    assert_in_range(seen[0], 900, 1100);
    assert_in_range(seen[1], 2900, 3100);
    assert_int_equal(seen[2], 0);
    cluster_view_unref(view);
}

static void
a_master_without_balance_answers_when_nobody_else_does(void **state)
{
    struct cluster_view *view = view_of("a:1 M/act/0/0", "e:5");
    struct rand rand;

    (void)state;
    rand_init(&rand, 1);
    assert_int_equal(cluster_route_read(view, 0, &rand).kind, ROUTE_FORWARD);
    cluster_view_unref(view);
}

static void
a_second_try_goes_to_somebody_else(void **state)
{
    struct cluster_view *view = view_of(TWO, "b:2");
    const struct node *a = cluster_map_find(view->map, SLICE("a:1"));
    const struct node *c = cluster_map_find(view->map, SLICE("c:3"));

    (void)state;
    assert_ptr_equal(cluster_route_other_reader(view, 0, NULL), a);
    assert_null(cluster_route_other_reader(view, 0, a));
    assert_null(cluster_route_other_reader(view, 1, c));
    assert_null(cluster_route_other_reader(view, -1, NULL));
    assert_null(cluster_route_other_reader(view, 2, NULL));
    cluster_view_unref(view);
    view = view_of("a:1 M/act/0/0, b:2 S/act/0/1", "x:1");
    assert_string_equal(cluster_route_other_reader(
                            view, 0, cluster_map_find(view->map, SLICE("b:2")))
                            ->key,
                        "a:1");
    cluster_view_unref(view);
}

static void
members_are_the_master_and_the_slaves_that_live(void **state)
{
    struct cluster_view *view = view_of(GROWING ", i:9 S/down/0/1", "a:1");

    (void)state;
    assert_int_equal(view->npartitions, 2);
    assert_int_equal(view->partition[0].nmembers, 3);
    assert_string_equal(view->partition[0].members[0]->key, "a:1");
    assert_int_equal(view->partition[1].nmembers, 2);
    assert_int_equal(view->partition[1].nreaders, 1);
    assert_int_equal(view->preparing->nmembers, 2);
    assert_string_equal(view->preparing->master->key, "g:7");
    assert_true(view->partition[0].mine_master);
    cluster_view_unref(cluster_view_ref(view));
    cluster_view_unref(view);
    cluster_view_unref(NULL);
}

static void
a_map_that_cannot_be_routed_gives_no_view(void **state)
{
    static const struct {
        const char *map;
        const char *why;
    } bad[] = {
        {"a:1 M/act/1/1", "the partitions have a gap"},
        {"a:1 M/act/0/1, b:2 M/act/0/1", "a partition has two masters"},
        {"a:1 M/act/0/1, b:1 M/act/1/1, c:1 M/act/2/1, d:1 M/act/3/1, "
         "e:1 M/act/4/1, f:1 M/act/5/1, g:1 M/act/6/1, h:1 M/prep/7/1",
         "the map has more partitions than partition-size allows"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *why = NULL;

        assert_null(cluster_view_new(map_of(bad[i].map), SLICE("a:1"), table,
                                     KEYHASH_SIMPLE, &why));
        assert_string_equal(why, bad[i].why);
    }
}

static void
an_orphaned_slave_is_left_out(void **state)
{
    struct cluster_view *view =
        view_of("a:1 M/act/0/1, b:2 S/act/3/1, c:3 S/act/1/1", "b:2");

    (void)state;
    assert_int_equal(view->partition[0].nmembers, 1);
    cluster_view_unref(view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_of_routing_holds),
        cmocka_unit_test(reads_are_spread_by_balance),
        cmocka_unit_test(
            a_master_without_balance_answers_when_nobody_else_does),
        cmocka_unit_test(a_second_try_goes_to_somebody_else),
        cmocka_unit_test(members_are_the_master_and_the_slaves_that_live),
        cmocka_unit_test(a_map_that_cannot_be_routed_gives_no_view),
        cmocka_unit_test(an_orphaned_slave_is_left_out),
    };
    return cmocka_run_group_tests_name("cluster/view", tests, set_up,
                                       tear_down);
}
