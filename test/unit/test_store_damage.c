/* What a start does about a file or a log that is not what it should be. */
#include "test/unit/store_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* In a child that dies without closing: a checkpoint, then more. */
static void
leave_unclean(struct fixture *f, bool checkpoint)
{
    pid_t pid = fork();
    struct err err;
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        char key[16];

        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        fixture_open(f);
        for (int i = 0; i < 2000; i++) {
            (void)snprintf(key, sizeof(key), "key%d", i);
            (void)fixture_set(f, key, "value");
            if (checkpoint && i == 1000) {
                (void)store_checkpoint(f->store, &err);
            }
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* What lies well behind the buckets becomes nonsense. */
static void
spoil_records(const struct fixture *f)
{
    char nonsense[4096], path[128];
    struct stat st;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/flare.hdb", f->dir);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    memset(nonsense, 0x7f, sizeof(nonsense));
    for (off_t at = 100 << 10; at < st.st_size; at += 4096) {
        assert_int_equal(pwrite(fd, nonsense, sizeof(nonsense), at), 4096);
    }
    (void)close(fd);
}

static void
a_file_that_refuses_the_log_is_made_anew_from_all_of_it(void **state)
{
    struct fixture f;
    glob_t found;
    char pattern[128];

    (void)state;
    fixture_init(&f, "tch");
    leave_unclean(&f, true);
    spoil_records(&f);
    fixture_open(&f);
    assert_int_equal(store_count(f.store), 2000);
    fixture_check(&f, "key0", "value");
    fixture_check(&f, "key1999", "value");
    (void)snprintf(pattern, sizeof(pattern), "%s/flare.hdb.damaged-*", f.dir);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    globfree(&found);
    fixture_fini(&f);
}

static void
a_gap_behind_the_checkpoint_is_not_served(void **state)
{
    struct fixture f;
    struct err err = {0};
    char path[128];

    (void)state;
    fixture_init(&f, "tch");
    f.options.log_segment_bytes = 16384;
    leave_unclean(&f, false);
    (void)snprintf(path, sizeof(path), "%s/log/%020d.ulog", f.dir, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_open(&f.store, &f.options, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.msg, "missing"));
    fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_file_that_refuses_the_log_is_made_anew_from_all_of_it),
        cmocka_unit_test(a_gap_behind_the_checkpoint_is_not_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
