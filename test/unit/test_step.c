#include "test/unit/index_events.h"

#include <stdlib.h>
#include <time.h>

#include "base/rand.h"

static const struct rule {
    const char *before;
    const char *event;
    const char *after; /* NULL: refused; "=": nothing to do */
} rules[] = {
    /* --- add --- */
    {"", "add a:1", "a:1 P/act/-1/0"},
    {"a:1 M/act/0/1", "add b:2", "a:1 M/act/0/1, b:2 P/act/-1/0"},
    {"a:1 M/down/0/1", "add a:1", "a:1 M/down/0/1"},
    {"a:1 P/down/-1/0", "add a:1", "a:1 P/down/-1/0"},
    {"", "add a:0", NULL},
    {"", "add a:70000", NULL},
    {"", "add <x>:1", NULL},
    /* started again before it was missed: the down event comes first */
    {"a:1 P/act/-1/0", "add a:1", "a:1 P/down/-1/0"},
    {"a:1 M/act/0/1", "add a:1", "a:1 M/down/0/1"},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "add a:1",
     "a:1 P/down/-1/0, b:2 M/act/0/1"},
    {"a:1 M/act/0/1, b:2 S/prep/0/0", "add b:2",
     "a:1 M/act/0/1, b:2 P/down/-1/0"},
    /* --- remove --- */
    {"a:1 P/down/-1/0", "remove a:1", ""},
    {"a:1 P/act/-1/0", "remove a:1", NULL},
    {"a:1 P/act/-1/0", "remove b:2", NULL},
    {"a:1 M/down/0/1", "remove a:1", NULL},
    {"a:1 M/down/0/1, b:2 M/act/0/1", "remove a:1", "b:2 M/act/0/1"},
    {"a:1 M/down/0/1, b:2 S/prep/0/0", "remove a:1", NULL},
    {"a:1 M/down/0/1, b:2 S/act/0/1", "remove a:1", NULL},
    {"a:1 M/down/0/1, b:2 M/down/0/1", "remove a:1", NULL},
    /* --- role: proxy to master --- */
    {"a:1 P/act/-1/0", "role a:1 master 1 0", "a:1 M/act/0/1"},
    {"a:1 P/act/-1/0", "role a:1 master 0 0", NULL},
    {"a:1 P/act/-1/0", "role a:1 master", NULL},
    {"a:1 P/act/-1/0", "role a:1 master 1", NULL},
    {"a:1 P/act/-1/0", "role a:1 master 1 1", NULL},
    {"a:1 P/act/-1/0", "role a:1 master 1000000 0", "a:1 M/act/0/1000000"},
    {"a:1 P/act/-1/0", "role a:1 master 1000001 0", NULL},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 master 1 1",
     "a:1 M/act/0/1, b:2 M/prep/1/1"},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 master 1 0", NULL},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 master 1 2", NULL},
    {"a:1 M/act/0/1, b:2 M/prep/1/1, c:3 P/act/-1/0", "role c:3 master 1 1",
     NULL},
    {"a:1 M/act/0/1, b:2 M/ready/1/1, c:3 P/act/-1/0", "role c:3 master 1 2",
     NULL},
    {"a:1 M/down/0/1, b:2 P/act/-1/0", "role b:2 master 1 0", NULL},
    {"a:1 M/down/0/1, b:2 P/act/-1/0", "role b:2 master 1 0 force",
     "a:1 M/down/0/1, b:2 M/act/0/1"},
    {"a:1 M/down/0/1, b:2 P/act/-1/0", "role b:2 master 1 1",
     "a:1 M/down/0/1, b:2 M/prep/1/1"},
    /* --- role: proxy to slave --- */
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 slave 5 0",
     "a:1 M/act/0/1, b:2 S/prep/0/0"},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 slave 1", NULL},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 slave 1 1", NULL},
    {"a:1 M/down/0/1, b:2 P/act/-1/0", "role b:2 slave 1 0", NULL},
    {"a:1 M/act/0/1, b:2 M/prep/1/1, c:3 P/act/-1/0", "role c:3 slave 1 1",
     NULL}, /* its master is still copying: it would miss the rest */
    {"a:1 M/act/0/1, b:2 M/ready/1/1, c:3 P/act/-1/0", "role c:3 slave 3 1",
     "a:1 M/act/0/1, b:2 M/ready/1/1, c:3 S/prep/1/3"},
    {"a:1 M/act/0/1, b:2 M/ready/1/1, c:3 P/act/-1/0", "role c:3 slave -1 1",
     "a:1 M/act/0/1, b:2 M/ready/1/1, c:3 S/prep/1/0"},
    /* --- role: of proxies --- */
    {"a:1 P/act/-1/0", "role a:1 proxy 0 -1", "a:1 P/act/-1/0"},
    {"a:1 P/prep/-1/0", "role a:1 proxy", "a:1 P/act/-1/0"},
    {"a:1 P/ready/-1/0", "role a:1 master 1 0", "a:1 M/act/0/1"},
    /* --- role: of slaves --- */
    {"a:1 M/act/0/1, b:2 S/act/0/1", "role b:2 master 1 0", NULL},
    {"a:1 M/act/0/1, b:2 S/act/0/0", "role b:2 slave 3 99",
     "a:1 M/act/0/1, b:2 S/act/0/3"},
    {"a:1 M/act/0/0, b:2 S/act/0/1", "role b:2 slave 0 0", NULL},
    {"a:1 M/act/0/0, b:2 S/act/0/1", "role b:2 proxy 0 -1", NULL},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "role b:2 slave", NULL},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "role b:2 proxy 0 -1",
     "a:1 M/act/0/1, b:2 P/act/-1/0"},
    {"a:1 M/act/0/1, b:2 S/prep/0/0", "role b:2 slave 1 0", NULL},
    {"a:1 M/act/0/1, b:2 S/prep/0/0", "role b:2 master 1 0", NULL},
    {"a:1 M/act/0/1, b:2 S/prep/0/0", "role b:2 proxy 0 -1",
     "a:1 M/act/0/1, b:2 P/act/-1/0"},
    {"a:1 M/act/0/1, b:2 M/ready/1/1, c:3 S/prep/1/0", "role c:3 slave 2 1",
     "a:1 M/act/0/1, b:2 M/ready/1/1, c:3 S/prep/1/2"},
    {"a:1 M/act/0/1, b:2 M/prep/1/1, c:3 S/ready/1/0", "role c:3 master 1 1",
     NULL},
    {"a:1 M/down/0/1, b:2 S/prep/0/0", "role b:2 slave 1 0", NULL},
    /* --- role: of masters --- */
    {"a:1 M/act/0/1", "role a:1 master 7 55", "a:1 M/act/0/7"},
    {"a:1 M/act/0/1", "role a:1 master 0 0", NULL},
    {"a:1 M/act/0/1, b:2 S/prep/0/1", "role a:1 master 0 0",
     "a:1 M/act/0/0, b:2 S/prep/0/1"},
    {"a:1 M/act/0/1", "role a:1 slave 1 0", NULL},
    {"a:1 M/act/0/1", "role a:1 proxy 0 -1", NULL},
    {"a:1 M/act/0/1, b:2 M/prep/1/1", "role b:2 master 4 0",
     "a:1 M/act/0/1, b:2 M/prep/1/4"},
    {"a:1 M/act/0/1, b:2 M/ready/1/1", "role b:2 slave 4 0", NULL},
    {"a:1 M/act/0/1, b:2 M/ready/1/1, c:3 S/prep/1/0, d:4 S/act/1/2",
     "role b:2 proxy 0 -1",
     "a:1 M/act/0/1, b:2 P/act/-1/0, c:3 P/act/-1/0, d:4 P/act/-1/0"},
    /* --- role: of nodes that are down --- */
    {"a:1 P/down/-1/0", "role a:1 master 1 0", NULL},
    {"a:1 M/act/0/1, b:2 P/down/-1/0", "role b:2 slave 1 0", NULL},
    {"a:1 P/down/-1/0", "role a:1 proxy 0 -1", NULL},
    {"a:1 P/down/-1/0", "role b:2 proxy 0 -1", NULL},
    /* --- state --- */
    {"a:1 P/act/-1/0", "state a:1 prepare", NULL},
    {"a:1 P/act/-1/0", "state a:1 ready", NULL},
    {"a:1 P/act/-1/0", "state b:2 active", NULL},
    {"a:1 M/act/0/1, b:2 M/prep/1/1", "state b:2 ready",
     "a:1 M/act/0/1, b:2 M/ready/1/1"},
    {"a:1 M/act/0/1, b:2 S/prep/0/0", "state b:2 ready",
     "a:1 M/act/0/1, b:2 S/ready/0/0"},
    {"a:1 P/down/-1/0", "state a:1 ready", NULL},
    {"a:1 P/act/-1/0", "state a:1 active", "="},
    {"a:1 M/act/0/1, b:2 M/prep/1/1", "state b:2 active", NULL},
    {"a:1 P/prep/-1/0", "state a:1 active", NULL},
    {"a:1 M/act/0/1, b:2 S/prep/0/4", "state b:2 active",
     "a:1 M/act/0/1, b:2 S/act/0/4"},
    {"a:1 M/act/0/1, b:2 S/ready/0/4", "state b:2 active",
     "a:1 M/act/0/1, b:2 S/act/0/4"},
    {"a:1 P/ready/-1/0", "state a:1 active", "a:1 P/act/-1/0"},
    {"a:1 M/act/0/1, b:2 M/ready/1/1", "state b:2 active",
     "a:1 M/act/0/1, b:2 M/act/1/1"},
    /* --- up: "state active" of a node that is down, or the monitor's --- */
    {"a:1 M/down/0/3", "state a:1 active", "a:1 M/act/0/3"},
    {"a:1 M/down/0/3", "up a:1", "a:1 M/act/0/3"},
    {"a:1 M/down/0/1, b:2 M/act/0/1", "up a:1",
     "a:1 P/act/-1/0, b:2 M/act/0/1"},
    {"a:1 M/down/0/1, b:2 S/prep/0/0", "up a:1",
     "a:1 M/act/0/1, b:2 S/prep/0/0"}, /* a slave is no master */
    {"a:1 M/act/0/1, b:2 M/down/1/1, c:3 S/prep/1/0", "state b:2 active",
     "a:1 M/act/0/1, b:2 M/act/1/1, c:3 S/prep/1/0"},
    {"a:1 M/act/0/1, b:2 S/down/0/4", "up b:2",
     "a:1 M/act/0/1, b:2 P/act/-1/4"},
    {"a:1 P/down/-1/0", "up a:1", "a:1 P/act/-1/0"},
    {"a:1 P/act/-1/0", "up a:1", "="},
    {"a:1 M/act/0/1, b:2 S/prep/0/0", "up b:2", "="},
    /* --- down: by hand, by the monitor, at shutdown --- */
    {"a:1 P/down/-1/0", "state a:1 down", "="},
    {"a:1 P/down/-1/0", "shutdown a:1", "="},
    {"a:1 P/act/-1/0", "down b:2", NULL},
    {"a:1 P/act/-1/0", "down a:1", "a:1 P/down/-1/0"},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "shutdown b:2",
     "a:1 M/act/0/1, b:2 P/down/-1/0"},
    {"a:1 M/act/0/1, b:2 S/prep/0/0", "down b:2",
     "a:1 M/act/0/1, b:2 P/down/-1/0"},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "state a:1 down",
     "a:1 P/down/-1/0, b:2 M/act/0/1"},
    {"a:1 M/act/0/1", "down a:1", "a:1 M/down/0/1"},
    {"a:1 M/act/0/1, b:2 S/prep/0/0", "down a:1",
     "a:1 M/down/0/1, b:2 S/prep/0/0"},
    {"a:1 M/act/0/1, b:2 S/down/0/9", "down a:1",
     "a:1 M/down/0/1, b:2 S/down/0/9"},
    {"a:1 M/act/0/1, b:2 M/prep/1/1, c:3 S/act/1/1", "state b:2 down",
     "a:1 M/act/0/1, b:2 P/down/-1/0, c:3 P/act/-1/0"},
    {"a:1 M/act/0/1, b:2 M/ready/1/1, c:3 S/prep/1/1", "shutdown b:2",
     "a:1 M/act/0/1, b:2 P/down/-1/0, c:3 P/act/-1/0"},
    /* a partition waits for its last master only */
    {"a:1 M/down/0/1, b:2 M/act/0/1", "down b:2",
     "a:1 P/down/-1/0, b:2 M/down/0/1"},
    /* --- who is promoted --- */
    {"a:1 M/act/0/1, b:1 S/act/0/1, b:2 S/act/0/3, b:3 S/act/0/2", "down a:1",
     "a:1 P/down/-1/0, b:1 S/act/0/1, b:2 M/act/0/3, b:3 S/act/0/2"},
    {"h:23201 M/act/0/1, h:9999 S/act/0/1, h:10000 S/act/0/1", "down h:23201",
     "h:10000 M/act/0/1, h:23201 P/down/-1/0, h:9999 S/act/0/1"},
    {"a:1 M/act/0/1, b:2 S/act/0/0, c:3 S/act/0/0", "down a:1",
     "a:1 P/down/-1/0, b:2 M/act/0/1, c:3 S/act/0/0"},
    {"a:1 M/act/0/1, b:2 S/prep/0/9, c:3 S/ready/0/9, d:4 S/act/0/0",
     "down a:1",
     "a:1 P/down/-1/0, b:2 S/prep/0/9, c:3 S/ready/0/9, d:4 M/act/0/1"},
    {"a:1 M/act/0/1, b:2 M/act/1/1, c:3 S/act/1/9, d:4 S/act/0/1", "down a:1",
     "a:1 P/down/-1/0, b:2 M/act/1/1, c:3 S/act/1/9, d:4 M/act/0/1"},
    /* --- planned switchover --- */
    {"a:1 M/act/0/1, b:2 S/act/0/3", "switchover b:2",
     "a:1 S/act/0/1, b:2 M/act/0/3"},
    {"a:1 M/act/0/1, b:2 S/act/0/0, c:3 S/act/0/2", "switchover b:2",
     "a:1 S/act/0/1, b:2 M/act/0/0, c:3 S/act/0/2"},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "switchover a:1", NULL},
    {"a:1 M/act/0/1, b:2 S/prep/0/1", "switchover b:2", NULL},
    {"a:1 M/act/0/1, b:2 S/down/0/1", "switchover b:2", NULL},
    {"a:1 M/down/0/1, b:2 S/act/0/1", "switchover b:2", NULL},
    {"a:1 M/act/0/1, b:2 M/ready/1/1, c:3 S/act/1/1", "switchover c:3", NULL},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "switchover b:2", NULL},
    {"a:1 M/act/0/1", "switchover b:2", NULL},
};

