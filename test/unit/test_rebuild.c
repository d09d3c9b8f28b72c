#include "test/unit/maps.h"

#include <stdlib.h>

#include "repl/rebuild.h"

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

#define SLAVE "a:1 M/act/0/1, b:2 M/act/1/1, s:9 S/prep/1/0"
#define MASTER "a:1 M/act/0/1, b:2 M/act/1/1, s:9 M/prep/2/1"

/* "P/SIZE from SOURCES", or why not. */
static const struct {
    const char *map, *plan;
} plans[] = {
    {SLAVE, "1/2 from b:2"},
    {MASTER, "2/3 from a:1 b:2"},
    {"a:1 M/act/0/1, b:2 M/ready/1/1, s:9 S/prep/1/0", "1/2 from b:2"},
    {"a:1 M/act/0/1, b:2 M/prep/1/1, s:9 S/prep/1/0", "1/2 waits"},
    {"a:1 M/act/0/1, b:2 M/down/1/1, s:9 S/prep/1/0",
     "its partition has no master that is alive"},
    {"a:1 M/act/0/1, b:2 M/down/1/1, s:9 M/prep/2/1",
     "a partition has no master that is alive"},
    {"s:9 M/prep/0/1", "there is no master to copy from"},
    {"a:1 M/act/0/1, s:9 P/act/-1/0", "unwanted"},
    {"a:1 M/act/0/1, s:9 S/act/0/1", "unwanted"},
    {"a:1 M/act/0/1, s:9 M/ready/1/1", "unwanted"},
    {"a:1 M/act/0/1", "unwanted"},
};

static void
describe(const char *map, char *text, size_t size)
{
    struct cluster_view *view = view_of(map, "s:9");
    struct rebuild plan = {0};
    const char *why = "";
    size_t at;

    if (!rebuild_wanted(view)) {
        (void)snprintf(text, size, "unwanted");
    } else if (!rebuild_plan(&plan, view, &why)) {
        (void)snprintf(text, size, "%s", why);
    } else {
        at = (size_t)snprintf(text, size, "%d/%d %s", plan.partition, plan.size,
                              plan.waits ? "waits" : "from");
        for (unsigned i = 0; i < plan.nsources; i++) {
            at += (size_t)snprintf(text + at, size - at, " %s",
                                   plan.source[i].key);
        }
    }
    rebuild_fini(&plan);
    cluster_view_unref(view);
}

static void
the_map_says_whom_to_copy_what_from(void **state)
{
    char text[200];

    (void)state;
    for (size_t i = 0; i < COUNT(plans); i++) {
        describe(plans[i].map, text, sizeof(text));
        if (strcmp(text, plans[i].plan) != 0) {
            fail_msg("%s: \"%s\", not \"%s\"", plans[i].map, text,
                     plans[i].plan);
        }
    }
}

static void
each_master_gives_what_is_its_own_now(void **state)
{
    struct cluster_view *view = view_of(MASTER, "s:9");
    struct cluster_view *slave = view_of(SLAVE, "s:9");
    struct rebuild plan = {0}, other = {0};
    const char *why = "";

    (void)state;
    assert_true(rebuild_plan(&plan, view, &why));
    assert_true(rebuild_plan(&other, slave, &why));
    for (uint32_t h = 0; h < 10000; h++) {
        assert_int_not_equal(rebuild_accepts(&plan, &plan.source[0], view, h),
                             rebuild_accepts(&plan, &plan.source[1], view, h));
        assert_true(rebuild_accepts(&other, &other.source[0], slave, h));
    }
    rebuild_fini(&plan);
    rebuild_fini(&other);
    cluster_view_unref(view);
    cluster_view_unref(slave);
}

static struct rebuild
plan_of(const char *map)
{
    struct cluster_view *view = view_of(map, "s:9");
    struct rebuild plan = {0};
    const char *why = "";

    assert_true(rebuild_plan(&plan, view, &why));
    cluster_view_unref(view);
    return plan;
}

