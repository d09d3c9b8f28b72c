/* The daemons' own tables, and reading them again at SIGHUP. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "conf/conf_text.h"
#include "flared/options.h"
#include "flarei/options.h"

static char config_path[] = "/tmp/flare-test-options-XXXXXX";

/* What was built, ended by a NUL. */
static const char *
text_of(const struct buf *b)
{
    return b->base != NULL ? b->base + b->start : "";
}

static void
write_config(const char *text)
{
    FILE *f = fopen(config_path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int
load_flared(struct conf *conf, struct flared_options *options,
            const char *extra, struct err *err)
{
    char program[] = "flared";
    char dash_f[] = "-f";
    char last[64] = "";
    char *argv[] = {program, dash_f, config_path, last};

    (void)snprintf(last, sizeof(last), "%s", extra != NULL ? extra : "");
    return conf_init(conf, &flared_conf_spec, options, extra != NULL ? 4 : 3,
                     argv, err);
}

static void
a_configuration_of_flare_starts_a_node(void **state)
{
    struct conf conf;
    struct flared_options options = {0};
    struct err err = {0};

    (void)state;
    write_config("data-dir = /tmp/x\n"
                 "index-servers = index1:12120,index2:12120\n"
                 "log-facility = local1\nmax-connection = 256\n"
                 "mutex-slot = 32\nproxy-concurrency = 2\n"
                 "server-name = node1\nserver-port = 12121\n"
                 "stack-size = 128\nstorage-type = tch\n"
                 "storage-large = true\nthread-pool-size = 16\n"
                 "noreply-window-limit = 0\nproxy-prior-netmask = 24\n"
                 "time-watcher-enabled = true\n"
                 "cluster-replication = false\nback-log = 30\n");
    assert_int_equal(load_flared(&conf, &options, NULL, &err), 0);
    assert_string_equal(options.data_dir, "/tmp/x");
    assert_string_equal(options.pid, "/tmp/x/flared.pid");
    assert_int_equal(options.max_connection, 256);
    assert_int_equal(options.mutex_slot, 32);
    assert_true(options.storage_large);
    assert_true(options.threads >= 1);
    conf_fini(&conf);
}

static void
a_node_needs_a_folder_and_exactly_one_way_to_its_index(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"index-server-name = a\n", "option [data-dir] is required"},
        {"data-dir = /x\n", "the index server is missing: give index-servers "
                            "or index-server-name"},
        {"data-dir = /x\nindex-servers = foo\n",
         "index-servers: \"foo\" is not host:port,host:port"},
        {"data-dir = /x\nindex-servers = a:1,b:0\n",
         "index-servers: \"a:1,b:0\" is not host:port,host:port"},
        {"data-dir = /x\nindex-servers = a:1\nindex-server-name = a\n",
         "index-servers and index-server-name are both given; one of them is "
         "allowed"},
        {"data-dir = /x\nindex-server-name = a\noutput-low = 8m\n",
         "output-low: 8388608 is above output-high, which is 4194304"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct conf conf;
        struct flared_options options = {0};
        struct err err = {0};

        write_config(cases[i].text);
        assert_int_equal(load_flared(&conf, &options, NULL, &err), ERR_CONFIG);
        assert_string_equal(err.msg, cases[i].why);
    }
}

static void
numbers_that_crash_flare_are_refused(void **state)
{
    static const char *const bad[] = {
        "--partition-modular-hint=0",  "--partition-modular-virtual=0",
        "--partition-size=1",          "--monitor-interval=0",
        "--key-hash-algorithm=murmur", "--index-db=zookeeper://x",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct conf conf;
        struct flarei_options options = {0};
        struct err err = {0};
        char program[] = "flarei";
        char folder[] = "--data-dir=/x";
        char last[64];
        char *argv[] = {program, folder, last};

        (void)snprintf(last, sizeof(last), "%s", bad[i]);
        assert_int_equal(
            conf_init(&conf, &flarei_conf_spec, &options, 3, argv, &err),
            ERR_CONFIG);
    }
}

static void
a_reload_changes_what_is_reloadable_and_keeps_the_command_line(void **state)
{
    struct conf conf;
    struct flared_options options = {0};
    struct err err = {0};

    (void)state;
    write_config("data-dir = /x\nindex-server-name = a\n"
                 "net-read-timeout = 10\nmax-connection = 55\n");
    assert_int_equal(load_flared(&conf, &options, "--max-connection=77", &err),
                     0);
    assert_int_equal(options.max_connection, 77);
    assert_int_equal(options.net_read_timeout, 10);

    write_config("data-dir = /y\nindex-server-name = b\n"
                 "replication-type = sync\nmax-connection = 66\n");
    assert_int_equal(conf_reload(&conf, &err), 0);
    assert_int_equal(options.max_connection, 77);
    assert_int_equal(options.net_read_timeout, 600);
    assert_string_equal(options.replication_type, "sync");
    assert_string_equal(options.index_server_name, "b");
    assert_string_equal(options.data_dir, "/x");

    write_config("data-dir = /x\nindex-server-name = c\nmax-connection = x\n");
    assert_int_equal(conf_reload(&conf, &err), ERR_CONFIG);
    assert_string_equal(options.index_server_name, "b");
    assert_string_equal(options.replication_type, "sync");
    conf_fini(&conf);
}

static void
what_show_config_prints_can_be_read_as_a_file(void **state)
{
    struct conf conf;
    struct flared_options options = {0};
    struct err err = {0};
    struct buf shown = {0};

    (void)state;
    write_config("data-dir = /x\nindex-server-name = a\nvalue-max = 3m\n");
    assert_int_equal(load_flared(&conf, &options, NULL, &err), 0);
    conf_text_show(&conf, &shown);
    (void)buf_put(&shown, "", 1);
    conf_fini(&conf);
    write_config(text_of(&shown));
    memset(&options, 0, sizeof(options));
    assert_int_equal(load_flared(&conf, &options, NULL, &err), 0);
    assert_int_equal(options.value_max, 3 << 20);
    conf_fini(&conf);
    buf_fini(&shown);
}

static void
the_template_starts_the_daemon_and_names_every_option(void **state)
{
    const struct conf_spec *spec = &flared_conf_spec;
    struct conf conf;
    struct flared_options options = {0};
    struct err err = {0};
    struct buf text = {0};

    (void)state;
    conf_text_template(spec, &text);
    (void)buf_put(&text, "", 1);
    for (size_t i = 0; i < spec->table.nrows; i++) {
        const struct option_row *row = &spec->table.rows[i];
        char name[80];

        (void)snprintf(name, sizeof(name), "%s =", row->name);
        assert_true((strstr(text_of(&text), name) != NULL) ==
                    ((row->flags & OPTION_COMMAND_LINE) == 0));
    }
    write_config(text_of(&text));
    assert_int_equal(load_flared(&conf, &options, NULL, &err), 0);
    conf_fini(&conf);
    buf_fini(&text);
}

/* What `path` below the source folder holds; NULL when it is not there. */
static char *
source_text(const char *path)
{
    const char *top = getenv("top_srcdir");
    char full[512];
    struct buf text = {0};
    struct err err;

    (void)snprintf(full, sizeof(full), "%s/%s", top != NULL ? top : ".", path);
    if (file_read_all(full, &text, &err) != 0) {
        buf_fini(&text);
        return NULL;
    }
    (void)buf_put(&text, "", 1);
    return text.base;
}

static void
the_sample_files_are_what_the_tables_say(void **state)
{
    static const struct {
        const struct conf_spec *spec;
        const char *path;
    } cases[] = {{&flared_conf_spec, "etc/flared.conf"},
                 {&flarei_conf_spec, "etc/flarei.conf"}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf text = {0};
        char *shipped = source_text(cases[i].path);

        conf_text_template(cases[i].spec, &text);
        (void)buf_put(&text, "", 1);
        assert_non_null(shipped);
        assert_string_equal(shipped, text_of(&text));
        free(shipped);
        buf_fini(&text);
    }
}

static void
the_manual_pages_say_what_the_tables_say(void **state)
{
    static const struct {
        const struct conf_spec *spec;
        const char *path;
    } cases[] = {{&flared_conf_spec, "flared/flared.8"},
                 {&flarei_conf_spec, "flarei/flarei.8"}};

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf text = {0};
        char *page = source_text(cases[i].path);

        conf_text_man(cases[i].spec, &text);
        (void)buf_put(&text, "", 1);
        assert_non_null(page);
        if (strstr(page, text_of(&text)) == NULL) {
            fail_msg("%s: make update-options is due", cases[i].path);
        }
        free(page);
        buf_fini(&text);
    }
}

