#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "storage/front_table.h"

enum { MARKED_KEYS = 40, MARKED_SIZE = 400, BATCH = 8 };

/* The number in the record of key k, which only grows. */
static void
put_number(struct front_table *t, unsigned k, unsigned number, unsigned size)
{
    char value[MARKED_SIZE + sizeof(number)] = "";
    char key[16];
    struct front_write w = {.record = {value, sizeof(number) + size}};

    w.key.p = key;
    w.key.n = (size_t)snprintf(key, sizeof(key), "k%u", k);
    memcpy(value, &number, sizeof(number));
    assert_true(front_table_put(t, &w));
}

static void
carry_numbers(struct front_shard *shard, unsigned max, unsigned *behind)
{
    struct front_entry *batch[BATCH];
    unsigned n = front_shard_begin(shard, batch, max, INT64_MAX);

    for (unsigned i = 0; i < n; i++) {
        char key[16] = "";

        if (batch[i] != NULL) {
            memcpy(key, front_entry_key(batch[i]).p,
                   front_entry_key(batch[i]).n);
            memcpy(&behind[strtoul(key + 1, NULL, 10)],
                   front_entry_record(batch[i]).p, sizeof(*behind));
        }
    }
    front_shard_end(shard);
}

/*
 * Records that grow make their older entries void; what was there at the mark
 * is carried over all the same, in that shape or a newer one.
 */
static void
what_is_marked_is_behind_when_no_shard_is(void **state)
{
    unsigned newest[MARKED_KEYS] = {0}, behind[MARKED_KEYS] = {0};
    struct front_table t;
    struct rand r;

    (void)state;
    rand_init(&r, 7);
    assert_true(front_table_init(&t, 1));
    for (unsigned round = 0; round < 200; round++) {
        unsigned noted[MARKED_KEYS];

        for (unsigned i = 0; i < 2 * MARKED_KEYS; i++) {
            unsigned k = rand_below(&r, MARKED_KEYS);

            put_number(&t, k, ++newest[k], rand_below(&r, MARKED_SIZE));
        }
        memcpy(noted, newest, sizeof(noted));
        front_table_mark(&t);
        for (unsigned i = 0; i < FRONT_SHARDS; i++) {
            while (front_shard_is_marked(&t.shard[i])) {
                unsigned k = rand_below(&r, MARKED_KEYS);

                put_number(&t, k, ++newest[k], rand_below(&r, MARKED_SIZE));
                carry_numbers(&t.shard[i], 1 + rand_below(&r, 3), behind);
            }
        }
        for (unsigned k = 0; k < MARKED_KEYS; k++) {
            assert_in_range(behind[k], noted[k], newest[k]);
        }
    }
    front_table_fini(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_marked_is_behind_when_no_shard_is),
    };
    return cmocka_run_group_tests_name("front mark", tests, NULL, NULL);
}
