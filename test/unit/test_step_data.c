/* How far the data of nodes goes decides: who is promoted, who is let in. */
#include "test/unit/index_events.h"

#include "index/position.h"

enum { SAID_MAX = 8 };

struct said {
    struct index_position position[SAID_MAX];
    size_t n;
};

static struct node_data
data_of(struct slice text)
{
    static const struct {
        char letter;
        enum node_copy copy;
    } copies[] = {{'c', NODE_COPY_COMPLETE},
                  {'e', NODE_COPY_EMPTY},
                  {'b', NODE_COPY_BUILDING},
                  {'?', NODE_COPY_UNKNOWN}};
    struct node_data data = {0};
    struct slice word = slice_until(&text, '/');
    int64_t partition;

    for (size_t i = 0; i < COUNT(copies); i++) {
        if (word.p[0] == copies[i].letter) {
            data.copy = copies[i].copy;
        }
    }
    assert_true(slice_i64(slice_until(&text, '/'), -1, 100, &partition));
    data.partition = (int)partition;
    assert_true(slice_u64(slice_until(&text, '/'), UINT64_MAX, &data.epoch));
    assert_true(slice_u64(text, UINT64_MAX, &data.seq));
    return data;
}

/* "b:2=c/0/5/100, c:3~c/0/5/90": copy/partition/epoch/seq; "~" is not fresh. */
static struct said
said_of(const char *text)
{
    struct slice rest = slice_str(text);
    struct said said = {.n = 0};

    while (rest.n > 0) {
        struct slice row = slice_until(&rest, ',');
        struct slice word = slice_word(&row);
        struct index_position *position = &said.position[said.n++];
        size_t n = 0;

        while (word.p[n] != '=' && word.p[n] != '~') {
            n++;
        }
        position->key = (struct slice){word.p, n};
        position->fresh = word.p[n] == '=';
        position->data =
            data_of((struct slice){word.p + n + 1, word.n - n - 1});
    }
    return said;
}

static enum index_verdict
step(const struct cluster_map *map, const char *event, const char *said,
     struct index_plan *plan)
{
    struct said positions = said_of(said);
    struct index_event e = event_of(event);

    e.positions = positions.position;
    e.npositions = positions.n;
    return index_step(map, &e, plan);
}

#define THREE "a:1 M/act/0/1, b:2 S/act/0/1, c:3 S/act/0/1"
#define HEIR_B "a:1 P/down/-1/0, b:2 M/act/0/1, c:3 S/act/0/1"
#define HEIR_C "a:1 P/down/-1/0, b:2 S/act/0/1, c:3 M/act/0/1"
#define NOBODY "a:1 M/down/0/1, b:2 S/act/0/1, c:3 S/act/0/1"