static void
check_rule(const struct rule *rule)
{
    struct cluster_map *map = map_of(rule->before);
    struct index_event event = event_of(rule->event);
    struct index_plan plan;
    enum index_verdict verdict = index_step(map, &event, &plan);
    const char *got = NULL;

    assert_non_null(plan.why);
    if (verdict == INDEX_CHANGED) {
        assert_null(cluster_map_broken(plan.map));
        assert_int_equal(plan.map->version, 11);
        got = map_says(plan.map);
    } else {
        assert_null(plan.map);
        got = verdict == INDEX_SAME ? "=" : NULL;
    }
    if ((got == NULL) != (rule->after == NULL) ||
        (got != NULL && strcmp(got, rule->after) != 0)) {
        fail_msg("%s > %s: %s (%s)", rule->before, rule->event, got, plan.why);
    }
    cluster_map_unref(plan.map);
    cluster_map_unref(map);
}

static void
every_rule_of_the_state_machine_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rules); i++) {
        check_rule(&rules[i]);
    }
}

static const struct audience {
    const char *before;
    const char *event;
    const char *first;
    const char *last;
    const char *skip;
} audiences[] = {
    {"a:1 M/act/0/1, b:2 S/act/0/1", "down a:1", "b:2", "", ""},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "add a:1", "b:2", "", ""},
    {"a:1 M/act/0/1, b:2 M/ready/1/1", "state b:2 active", "b:2", "", ""},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 slave 1 0", "", "b:2", ""},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 master 1 1", "", "b:2", ""},
    {"a:1 P/act/-1/0", "role a:1 master 1 0", "", "", ""},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "shutdown b:2", "", "", "b:2"},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "shutdown a:1", "b:2", "", ""},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "state b:2 down", "", "", ""},
    {"a:1 M/act/0/1, b:2 S/act/0/1", "switchover b:2", "b:2", "", ""},
};

