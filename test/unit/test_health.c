#include "test/unit/test.h"

#include <string.h>

#include "index/health.h"

/*
 * A story is a letter for each piece of evidence and what came of it:
 * A answered, W wrong, S silent, C closed, R refused; then . nothing,
 * ? look again, D down, U up.
 */
static const struct story {
    const char *text;
    unsigned threshold;
    bool joining;
    bool down; /* at the start */
} stories[] = {
    {"A.A.A.", 3, false, false},
    {"S.S.SD", 3, false, false},
    {"S.S.A.S.S.SD", 3, false, false},
    {"W.S.WD", 3, false, false},
    {"SD", 1, false, false},
    {"SD", 0, false, false},
    {"C?RD", 3, false, false},     /* killed */
    {"R?RD", 3, false, false},     /* was gone when we came */
    {"C?A.C?A.", 3, false, false}, /* only the connection was lost */
    {"C?C?C?RD", 3, false, false}, /* listened a little longer */
    {"C?C?C?A.C?RD", 3, false, false},
    {"C?C?C?C?C?C?C?C?C?C?C.S.SD", 3, false, false}, /* is too full? */
    {"S.C?RD", 3, false, false},
    {"R?A.R?A.", 3, false, false},
    {"R.R.RD", 3, true, false}, /* has joined and does not listen yet */
    {"R.A.R?RD", 3, true, false},
    {"S.S.S.R.R.C.AU", 3, false, true},
    {"AUA.", 3, false, true},
};

static enum health_evidence
evidence_of(char c)
{
    static const char letters[] = "AWSCR";

    return (enum health_evidence)(strchr(letters, c) - letters);
}

static void
tell(const struct story *story)
{
    struct health health = {0};
    bool down = story->down;

    if (story->joining) {
        health_join(&health);
    }
    for (const char *p = story->text; *p != '\0'; p += 2) {
        char got = ".?DU"[health_step(&health, evidence_of(*p), down,
                                      story->threshold)];

        if (got != p[1]) {
            fail_msg("%s: at %td %c", story->text, p - story->text, got);
        }
        down = got == 'D' ? true : got == 'U' ? false : down;
    }
}

static void
evidence_adds_up_to_a_verdict(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        tell(&stories[i]);
    }
}

static void
a_verdict_not_carried_out_is_repeated(void **state)
{
    struct health health = {0};

    (void)state;
    assert_int_equal(health_step(&health, HEALTH_SILENT, false, 1),
                     HEALTH_DOWN);
    assert_int_equal(health_step(&health, HEALTH_SILENT, false, 1),
                     HEALTH_DOWN);
    assert_int_equal(health_step(&health, HEALTH_ANSWERED, true, 1), HEALTH_UP);
    assert_int_equal(health_step(&health, HEALTH_ANSWERED, true, 1), HEALTH_UP);
}

static void
silence_may_last_for_threshold_intervals(void **state)
{
    static const struct {
        unsigned threshold;
        int64_t interval, timeout, patience;
    } rows[] = {
        {3, 1000, 1000, 3300}, {3, 5000, 1000, 15300}, {1, 1000, 1000, 1500},
        {1, 1000, 100, 1300},  {3, 200, 1000, 900},    {1, 20, 1000, 320},
        {0, 20, 1000, 320},    {3, 100, 10, 600},      {3, 1000, 3000, 3300},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(health_patience_ms(rows[i].threshold, rows[i].interval,
                                            rows[i].timeout),
                         rows[i].patience);
        assert_true(rows[i].patience <=
                    (rows[i].threshold > 0 ? rows[i].threshold : 1) *
                            rows[i].interval +
                        500);
    }
    /* unless the answer to a ping may take longer than that */
    assert_int_equal(health_patience_ms(3, 1000, 30000), 31000);
    assert_int_equal(health_patience_ms(3, 200, 1001), 1201);
}

static void
too_long_a_silence_is_enough_by_itself(void **state)
{
    struct health health = {0};

    (void)state;
    assert_int_equal(health_overdue(&health, false, 3), HEALTH_DOWN);
    /* and said again until the map says so */
    assert_int_equal(health_step(&health, HEALTH_SILENT, false, 3),
                     HEALTH_DOWN);
    assert_int_equal(health_overdue(&health, true, 3), HEALTH_NOTHING);
    assert_int_equal(health_step(&health, HEALTH_ANSWERED, true, 3), HEALTH_UP);
    assert_int_equal(health_step(&health, HEALTH_SILENT, false, 3),
                     HEALTH_NOTHING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_may_last_for_threshold_intervals),
        cmocka_unit_test(too_long_a_silence_is_enough_by_itself),
        cmocka_unit_test(evidence_adds_up_to_a_verdict),
        cmocka_unit_test(a_verdict_not_carried_out_is_repeated),
    };
    return cmocka_run_group_tests_name("index/health", tests, NULL, NULL);
}