static const struct {
    const char *before, *event, *said, *after;
} heirs[] = {
    /* further wins: the epoch first, then the sequence */
    {THREE, "down a:1", "b:2=c/0/5/100, c:3=c/0/5/101", HEIR_C},
    {THREE, "down a:1", "b:2=c/0/5/101, c:3=c/0/5/100", HEIR_B},
    {THREE, "down a:1", "b:2=c/0/5/999, c:3=c/0/6/1", HEIR_C},
    {THREE, "down a:1", "b:2=c/0/6/1, c:3=c/0/5/999", HEIR_B},
    {THREE, "down a:1", "b:2=c/0/0/999, c:3=c/0/1/1", HEIR_C},
    {"a:1 M/act/0/1, b:2 S/act/0/9, c:3 S/act/0/1", "down a:1",
     "b:2=c/0/5/100, c:3=c/0/5/101",
     "a:1 P/down/-1/0, b:2 S/act/0/9, c:3 M/act/0/1"},
    /* of equals the larger balance, then the first by key */
    {"a:1 M/act/0/1, b:2 S/act/0/1, c:3 S/act/0/2", "down a:1",
     "b:2=c/0/5/100, c:3=c/0/5/100",
     "a:1 P/down/-1/0, b:2 S/act/0/1, c:3 M/act/0/2"},
    {THREE, "down a:1", "c:3=c/0/5/100, b:2=c/0/5/100", HEIR_B},
    /* who answers comes before who does not, however little it has */
    {THREE, "down a:1", "c:3=c/0/0/0", HEIR_C},
    {THREE, "down a:1", "c:3=e/0/0/0", HEIR_C},
    {"a:1 M/act/0/1, b:2 S/act/0/9, c:3 S/act/0/1", "down a:1", "c:3=c/0/1/1",
     "a:1 P/down/-1/0, b:2 S/act/0/9, c:3 M/act/0/1"},
    /* what is not of this moment is no answer, nor is a flare 1.3.4's */
    {THREE, "down a:1", "b:2~c/0/5/1, c:3~c/0/5/999", HEIR_B},
    {THREE, "down a:1", "b:2~c/0/5/999, c:3=c/0/5/1", HEIR_C},
    {THREE, "down a:1", "b:2=?/0/9/9, c:3=c/0/1/1", HEIR_C},
    {THREE, "down a:1", "", HEIR_B},
    /* of another partition: no answer */
    {THREE, "down a:1", "b:2=c/1/9/9, c:3=c/0/1/1", HEIR_C},
    {THREE, "down a:1", "b:2=c/1/9/9", HEIR_B},
    /* an unfinished copy is never promoted */
    {THREE, "down a:1", "b:2=b/0/9/9, c:3=c/0/1/1", HEIR_C},
    {THREE, "down a:1", "b:2=b/0/9/9", HEIR_C},
    {THREE, "down a:1", "b:2=b/0/9/9, c:3=b/0/9/9", NOBODY},
    /* whatever took the master away */
    {THREE, "state a:1 down", "b:2=c/0/5/100, c:3=c/0/5/101", HEIR_C},
    {THREE, "shutdown a:1", "b:2=c/0/5/100, c:3=c/0/5/101", HEIR_C},
    {THREE, "add a:1", "b:2=c/0/5/100, c:3=c/0/5/101", HEIR_C},
    /* a slave that was furthest does not matter when it is no candidate */
    {"a:1 M/act/0/1, b:2 S/act/0/1, c:3 S/prep/0/0", "down a:1",
     "b:2=c/0/5/1, c:3=c/0/5/9",
     "a:1 P/down/-1/0, b:2 M/act/0/1, c:3 S/prep/0/0"},
};

static void
the_furthest_is_promoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(heirs); i++) {
        struct cluster_map *map = map_of(heirs[i].before);
        struct index_plan plan;

        assert_int_equal(step(map, heirs[i].event, heirs[i].said, &plan),
                         INDEX_CHANGED);
        if (strcmp(map_says(plan.map), heirs[i].after) != 0) {
            fail_msg("%s, %s: %s", heirs[i].event, heirs[i].said,
                     map_says(plan.map));
        }
        cluster_map_unref(plan.map);
        cluster_map_unref(map);
    }
}

static const struct {
    const char *before, *event, *asked;
} questions[] = {
    {THREE, "down a:1", "b:2 c:3 "},
    {THREE, "down b:2", ""},
    {THREE, "shutdown a:1", "b:2 c:3 "},
    {THREE, "add a:1", "b:2 c:3 "},
    {THREE, "add b:2", ""},
    {THREE, "add x:9", ""},
    {THREE, "state a:1 down", "b:2 c:3 "},
    {THREE, "state a:1 active", ""},
    {THREE, "up a:1", ""},
    {THREE, "role a:1 master 3 0", ""},
    {THREE, "switchover b:2", ""},
    {"a:1 M/act/0/1, b:2 S/act/0/1, c:3 S/prep/0/1, d:4 S/act/1/1, e:5 "
     "M/act/1/1",
     "down a:1", "b:2 "},
    {"a:1 M/down/0/1, b:2 P/act/-1/0", "role b:2 master 1 0", "b:2 "},
    {"a:1 M/down/0/1, b:2 P/act/-1/0", "role b:2 master 1 1", ""},
    {"a:1 M/down/0/1, b:2 P/act/-1/0", "role b:2 master 1", ""},
    {"a:1 M/act/0/1, b:2 P/act/-1/0", "role b:2 slave 1 0", ""},
};

