#include "test/unit/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rand.h"

static void
assert_holds(const struct buf *b, const char *text)
{
    assert_true(slice_eq(buf_slice(b), slice_str(text)));
}

static void
a_zeroed_buf_is_empty_and_usable(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_int_equal(buf_len(&b), 0);
    assert_true(buf_put(&b, NULL, 0));
    assert_int_equal(buf_len(&b), 0);
    buf_consume(&b, 0);
    buf_clear(&b);
    buf_trim(&b, 0);
    assert_true(buf_put_str(&b, "hello"));
    assert_holds(&b, "hello");
    buf_fini(&b);
    assert_int_equal(buf_len(&b), 0);
    assert_true(buf_put_str(&b, "again"));
    assert_holds(&b, "again");
    buf_fini(&b);
}

static void
it_grows_at_the_end_and_shrinks_at_the_front(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_true(buf_put_slice(&b, SLICE("get a\r\nget b\r\n")));
    buf_consume(&b, 7);
    assert_holds(&b, "get b\r\n");
    assert_true(buf_put_str(&b, "!"));
    assert_holds(&b, "get b\r\n!");
    buf_truncate(&b, 5);
    assert_holds(&b, "get b");
    buf_consume(&b, 5);
    assert_int_equal(b.start, 0);
    assert_int_equal(b.end, 0);
    buf_fini(&b);
}

static void
numbers_are_written_as_printf_would(void **state)
{
    static const int64_t around[] = {0, 1, 9, 10, 11, 99, 100, 101};
    char want[32];
    struct buf b = {0};

    (void)state;
    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
        for (size_t i = 0; i < COUNT(around); i++) {
            for (int sign = -1; sign <= 1; sign += 2) {
                int64_t v = sign * ((int64_t)power + around[i]);

                buf_clear(&b);
                assert_true(buf_put_i64(&b, v));
                (void)snprintf(want, sizeof(want), "%" PRId64, v);
                assert_holds(&b, want);
                buf_clear(&b);
                assert_true(buf_put_u64(&b, (uint64_t)v));
                (void)snprintf(want, sizeof(want), "%" PRIu64, (uint64_t)v);
                assert_holds(&b, want);
            }
        }
    }
    buf_clear(&b);
    assert_true(buf_put_u64(&b, UINT64_MAX) && buf_put_str(&b, " ") &&
                buf_put_i64(&b, INT64_MIN));
    assert_holds(&b, "18446744073709551615 -9223372036854775808");
    buf_fini(&b);
}

static void
printf_appends_without_its_nul(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_true(buf_printf(&b, "%s %d\r\n", "STAT", 7));
    assert_true(buf_printf(&b, "%1000d", 1));
    assert_int_equal(buf_len(&b), 8 + 1000);
    buf_truncate(&b, 8);
    assert_holds(&b, "STAT 7\r\n");
    buf_fini(&b);
}

static void
an_impossible_size_is_refused_and_changes_nothing(void **state)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 5, SIZE_MAX / 2,
                                   SIZE_MAX / 4};
    struct buf b = {0};

    (void)state;
    assert_true(buf_put_str(&b, "kept"));
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_false(buf_reserve(&b, sizes[i]));
        assert_holds(&b, "kept");
    }
    buf_fini(&b);
}

static void
trim_gives_back_large_empty_memory_only(void **state)
{
    struct buf b = {0};

    (void)state;
    assert_true(buf_reserve(&b, 10000));
    assert_true(buf_put_str(&b, "x"));
    buf_trim(&b, 100);
    assert_true(b.cap >= 10000);
    buf_consume(&b, 1);
    buf_trim(&b, b.cap);
    assert_true(b.cap >= 10000);
    buf_trim(&b, 100);
    assert_int_equal(b.cap, 0);
    buf_fini(&b);
}

/* A queue of random puts and consumes behaves as the plain text does. */
static void
random_use_equals_a_plain_copy(void **state)
{
    enum { SIZE = 1 << 20 };
    char *model = malloc(SIZE);
    size_t from = 0, to = 0;
    struct buf b = {0};
    struct rand r;

    (void)state;
    assert_non_null(model);
    rand_init(&r, 1);
    while (to < SIZE - 2000) {
        size_t n = rand_below(&r, rand_below(&r, 10) == 0 ? 2000 : 50);

        if (rand_below(&r, 100) < 55) {
            for (size_t i = 0; i < n; i++) {
                model[to + i] = (char)rand_u64(&r);
            }
            assert_true(buf_put(&b, model + to, n));
            to += n;
        } else {
            n = n < to - from ? n : to - from;
            buf_consume(&b, n);
            from += n;
        }
        assert_true(
            slice_eq(buf_slice(&b), (struct slice){model + from, to - from}));
    }
    assert_true(b.cap < SIZE / 2);
    buf_fini(&b);
    free(model);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zeroed_buf_is_empty_and_usable),
        cmocka_unit_test(it_grows_at_the_end_and_shrinks_at_the_front),
        cmocka_unit_test(numbers_are_written_as_printf_would),
        cmocka_unit_test(printf_appends_without_its_nul),
        cmocka_unit_test(an_impossible_size_is_refused_and_changes_nothing),
        cmocka_unit_test(trim_gives_back_large_empty_memory_only),
        cmocka_unit_test(random_use_equals_a_plain_copy),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