static void
every_default_is_within_its_own_range(void **state)
{
    const struct conf_spec *specs[] = {&flared_conf_spec, &flarei_conf_spec};

    (void)state;
    for (size_t s = 0; s < COUNT(specs); s++) {
        for (size_t i = 0; i < specs[s]->table.nrows; i++) {
            struct option_row row = specs[s]->table.rows[i];
            struct err err = {0};

            row.flags |= OPTION_IGNORED; /* check only */
            assert_int_equal(option_set(&row, NULL, row.fallback, &err), 0);
            assert_ptr_equal(option_find(&specs[s]->table, row.name),
                             &specs[s]->table.rows[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_configuration_of_flare_starts_a_node),
        cmocka_unit_test(
            a_node_needs_a_folder_and_exactly_one_way_to_its_index),
        cmocka_unit_test(numbers_that_crash_flare_are_refused),
        cmocka_unit_test(
            a_reload_changes_what_is_reloadable_and_keeps_the_command_line),
        cmocka_unit_test(what_show_config_prints_can_be_read_as_a_file),
        cmocka_unit_test(the_template_starts_the_daemon_and_names_every_option),
        cmocka_unit_test(every_default_is_within_its_own_range),
        cmocka_unit_test(the_sample_files_are_what_the_tables_say),
        cmocka_unit_test(the_manual_pages_say_what_the_tables_say),
    };
    int fd = mkstemp(config_path);
    int rc;

    if (fd < 0) {
        return 99;
    }
    (void)close(fd);
    rc = cmocka_run_group_tests_name("daemon options", tests, NULL, NULL);
    (void)unlink(config_path);
    return rc;
}