static void
those_are_asked_whose_answer_matters(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(questions); i++) {
        struct cluster_map *map = map_of(questions[i].before);
        struct index_event event = event_of(questions[i].event);
        char asked[100] = "";

        for (size_t n = 0; n < map->nnodes; n++) {
            if (index_wants_position(map, &event, &map->node[n])) {
                size_t at = strlen(asked);

                (void)snprintf(asked + at, sizeof(asked) - at, "%s ",
                               map->node[n].key);
            }
        }
        if (strcmp(asked, questions[i].asked) != 0) {
            fail_msg("%s: %s", questions[i].event, asked);
        }
        cluster_map_unref(map);
    }
}

/* A master goes down with `known`, its process starts again with `told`. */
static const struct {
    const char *known, *told;
    enum node_wait wait;
} returns[] = {
    {"c/0/5/100", "c/0/5/100", NODE_WAIT_NOT},
    {"c/0/5/100", "c/0/5/200", NODE_WAIT_NOT},
    {"c/0/5/100", "c/0/6/1", NODE_WAIT_NOT},
    {"c/0/5/100", "c/0/5/99", NODE_WAIT_BEHIND},
    {"c/0/5/100", "c/0/4/999", NODE_WAIT_BEHIND},
    {"c/0/5/100", "e/-1/0/0", NODE_WAIT_EMPTY},
    {"c/0/5/100", "e/0/5/100", NODE_WAIT_EMPTY},
    {"c/0/5/100", "b/0/5/100", NODE_WAIT_BUILDING},
    {"c/0/5/100", "c/1/9/900", NODE_WAIT_OTHER},
    {"c/0/5/100", "c/-1/5/100", NODE_WAIT_NOT},
    {"c/0/5/100", "?/-1/0/0", NODE_WAIT_NOT}, /* a flare 1.3.4 */
    {"e/0/0/0", "e/-1/0/0", NODE_WAIT_NOT},
    {"e/0/5/9", "e/0/5/9", NODE_WAIT_NOT}, /* all was deleted */
    {"e/0/5/9", "e/-1/0/0", NODE_WAIT_BEHIND},
    {"e/0/0/0", "c/0/5/1", NODE_WAIT_NOT},
    {"?/-1/0/0", "c/-1/0/0", NODE_WAIT_NOT}, /* a flare 1.3.4's file */
    {"?/-1/0/0", "e/-1/0/0", NODE_WAIT_EMPTY},
};

static struct cluster_map *
after(struct cluster_map *map, struct index_event *event, struct slice said)
{
    struct index_plan plan;

    if (said.n > 0) {
        event->data = data_of(said);
    }
    assert_int_equal(index_step(map, event, &plan), INDEX_CHANGED);
    cluster_map_unref(map);
    return plan.map;
}

static struct cluster_map *
fallen_master(const char *known)
{
    struct cluster_map *map = map_of("a:1 M/act/0/1, b:2 P/act/-1/0");
    struct index_plan plan;
    char said[40];

    (void)snprintf(said, sizeof(said), "a:1~%s", known);
    assert_int_equal(step(map, "down a:1", said, &plan), INDEX_CHANGED);
    cluster_map_unref(map);
    return plan.map;
}

