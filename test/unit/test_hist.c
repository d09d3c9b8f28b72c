/* lib/stats: histograms and the keys that come most often. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "stats/hist.h"
#include "stats/topkeys.h"

static struct hist hist;
static struct hist_total total;

static void
every_time_is_in_the_bucket_that_ends_above_it(void **state)
{
    uint64_t before = 0;

    (void)state;
    for (unsigned i = 0; i < HIST_BUCKETS - 1; i++) {
        uint64_t upper = hist_upper_ns(i);

        assert_int_equal(hist_bucket_of(upper), i);
        assert_int_equal(hist_bucket_of(upper + 1), i + 1);
        if (i > 0) { /* to 3.2 % */
            assert_true((upper - before) * 32 <= before + 1);
        }
        before = upper;
    }
    assert_int_equal(hist_bucket_of(0), 0);
    assert_int_equal(hist_bucket_of(UINT64_MAX), HIST_BUCKETS - 1);
    assert_true(hist_upper_ns(0) < 1024);
    assert_true(before > UINT64_C(60000000000));
}

static void
quantiles_are_those_of_the_sorted_times(void **state)
{
    enum { N = 10000 };
    static const unsigned of[] = {1, 5000, 9000, 9900, 9990, 10000};

    (void)state;
    hist_reset(&hist);
    memset(&total, 0, sizeof(total));
    for (int64_t i = 1; i <= N; i++) { /* 10 us, 20 us, ... 100 ms */
        hist_add(&hist, i * 10000, 1);
    }
    hist_sum(&total, &hist);
    assert_int_equal(total.count, N);
    assert_int_equal(total.max_ns, N * UINT64_C(10000));
    assert_int_equal(total.sum_ns, UINT64_C(10000) * N * (N + 1) / 2);
    for (size_t i = 0; i < COUNT(of); i++) {
        uint64_t exact = (uint64_t)of[i] * N / 10000 * 10000;
        uint64_t got = hist_quantile_ns(&total, of[i]);

        assert_true(got >= exact);
        assert_true(got - exact <= exact / 32 + 1);
    }
}

static void
nothing_and_one_and_too_much(void **state)
{
    (void)state;
    hist_reset(&hist);
    memset(&total, 0, sizeof(total));
    hist_sum(&total, &hist);
    assert_int_equal(hist_quantile_ns(&total, 5000), 0);
    hist_add(&hist, -5, 1); /* a clock that went backwards */
    hist_add(&hist, INT64_MAX, 2);
    hist_sum(&total, &hist);
    assert_int_equal(total.count, 3);
    assert_int_equal(hist_quantile_ns(&total, 1), 1023);
    assert_int_equal(hist_quantile_ns(&total, 10000), INT64_MAX);
    hist_reset(&hist);
    memset(&total, 0, sizeof(total));
    hist_sum(&total, &hist);
    assert_int_equal(total.count + total.max_ns + total.sum_ns, 0);
}

static void
add_number(struct topkeys *top, unsigned number)
{
    char key[32];
    int n = snprintf(key, sizeof(key), "key%u", number);

    topkeys_add(top, (struct slice){key, (size_t)n});
}

/* Key i makes up 1/2^(i+1); the half of all that is rare is all different. */
static void
frequent_keys_are_found_among_many_rare_ones(void **state)
{
    struct topkeys *top = calloc(1, sizeof(*top));
    struct topkeys *other = calloc(1, sizeof(*other));
    struct rand r;
    unsigned rare = 100;

    (void)state;
    rand_init(&r, 7);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = rand_u64(&r);

        add_number(i % 2 == 0 ? top : other,
                   bits % 2 == 0 ? rare++
                                 : (unsigned)__builtin_ctzll(bits >> 1 | 16));
    }
    topkeys_merge(top, other);
    topkeys_sort(top);
    assert_int_equal(top->total, 100000);
    for (unsigned i = 0; i < 4; i++) {
        char key[32];
        int n = snprintf(key, sizeof(key), "key%u", i);
        uint64_t expected = 50000 >> (i + 1);
        const struct topkey *e = &top->entry[i];

        assert_int_equal(e->key_n, n);
        assert_memory_equal(e->key, key, (size_t)n);
        assert_true(e->count >= expected * 9 / 10);
        assert_true(e->count - e->error <= expected * 11 / 10);
    }
    free(top);
    free(other);
}

static void
long_keys_that_differ_at_the_end_are_two(void **state)
{
    struct topkeys *top = calloc(1, sizeof(*top));
    char key[400];

    (void)state;
    memset(key, 'k', sizeof(key));
    for (int i = 0; i < 10; i++) {
        key[399] = (char)('0' + i % 2);
        topkeys_add(top, (struct slice){key, sizeof(key)});
    }
    assert_int_equal(top->n, 2);
    assert_int_equal(top->entry[0].count, 5);
    assert_int_equal(top->entry[0].key_n, 400);
    free(top);
}

static void
age_halves_and_forgets(void **state)
{
    struct topkeys *top = calloc(1, sizeof(*top));

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        add_number(top, 1);
    }
    add_number(top, 2);
    topkeys_age(top);
    assert_int_equal(top->n, 1);
    assert_int_equal(top->entry[0].count, 4);
    assert_int_equal(top->total, 4);
    free(top);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_time_is_in_the_bucket_that_ends_above_it),
        cmocka_unit_test(quantiles_are_those_of_the_sorted_times),
        cmocka_unit_test(nothing_and_one_and_too_much),
        cmocka_unit_test(frequent_keys_are_found_among_many_rare_ones),
        cmocka_unit_test(long_keys_that_differ_at_the_end_are_two),
        cmocka_unit_test(age_halves_and_forgets),
    };

    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
