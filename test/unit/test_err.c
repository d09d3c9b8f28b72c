#include "test/unit/test.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void
setting_returns_the_code_and_keeps_the_text(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(err_set(&err, ERR_CONFIG, "threads: %d", 65), ERR_CONFIG);
    assert_int_equal(err.code, ERR_CONFIG);
    assert_int_equal(err.sys, 0);
    assert_string_equal(err.msg, "threads: 65");
}

static void
sys_adds_errno_and_its_text(void **state)
{
    struct err err;

    (void)state;
    errno = ENOENT;
    assert_int_equal(err_sys(&err, "open %s", "/x"), ERR_IO);
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.msg, "open /x: No such file or directory");
}

static void
wrap_puts_context_in_front_and_keeps_code_and_errno(void **state)
{
    struct err err;

    (void)state;
    errno = EACCES;
    (void)err_sys(&err, "open %s", "/x");
    assert_int_equal(err_wrap(&err, "load %s", "map"), ERR_IO);
    assert_int_equal(err.sys, EACCES);
    assert_string_equal(err.msg, "load map: open /x: Permission denied");
}

static void
long_text_is_cut_and_ends(void **state)
{
    char longer[1000];
    struct err err;

    (void)state;
    memset(longer, 'a', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    (void)err_set(&err, ERR_CORRUPT, "%s", longer);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    (void)err_wrap(&err, "%s", longer);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    errno = EIO;
    (void)err_sys(&err, "%s", longer);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_returns_the_code_and_keeps_the_text),
        cmocka_unit_test(sys_adds_errno_and_its_text),
        cmocka_unit_test(wrap_puts_context_in_front_and_keeps_code_and_errno),
        cmocka_unit_test(long_text_is_cut_and_ends),
    };
    return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
