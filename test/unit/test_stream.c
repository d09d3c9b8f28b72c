#include "test/unit/maps.h"

#include <stdlib.h>

#include "base/rand.h"
#include "repl/stream.h"

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

/* --- histories ----------------------------------------------------------- */

/* "20: 7@11 5@1" is a log that ends at 20, of the epochs 5 and, from 11, 7. */
static struct lineage
lineage_of(const char *text)
{
    struct slice rest = slice_str(text), era;
    struct lineage out = {.seq = 0};

    assert_true(slice_u64(slice_until(&rest, ':'), UINT64_MAX, &out.seq));
    while ((era = slice_word(&rest)).n > 0) {
        struct slice epoch = slice_until(&era, '@');

        assert_true(slice_u64(epoch, UINT64_MAX, &out.era[out.n].epoch));
        assert_true(slice_u64(era, UINT64_MAX, &out.era[out.n].first));
        out.n++;
    }
    return out;
}

static const char *
lineage_says(const struct lineage *lineage)
{
    static char text[4096];
    size_t n = (size_t)snprintf(text, sizeof(text),
                                "%llu:", (unsigned long long)lineage->seq);

    for (unsigned i = 0; i < lineage->n; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, " %llu@%llu",
                              (unsigned long long)lineage->era[i].epoch,
                              (unsigned long long)lineage->era[i].first);
    }
    return text;
}

static void
an_era_begins_and_is_cut_away(void **state)
{
    struct lineage l = lineage_of("0:");

    (void)state;
    lineage_begin(&l, 5, 1);
    l.seq = 10;
    lineage_begin(&l, 5, 11);
    assert_string_equal(lineage_says(&l), "10: 5@1");
    lineage_begin(&l, 7, 11);
    lineage_begin(&l, 8, 11); /* nothing was written in 7 */
    l.seq = 20;
    assert_string_equal(lineage_says(&l), "20: 8@11 5@1");
    assert_int_equal(lineage_epoch(&l), 8);
    assert_int_equal(lineage_epoch_at(&l, 10), 5);
    assert_int_equal(lineage_epoch_at(&l, 0), 0);
    lineage_cut(&l, 30);
    assert_string_equal(lineage_says(&l), "20: 8@11 5@1");
    lineage_cut(&l, 10);
    assert_string_equal(lineage_says(&l), "10: 5@1");
    lineage_cut(&l, 0);
    assert_string_equal(lineage_says(&l), "0:");
}

static void
only_the_latest_eras_are_remembered(void **state)
{
    struct lineage l = {.seq = 0};

    (void)state;
    for (unsigned i = 1; i <= LINEAGE_MAX + 3; i++) {
        lineage_begin(&l, i, i);
        l.seq = i;
    }
    assert_int_equal(l.n, LINEAGE_MAX);
    assert_int_equal(l.era[0].epoch, LINEAGE_MAX + 3);
    assert_int_equal(l.era[LINEAGE_MAX - 1].epoch, 4);
    assert_true(lineage_is_sound(&l));
}

static const struct {
    const char *text;
    bool sound;
} forms[] = {
    {"0:", true},
    {"0: 5@1", true},
    {"10: 7@11 5@1", true},
    {"10: 7@12 5@1", false},
    {"10: 7@5 6@5", false},
    {"10: 7@5 6@8", false},
    {"18446744073709551615:", false},
};

static void
what_cannot_be_a_history_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct lineage l = lineage_of(forms[i].text);

        if (lineage_is_sound(&l) != forms[i].sound) {
            fail_msg("%s", forms[i].text);
        }
    }
}

static void
a_later_epoch_is_ahead_of_any_sequence(void **state)
{
    (void)state;
    assert_true(position_compare(7, 1, 6, 100) > 0);
    assert_true(position_compare(6, 100, 7, 1) < 0);
    assert_true(position_compare(7, 2, 7, 1) > 0);
    assert_int_equal(position_compare(7, 2, 7, 2), 0);
}

/* --- how a stream begins -------------------------------------------------- */

