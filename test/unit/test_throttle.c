#include "test/unit/test.h"

#include "repl/throttle.h"

/* Pass n records of so many bytes on, waiting as told; how long it took. */
static int64_t
pass(uint64_t wait_us, uint64_t kib_per_s, unsigned n, uint64_t bytes,
     int64_t work_us)
{
    struct throttle throttle;
    struct mono now = {1000000000};
    const struct mono start = now;

    throttle_init(&throttle, wait_us, kib_per_s, now);
    for (unsigned i = 0; i < n; i++) {
        now = mono_after_ms(now, throttle_wait_ms(&throttle, now));
        now.ns += work_us * 1000;
        throttle_add(&throttle, bytes, now);
    }
    now = mono_after_ms(now, throttle_wait_ms(&throttle, now));
    return mono_ms_between(start, now);
}

static const struct {
    uint64_t wait_us, kib_per_s;
    unsigned n;
    uint64_t bytes;
    int64_t work_us;
    int64_t min_ms, max_ms;
} paces[] = {
    {0, 0, 1000, 1 << 20, 0, 0, 0},
    {1000, 0, 300, 10, 0, 290, 310},
    {1000, 0, 300, 10, 900, 290, 320}, /* work counts as waited */
    {100, 0, 10000, 10, 0, 980, 1020}, /* below a timer's resolution */
    {10000, 0, 100, 10, 0, 990, 1010},
    {0, 10, 100, 1024, 0, 9800, 10100},
    {0, 1024, 1000, 1024, 0, 800, 1010},     /* a burst may be ahead */
    {0, 1024, 1000, 1024, 2000, 2000, 2010}, /* slower than the limit */
    {1000, 1, 10, 1024, 0, 9800, 10100},     /* the slower of both decides */
    {0, 1, 1, UINT64_C(1) << 62, 0, 1, INT64_MAX},
    {UINT64_MAX, 0, 1, 1, 0, 1, INT64_MAX},
};

static void
the_slower_limit_decides_the_pace(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(paces); i++) {
        int64_t ms = pass(paces[i].wait_us, paces[i].kib_per_s, paces[i].n,
                          paces[i].bytes, paces[i].work_us);

        if (ms < paces[i].min_ms || ms > paces[i].max_ms) {
            fail_msg("pace %zu took %lld ms", i, (long long)ms);
        }
    }
}

static void
a_limit_that_is_lifted_holds_no_longer(void **state)
{
    struct throttle throttle;
    const struct mono now = {5000000000};

    (void)state;
    throttle_init(&throttle, 1000000, 1, now);
    throttle_add(&throttle, 1 << 20, now);
    assert_true(throttle_wait_ms(&throttle, now) > 1000);
    throttle_set(&throttle, 0, 0);
    assert_int_equal(throttle_wait_ms(&throttle, now), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slower_limit_decides_the_pace),
        cmocka_unit_test(a_limit_that_is_lifted_holds_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