static void
a_master_that_returns_is_let_in_with_its_data_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(returns); i++) {
        struct cluster_map *map = fallen_master(returns[i].known);
        struct index_event add = event_of("add a:1");
        struct index_event up = event_of("up a:1");
        struct index_plan plan;
        struct node_data before;

        map = after(map, &add, slice_str(returns[i].told));
        if (map->node[0].wait != returns[i].wait) {
            fail_msg("%s, then %s: %s", returns[i].known, returns[i].told,
                     node_wait_name(map->node[0].wait));
        }
        if (returns[i].wait == NODE_WAIT_NOT) {
            map = after(map, &up, SLICE(""));
            assert_int_equal(map->node[0].state, NODE_ACTIVE);
            cluster_map_unref(map);
            continue;
        }
        before = data_of(slice_str(returns[i].known));
        assert_int_equal(node_data_compare(&map->node[0].data, &before), 0);
        assert_int_equal(index_step(map, &up, &plan), INDEX_SAME);
        add = event_of("state a:1 active"); /* the operator knows better */
        map = after(map, &add, SLICE(""));
        assert_int_equal(map->node[0].state, NODE_ACTIVE);
        assert_int_equal(map->node[0].wait, NODE_WAIT_NOT);
        cluster_map_unref(map);
    }
}

/* Not only when it adds itself: it may have come back without the index. */
static void
a_master_that_answers_again_is_judged_too(void **state)
{
    struct cluster_map *map = fallen_master("c/0/5/100");
    struct index_event up = event_of("up a:1");
    struct index_plan plan;

    (void)state;
    map = after(map, &up, SLICE("e/-1/0/0"));
    assert_string_equal(map_says(map), "a:1 M/down/0/1, b:2 P/act/-1/0");
    assert_int_equal(map->node[0].wait, NODE_WAIT_EMPTY);
    assert_int_equal(index_step(map, &up, &plan), INDEX_SAME);
    map = after(map, &up, SLICE("c/0/5/100")); /* its disk is back */
    assert_string_equal(map_says(map), "a:1 M/act/0/1, b:2 P/act/-1/0");
    assert_int_equal(map->node[0].wait, NODE_WAIT_NOT);
    cluster_map_unref(map);
}

static const struct {
    const char *event, *said;
    bool allowed;
} replacements[] = {
    {"role b:2 master 1 0", "b:2=c/0/12/100", true},
    {"role b:2 master 1 0", "b:2=c/0/12/200", true},
    {"role b:2 master 1 0", "b:2=c/0/12/99", false},
    {"role b:2 master 1 0", "b:2=c/0/10/999", false}, /* of before it was */
    {"role b:2 master 1 0", "b:2~c/0/12/100", false}, /* who knows now? */
    {"role b:2 master 1 0", "b:2=c/1/12/100", false},
    {"role b:2 master 1 0", "b:2=e/0/12/100", false},
    {"role b:2 master 1 0", "b:2=b/0/12/100", false},
    {"role b:2 master 1 0", "", false},
    {"role b:2 master 1 0 force", "", true},
    {"role b:2 master 1 0 force", "b:2=e/-1/0/0", true},
};

static void
a_lost_master_is_replaced_with_its_data_or_by_force(void **state)
{
    struct cluster_map *map = map_of("a:1 P/act/-1/0, b:2 P/act/-1/0");
    struct index_event role = event_of("role a:1 master 1 0");
    struct index_plan plan;

    (void)state;
    map = after(map, &role, SLICE("")); /* version 11: master since then */
    assert_int_equal(step(map, "down a:1", "a:1~c/0/12/100", &plan),
                     INDEX_CHANGED);
    cluster_map_unref(map);
    map = plan.map;
    for (size_t i = 0; i < COUNT(replacements); i++) {
        enum index_verdict verdict =
            step(map, replacements[i].event, replacements[i].said, &plan);

        if ((verdict == INDEX_CHANGED) != replacements[i].allowed) {
            fail_msg("%s, %s: %s", replacements[i].event, replacements[i].said,
                     plan.why);
        }
        assert_int_equal(plan.explain, !replacements[i].allowed);
        if (replacements[i].allowed) {
            assert_string_equal(plan.failover.from, "a:1");
            assert_string_equal(plan.failover.to, "b:2");
        }
        cluster_map_unref(plan.map);
    }
    cluster_map_unref(map);
}