static const struct {
    enum rebuild_event event;
    int64_t at_ms;
    unsigned source;
    enum rebuild_action action;
    int64_t after_ms;
} story[] = {
    /* a:1 knows this node at the third question */
    {REBUILD_START, 0, 0, REBUILD_ASK, 0},
    {REBUILD_START, 0, 1, REBUILD_ASK, 0},
    {REBUILD_UNKNOWN, 10, 0, REBUILD_ASK, 100},
    {REBUILD_UNKNOWN, 110, 0, REBUILD_ASK, 100},
    {REBUILD_KNOWN, 210, 0, REBUILD_COPY, 0},
    /* b:2 never does */
    {REBUILD_UNKNOWN, 9000, 1, REBUILD_ASK, 100},
    {REBUILD_UNKNOWN, 10000, 1, REBUILD_COPY, 0},
    /* and is busy */
    {REBUILD_REFUSED, 10001, 1, REBUILD_ASK, 500},
    {REBUILD_KNOWN, 10501, 1, REBUILD_COPY, 0},
    {REBUILD_REFUSED, 10502, 1, REBUILD_ASK, 1000},
    {REBUILD_UNREACHED, 11502, 1, REBUILD_ASK, 500},
    {REBUILD_KNOWN, 12002, 1, REBUILD_COPY, 0},
    {REBUILD_END, 20000, 0, REBUILD_NOTHING, 0},
    {REBUILD_END, 30000, 1, REBUILD_FINISH, 0},
};

static void
all_sources_deliver_in_the_end(void **state)
{
    struct rebuild plan = plan_of(MASTER);

    (void)state;
    for (size_t i = 0; i < COUNT(story); i++) {
        struct rebuild_step step =
            rebuild_next(&plan, &plan.source[story[i].source], story[i].event,
                         (struct mono){story[i].at_ms * 1000000});

        if (step.action != story[i].action ||
            step.after_ms != story[i].after_ms) {
            fail_msg("event %zu: action %d after %d ms", i, step.action,
                     (int)step.after_ms);
        }
    }
    rebuild_fini(&plan);
}

/* The same event again and again; how many times until it gives up, and when */
static unsigned
patience(enum rebuild_event event, int64_t *ms)
{
    struct rebuild plan = plan_of(SLAVE);
    struct rebuild_step step = {REBUILD_ASK, 0, NULL};
    unsigned n = 0;

    *ms = 0;
    while (step.action == REBUILD_ASK) {
        assert_true(n++ < 1000);
        *ms += step.after_ms;
        step = rebuild_next(&plan, plan.source, event, (struct mono){0});
    }
    assert_int_equal(step.action, REBUILD_FAIL);
    assert_non_null(step.why);
    rebuild_fini(&plan);
    return n;
}

static void
a_source_that_stays_away_or_refuses_ends_the_rebuild(void **state)
{
    int64_t ms;

    (void)state;
    assert_int_equal(patience(REBUILD_UNREACHED, &ms), 20);
    assert_int_equal(ms, 9500);
    assert_int_equal(patience(REBUILD_REFUSED, &ms), 10);
    assert_in_range(ms, 30000, 60000);
}

static void
a_source_lost_half_way_is_copied_anew_but_not_for_ever(void **state)
{
    struct rebuild plan = plan_of(SLAVE);
    struct rebuild_step step;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct cluster_view *view = view_of(SLAVE, "s:9");
        const char *why = "";

        (void)rebuild_next(&plan, plan.source, REBUILD_KNOWN, (struct mono){0});
        step =
            rebuild_next(&plan, plan.source, REBUILD_BROKEN, (struct mono){0});
        assert_int_equal(step.action, REBUILD_AWAIT);
        assert_int_equal(step.after_ms, 5000);
        step =
            rebuild_next(&plan, plan.source, REBUILD_TIMEOUT, (struct mono){0});
        assert_int_equal(step.action, i < 3 ? REBUILD_RESTART : REBUILD_FAIL);
        assert_true(rebuild_plan(&plan, view, &why));
        cluster_view_unref(view);
    }
    rebuild_fini(&plan);
}