static const struct {
    const char *master;
    uint64_t log_first;
    const char *slave;
    const char *plan;
} plans[] = {
    /* the same history: by difference */
    {"20: 5@1", 1, "20: 5@1", "resume 20"},
    {"20: 5@1", 1, "12: 5@1", "resume 12"},
    {"20: 9@15 5@1", 1, "12: 5@1", "resume 12"},
    {"20: 9@15 5@1", 1, "14: 5@1", "resume 14"},
    {"20: 9@15 5@1", 1, "17: 9@15 5@1", "resume 17"},
    {"14: 9@15 5@1", 1, "14: 5@1", "resume 14"},
    /* as long as the log reaches back */
    {"20: 5@1", 13, "12: 5@1", "resume 12"},
    {"20: 5@1", 14, "12: 5@1", "full 20"},
    {"20: 5@1", 21, "20: 5@1", "resume 20"},
    /* the slave has what was never acknowledged */
    {"20: 9@15 5@1", 1, "16: 5@1", "rewind 14"},
    {"20: 9@15 5@1", 1, "30: 5@1", "rewind 14"},
    {"20: 9@15 5@1", 15, "30: 5@1", "rewind 14"},
    {"20: 9@15 5@1", 16, "30: 5@1", "full 20"},
    {"20: 9@15 5@1", 1, "18: 7@17 5@1", "rewind 14"},
    {"20: 9@15 5@1", 1, "18: 7@13 5@1", "rewind 12"},
    {"14: 9@15 5@1", 1, "16: 5@1", "rewind 14"},
    /* a master that is behind: it was promoted for want of another */
    {"10: 9@11 5@1", 1, "20: 5@1", "rewind 10"},
    /* a deposed master without a write of its own has nothing to give up */
    {"20: 9@15 5@1", 1, "14: 7@15 5@1", "resume 14"},
    {"20: 9@15 7@12 5@1", 1, "11: 6@12 5@1", "resume 11"},
    /* two failovers that the slave missed */
    {"40: 12@31 9@15 5@1", 1, "22: 9@15 5@1", "resume 22"},
    {"40: 12@31 9@15 5@1", 1, "35: 9@15 5@1", "rewind 30"},
    {"40: 12@31 9@15 5@1", 1, "35: 5@1", "rewind 14"},
    /* a copy that was built at 20 has its master's history */
    {"25: 5@1", 1, "20: 5@1", "resume 20"},
    {"0: 5@1", 1, "0: 5@1", "resume 0"},
    {"7: 5@1", 1, "0: 5@1", "resume 0"},
    /* no common history */
    {"20: 5@1", 1, "0:", "full 20"},
    {"20: 5@1", 1, "12: 6@1", "full 20"},
    {"20: 5@10", 1, "5: 4@1", "full 20"},
    {"0: 5@1", 1, "0:", "full 0"},
    {"20: 9@18", 1, "12: 9@5", "full 20"}, /* no two masters share an epoch */
    /* changes outside of any stream */
    {"20: 5@1", 1, "12: 0@11 5@1", "full 20"},
    {"20: 5@1", 1, "12: 0@1", "full 20"},
    {"20: 0@1", 1, "12: 0@1", "full 20"},
    {"20: 9@15 0@11 5@1", 1, "10: 5@1", "full 20"},
    {"20: 9@15 0@11 5@1", 1, "16: 9@15 0@11 5@1", "resume 16"},
    {"20: 9@15 0@11 5@1", 1, "18: 6@17 9@15 0@11 5@1", "rewind 16"},
    {"20: 0@21 5@1", 1, "12: 5@1", "resume 12"},
};

static void
histories_say_where_a_stream_begins(void **state)
{
    static const char *const names[] = {"resume", "rewind", "full"};

    (void)state;
    for (size_t i = 0; i < COUNT(plans); i++) {
        struct lineage master = lineage_of(plans[i].master);
        struct lineage slave = lineage_of(plans[i].slave);
        struct stream_plan plan =
            stream_compare(&master, plans[i].log_first, &slave);
        char text[64];

        (void)snprintf(text, sizeof(text), "%s %llu", names[plan.start],
                       (unsigned long long)plan.seq);
        if (strcmp(text, plans[i].plan) != 0) {
            fail_msg("master %s from %llu, slave %s: %s", plans[i].master,
                     (unsigned long long)plans[i].log_first, plans[i].slave,
                     text);
        }
        assert_true((plan.why != NULL) == (plan.start == STREAM_FULL));
    }
}

/*
 * Masters that follow each other write into logs that are prefixes of theirs;
 * whatever each node missed, the plan never keeps an entry that differs and
 * never gives up one that both have.
 */
