#include "test/unit/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "coord/coord.h"

static char folder[64];

static int
set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/flare-coord-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int
tear_down(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static char *
in_folder(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static void
assert_holds(struct coord *coord, const char *text)
{
    struct buf out = {0};
    struct err err = {0};
    bool found;

    assert_int_equal(coord_load(coord, COORD_MAP, &out, &found, &err), 0);
    assert_int_equal(found, text != NULL);
    if (text != NULL) {
        assert_true(slice_eq(buf_slice(&out), slice_str(text)));
    }
    buf_fini(&out);
}

static void
what_was_saved_is_there_after_opening_again(void **state)
{
    char *deep = in_folder("a/b/c");
    struct coord *coord;
    struct err err = {0};

    (void)state;
    assert_int_equal(coord_file_open(&coord, deep, &err), 0);
    assert_holds(coord, NULL);
    assert_int_equal(coord_save(coord, COORD_MAP, SLICE("one"), &err), 0);
    assert_int_equal(coord_save(coord, COORD_MAP, SLICE("two"), &err), 0);
    coord_close(coord);
    assert_int_equal(coord_file_open(&coord, deep, &err), 0);
    assert_holds(coord, "two");
    coord_close(coord);
    free(deep);
}

static void
an_empty_file_is_found_and_not_taken_for_nothing(void **state)
{
    char *path = in_folder("flare.xml");
    FILE *file = fopen(path, "w");
    struct coord *coord;
    struct err err = {0};

    (void)state;
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(coord_file_open(&coord, folder, &err), 0);
    assert_holds(coord, "");
    coord_close(coord);
    free(path);
}

static void
a_folder_in_use_by_another_process_is_refused(void **state)
{
    struct coord *coord;
    struct coord *second;
    struct err err = {0};
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(coord_file_open(&coord, folder, &err), 0);
    assert_int_equal(coord_file_open(&second, folder, &err), ERR_CONFLICT);
    assert_null(second);
    assert_non_null(strstr(err.msg, folder));
    coord_close(coord);
    pid = fork();
    if (pid == 0) { /* dies with the lock in its hands */
        _exit(coord_file_open(&second, folder, &err) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(coord_file_open(&coord, folder, &err), 0);
    coord_close(coord);
    coord_close(NULL);
}

static void
a_failure_to_save_leaves_the_old_state_and_says_why(void **state)
{
    char *tmp = in_folder("flare.xml.tmp");
    struct coord *coord;
    struct err err = {0};

    (void)state;
    assert_int_equal(coord_file_open(&coord, folder, &err), 0);
    assert_int_equal(coord_save(coord, COORD_MAP, SLICE("good"), &err), 0);
    assert_int_equal(mkdir(tmp, 0755), 0); /* nobody can write that */
    assert_int_equal(coord_save(coord, COORD_MAP, SLICE("new"), &err), ERR_IO);
    assert_non_null(strstr(err.msg, tmp));
    assert_holds(coord, "good");
    coord_close(coord);
    free(tmp);
}

static void
a_folder_that_cannot_be_made_is_named(void **state)
{
    char *path = in_folder("file");
    char *below = in_folder("file/data");
    FILE *file = fopen(path, "w");
    struct coord *coord;
    struct err err = {0};

    (void)state;
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(coord_file_open(&coord, below, &err), ERR_IO);
    assert_non_null(strstr(err.msg, below));
    free(path);
    free(below);
}

static void
memory_fails_when_told_to(void **state)
{
    struct coord *coord = coord_mem_new();
    struct err err = {0};

    (void)state;
    assert_holds(coord, NULL);
    coord_mem_fail(coord, 2);
    assert_int_equal(coord_save(coord, COORD_MAP, SLICE("one"), &err), 0);
    assert_int_equal(coord_save(coord, COORD_MAP, SLICE("two"), &err), ERR_IO);
    assert_holds(coord, "one");
    assert_int_equal(coord_save(coord, COORD_MAP, SLICE("three"), &err), 0);
    assert_holds(coord, "three");
    coord_close(coord);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_was_saved_is_there_after_opening_again),
        IN_FOLDER(an_empty_file_is_found_and_not_taken_for_nothing),
        IN_FOLDER(a_folder_in_use_by_another_process_is_refused),
        IN_FOLDER(a_failure_to_save_leaves_the_old_state_and_says_why),
        IN_FOLDER(a_folder_that_cannot_be_made_is_named),
        cmocka_unit_test(memory_fails_when_told_to),
    };
    return cmocka_run_group_tests_name("coord", tests, NULL, NULL);
}
