#include "test/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/rand.h"

static char folder[] = "/tmp/flare-test-file.XXXXXX";

static int
make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void
what_was_written_is_read_back(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};
    AUTO_FREE char *path = xasprintf("%s/map", folder);
    struct buf in = {0}, out = {0};
    struct err err;
    struct rand r;

    (void)state;
    rand_init(&r, 3);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        while (buf_len(&in) < sizes[i]) {
            char c = (char)rand_u64(&r);

            assert_true(buf_put(&in, &c, 1));
        }
        assert_int_equal(file_write_atomic(path, buf_slice(&in), &err), 0);
        buf_clear(&out);
        assert_int_equal(file_read_all(path, &out, &err), 0);
        assert_true(slice_eq(buf_slice(&in), buf_slice(&out)));
    }
    assert_int_equal(unlink(path), 0);
    buf_fini(&in);
    buf_fini(&out);
}

static void
reading_appends(void **state)
{
    AUTO_FREE char *path = xasprintf("%s/map", folder);
    struct buf out = {0};
    struct err err;

    (void)state;
    assert_int_equal(file_write_atomic(path, SLICE("b"), &err), 0);
    assert_true(buf_put_str(&out, "a"));
    assert_int_equal(file_read_all(path, &out, &err), 0);
    assert_true(slice_eq(buf_slice(&out), SLICE("ab")));
    assert_int_equal(unlink(path), 0);
    buf_fini(&out);
}

static void
a_missing_file_is_an_error_that_names_it(void **state)
{
    AUTO_FREE char *path = xasprintf("%s/none", folder);
    AUTO_FREE char *want = xasprintf("open %s: %s", path, strerror(ENOENT));
    struct buf out = {0};
    struct err err;

    (void)state;
    assert_int_equal(file_read_all(path, &out, &err), ERR_IO);
    assert_string_equal(err.msg, want);
    assert_int_equal(err.sys, ENOENT);
    buf_fini(&out);
}

static void
a_folder_cannot_be_read_as_a_file(void **state)
{
    struct buf out = {0};
    struct err err;

    (void)state;
    assert_int_equal(file_read_all(folder, &out, &err), ERR_IO);
    assert_int_equal(err.sys, EISDIR);
    buf_fini(&out);
}

/* The name is taken by a folder that is not empty: the rename must fail. */
static void
a_failed_write_leaves_the_old_one_and_no_litter(void **state)
{
    AUTO_FREE char *path = xasprintf("%s/taken", folder);
    AUTO_FREE char *inside = xasprintf("%s/x", path);
    AUTO_FREE char *tmp = xasprintf("%s.tmp", path);
    struct buf out = {0};
    struct err err;

    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(file_write_atomic(inside, SLICE("old"), &err), 0);
    assert_int_equal(file_write_atomic(path, SLICE("new"), &err), ERR_IO);
    assert_non_null(strstr(err.msg, "rename"));
    assert_int_equal(access(tmp, F_OK), -1);
    assert_int_equal(file_read_all(inside, &out, &err), 0);
    assert_true(slice_eq(buf_slice(&out), SLICE("old")));
    assert_int_equal(unlink(inside), 0);
    assert_int_equal(rmdir(path), 0);
    buf_fini(&out);
}

static void
a_full_disk_is_reported(void **state)
{
    AUTO_FREE char *path = xasprintf("%s/full", folder);
    AUTO_FREE char *tmp = xasprintf("%s.tmp", path);
    struct err err;

    (void)state;
    assert_int_equal(symlink("/dev/full", tmp), 0);
    assert_int_equal(file_write_atomic(path, SLICE("x"), &err), ERR_IO);
    assert_int_equal(err.sys, ENOSPC);
    assert_int_equal(access(path, F_OK), -1);
    (void)unlink(tmp);
}

static void
the_folder_of_any_path_can_be_synced(void **state)
{
    AUTO_FREE char *inside = xasprintf("%s/name", folder);
    AUTO_FREE char *none = xasprintf("%s/none/name", folder);
    struct err err;

    (void)state;
    assert_int_equal(file_sync_folder_of(inside, &err), 0);
    assert_int_equal(file_sync_folder_of("name", &err), 0);
    assert_int_equal(file_sync_folder_of("/name", &err), 0);
    assert_int_equal(file_sync_folder_of(none, &err), ERR_IO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(reading_appends),
        cmocka_unit_test(a_missing_file_is_an_error_that_names_it),
        cmocka_unit_test(a_folder_cannot_be_read_as_a_file),
        cmocka_unit_test(a_failed_write_leaves_the_old_one_and_no_litter),
        cmocka_unit_test(a_full_disk_is_reported),
        cmocka_unit_test(the_folder_of_any_path_can_be_synced),
    };
    return cmocka_run_group_tests_name("base/file", tests, make_folder,
                                       remove_folder);
}
