#include "test/unit/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flared/ahead.h"

static struct flared node;
static struct worker worker;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* On a copy of its exact size, so that a look behind its end is noticed. */
static size_t
ahead(const char *text, size_t n)
{
    char *copy = malloc(n);
    size_t used;

    assert_non_null(copy);
    memcpy(copy, text, n);
    used = ahead_of(&worker, (struct slice){copy, n});
    free(copy);
    return used;
}

static void
several_short_requests_are_looked_at_together(void **state)
{
    static const struct {
        const char *text;
        size_t used;
    } rows[] = {
        {"get a\r\n", 7}, /* nothing follows */
        {"get a\r\nget b\r\n", 14},
        {"set a 0 0 3\r\nxyz\r\nget b\nset c 1 2 0 noreply\r\n\r\n", 47},
        {"get a\r\nversion\r\nget b\r\n", 23}, /* no further than that */
        {"get a\r\nset b 0 0 x\r\n", 20},
        {"get a\r\nset b 0 0 5\r\nxyz", 27}, /* where it will end */
    };
    static const struct slice get = {"get ab\r\n", 8};
    char many[40 * 8] = "";

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(ahead(rows[i].text, strlen(rows[i].text)),
                         rows[i].used);
    }
    for (unsigned i = 0; i < 40; i++) {
        memcpy(many + get.n * i, get.p, get.n);
    }
    assert_int_equal(ahead(many, sizeof(many)), 8 * AHEAD_KEYS);
}

static void
any_part_of_anything_is_survived(void **state)
{
    static const char text[] =
        "get a\r\nget  b\r\nset c 0 0 3\r\nabc\r\nget\r\n get d\r\nset\r\n"
        "set e\r\nset f 0 0 99999999999999999999\r\nget g\n\n\r\n\r\n\0\0get "
        "h\n";

    (void)state;
    for (size_t from = 0; from < sizeof(text); from++) {
        for (size_t to = from + 1; to <= sizeof(text); to++) {
            assert_true(ahead(text + from, to - from) > 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_short_requests_are_looked_at_together),
        cmocka_unit_test(any_part_of_anything_is_survived),
    };
    char dir[] = "/tmp/flare-ahead-XXXXXX";
    const struct store_options options = {.data_dir = dir,
                                          .type = "tch",
                                          .bucket_size = 10007,
                                          .compress = "",
                                          .lock_stripes = 16,
                                          .buffer_bytes = 1 << 20};
    struct err err;
    int failed;

    if (mkdtemp(dir) == NULL || store_open(&node.store, &options, &err) != 0) {
        return 1;
    }
    worker.node = &node;
    failed = cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
    failed += store_close(node.store, &err) != 0;
    (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return failed;
}
