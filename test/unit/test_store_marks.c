/* The marks of meta commands, and how they last. */
#include "test/unit/store_fixture.h"

#include <fcntl.h>

#include "storage/marks.h"

static struct outcome
meta(struct fixture *f, const char *key, struct change_meta how)
{
    return fixture_apply(f, (struct change){
                                .op = CHANGE_META,
                                .key = slice_str(key),
                                .meta = &how,
                            });
}

static unsigned
marks_of(struct fixture *f, const char *key, const char *value)
{
    struct item item = fixture_check(f, key, value);

    return store_marks(f->store, slice_str(key), item.version);
}

static void
make_stale(struct fixture *f, const char *key)
{
    struct outcome out = meta(
        f, key, (struct change_meta){.op = META_DELETE, .invalidate = true});

    assert_int_equal(out.answer, CHANGE_DELETED);
    assert_true(out.changed);
}

static void
one_wins_and_a_write_clears(void **state)
{
    const struct change_meta get = {.op = META_GET};
    struct fixture f;
    struct outcome out;

    (void)state;
    fixture_init(&f, "tch");
    fixture_open(&f);
    fixture_set(&f, "k", "v");
    make_stale(&f, "k");
    assert_int_equal(marks_of(&f, "k", "v"), MARK_STALE);
    out = meta(&f, "k", get);
    assert_true(out.won);
    out = meta(&f, "k", get);
    assert_false(out.won);
    assert_int_equal(out.marks, MARK_STALE | MARK_WON);
    fixture_set(&f, "k", "w");
    assert_int_equal(marks_of(&f, "k", "w"), 0);
    fixture_fini(&f);
}

static void
marks_last(const char *type, bool by_log)
{
    struct fixture f;

    fixture_init(&f, type);
    fixture_open(&f);
    fixture_set(&f, "stale", "1");
    fixture_set(&f, "won", "2");
    fixture_set(&f, "fresh", "3");
    make_stale(&f, "stale");
    make_stale(&f, "won");
    make_stale(&f, "fresh");
    (void)meta(&f, "won", (struct change_meta){.op = META_GET});
    fixture_set(&f, "fresh", "4");
    if (by_log) {
        struct err err;

        assert_int_equal(store_checkpoint(f.store, &err), 0);
        (void)meta(&f, "stale", (struct change_meta){.op = META_GET});
    }
    fixture_reopen(&f);
    fixture_reopen(&f);
    assert_int_equal(marks_of(&f, "stale", "1"),
                     by_log ? MARK_STALE | MARK_WON : MARK_STALE);
    assert_int_equal(marks_of(&f, "won", "2"), MARK_STALE | MARK_WON);
    assert_int_equal(marks_of(&f, "fresh", "4"), 0);
    fixture_fini(&f);
}

static void
marks_survive_a_restart(void **state)
{
    (void)state;
    marks_last("tch", false);
    marks_last("tcb", true);
}

static void
a_mark_waits_for_its_version(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, "mem");
    fixture_open(&f);
    assert_true(store_mark(f.store, SLICE("k"), 900, MARK_STALE));
    (void)fixture_apply(&f, (struct change){.op = CHANGE_SET,
                                            .source = CHANGE_COPY,
                                            .key = SLICE("k"),
                                            .value = SLICE("v"),
                                            .has_version = true,
                                            .version = 900});
    assert_int_equal(marks_of(&f, "k", "v"), MARK_STALE);
    fixture_fini(&f);
}

static void
the_table_is_bounded_and_damage_is_noticed(void **state)
{
    char path[] = "/tmp/flare-marks-XXXXXX";
    int fd = mkstemp(path);
    struct marks all;
    struct err err;

    (void)state;
    assert_true(fd >= 0);
    marks_init(&all, 2);
    marks_put(&all, SLICE("a"), 1, 1);
    marks_put(&all, SLICE("b"), 2, 1);
    marks_put(&all, SLICE("b"), 1, 3);
    marks_put(&all, SLICE("c"), 3, 3);
    assert_int_equal(marks_find(&all, SLICE("a"), 1), 0);
    assert_int_equal(marks_find(&all, SLICE("b"), 2), 1);
    assert_int_equal(marks_save(&all, path, &err), 0);
    marks_clear(&all);
    assert_int_equal(marks_load(&all, path, &err), 0);
    assert_int_equal(marks_find(&all, SLICE("c"), 3), 3);
    assert_int_equal(pwrite(fd, "x", 1, 20), 1);
    (void)close(fd);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, 20), 1);
    (void)close(fd);
    assert_int_equal(marks_load(&all, path, &err), ERR_CORRUPT);
    marks_fini(&all);
    (void)unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_wins_and_a_write_clears),
        cmocka_unit_test(marks_survive_a_restart),
        cmocka_unit_test(a_mark_waits_for_its_version),
        cmocka_unit_test(the_table_is_bounded_and_damage_is_noticed),
    };
    return cmocka_run_group_tests_name("storage/marks", tests, NULL, NULL);
}
