#include "test/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf_args.h"
#include "conf/conf_file.h"

struct target {
    bool daemonize;
    uint64_t threads;
    uint64_t value_max;
    char *data_dir;
    char *mode;
};

#define AT(field) offsetof(struct target, field)

static const struct option_row rows[] = {
    {.name = "daemonize",
     .letter = 'd',
     .type = OPTION_BOOL,
     .offset = AT(daemonize),
     .fallback = "false",
     .help = "Detach."},
    {.name = "threads",
     .letter = 't',
     .type = OPTION_UINT,
     .offset = AT(threads),
     .min = 1,
     .max = 64,
     .fallback = "4",
     .unit = "threads",
     .help = "Threads."},
    {.name = "value-max",
     .type = OPTION_BYTES,
     .offset = AT(value_max),
     .min = 2,
     .max = UINT64_C(1) << 30,
     .fallback = "1m",
     .unit = "bytes",
     .help = "Largest value."},
    {.name = "data-dir",
     .type = OPTION_STRING,
     .offset = AT(data_dir),
     .fallback = "/tmp",
     .help = "Folder."},
    {.name = "mode",
     .type = OPTION_CHOICE,
     .offset = AT(mode),
     .choices = "async|sync",
     .fallback = "async",
     .help = "Mode."},
    {.name = "config",
     .letter = 'f',
     .type = OPTION_STRING,
     .flags = OPTION_COMMAND_LINE | OPTION_IGNORED,
     .fallback = "",
     .help = "File."},
    {.name = "stack-size",
     .type = OPTION_UINT,
     .flags = OPTION_IGNORED,
     .max = 1000,
     .fallback = "128",
     .help = "Nothing."},
};

static const struct option_table table = {rows, COUNT(rows)};

static int
set_target(void *arg, const struct option_row *row, const char *value,
           struct err *err)
{
    return option_set(row, arg, value, err);
}

static void
every_type_takes_its_values_and_says_what_it_refuses(void **state)
{
    static const struct {
        const char *name, *text;
        const char *shown; /* as option_put() prints it */
        const char *why;   /* NULL: accepted */
    } cases[] = {
        {"threads", "64", "64", NULL},
        {"threads", "65", "4", "threads: \"65\" is not in 1..64 threads"},
        {"threads", "0", "4", "threads: \"0\" is not in 1..64 threads"},
        {"threads", "-1", "4", "threads: \"-1\" is not in 1..64 threads"},
        {"threads", "4k", "4", "threads: \"4k\" is not in 1..64 threads"},
        {"threads", "", "4", "threads: \"\" is not in 1..64 threads"},
        {"value-max", "1024", "1k", NULL},
        {"value-max", "3M", "3m", NULL},
        {"value-max", "1g", "1g", NULL},
        {"value-max", "1025", "1025", NULL},
        {"value-max", "2g", "1m", "value-max: \"2g\" is not in 2..1g bytes"},
        {"value-max", "18446744073709551615g", "1m",
         "value-max: \"18446744073709551615g\" is not in 2..1g bytes"},
        {"value-max", "1", "1m", "value-max: \"1\" is not in 2..1g bytes"},
        {"value-max", "k", "1m", "value-max: \"k\" is not in 2..1g bytes"},
        {"daemonize", "true", "true", NULL},
        {"daemonize", "", "true", NULL},
        {"daemonize", "no", "false", NULL},
        {"daemonize", "maybe", "false",
         "daemonize: \"maybe\" is not true or false"},
        {"mode", "sync", "sync", NULL},
        {"mode", "syn", "async", "mode: \"syn\" is not async or sync"},
        {"data-dir", "/a b", "/a b", NULL},
        {"stack-size", "64", "128", NULL},
        {"stack-size", "x", "128", "stack-size: \"x\" is not in 0..1000"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct option_row *row = option_find(&table, cases[i].name);
        struct target t = {0};
        struct buf shown = {0};
        struct err err = {0};
        int rc;

        assert_non_null(row);
        assert_int_equal(option_defaults(&table, &t, &err), 0);
        rc = option_set(row, &t, cases[i].text, &err);
        assert_int_equal(rc, cases[i].why == NULL ? 0 : ERR_CONFIG);
        if (cases[i].why != NULL) {
            assert_string_equal(err.msg, cases[i].why);
        }
        option_put(row, &t, &shown);
        (void)buf_put(&shown, "", 1);
        assert_string_equal(buf_slice(&shown).p, cases[i].shown);
        buf_fini(&shown);
        option_free(&table, &t);
    }
}

static void
a_file_is_read_line_by_line_and_errors_name_the_line(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"", NULL},
        {"# nothing\n\n  \t\r\n", NULL},
        {"threads = 8 # eight\n  data-dir=/x=y  \r\ndaemonize =", NULL},
        {"threads=8\nfoo\n", "f:2: \"foo\" is not of the form name = value"},
        {"= 8", "f:1: \"= 8\" is not of the form name = value"},
        {"\n\nthreads = 65", "f:3: threads: \"65\" is not in 1..64 threads"},
        {"treads = 8", "f:1: unknown option \"treads\"; the closest known one "
                       "is \"threads\""},
        {"hjkl = 8", "f:1: unknown option \"hjkl\""},
        {"threads = 8\nthreads = 8",
         "f:2: threads was already given in line 1"},
        {"config = x", "f:1: config may be given on the command line only"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct target t = {0};
        struct err err = {0};
        int rc;

        assert_int_equal(option_defaults(&table, &t, &err), 0);
        rc = conf_file_parse(&table, slice_str(cases[i].text), "f", set_target,
                             &t, &err);
        assert_int_equal(rc, cases[i].why == NULL ? 0 : ERR_CONFIG);
        if (cases[i].why != NULL) {
            assert_string_equal(err.msg, cases[i].why);
        }
        if (i == 2) {
            assert_int_equal(t.threads, 8);
            assert_string_equal(t.data_dir, "/x=y");
            assert_true(t.daemonize);
        }
        option_free(&table, &t);
    }
}

