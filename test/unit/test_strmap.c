#include "test/unit/test.h"

#include <stdio.h>

#include "base/rand.h"
#include "base/strmap.h"

static int values[1000];

static void
an_empty_map_finds_and_removes_nothing(void **state)
{
    struct strmap map = {0};
    struct slice key;
    void *value;
    size_t at = 0;

    (void)state;
    assert_null(strmap_find(&map, SLICE("a")));
    assert_null(strmap_remove(&map, SLICE("a")));
    assert_false(strmap_next(&map, &at, &key, &value));
    strmap_fini(&map);
}

static void
put_returns_what_it_replaces(void **state)
{
    struct strmap map = {0};

    (void)state;
    assert_null(strmap_put(&map, SLICE("a"), &values[1]));
    assert_ptr_equal(strmap_put(&map, SLICE("a"), &values[2]), &values[1]);
    assert_int_equal(map.count, 1);
    assert_ptr_equal(strmap_find(&map, SLICE("a")), &values[2]);
    assert_ptr_equal(strmap_remove(&map, SLICE("a")), &values[2]);
    assert_null(strmap_find(&map, SLICE("a")));
    assert_null(strmap_put(&map, SLICE("a"), &values[3]));
    assert_ptr_equal(strmap_find(&map, SLICE("a")), &values[3]);
    strmap_fini(&map);
    assert_int_equal(map.count, 0);
}

static void
keys_are_bytes_and_are_copied(void **state)
{
    struct strmap map = {0};
    char key[] = "a\0b";

    (void)state;
    strmap_put(&map, (struct slice){key, 3}, &values[0]);
    strmap_put(&map, (struct slice){key, 1}, &values[1]);
    strmap_put(&map, (struct slice){NULL, 0}, &values[2]);
    key[0] = 'z';
    assert_ptr_equal(strmap_find(&map, (struct slice){"a\0b", 3}), &values[0]);
    assert_ptr_equal(strmap_find(&map, SLICE("a")), &values[1]);
    assert_ptr_equal(strmap_find(&map, SLICE("")), &values[2]);
    assert_null(strmap_find(&map, (struct slice){"a\0c", 3}));
    assert_int_equal(map.count, 3);
    strmap_fini(&map);
}

static struct slice
name(char *to, size_t size, uint32_t i)
{
    return (struct slice){to, (size_t)snprintf(to, size, "host%u:12121", i)};
}

/* Against an array that says what should be there. */
static void
random_histories_equal_an_array(void **state)
{
    struct strmap map = {0};
    void *model[COUNT(values)] = {NULL};
    size_t count = 0;
    struct rand r;
    char text[32];

    (void)state;
    rand_init(&r, 7);
    for (int round = 0; round < 200000; round++) {
        uint32_t i = rand_below(&r, COUNT(values));
        struct slice key = name(text, sizeof(text), i);

        assert_ptr_equal(strmap_find(&map, key), model[i]);
        if (rand_below(&r, 2) == 0) {
            void *value = &values[rand_below(&r, COUNT(values))];

            assert_ptr_equal(strmap_put(&map, key, value), model[i]);
            count += model[i] == NULL;
            model[i] = value;
        } else {
            assert_ptr_equal(strmap_remove(&map, key), model[i]);
            count -= model[i] != NULL;
            model[i] = NULL;
        }
        assert_int_equal(map.count, count);
    }
    assert_true(map.nslots <= 4 * COUNT(values));
    strmap_fini(&map);
}

static void
a_walk_meets_each_entry_once_and_may_remove_it(void **state)
{
    struct strmap map = {0};
    int seen[COUNT(values)] = {0};
    char text[32];
    struct slice key;
    void *value;
    size_t at = 0;

    (void)state;
    for (uint32_t i = 0; i < COUNT(values); i++) {
        strmap_put(&map, name(text, sizeof(text), i), &values[i]);
    }
    while (strmap_next(&map, &at, &key, &value)) {
        ptrdiff_t i = (int *)value - values;

        assert_true(slice_eq(key, name(text, sizeof(text), (uint32_t)i)));
        seen[i]++;
        assert_ptr_equal(strmap_remove(&map, key), value);
    }
    for (size_t i = 0; i < COUNT(values); i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_int_equal(map.count, 0);
    strmap_fini(&map);
}

static void
similar_keys_hash_apart(void **state)
{
    static unsigned char hit[1 << 12];
    unsigned empty = 0;
    char text[32];

    (void)state;
    for (uint32_t i = 0; i < COUNT(hit); i++) {
        hit[strmap_hash(name(text, sizeof(text), i)) % COUNT(hit)] = 1;
    }
    for (size_t i = 0; i < COUNT(hit); i++) {
        empty += hit[i] == 0;
    }
    /* A fair hash leaves 1/e of the slots empty, 1507 of 4096. */
    assert_in_range(empty, 1407, 1607);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_and_removes_nothing),
        cmocka_unit_test(put_returns_what_it_replaces),
        cmocka_unit_test(keys_are_bytes_and_are_copied),
        cmocka_unit_test(random_histories_equal_an_array),
        cmocka_unit_test(a_walk_meets_each_entry_once_and_may_remove_it),
        cmocka_unit_test(similar_keys_hash_apart),
    };
    return cmocka_run_group_tests_name("base/strmap", tests, NULL, NULL);
}
