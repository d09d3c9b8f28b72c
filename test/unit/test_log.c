#include "test/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"

static char path[32];
static int saved_stderr;

/* From here to captured(), standard error goes to a file. */
static void
capture(void)
{
    int fd;

    (void)snprintf(path, sizeof(path), "/tmp/flare-test-log.XXXXXX");
    fd = mkstemp(path);

    assert_true(fd >= 0);
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    (void)close(fd);
}

static char *
captured(void)
{
    static char text[8192];
    struct buf b = {0};
    struct err err;

    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    assert_int_equal(file_read_all(path, &b, &err), 0);
    assert_true(buf_len(&b) < sizeof(text));
    memcpy(text, b.base, buf_len(&b));
    text[buf_len(&b)] = '\0';
    buf_fini(&b);
    (void)unlink(path);
    return text;
}

static void
bytes_from_outside_are_escaped_and_cut(void **state)
{
    char longer[300];

    (void)state;
    memset(longer, 'k', sizeof(longer));
    assert_string_equal(log_text(SLICE("plain key")).text, "plain key");
    assert_string_equal(log_text(SLICE("a\r\nb\x1b[2J\\")).text,
                        "a\\x0d\\x0ab\\x1b[2J\\x5c");
    assert_string_equal(log_text(SLICE("\0\x7f\x80\xff")).text,
                        "\\x00\\x7f\\x80\\xff");
    assert_string_equal(log_text((struct slice){NULL, 0}).text, "");
    for (size_t n = 0; n <= sizeof(longer); n++) {
        struct log_text t = log_text((struct slice){longer, n});
        size_t len = strlen(t.text);

        assert_true(len < sizeof(t.text));
        assert_true(len == n || strcmp(t.text + len - 3, "...") == 0);
    }
    memset(longer, '\n', sizeof(longer));
    for (size_t n = 0; n <= sizeof(longer); n++) {
        assert_true(strlen(log_text((struct slice){longer, n}).text) < 128);
    }
}

static void
a_line_has_program_level_and_text(void **state)
{
    char *text;

    (void)state;
    assert_true(log_open("flarei", true, "local3"));
    capture();
    log_warn("node is %s key=%d", "down", 7);
    text = captured();
    assert_non_null(strstr(text, " flarei["));
    assert_non_null(strstr(text, "] warn: node is down key=7\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void
the_sys_form_adds_errno_and_leaves_it_alone(void **state)
{
    (void)state;
    capture();
    errno = ENOSPC;
    log_error_sys("write %s", "/x");
    assert_int_equal(errno, ENOSPC);
    assert_non_null(
        strstr(captured(), "error: write /x: No space left on device\n"));
}

static void
levels_above_the_limit_stay_silent(void **state)
{
    char *text;

    (void)state;
    assert_int_equal(log_get_level(), LOG_LEVEL_INFO);
    capture();
    log_debug("one");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("two");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("three");
    log_error("four");
    log_set_level(LOG_LEVEL_INFO);
    text = captured();
    assert_null(strstr(text, "one"));
    assert_non_null(strstr(text, "two"));
    assert_null(strstr(text, "three"));
    assert_non_null(strstr(text, "four"));
}

static void
a_huge_line_is_cut_and_still_ends(void **state)
{
    static char longer[5000];
    char *text;

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    capture();
    log_info("%s", longer);
    text = captured();
    assert_true(strlen(text) > 900 && strlen(text) < 1300);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void
an_unknown_facility_is_refused(void **state)
{
    (void)state;
    assert_false(log_open("x", true, "local8"));
    assert_false(log_open("x", true, ""));
    assert_true(log_open("flare", true, "user"));
}

static void
a_limit_passes_one_and_counts_the_rest(void **state)
{
    struct log_limit limit = {0};
    unsigned held = 99;

    (void)state;
    assert_true(log_limit_pass(&limit, &held));
    assert_int_equal(held, 0);
    assert_false(log_limit_pass(&limit, &held));
    assert_false(log_limit_pass(&limit, &held));
    limit.next = clock_mono();
    assert_true(log_limit_pass(&limit, &held));
    assert_int_equal(held, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_from_outside_are_escaped_and_cut),
        cmocka_unit_test(a_line_has_program_level_and_text),
        cmocka_unit_test(the_sys_form_adds_errno_and_leaves_it_alone),
        cmocka_unit_test(levels_above_the_limit_stay_silent),
        cmocka_unit_test(a_huge_line_is_cut_and_still_ends),
        cmocka_unit_test(an_unknown_facility_is_refused),
        cmocka_unit_test(a_limit_passes_one_and_counts_the_rest),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