static void
a_line_with_nul_bytes_is_refused(void **state)
{
    struct target t = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(conf_file_parse(&table, SLICE("threads = 8\0x\n"), "f",
                                     set_target, &t, &err),
                     ERR_CONFIG);
    option_free(&table, &t);
}

static const struct {
    const char *argv[5];
    uint64_t threads;
    bool daemonize;
    const char *data_dir;
    const char *why;
} forms[] = {
    {{"p"}, 4, false, "/tmp", NULL},
    {{"p", "--threads", "8", "--data-dir=/x"}, 8, false, "/x", NULL},
    {{"p", "-t8", "-d"}, 8, true, "/tmp", NULL},
    {{"p", "-dt", "8"}, 8, true, "/tmp", NULL},
    {{"p", "--daemonize", "--threads=9"}, 9, true, "/tmp", NULL},
    {{"p", "--daemonize", "false"}, 4, false, "/tmp", NULL},
    {{"p", "--daemonize=true", "--thr=5"}, 5, true, "/tmp", NULL},
    {{"p", "--threads"}, 4, false, "/tmp", "--threads needs a value"},
    {{"p", "--threads", "65"},
     4,
     false,
     "/tmp",
     "threads: \"65\" is not in 1..64 threads"},
    {{"p", "--threads=8", "-t8"}, 8, false, "/tmp", "--threads is given twice"},
    {{"p", "--d=1"},
     4,
     false,
     "/tmp",
     "\"--d\" may be --daemonize or --data-dir"},
    {{"p", "--treads=1"},
     4,
     false,
     "/tmp",
     "unknown option \"treads\"; the closest known one is \"--threads\""},
    {{"p", "-x"}, 4, false, "/tmp", "unknown option \"-x\""},
    {{"p", "x"}, 4, false, "/tmp", "unexpected argument \"x\""},
    {{"p", "--"}, 4, false, "/tmp", "unexpected argument \"--\""},
    {{"p", ""}, 4, false, "/tmp", "unexpected argument \"\""},
};

static void
the_command_line_takes_all_usual_forms(void **state)
{

    (void)state;
    for (size_t i = 0; i < COUNT(forms); i++) {
        struct target t = {0};
        struct err err = {0};
        char *argv[5] = {NULL};
        int argc = 0;

        while (argc < 5 && forms[i].argv[argc] != NULL) {
            argv[argc] = strdup(forms[i].argv[argc]);
            argc++;
        }
        assert_int_equal(option_defaults(&table, &t, &err), 0);
        assert_int_equal(
            conf_args_parse(&table, argc, argv, set_target, &t, &err),
            forms[i].why == NULL ? 0 : ERR_CONFIG);
        if (forms[i].why != NULL) {
            assert_string_equal(err.msg, forms[i].why);
        }
        assert_int_equal(t.threads, forms[i].threads);
        assert_int_equal(t.daemonize, forms[i].daemonize);
        assert_string_equal(t.data_dir, forms[i].data_dir);
        option_free(&table, &t);
        for (int j = 0; j < argc; j++) {
            free(argv[j]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_takes_its_values_and_says_what_it_refuses),
        cmocka_unit_test(a_file_is_read_line_by_line_and_errors_name_the_line),
        cmocka_unit_test(a_line_with_nul_bytes_is_refused),
        cmocka_unit_test(the_command_line_takes_all_usual_forms),
    };
    return cmocka_run_group_tests_name("conf/option", tests, NULL, NULL);
}
