#include "test/unit/test.h"

#include <string.h>

#include "base/spares.h"

static void
a_block_comes_back_zeroed(void **state)
{
    struct spares s = {0};
    char zeros[2048] = "";

    (void)state;
    for (size_t n = 1; n <= sizeof(zeros); n += 61) {
        char *block = spares_take(&s, n);

        assert_memory_equal(block, zeros, n);
        memset(block, 'x', n);
        spares_give(&s, block, n);
        block = spares_take(&s, n);
        assert_memory_equal(block, zeros, n);
        spares_give(&s, block, n);
    }
    spares_fini(&s);
    assert_null(s.first[0]);
}

static void
small_blocks_are_kept_and_not_without_end(void **state)
{
    static void *block[SPARES_KEPT + 10];
    struct spares s = {0};
    void *again;

    (void)state;
    for (unsigned i = 0; i < SPARES_KEPT + 10; i++) {
        block[i] = spares_take(&s, 200);
    }
    assert_int_equal(s.count[1], 0);
    for (unsigned i = 0; i < SPARES_KEPT + 10; i++) {
        spares_give(&s, block[i], 200);
    }
    assert_int_equal(s.count[1], SPARES_KEPT);
    again = spares_take(&s, 256); /* of the same class */
    assert_ptr_equal(again, block[SPARES_KEPT - 1]);
    spares_give(&s, again, 256);
    again = spares_take(&s, SPARES_STEP * SPARES_CLASSES + 1);
    spares_give(&s, again, SPARES_STEP * SPARES_CLASSES + 1);
    for (unsigned i = 0; i < SPARES_CLASSES; i++) {
        assert_int_equal(s.count[i], i == 1 ? SPARES_KEPT : 0);
    }
    spares_fini(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_comes_back_zeroed),
        cmocka_unit_test(small_blocks_are_kept_and_not_without_end),
    };
    return cmocka_run_group_tests_name("spares", tests, NULL, NULL);
}
