#include "test/unit/test.h"

#include <string.h>

#include "item/item.h"
#include "item/number.h"

static const struct wall now = {1700000000};

/* The record of the example dump of flare 1.3.4: set keep 9 3600 5. */
static const char flare_record[] =
    "\x09\x00\x00\x00\xC6\xBB\x00\x6B\x00\x00\x00\x00"
    "\x05\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00"
    "world";

static void
a_record_has_the_bytes_flare_writes(void **state)
{
    struct item item = {9, 0x6B00BBC6, 2, SLICE("world")};
    char bytes[ITEM_HEADER];
    struct item back;

    (void)state;
    item_encode_header(bytes, &item, item.value.n);
    assert_memory_equal(bytes, flare_record, ITEM_HEADER);
    assert_true(item_decode(SLICE(flare_record), &back));
    assert_int_equal(back.flags, 9);
    assert_int_equal(back.expire, 0x6B00BBC6);
    assert_int_equal(back.version, 2);
    assert_true(slice_eq(back.value, SLICE("world")));
}

static void
a_record_that_is_short_or_lies_does_not_decode(void **state)
{
    char bytes[sizeof(flare_record)];
    struct item item;
    uint64_t size;

    (void)state;
    for (size_t n = 0; n < sizeof(flare_record) - 1; n++) {
        assert_false(item_decode((struct slice){flare_record, n}, &item));
        assert_int_equal(
            item_decode_header((struct slice){flare_record, n}, &item, &size),
            n >= ITEM_HEADER);
    }
    memcpy(bytes, flare_record, sizeof(bytes));
    bytes[19] = (char)0xff;
    assert_false(item_decode((struct slice){bytes, sizeof(bytes) - 1}, &item));
}

static void
extreme_numbers_survive_the_disk(void **state)
{
    struct item item = {UINT32_MAX, INT64_MAX, UINT64_MAX, {NULL, 0}};
    char bytes[ITEM_HEADER];
    struct item back;

    (void)state;
    item_encode_header(bytes, &item, 0);
    assert_true(item_decode((struct slice){bytes, sizeof(bytes)}, &back));
    assert_true(back.flags == UINT32_MAX && back.expire == INT64_MAX &&
                back.version == UINT64_MAX && back.value.n == 0);
}

static void
exptime_is_relative_up_to_thirty_days(void **state)
{
    static const struct {
        int64_t exptime, expire;
        bool expired;
    } rows[] = {
        {0, 0, false},
        {1, 1700000001, false},
        {2592000, 1702592000, false},
        {2592001, 2592001, true},
        {1699999999, 1699999999, true},
        {1700000000, 1700000000, true},
        {1800000000, 1800000000, false},
        {INT64_MAX, INT64_MAX, false},
        {-1, 2592001, true},
        {INT64_MIN, 2592001, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct item item = {.expire = item_expire_at(rows[i].exptime, now)};

        assert_int_equal(item.expire, rows[i].expire);
        assert_int_equal(item_expired(&item, now), rows[i].expired);
    }
}

#define ZEROS "000000000000000000000000000000"

static void
numbers_are_read_as_memcached_reads_them(void **state)
{
    static const struct {
        struct slice text;
        bool ok;
        uint64_t number;
    } rows[] = {
        {SLICE("10"), true, 10},
        {SLICE(" 10"), true, 10},
        {SLICE("10 "), true, 10},
        {SLICE("10 x"), true, 10},
        {SLICE("+5"), true, 5},
        {SLICE("\t\n\v\f\r7"), true, 7},
        {SLICE("7\n8"), true, 7},
        {SLICE("7\0x"), true, 7},
        {SLICE("007"), true, 7},
        {SLICE(ZEROS "1"), true, 1},
        {SLICE("18446744073709551615"), true, UINT64_MAX},
        {SLICE("-0"), true, 0},
        {SLICE("-18446744073709551615"), true, 1},
        {SLICE("18446744073709551616"), false, 0},
        {SLICE("99999999999999999999"), false, 0},
        {SLICE("-5"), false, 0},
        {SLICE(""), false, 0},
        {SLICE("   "), false, 0},
        {SLICE("+"), false, 0},
        {SLICE("+-1"), false, 0},
        {SLICE("\0"), false, 0},
        {SLICE("abc"), false, 0},
        {SLICE("12abc"), false, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t number = 0;

        assert_int_equal(number_read(rows[i].text, &number), rows[i].ok);
        assert_true(!rows[i].ok || number == rows[i].number);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_has_the_bytes_flare_writes),
        cmocka_unit_test(a_record_that_is_short_or_lies_does_not_decode),
        cmocka_unit_test(extreme_numbers_survive_the_disk),
        cmocka_unit_test(exptime_is_relative_up_to_thirty_days),
        cmocka_unit_test(numbers_are_read_as_memcached_reads_them),
    };
    return cmocka_run_group_tests_name("item", tests, NULL, NULL);
}