static void
those_whom_it_concerns_are_told_in_the_right_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(audiences); i++) {
        const struct audience *row = &audiences[i];
        struct cluster_map *map = map_of(row->before);
        struct index_event event = event_of(row->event);
        struct index_plan plan;

        assert_int_equal(index_step(map, &event, &plan), INDEX_CHANGED);
        if (strcmp(plan.first, row->first) != 0 ||
            strcmp(plan.last, row->last) != 0 ||
            strcmp(plan.skip, row->skip) != 0) {
            fail_msg("%s: first \"%s\" last \"%s\" skip \"%s\"", row->event,
                     plan.first, plan.last, plan.skip);
        }
        cluster_map_unref(plan.map);
        cluster_map_unref(map);
    }
}

/* Apply and replace the map; returns what became of it. */
static const char *
apply(struct cluster_map **map, const char *text, bool answers)
{
    struct index_event event = event_of(text);
    struct index_plan plan;
    enum index_verdict verdict;

    event.answers = answers;
    verdict = index_step(*map, &event, &plan);
    if (verdict == INDEX_CHANGED) {
        cluster_map_unref(*map);
        *map = plan.map;
        return map_says(*map);
    }
    return verdict == INDEX_SAME ? "=" : "refused";
}

static void
a_node_taken_down_by_hand_stays_down_until_it_is_wanted(void **state)
{
    struct cluster_map *map = map_of("a:1 M/act/0/1, b:2 S/act/0/1");

    (void)state;
    assert_string_equal(apply(&map, "state b:2 down", true),
                        "a:1 M/act/0/1, b:2 P/down/-1/0");
    assert_string_equal(apply(&map, "up b:2", true), "=");
    assert_string_equal(apply(&map, "role b:2 slave 0 0", false), "refused");
    assert_string_equal(apply(&map, "role b:2 slave 0 0", true),
                        "a:1 M/act/0/1, b:2 S/prep/0/0");
    assert_string_equal(apply(&map, "shutdown b:2", true),
                        "a:1 M/act/0/1, b:2 P/down/-1/0");
    assert_string_equal(apply(&map, "up b:2", true), "=");
    assert_string_equal(apply(&map, "add b:2", true),
                        "a:1 M/act/0/1, b:2 P/down/-1/0");
    assert_string_equal(apply(&map, "up b:2", true),
                        "a:1 M/act/0/1, b:2 P/act/-1/0");
    assert_string_equal(apply(&map, "state a:1 down", true),
                        "a:1 M/down/0/1, b:2 P/act/-1/0");
    assert_string_equal(apply(&map, "up a:1", true), "=");
    assert_string_equal(apply(&map, "state a:1 active", true),
                        "a:1 M/act/0/1, b:2 P/act/-1/0");
    assert_string_equal(apply(&map, "down a:1", true),
                        "a:1 M/down/0/1, b:2 P/act/-1/0");
    assert_string_equal(apply(&map, "up a:1", true),
                        "a:1 M/act/0/1, b:2 P/act/-1/0");
    cluster_map_unref(map);
}

