/* The small ones of lib/base: crc32c, list, rand, clock. */
#include "test/unit/test.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/list.h"
#include "base/rand.h"

/* The vectors of RFC 3720, B.4, and the check value of the polynomial. */
static void
crc32c_gives_the_published_values(void **state)
{
    unsigned char up[32], down[32], zeros[32] = {0}, ones[32];

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (unsigned i = 0; i < 32; i++) {
        up[i] = (unsigned char)i;
        down[i] = (unsigned char)(31 - i);
    }
    assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
    assert_int_equal(crc32c(0, ones, 32), 0x62a8ab43);
    assert_int_equal(crc32c(0, up, 32), 0x46dd794e);
    assert_int_equal(crc32c(0, down, 32), 0x113fdb5c);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, NULL, 0), 0);
}

static uint32_t
crc_by_bits(const unsigned char *p, size_t n)
{
    uint32_t crc = ~0U;

    while (n-- > 0) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) {
            crc = (crc >> 1) ^ (0x82f63b78U & (0U - (crc & 1)));
        }
    }
    return ~crc;
}

static void
crc32c_is_the_same_however_it_is_computed_or_split(void **state)
{
    unsigned char text[200];
    struct rand r;

    (void)state;
    rand_init(&r, 5);
    for (size_t n = 0; n <= sizeof(text); n++) {
        uint32_t want;
        size_t cut = rand_below(&r, (uint32_t)n + 1);

        for (size_t i = 0; i < n; i++) {
            text[i] = (unsigned char)rand_u64(&r);
        }
        want = crc_by_bits(text, n);
        assert_int_equal(crc32c(0, text, n), want);
        assert_int_equal(crc32c_portable(0, text, n), want);
        assert_int_equal(crc32c(crc32c(0, text, cut), text + cut, n - cut),
                         want);
    }
}

struct item {
    int n;
    struct list link;
};

static int
first(const struct list *head)
{
    struct list *link = list_first(head);

    return link == NULL ? -1 : LIST_ENTRY(link, struct item, link)->n;
}

static void
a_list_keeps_its_order_and_forgets_the_removed(void **state)
{
    struct list head;
    struct item items[3] = {{.n = 0}, {.n = 1}, {.n = 2}};

    (void)state;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_first(&head));
    for (size_t i = 0; i < COUNT(items); i++) {
        list_append(&head, &items[i].link);
    }
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_int_equal(first(&head), 0);
    list_remove(&items[0].link);
    assert_int_equal(first(&head), 2);
    list_append(&head, &items[1].link);
    list_remove(&items[2].link);
    assert_int_equal(first(&head), 1);
    list_remove(&items[1].link);
    assert_true(list_empty(&head));
}

static void
the_same_seed_gives_the_same_numbers(void **state)
{
    struct rand a, b, c;
    unsigned same = 0;

    (void)state;
    rand_init(&a, 42);
    rand_init(&b, 42);
    rand_init(&c, 43);
    for (int i = 0; i < 1000; i++) {
        uint64_t n = rand_u64(&a);

        assert_true(n == rand_u64(&b));
        same += n == rand_u64(&c);
    }
    assert_int_equal(same, 0);
}

static void
numbers_below_n_are_spread_evenly(void **state)
{
    unsigned count[7] = {0};
    struct rand r;

    (void)state;
    rand_init(&r, 0);
    for (int i = 0; i < 70000; i++) {
        uint32_t n = rand_below(&r, 7);

        assert_true(n < 7);
        count[n]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(count[i], 9500, 10500);
    }
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(rand_below(&r, 1), 0);
    }
}

static void
durations_and_deadlines_add_up(void **state)
{
    struct mono start = clock_mono();
    struct mono later = mono_after_ms(start, 1500);
    struct mono now = clock_mono();

    (void)state;
    assert_true(now.ns >= start.ns);
    assert_int_equal(mono_ms_between(start, later), 1500);
    assert_int_equal(mono_ms_between(later, start), -1500);
    assert_false(mono_reached(later, start));
    assert_true(mono_reached(later, later));
    assert_true(mono_reached(start, now));
    assert_true(clock_wall().s - time(NULL) <= 1);
    assert_true(time(NULL) - clock_wall().s <= 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_published_values),
        cmocka_unit_test(crc32c_is_the_same_however_it_is_computed_or_split),
        cmocka_unit_test(a_list_keeps_its_order_and_forgets_the_removed),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(numbers_below_n_are_spread_evenly),
        cmocka_unit_test(durations_and_deadlines_add_up),
    };
    return cmocka_run_group_tests_name("base/small", tests, NULL, NULL);
}
