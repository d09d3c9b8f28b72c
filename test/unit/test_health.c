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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_adds_up_to_a_verdict),
        cmocka_unit_test(a_verdict_not_carried_out_is_repeated),
    };
    return cmocka_run_group_tests_name("index/health", tests, NULL, NULL);
}
