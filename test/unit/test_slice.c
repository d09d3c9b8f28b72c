#include "test/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

static void
equality_compares_lengths_not_prefixes(void **state)
{
    (void)state;
    assert_true(slice_eq(SLICE("reset"), slice_str("reset")));
    assert_false(slice_eq(SLICE("r"), SLICE("reset")));
    assert_false(slice_eq(SLICE("reset"), SLICE("r")));
    assert_true(slice_eq(SLICE(""), (struct slice){NULL, 0}));
    assert_true(slice_eq((struct slice){"a\0b", 3}, (struct slice){"a\0b", 3}));
    assert_false(
        slice_eq((struct slice){"a\0b", 3}, (struct slice){"a\0c", 3}));
}

static void
order_is_that_of_bytes_the_shorter_first(void **state)
{
    static const char *const sorted[] = {"",     "h:1",    "h:10000", "h:10001",
                                         "h:23", "h:9999", "i",       "\x7f",
                                         "\x80", "\xff",   "\xff\xff"};

    (void)state;
    for (size_t i = 0; i < COUNT(sorted); i++) {
        for (size_t j = 0; j < COUNT(sorted); j++) {
            int order = slice_cmp(slice_str(sorted[i]), slice_str(sorted[j]));

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
    assert_int_equal(slice_cmp((struct slice){NULL, 0}, SLICE("")), 0);
}

static void
words_are_split_at_spaces_only(void **state)
{
    struct slice rest = SLICE("  get  a\tb c\r ");

    (void)state;
    assert_true(slice_eq(slice_word(&rest), SLICE("get")));
    assert_true(slice_eq(slice_word(&rest), SLICE("a\tb")));
    assert_true(slice_eq(slice_word(&rest), SLICE("c\r")));
    assert_int_equal(slice_word(&rest).n, 0);
    assert_int_equal(slice_word(&rest).n, 0);
    assert_int_equal(rest.n, 0);
}

static void
until_drops_the_separator_and_takes_all_without_one(void **state)
{
    struct slice rest = SLICE("a,,b");
    struct slice none = {NULL, 0};

    (void)state;
    assert_true(slice_eq(slice_until(&rest, ','), SLICE("a")));
    assert_true(slice_eq(slice_until(&rest, ','), SLICE("")));
    assert_true(slice_eq(rest, SLICE("b")));
    assert_true(slice_eq(slice_until(&rest, ','), SLICE("b")));
    assert_int_equal(rest.n, 0);
    assert_int_equal(slice_until(&none, ',').n, 0);
}

static void
unsigned_numbers_are_read_whole_or_not_at_all(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } table[] = {
        {"0", 0, true, 0},
        {"0", 9, true, 0},
        {"1", 0, false, 0},
        {"007", 7, true, 7},
        {"8", 7, false, 0},
        {"10", 9, false, 0},
        {"255", 255, true, 255},
        {"256", 255, false, 0},
        {"4294967295", UINT32_MAX, true, UINT32_MAX},
        {"4294967296", UINT32_MAX, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"28446744073709551615", UINT64_MAX, false, 0},
        {"184467440737095516150", UINT64_MAX, false, 0},
        {"", UINT64_MAX, false, 0},
        {"-1", UINT64_MAX, false, 0},
        {"+1", UINT64_MAX, false, 0},
        {" 1", UINT64_MAX, false, 0},
        {"1 ", UINT64_MAX, false, 0},
        {"1x", UINT64_MAX, false, 0},
        {"0x10", UINT64_MAX, false, 0},
        {"1.0", UINT64_MAX, false, 0},
        {"\xb1", UINT64_MAX, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        uint64_t value = 77;
        bool ok = slice_u64(slice_str(table[i].text), table[i].max, &value);

        assert_int_equal(ok, table[i].ok);
        assert_int_equal(value, table[i].ok ? table[i].value : 77);
    }
}

static void
signed_numbers_keep_to_their_range(void **state)
{
    static const struct {
        const char *text;
        int64_t min;
        int64_t max;
        bool ok;
        int64_t value;
    } table[] = {
        {"-1", -1, 1, true, -1},
        {"-2", -1, 1, false, 0},
        {"1", -1, 1, true, 1},
        {"2", -1, 1, false, 0},
        {"-0", 0, 0, true, 0},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"-", INT64_MIN, INT64_MAX, false, 0},
        {"--1", INT64_MIN, INT64_MAX, false, 0},
        {"- 1", INT64_MIN, INT64_MAX, false, 0},
        {"", INT64_MIN, INT64_MAX, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        int64_t value = 77;
        bool ok = slice_i64(slice_str(table[i].text), table[i].min,
                            table[i].max, &value);

        assert_int_equal(ok, table[i].ok);
        assert_true(value == (table[i].ok ? table[i].value : 77));
    }
}

/* On exact-size heap memory the sanitizer sees a read past the end. */
static void
nothing_is_read_past_the_end(void **state)
{
    static const char text[] = "12 34,56";

    (void)state;
    for (size_t n = 0; n < sizeof(text); n++) {
        char *copy = malloc(n > 0 ? n : 1);
        struct slice all = {copy, n};
        struct slice rest = all;
        uint64_t u;
        int64_t s;

        assert_non_null(copy);
        memcpy(copy, text, n);
        assert_true(slice_word(&rest).n <= n);
        rest = all;
        assert_true(slice_until(&rest, ',').n <= n);
        (void)slice_u64(all, UINT64_MAX, &u);
        (void)slice_i64(all, INT64_MIN, INT64_MAX, &s);
        assert_true(slice_eq(all, all));
        free(copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality_compares_lengths_not_prefixes),
        cmocka_unit_test(order_is_that_of_bytes_the_shorter_first),
        cmocka_unit_test(words_are_split_at_spaces_only),
        cmocka_unit_test(until_drops_the_separator_and_takes_all_without_one),
        cmocka_unit_test(unsigned_numbers_are_read_whole_or_not_at_all),
        cmocka_unit_test(signed_numbers_keep_to_their_range),
        cmocka_unit_test(nothing_is_read_past_the_end),
    };
    return cmocka_run_group_tests_name("base/slice", tests, NULL, NULL);
}