static void
a_random_past_is_never_taken_for_another(void **state)
{
    enum { NODES = 4, LOG = 400 };
    static uint64_t log[NODES][LOG + 1]; /* epoch of each entry */
    struct lineage l[NODES] = {{.seq = 0}};
    uint64_t epoch = 1;
    struct rand r;

    (void)state;
    rand_init(&r, 7);
    for (unsigned i = 0; i < NODES; i++) {
        lineage_begin(&l[i], 1, 1);
    }
    for (unsigned round = 0; round < 3000; round++) {
        unsigned m = (unsigned)rand_below(&r, NODES),
                 s = (unsigned)rand_below(&r, NODES);
        struct stream_plan plan;
        uint64_t common = 0;

        if (l[m].seq > LOG - 20) {
            break;
        }
        lineage_begin(&l[m], ++epoch, l[m].seq + 1);
        for (int i = (int)rand_below(&r, 4); i > 0; i--) {
            log[m][++l[m].seq] = epoch;
        }
        if (m == s) {
            continue;
        }
        while (common < l[m].seq && common < l[s].seq &&
               log[m][common + 1] == log[s][common + 1]) {
            common++;
        }
        plan = stream_compare(&l[m], 1, &l[s]);
        if (plan.start != STREAM_FULL) {
            assert_int_equal(plan.seq, common);
            assert_true((plan.start == STREAM_RESUME) == (common == l[s].seq));
        } else {
            l[s] = l[m];
            plan.seq = rand_below(&r, (uint32_t)l[m].seq + 1);
            memcpy(log[s], log[m], sizeof(log[s]));
        }
        lineage_cut(&l[s], plan.seq);
        for (int i = (int)rand_below(&r, 5); i > 0 && l[s].seq < l[m].seq;
             i--) {
            uint64_t e = log[m][l[s].seq + 1];

            lineage_begin(&l[s], e, l[s].seq + 1);
            log[s][++l[s].seq] = e;
        }
        assert_true(lineage_is_sound(&l[s]));
    }
    assert_true(epoch > 300);
}

static void
a_slave_can_rewind_what_its_log_still_has(void **state)
{
    struct lineage l = lineage_of("20: 5@1");

    (void)state;
    assert_true(stream_can_rewind(&l, 1, 10));
    assert_true(stream_can_rewind(&l, 11, 10));
    assert_false(stream_can_rewind(&l, 12, 10));
    assert_false(stream_can_rewind(&l, 1, 21));
}

/* --- whom a slave listens to -----------------------------------------------
 */

#define MAP "a:1 M/act/0/1, b:2 S/act/0/1, c:3 M/act/1/1, d:4 P/act/-1/0"

static const struct {
    const char *map, *self, *sender; /* the map is of version 10 */
    uint64_t epoch, seen;
    const char *verdict;
} hellos[] = {
    {MAP, "b:2", "a:1", 10, 0, "listen"},
    {MAP, "b:2", "a:1", 3, 3, "listen"},
    {MAP, "b:2", "a:1", 3, 4, "fenced 4"},
    {MAP, "b:2", "a:1", 0, 0, "fenced 0"},
    {MAP, "b:2", "a:1", 11, 0, "later"},
    {MAP, "b:2", "x:9", 11, 0, "later"},
    {NULL, "b:2", "a:1", 1, 0, "later"},
    {MAP, "b:2", "x:9", 10, 0, "fenced 10"},
    {MAP, "b:2", "d:4", 9, 0, "fenced 10"},
    {MAP, "b:2", "c:3", 9, 0, "later"}, /* of another partition */
    {MAP, "d:4", "a:1", 9, 0, "later"}, /* no slave of it yet, or any more */
    {MAP, "a:1", "c:3", 9, 0, "later"},
    {MAP, "x:9", "c:3", 9, 0, "later"},
    {"a:1 M/down/0/1, b:2 S/act/0/1", "b:2", "a:1", 9, 0, "fenced 10"},
    {"a:1 M/act/0/1, b:2 S/prep/0/1", "b:2", "a:1", 9, 0, "listen"},
    {"a:1 M/act/0/1, b:2 M/prep/1/0, c:3 S/prep/1/0", "c:3", "b:2", 9, 0,
     "listen"},
};

static void
only_the_master_of_its_map_is_listened_to(void **state)
{
    static const char *const names[] = {"listen", "later", "fenced"};

    (void)state;
    for (size_t i = 0; i < COUNT(hellos); i++) {
        const char *why = NULL;
        struct cluster_view *view = NULL;
        struct stream_verdict v;
        char text[64];

        if (hellos[i].map != NULL) {
            view = cluster_view_new(map_of(hellos[i].map),
                                    slice_str(hellos[i].self), table,
                                    KEYHASH_SIMPLE, &why);
            assert_non_null(view);
        }
        v = stream_hear(view, slice_str(hellos[i].sender), hellos[i].epoch,
                        hellos[i].seen);
        cluster_view_unref(view);
        (void)snprintf(text, sizeof(text),
                       v.hearing == STREAM_FENCED ? "%s %llu" : "%s",
                       names[v.hearing], (unsigned long long)v.epoch);
        if (strcmp(text, hellos[i].verdict) != 0) {
            fail_msg("%s with epoch %llu at %s: %s", hellos[i].sender,
                     (unsigned long long)hellos[i].epoch, hellos[i].self, text);
        }
    }
}

