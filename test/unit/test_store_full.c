/* A full disk, with a small tmpfs of our own; needs root. */
#include "test/unit/store_fixture.h"

#include <sys/mount.h>
#include <time.h>

static const char *const types[] = {"tch", "tcb"};
static const char *const sizes[] = {"size=32m", "size=80m"};

enum { VALUE = 50000, KEYS = 2000 };

static char value[VALUE];

static enum change_answer
set(struct fixture *f, unsigned n, size_t size)
{
    char key[16];
    struct change c = {.op = CHANGE_SET};

    (void)snprintf(key, sizeof(key), "k%u", n);
    c.key = slice_str(key);
    c.value = (struct slice){value, size};
    return fixture_apply(f, c).answer;
}

/* Retry for a while: a checkpoint under way may make room. */
static bool
wait_for_deletion(struct fixture *f, const char *key)
{
    for (int i = 0; i < 500; i++) {
        struct timespec pause = {0, 10000000};

        if (fixture_delete(f, key) == CHANGE_DELETED) {
            return true;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static void
check_all(struct fixture *f, unsigned stored)
{
    for (unsigned i = 0; i < stored; i++) {
        char key[16];
        struct item item;

        (void)snprintf(key, sizeof(key), "k%u", i);
        assert_int_equal(
            store_get(f->store, slice_str(key), now, &f->scratch, &item),
            STORE_OK);
        assert_int_equal(item.value.n, VALUE);
        assert_memory_equal(item.value.p, value, VALUE);
    }
}

static void
check_full(struct fixture *f)
{
    unsigned stored = 0;
    uint64_t seq;

    fixture_open(f);
    while (stored < KEYS && set(f, stored, VALUE) == CHANGE_STORED) {
        stored++;
    }
    print_message("%u records until the disk was full\n", stored);
    assert_in_range(stored, 20, KEYS - 1);
    assert_non_null(store_trouble(f->store));
    assert_true(store_commit(f->store));
    check_all(f, stored);
    /* And after a restart. */
    fixture_reopen(f);
    check_all(f, stored);
    assert_int_equal(store_count(f->store), stored);
    assert_true(wait_for_deletion(f, "k0"));
    assert_null(store_trouble(f->store));
    assert_true(store_flush_all(f->store, &seq));
    for (unsigned i = 0; i < stored / 2; i++) {
        assert_int_equal(set(f, i, VALUE), CHANGE_STORED);
    }
    assert_null(store_trouble(f->store));
}

static void
a_full_disk_refuses_writes_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        struct fixture f;

        fixture_init(&f, types[i]);
        if (mount("tmpfs", f.dir, "tmpfs", 0, sizes[i]) != 0) {
            fixture_fini(&f);
            skip();
        }
        f.options.log_segment_bytes = 1 << 20;
        f.options.log_keep_bytes = 2 << 20;
        check_full(&f);
        fixture_close(&f);
        assert_int_equal(umount(f.dir), 0);
        fixture_fini(&f);
    }
}

static void
a_disk_too_small_for_the_file_is_an_error_at_the_start(void **state)
{
    struct fixture f;
    struct err err = {0};
    int rc;

    (void)state;
    fixture_init(&f, "tch");
    if (mount("tmpfs", f.dir, "tmpfs", 0, "size=2m") != 0) {
        fixture_fini(&f);
        skip();
    }
    f.options.bucket_size = 1 << 20;
    rc = store_open(&f.store, &f.options, &err);
    print_message("%s\n", err.msg);
    assert_int_equal(umount(f.dir), 0);
    assert_int_equal(rc, ERR_IO);
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_refuses_writes_and_nothing_else),
        cmocka_unit_test(
            a_disk_too_small_for_the_file_is_an_error_at_the_start),
    };

    memset(value, 'v', sizeof(value));
    return cmocka_run_group_tests_name("full disk", tests, NULL, NULL);
}