static void
partition_size_limits_the_partitions(void **state)
{
    struct cluster_map *map = map_of("a:1 M/act/0/1, b:2 P/act/-1/0");
    struct index_event event = event_of("role b:2 master 1 1");
    struct index_plan plan;

    (void)state;
    event.partition_size = 2;
    assert_int_equal(index_step(map, &event, &plan), INDEX_REFUSED);
    assert_string_equal(plan.why, "partition-size allows no more partitions");
    event.partition_size = 3;
    assert_int_equal(index_step(map, &event, &plan), INDEX_CHANGED);
    cluster_map_unref(plan.map);
    cluster_map_unref(map);
}

static void
thread_types_are_never_given_twice(void **state)
{
    struct cluster_map *map = map_of("");

    (void)state;
    (void)apply(&map, "add a:1", false);
    (void)apply(&map, "add b:2", false);
    (void)apply(&map, "down b:2", false);
    (void)apply(&map, "remove b:2", false);
    (void)apply(&map, "add b:2", false);
    assert_int_equal(cluster_map_find(map, SLICE("a:1"))->thread_type, 16);
    assert_int_equal(cluster_map_find(map, SLICE("b:2"))->thread_type, 18);
    assert_int_equal(map->next_thread_type, 19);
    cluster_map_unref(map);
}

