#include "test/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/tc_file.h"

enum { HEAD = 256, FLAGS_AT = 33, OLD_S = 1000 };

struct files {
    char dir[64], path[96], wal[112], beside[112], mark[112], opening[112];
};

static int
begin(void **state)
{
    static struct files f;

    (void)snprintf(f.dir, sizeof(f.dir), "/tmp/flare-file-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    (void)snprintf(f.path, sizeof(f.path), "%s/flare.hdb", f.dir);
    (void)snprintf(f.wal, sizeof(f.wal), "%s.wal", f.path);
    (void)snprintf(f.beside, sizeof(f.beside), "%s.new", f.path);
    (void)snprintf(f.mark, sizeof(f.mark), "%s.emptying", f.path);
    (void)snprintf(f.opening, sizeof(f.opening), "%s.opening", f.path);
    *state = &f;
    return 0;
}

static int
end(void **state)
{
    struct files *f = *state;

    (void)unlink(f->path);
    (void)unlink(f->wal);
    (void)unlink(f->beside);
    (void)unlink(f->mark);
    (void)unlink(f->opening);
    return rmdir(f->dir);
}

static void
put_file(const char *path, bool open_mark, size_t n)
{
    char head[HEAD] = "";
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    head[FLAGS_AT] = open_mark ? 1 : 0;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, head, n), n);
    (void)close(fd);
}

/* As if it had been written long ago. */
static void
make_old(const char *path)
{
    struct stat st;
    struct timespec times[2];

    assert_int_equal(stat(path, &st), 0);
    times[0] = times[1] = (struct timespec){st.st_mtim.tv_sec - OLD_S, 0};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static struct engine_found
look(struct files *f)
{
    struct engine_found found;
    struct err err = {0};

    if (tc_file_look(f->path, &found, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    return found;
}

static bool
exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void
no_file_is_a_new_one(void **state)
{
    struct files *f = *state;
    struct engine_found found = look(f);

    assert_true(found.created && found.clean && !found.emptied);
    put_file(f->path, false, 0);
    assert_true(look(f).created);
}

static void
the_mark_in_the_head_says_whether_it_was_closed(void **state)
{
    struct files *f = *state;

    put_file(f->path, false, HEAD);
    assert_true(look(f).clean);
    assert_false(look(f).created);
    put_file(f->path, false, HEAD / 2);
    assert_false(look(f).clean);
    put_file(f->path, true, HEAD);
    assert_false(look(f).clean);
}

static void
who_dies_beginning_a_transaction_did_not_close_it(void **state)
{
    struct files *f = *state;

    put_file(f->path, false, HEAD);
    put_file(f->wal, false, 8);
    assert_false(look(f).clean);
    /* What it holds is of no use. */
    assert_false(exists(f->wal));
    tc_file_opened(f->path);
    /* Somebody else came later and left an empty one alone. */
    put_file(f->wal, false, 0);
    make_old(f->wal);
    assert_true(look(f).clean);
}

static void
the_transaction_of_an_open_file_is_kept(void **state)
{
    struct files *f = *state;

    put_file(f->path, true, HEAD);
    put_file(f->wal, false, 8);
    assert_false(look(f).clean);
    assert_true(exists(f->wal));
}

/* The library takes it back, and with it the mark of an open file. */
static void
who_dies_taking_a_transaction_back_did_not_close_it(void **state)
{
    struct files *f = *state;

    put_file(f->path, true, HEAD);
    put_file(f->wal, false, 8);
    assert_false(look(f).clean);
    assert_int_equal(unlink(f->wal), 0);
    put_file(f->path, false, HEAD);
    assert_false(look(f).clean);
    tc_file_opened(f->path);
    assert_true(look(f).clean);
}

static void
a_file_that_was_being_emptied_is_empty(void **state)
{
    struct files *f = *state;
    struct engine_found found;

    put_file(f->path, true, HEAD / 2);
    put_file(f->wal, false, 8);
    tc_file_emptying_begins(f->path);
    found = look(f);
    assert_true(found.emptied && found.created);
    assert_false(exists(f->path));
    assert_false(exists(f->wal));
    /* And stays so when the process dies again. */
    found = look(f);
    assert_true(found.emptied && found.created);
    tc_file_opened(f->path);
    assert_false(look(f).emptied);
}

static void
another_file_in_its_place_is_left_alone(void **state)
{
    struct files *f = *state;
    struct engine_found found;

    put_file(f->path, true, HEAD);
    tc_file_emptying_begins(f->path);
    put_file(f->beside, false, HEAD);
    assert_int_equal(rename(f->beside, f->path), 0);
    found = look(f);
    assert_false(found.emptied || found.created);
    assert_true(exists(f->path));
}

static int
make_head(void *arg, const char *path, struct err *err)
{
    (void)err;
    assert_false(exists(path));
    put_file(path, false, HEAD);
    return *(int *)arg;
}

static void
a_new_file_appears_at_once_or_not_at_all(void **state)
{
    struct files *f = *state;
    struct engine_found found = look(f);
    struct err err = {.code = ERR_IO};
    int rc = ERR_IO;

    /* What another process left half way. */
    put_file(f->beside, false, 3);
    assert_int_equal(tc_file_make(f->path, &found, make_head, &rc, &err),
                     ERR_IO);
    assert_false(exists(f->path) || exists(f->beside));
    rc = 0;
    assert_int_equal(tc_file_make(f->path, &found, make_head, &rc, &err), 0);
    assert_true(exists(f->path) && !exists(f->beside));
    assert_true(look(f).clean);
}

static void
a_file_made_after_emptying_is_still_marked(void **state)
{
    struct files *f = *state;
    struct engine_found found;
    struct err err = {0};
    int rc = 0;

    put_file(f->path, true, HEAD);
    tc_file_emptying_begins(f->path);
    found = look(f);
    assert_int_equal(tc_file_make(f->path, &found, make_head, &rc, &err), 0);
    assert_true(exists(f->mark));
    assert_true(look(f).emptied);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_file_is_a_new_one, begin, end),
        cmocka_unit_test_setup_teardown(
            the_mark_in_the_head_says_whether_it_was_closed, begin, end),
        cmocka_unit_test_setup_teardown(
            who_dies_beginning_a_transaction_did_not_close_it, begin, end),
        cmocka_unit_test_setup_teardown(the_transaction_of_an_open_file_is_kept,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            who_dies_taking_a_transaction_back_did_not_close_it, begin, end),
        cmocka_unit_test_setup_teardown(a_file_that_was_being_emptied_is_empty,
                                        begin, end),
        cmocka_unit_test_setup_teardown(another_file_in_its_place_is_left_alone,
                                        begin, end),
        cmocka_unit_test_setup_teardown(
            a_new_file_appears_at_once_or_not_at_all, begin, end),
        cmocka_unit_test_setup_teardown(
            a_file_made_after_emptying_is_still_marked, begin, end),
    };
    return cmocka_run_group_tests_name("tc_file", tests, NULL, NULL);
}
