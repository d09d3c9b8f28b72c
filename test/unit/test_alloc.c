#include "test/unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

static void
memory_comes_zeroed_even_none_of_it(void **state)
{
    AUTO_FREE char *some = xcalloc(100, 3);
    AUTO_FREE char *none = xcalloc(0, 3);

    (void)state;
    assert_non_null(none);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(some[i], 0);
    }
}

static void
arrays_keep_what_they_held(void **state)
{
    int *a = xreallocarray(NULL, 2, sizeof(*a));

    (void)state;
    a[0] = 1;
    a[1] = 2;
    a = xreallocarray(a, 1000, sizeof(*a));
    assert_int_equal(a[0] + a[1], 3);
    a = xreallocarray(a, 0, sizeof(*a));
    assert_non_null(a);
    free(a);
}

static void
strings_are_copied_whole_or_in_part(void **state)
{
    AUTO_FREE char *all = xstrdup("hello");
    AUTO_FREE char *part = xstrndup("hello", 2);
    AUTO_FREE char *none = xstrndup(NULL, 0);
    AUTO_FREE char *made = xasprintf("%s-%03d", "x", 7);

    (void)state;
    assert_string_equal(all, "hello");
    assert_string_equal(part, "he");
    assert_string_equal(none, "");
    assert_string_equal(made, "x-007");
}

/* A size that overflows must not become a small block. */
static void
a_size_that_overflows_aborts(void **state)
{
    volatile size_t huge = SIZE_MAX / 2;
    int status;
    pid_t pid;

    (void)state;
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        (void)close(STDERR_FILENO);
        free(xreallocarray(NULL, huge, 16));
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
stolen_things_are_not_released(void **state)
{
    char *kept;

    (void)state;
    {
        AUTO_FREE char *text = xstrdup("mine");

        kept = STEAL(text);
        assert_null(text);
    }
    assert_string_equal(kept, "mine");
    free(kept);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_comes_zeroed_even_none_of_it),
        cmocka_unit_test(arrays_keep_what_they_held),
        cmocka_unit_test(strings_are_copied_whole_or_in_part),
        cmocka_unit_test(a_size_that_overflows_aborts),
        cmocka_unit_test(stolen_things_are_not_released),
    };
    return cmocka_run_group_tests_name("base/alloc", tests, NULL, NULL);
}
