#include "test/unit/ulog_fixture.h"

#include <dirent.h>

static ino_t
inode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* Append entries from..to; returns how often an old file became the next. */
static unsigned
append_and_tend(struct logged *l, uint64_t from, uint64_t to)
{
    char oldest[128], next[128];
    unsigned reused = 0;

    (void)snprintf(next, sizeof(next), "%s/next.ulog", l->dir);
    for (uint64_t n = from; n <= to; n++) {
        ino_t was;

        segment_path(l, ulog_first(l->log), oldest, sizeof(oldest));
        was = inode_of(oldest);
        append(l, n);
        if (ulog_untidy(l->log)) {
            ulog_tend(l->log);
        }
        if (was != 0 && inode_of(oldest) == 0 && inode_of(next) == was) {
            reused++;
        }
    }
    return reused;
}

static unsigned
count_files(const char *path)
{
    DIR *dir = opendir(path);
    unsigned n = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        n++;
    }
    (void)closedir(dir);
    return n;
}

static void
old_entries_in_a_file_used_again_are_not_read(void **state)
{
    struct logged *l = *state;

    l->options.keep_bytes = 16384;
    reopen_log(l);
    assert_true(append_and_tend(l, 1, 600) > 5);
    check_from(l, 0, ulog_first(l->log), 600);
    for (uint64_t n = 601; n <= 900; n++) {
        reopen_log(l);
        assert_int_equal(ulog_last(l->log), n - 1);
        (void)append_and_tend(l, n, n);
        check_from(l, 0, ulog_first(l->log), n);
        /* The end was found where it is: no segment was given up early. */
        assert_in_range(count_files(l->dir), 3, 10);
    }
}

static void
an_entry_torn_in_a_file_used_again_is_cut(void **state)
{
    struct logged *l = *state;
    uint64_t n = 600;
    char path[128];

    l->options.keep_bytes = 16384;
    reopen_log(l);
    assert_true(append_and_tend(l, 1, n) > 5);
    do { /* until the last entry is the first of a segment */
        n++;
        (void)append_and_tend(l, n, n);
        segment_path(l, n, path, sizeof(path));
    } while (inode_of(path) == 0);
    ulog_close(l->log);
    change_byte(l, n, ULOG_HEADER + 1);
    open_log(l);
    assert_int_equal(ulog_last(l->log), n - 1);
    append(l, n);
    check_from(l, 0, ulog_first(l->log), n);
}

/* After a reset sequences may be smaller than those in old files. */
static void
a_reset_uses_no_file_again(void **state)
{
    struct logged *l = *state;
    struct err err;
    char next[128];

    (void)snprintf(next, sizeof(next), "%s/next.ulog", l->dir);
    l->options.keep_bytes = 16384;
    reopen_log(l);
    assert_true(append_and_tend(l, 1, 600) > 5);
    for (uint64_t n = 601; inode_of(next) == 0; n++) {
        (void)append_and_tend(l, n, n);
    }
    assert_int_equal(ulog_reset(l->log, 0, &err), 0);
    assert_int_equal(inode_of(next), 0);
    (void)append_and_tend(l, 1, 50);
    reopen_log(l);
    assert_int_equal(ulog_last(l->log), 50);
    check_from(l, 0, ulog_first(l->log), 50);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_entries_in_a_file_used_again_are_not_read),
        TEST(an_entry_torn_in_a_file_used_again_is_cut),
        TEST(a_reset_uses_no_file_again),
    };
    return cmocka_run_group_tests_name("ulog reuse", tests, NULL, NULL);
}