static const struct {
    const char *before, *after;
    enum rebuild_action action;
} changes[] = {
    {SLAVE, SLAVE, REBUILD_NOTHING},
    {SLAVE, "a:1 M/down/0/1, b:2 M/act/1/1, s:9 S/prep/1/0", REBUILD_NOTHING},
    {SLAVE, SLAVE ", z:9 M/prep/2/1", REBUILD_NOTHING},
    {SLAVE, "a:1 M/act/0/1, b:2 P/down/-1/0, c:3 M/act/1/1, s:9 S/prep/1/0",
     REBUILD_RESTART},
    {SLAVE, "a:1 M/act/0/1, b:2 M/down/1/1, s:9 S/prep/1/0", REBUILD_FAIL},
    {SLAVE, "a:1 M/act/0/1, b:2 M/act/1/1, s:9 P/act/-1/0", REBUILD_STOP},
    {SLAVE, "a:1 M/act/0/1, b:2 M/act/1/1, s:9 S/act/1/0", REBUILD_STOP},
    {SLAVE, "a:1 M/act/0/1, b:2 M/act/1/1", REBUILD_STOP},
    {SLAVE, "a:1 M/act/0/1, b:2 M/act/1/1, s:9 S/prep/0/0", REBUILD_STOP},
    {MASTER, "a:1 M/act/0/1, b:2 M/down/1/1, s:9 M/prep/2/1", REBUILD_FAIL},
    {MASTER, "a:1 M/act/0/1, b:2 P/down/-1/0, c:3 M/act/1/1, s:9 M/prep/2/1",
     REBUILD_RESTART},
    /* its master gets ready, and is activated */
    {"a:1 M/act/0/1, b:2 M/prep/1/1, s:9 S/prep/1/0",
     "a:1 M/act/0/1, b:2 M/ready/1/1, s:9 S/prep/1/0", REBUILD_RESTART},
    {"a:1 M/act/0/1, b:2 M/ready/1/1, s:9 S/prep/1/0", SLAVE, REBUILD_NOTHING},
    {"a:1 M/act/0/1, b:2 M/prep/1/1, s:9 S/prep/1/0",
     "a:1 M/act/0/1, b:2 P/act/-1/0, s:9 P/act/-1/0", REBUILD_STOP},
};

static void
a_new_map_changes_what_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct rebuild plan = plan_of(changes[i].before);
        struct cluster_view *view = view_of(changes[i].after, "s:9");
        struct rebuild_step step = rebuild_on_view(&plan, view);

        if (step.action != changes[i].action) {
            fail_msg("%s -> %s: action %d", changes[i].before, changes[i].after,
                     step.action);
        }
        rebuild_fini(&plan);
        cluster_view_unref(view);
    }
}

static void
waiting_for_a_master_to_be_is_no_failure(void **state)
{
    struct rebuild plan = plan_of("a:1 M/act/0/1, b:2 M/prep/1/1, "
                                  "s:9 S/prep/1/0");
    struct cluster_view *view =
        view_of("a:1 M/act/0/1, b:2 M/ready/1/1, s:9 S/prep/1/0", "s:9");

    (void)state;
    assert_int_equal(rebuild_on_view(&plan, view).action, REBUILD_RESTART);
    assert_int_equal(plan.restarts, 0);
    rebuild_fini(&plan);
    cluster_view_unref(view);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_map_says_whom_to_copy_what_from),
        cmocka_unit_test(each_master_gives_what_is_its_own_now),
        cmocka_unit_test(all_sources_deliver_in_the_end),
        cmocka_unit_test(a_source_that_stays_away_or_refuses_ends_the_rebuild),
        cmocka_unit_test(
            a_source_lost_half_way_is_copied_anew_but_not_for_ever),
        cmocka_unit_test(a_new_map_changes_what_it_must),
        cmocka_unit_test(waiting_for_a_master_to_be_is_no_failure),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