/* --- the gate ------------------------------------------------------------- */

static void
every_active_slave_and_whoever_joins_counts(void **state)
{
    static const struct stream_copy copies[] = {
        {.in_set = true, .acked = 30},
        {.acked = 5}, /* is being built */
        {.joined = true, .acked = 20},
        {.in_set = true, .joined = true, .acked = 25},
    };

    (void)state;
    assert_int_equal(stream_gate(copies, 0).passed, UINT64_MAX);
    assert_int_equal(stream_gate(copies, 0).copies, 1);
    assert_int_equal(stream_gate(copies, 2).passed, 30);
    assert_int_equal(stream_gate(copies, 2).copies, 2);
    assert_int_equal(stream_gate(copies, 4).passed, 20);
    assert_int_equal(stream_gate(copies, 4).copies, 4);
}

/* --- the lease ------------------------------------------------------------ */

static const struct {
    uint64_t interval, threshold;
    int64_t lease;
} leases[] = {
    {0, 3, 3000},
    {1000, 0, 3000},
    {1000, 3, 2000},
    {1000, 1, 500},
    {1000, 2, 1000},
    {100, 5, 400},
    {UINT64_MAX, UINT64_MAX, 86400000LL * 86400000LL - 86400000LL},
};

static void
a_lease_ends_before_the_index_gives_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(leases); i++) {
        assert_int_equal(
            stream_lease_ms(leases[i].interval, leases[i].threshold),
            leases[i].lease);
    }
}

static void
a_master_that_hears_nobody_holds_writes(void **state)
{
    const struct mono t = {INT64_C(1000000000000)};
    struct stream_contact c = {.has_slaves = true, .heard = t};

    (void)state;
    assert_true(stream_has_lease(&c, 2000, mono_after_ms(t, 1999)));
    assert_false(stream_has_lease(&c, 2000, mono_after_ms(t, 2000)));
    c.woke = mono_after_ms(t, 500);
    assert_false(stream_has_lease(&c, 2000, mono_after_ms(t, 501)));
    c.heard = mono_after_ms(t, 502);
    assert_true(stream_has_lease(&c, 2000, mono_after_ms(t, 503)));
    c = (struct stream_contact){.has_slaves = false, .woke = t};
    assert_true(stream_has_lease(&c, 2000, mono_after_ms(t, 90000)));
}

/* --- requests that wait ----------------------------------------------------
 */

static void
a_request_waits_for_a_master_and_is_never_done_twice(void **state)
{
    const struct mono t = {INT64_C(1000000000)};
    struct stream_request r = {.since = t};

    (void)state;
    assert_int_equal(stream_hold(&r, 1000, mono_after_ms(t, 999)), STREAM_WAIT);
    assert_int_equal(stream_hold(&r, 1000, mono_after_ms(t, 1000)),
                     STREAM_REFUSE);
    assert_int_equal(stream_hold(&r, 0, t), STREAM_REFUSE);
    r.has_target = true;
    assert_int_equal(stream_hold(&r, 1000, mono_after_ms(t, 5000)), STREAM_GO);
    r.maybe_done = true; /* a read may be asked again */
    assert_int_equal(stream_hold(&r, 1000, t), STREAM_GO);
    r.writes = true;
    assert_int_equal(stream_hold(&r, 1000, t), STREAM_REFUSE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_era_begins_and_is_cut_away),
        cmocka_unit_test(only_the_latest_eras_are_remembered),
        cmocka_unit_test(what_cannot_be_a_history_is_refused),
        cmocka_unit_test(a_later_epoch_is_ahead_of_any_sequence),
        cmocka_unit_test(histories_say_where_a_stream_begins),
        cmocka_unit_test(a_random_past_is_never_taken_for_another),
        cmocka_unit_test(a_slave_can_rewind_what_its_log_still_has),
        cmocka_unit_test(only_the_master_of_its_map_is_listened_to),
        cmocka_unit_test(every_active_slave_and_whoever_joins_counts),
        cmocka_unit_test(a_lease_ends_before_the_index_gives_up),
        cmocka_unit_test(a_master_that_hears_nobody_holds_writes),
        cmocka_unit_test(a_request_waits_for_a_master_and_is_never_done_twice),
    };

    return cmocka_run_group_tests_name("stream", tests, set_up, tear_down);
}