static void
a_later_version_seen_by_a_node_is_overtaken(void **state)
{
    static const struct {
        uint64_t seen;
        enum index_verdict verdict;
        uint64_t version;
    } rows[] = {
        {9, INDEX_SAME, 0},
        {10, INDEX_SAME, 0},
        {11, INDEX_CHANGED, 12},
        {500, INDEX_CHANGED, 501},
        {UINT64_MAX, INDEX_REFUSED, 0},
    };
    struct cluster_map *map = map_of("a:1 M/act/0/1");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct index_event event = {.type = INDEX_RENUMBER,
                                    .version = rows[i].seen};
        struct index_plan plan;

        assert_int_equal(index_step(map, &event, &plan), rows[i].verdict);
        if (plan.map != NULL) {
            assert_int_equal(plan.map->version, rows[i].version);
        }
        cluster_map_unref(plan.map);
    }
    cluster_map_unref(map);
}

/* A node that joins has seen a later map: flare.xml was lost, or is old. */
static void
a_later_version_told_by_a_joining_node_is_overtaken(void **state)
{
    static const struct {
        const char *before;
        uint64_t seen;
        enum index_verdict verdict;
        uint64_t version;
        const char *alarm;
    } rows[] = {
        {"a:1 M/act/0/1", 0, INDEX_CHANGED, 11, NULL},
        {"a:1 M/act/0/1", 10, INDEX_CHANGED, 11, NULL},
        {"a:1 M/act/0/1", 11, INDEX_CHANGED, 12, "later map"},
        {"a:1 M/act/0/1", 500, INDEX_CHANGED, 501, "later map"},
        {"", 500, INDEX_CHANGED, 501, "knows none"},
        {"a:1 M/act/0/1", UINT64_MAX, INDEX_REFUSED, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster_map *map = map_of(rows[i].before);
        struct index_event event = event_of("add b:2");
        struct index_plan plan;

        event.version = rows[i].seen;
        assert_int_equal(index_step(map, &event, &plan), rows[i].verdict);
        assert_int_equal(plan.explain, rows[i].verdict == INDEX_REFUSED);
        assert_int_equal(plan.alarm != NULL, rows[i].alarm != NULL);
        if (plan.alarm != NULL && rows[i].alarm != NULL) {
            assert_non_null(strstr(plan.alarm, rows[i].alarm));
        }
        if (plan.map != NULL) {
            assert_int_equal(plan.map->version, rows[i].version);
        }
        cluster_map_unref(plan.map);
        cluster_map_unref(map);
    }
}

/* What brings a cluster forward is more likely than what sets it back. */
static void
random_event(struct rand *rand, char *text, size_t size)
{
    static const struct {
        const char *verb;
        const char *rest;
    } forms[] = {
        {"add", ""},          {"remove", ""},       {"down", ""},
        {"shutdown", ""},     {"state", "down"},    {"role", "proxy 0"},
        {"up", ""},           {"up", ""},           {"up", ""},
        {"up", ""},           {"state", "active"},  {"state", "active"},
        {"state", "active"},  {"state", "active"},  {"state", "active"},
        {"state", "ready"},   {"state", "ready"},   {"state", "ready"},
        {"role", "master 1"}, {"role", "master 1"}, {"role", "master 2"},
        {"role", "slave 1"},  {"role", "slave 0"},  {"role", "slave 5"},
        {"role", "slave 1"},  {"role", "master 0"}, {"role", "slave"},
        {"switchover", ""},
    };
    static const char *const keys[] = {"a:1", "b:2", "c:3", "d:4",
                                       "e:5", "f:6", "g:7"};
    size_t i = rand_below(rand, COUNT(forms));

    (void)snprintf(text, size, "%s %s %s %u", forms[i].verb,
                   keys[rand_below(rand, COUNT(keys))], forms[i].rest,
                   rand_below(rand, 3));
}

/* What a partition must not lose: it exists as long as the cluster does. */
static void
check_step(const struct cluster_map *before, const struct cluster_map *after,
           uint64_t seed, const char *event)
{
    const char *broken = cluster_map_broken(after);

    if (broken == NULL && after->version != before->version + 1) {
        broken = "the version does not grow by one";
    }
    if (broken == NULL &&
        cluster_map_partitions(after) < cluster_map_partitions(before)) {
        broken = "a partition has vanished";
    }
    if (broken != NULL) {
        fail_msg("seed %llu: %s > %s: %s", (unsigned long long)seed,
                 map_says(before), event, broken);
    }
}

/* Whatever happens in whatever order, the map stays sound. */
static void
random_histories_keep_the_map_sound(void **state)
{
    const char *given = getenv("FLARE_TEST_SEED");
    uint64_t seed =
        given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    unsigned masters = 0;
    struct rand rand;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    rand_init(&rand, seed);
    for (int history = 0; history < 100; history++) {
        struct cluster_map *map = map_of("");

        for (int i = 0; i < 1000; i++) {
            char text[96];
            struct index_event event;
            struct index_plan plan;

            random_event(&rand, text, sizeof(text));
            event = event_of(text);
            event.answers = rand_below(&rand, 2) == 0;
            event.force = rand_below(&rand, 2) == 0;
            if (index_step(map, &event, &plan) == INDEX_CHANGED) {
                check_step(map, plan.map, seed, text);
                cluster_map_unref(map);
                map = plan.map;
            }
        }
        masters += (unsigned)cluster_map_partitions(map);
        cluster_map_unref(map);
    }
    print_message("%u partitions in 100 histories\n", masters);
    assert_true(masters > 150); /* they do get somewhere */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_of_the_state_machine_holds),
        cmocka_unit_test(those_whom_it_concerns_are_told_in_the_right_order),
        cmocka_unit_test(
            a_node_taken_down_by_hand_stays_down_until_it_is_wanted),
        cmocka_unit_test(partition_size_limits_the_partitions),
        cmocka_unit_test(thread_types_are_never_given_twice),
        cmocka_unit_test(a_later_version_seen_by_a_node_is_overtaken),
        cmocka_unit_test(a_later_version_told_by_a_joining_node_is_overtaken),
        cmocka_unit_test(random_histories_keep_the_map_sound),
    };
    return cmocka_run_group_tests_name("index/step", tests, NULL, NULL);
}