static void
what_happened_is_told_for_the_book(void **state)
{
    static const struct {
        const char *before, *event, *said, *from, *to;
    } rows[] = {
        {THREE, "down a:1", "a:1~c/0/5/110, c:3=c/0/5/101", "a:1", "c:3"},
        {THREE, "switchover b:2", "a:1~c/0/5/110", "a:1", "b:2"},
        {THREE, "down b:2", "", NULL, NULL},
        {"a:1 M/act/0/1", "down a:1", "a:1~c/0/5/110", "a:1", ""},
        {"a:1 M/down/0/1", "up a:1", "", "", "a:1"},
        {"a:1 P/down/-1/0", "up a:1", "", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster_map *map = map_of(rows[i].before);
        struct index_plan plan;

        assert_int_equal(step(map, rows[i].event, rows[i].said, &plan),
                         INDEX_CHANGED);
        assert_int_equal(plan.failover.version, rows[i].from != NULL ? 11 : 0);
        if (rows[i].from != NULL) {
            assert_string_equal(plan.failover.from, rows[i].from);
            assert_string_equal(plan.failover.to, rows[i].to);
            assert_int_equal(plan.failover.took_ms, -1);
        }
        if (i == 0) {
            assert_int_equal(plan.failover.from_data.seq, 110);
            assert_int_equal(plan.failover.to_data.seq, 101);
            assert_int_equal(plan.failover.cause, INDEX_DOWN);
        }
        cluster_map_unref(plan.map);
        cluster_map_unref(map);
    }
}

static void
words_of_the_wire_are_read_strictly(void **state)
{
    static const struct {
        const char *line;
        bool good;
        uint64_t version;
    } rows[] = {
        {"POSITION 0 5 100 complete", true, 0},
        {"POSITION -1 0 0 empty", true, 0},
        {"POSITION 0 18446744073709551615 1 building", true, 0},
        {"POSITION 0 5 100", false, 0},
        {"POSITION 0 5 100 unknown", false, 0},
        {"POSITION 0 5 100 complete x", false, 0},
        {"POSITION 0 5 -1 complete", false, 0},
        {"POSITION -2 5 1 complete", false, 0},
        {"POSITION 0 5 18446744073709551616 complete", false, 0},
        {"STAT 0 5 100 complete", false, 0},
        {"data 0 5 100 7 complete", true, 5},
        {"data 0 5 100 7 complete 9", true, 9},
        {"data -1 0 0 0 empty 0", true, 0},
        {"data 0 5 100 7", false, 0},
        {"data 0 5 100 7 whole", false, 0},
        {"data 0 5 100 7 complete 9 9", false, 0},
        {"data 0 5 100 7 complete -1", false, 0},
        {"date 0 5 100 7 complete", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct slice line = slice_str(rows[i].line);
        struct node_data data = {.copy = NODE_COPY_UNKNOWN};
        uint64_t version = 0;
        bool good = line.p[0] == 'd' ? index_data_parse(line, &data, &version)
                                     : index_position_parse(line, &data);

        if (good != rows[i].good || version != rows[i].version ||
            good != (data.copy != NODE_COPY_UNKNOWN)) {
            fail_msg("%s: %d, %llu", rows[i].line, good,
                     (unsigned long long)version);
        }
    }
}

/* Is a restarted master replaced?  Not before somebody has answered. */
static void
a_restarted_master_waits_for_its_slaves_to_answer(void **state)
{
    static const struct {
        const char *before, *said, *after; /* NULL: asked to come again */
        enum node_copy copy;
    } rows[] = {
        {THREE, "", NULL, NODE_COPY_COMPLETE},
        {THREE, "", NULL, NODE_COPY_EMPTY},
        {THREE, "", NULL, NODE_COPY_BUILDING},
        {THREE, "b:2~c/0/5/100", NULL, NODE_COPY_COMPLETE},
        {THREE, "c:3=c/0/5/100", HEIR_C, NODE_COPY_COMPLETE},
        /* a flare 1.3.4 slave has answered, and so has such a master */
        {THREE, "b:2=?/0/0/0", HEIR_B, NODE_COPY_COMPLETE},
        {THREE, "", HEIR_B, NODE_COPY_UNKNOWN},
        /* nobody to wait for */
        {"a:1 M/act/0/1, b:2 S/prep/0/0", "", "a:1 M/down/0/1, b:2 S/prep/0/0",
         NODE_COPY_COMPLETE},
        {"a:1 M/act/0/1, b:2 P/down/-1/0", "",
         "a:1 M/down/0/1, b:2 P/down/-1/0", NODE_COPY_COMPLETE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster_map *map = map_of(rows[i].before);
        struct said said = said_of(rows[i].said);
        struct index_event event = event_of("add a:1");
        struct index_plan plan;

        event.data = (struct node_data){
            .copy = rows[i].copy, .partition = 0, .epoch = 5, .seq = 100};
        event.positions = said.position;
        event.npositions = said.n;
        assert_int_equal(index_step(map, &event, &plan),
                         rows[i].after != NULL ? INDEX_CHANGED : INDEX_REFUSED);
        if (rows[i].after != NULL) {
            assert_string_equal(map_says(plan.map), rows[i].after);
        }
        cluster_map_unref(plan.map);
        cluster_map_unref(map);
    }
}

/* Apply one event to *map and go on with what it has become. */
static void
go_on(struct cluster_map **map, const char *event, const char *said)
{
    struct index_plan plan;

    if (step(*map, event, said, &plan) != INDEX_CHANGED) {
        fail_msg("%s: %s", event, plan.why);
    }
    cluster_map_unref(*map);
    *map = plan.map;
}

/*
 * A copy gives up what its new master never had, so less than it had under
 * another master is not less than it should have.
 */
static void
what_was_known_under_another_master_is_forgotten(void **state)
{
    struct cluster_map *map = map_of(THREE);

    (void)state;
    go_on(&map, "down a:1", "b:2=c/0/5/100, c:3=c/0/5/101"); /* c is master */
    assert_int_equal(cluster_map_find(map, SLICE("b:2"))->data.copy,
                     NODE_COPY_UNKNOWN);
    assert_int_equal(cluster_map_find(map, SLICE("c:3"))->data.seq, 101);
    go_on(&map, "down c:3", "b:2=c/0/5/90");
    assert_string_equal(map_says(map),
                        "a:1 P/down/-1/0, b:2 M/act/0/1, c:3 P/down/-1/0");
    assert_int_equal(cluster_map_find(map, SLICE("b:2"))->data.seq, 90);
    cluster_map_unref(map);

    map = map_of("a:1 M/act/0/1, b:2 P/act/-1/0");
    cluster_map_find(map, SLICE("b:2"))->data = (struct node_data){
        .copy = NODE_COPY_COMPLETE, .partition = 0, .epoch = 6, .seq = 541};
    go_on(&map, "role b:2 slave 0 0", "");
    assert_int_equal(cluster_map_find(map, SLICE("b:2"))->data.copy,
                     NODE_COPY_UNKNOWN);
    cluster_map_unref(map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_furthest_is_promoted),
        cmocka_unit_test(those_are_asked_whose_answer_matters),
        cmocka_unit_test(a_master_that_returns_is_let_in_with_its_data_only),
        cmocka_unit_test(a_master_that_answers_again_is_judged_too),
        cmocka_unit_test(a_lost_master_is_replaced_with_its_data_or_by_force),
        cmocka_unit_test(what_happened_is_told_for_the_book),
        cmocka_unit_test(a_restarted_master_waits_for_its_slaves_to_answer),
        cmocka_unit_test(what_was_known_under_another_master_is_forgotten),
        cmocka_unit_test(words_of_the_wire_are_read_strictly),
    };
    return cmocka_run_group_tests_name("index/step data", tests, NULL, NULL);
}
