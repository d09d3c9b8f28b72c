/* Options, configuration files, data folders: what is wrong is said clearly. */
#include "test/unit/test.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "test/harness/cluster.h"
#include "test/harness/folder.h"
#include "test/harness/load.h"
#include "test/harness/tool.h"
#include "test/harness/wait.h"

static struct cluster cluster;
static char *folder;

static int
make_folder(void **state)
{
    (void)state;
    folder = folder_make();
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    folder_remove(folder);
    free(folder);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

/* It ends with an error and says all of these words on standard error. */
static void
assert_refuses(const char *const *argv, const char *const *words)
{
    struct tool t;

    tool_run(&t, NULL, WAIT_MS, argv);
    if (t.status == 0 || t.status >= 126) {
        fail_msg("%s %s: status %d\n%s", argv[0], argv[1], t.status, t.err);
    }
    for (; *words != NULL; words++) {
        if (strstr(t.err, *words) == NULL) {
            fail_msg("%s %s does not say \"%s\" but:\n%s", argv[0], argv[1],
                     *words, t.err);
        }
    }
    tool_fini(&t);
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const daemons[] = {"flarei", "flared"};

static void
a_wrong_command_line_is_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(daemons); i++) {
        const char *daemon = tool_path(daemons[i]);

        assert_refuses(ARGV(daemon, "--bogus"), ARGV("\"bogus\""));
        assert_refuses(ARGV(daemon, "--server-port=99999"),
                       ARGV("server-port", "99999", "65535"));
        assert_refuses(ARGV(daemon, "--server-port=x"),
                       ARGV("server-port", "\"x\"", "65535"));
        assert_refuses(ARGV(daemon, "--log-level=loud"),
                       ARGV("log-level", "loud", "debug"));
        assert_refuses(ARGV(daemon, "--server-port=0"), ARGV("data-dir"));
        assert_refuses(ARGV(daemon, "--config=/nonexistent"),
                       ARGV("/nonexistent", "No such file"));
    }
}

static void
help_and_version_are_not_errors(void **state)
{
    struct tool t;

    (void)state;
    for (size_t i = 0; i < COUNT(daemons); i++) {
        TOOL_RUN(&t, NULL, tool_path(daemons[i]), "--help");
        assert_int_equal(t.status, 0);
        assert_non_null(strstr(t.out, "--data-dir"));
        tool_fini(&t);
        TOOL_RUN(&t, NULL, tool_path(daemons[i]), "--version");
        assert_int_equal(t.status, 0);
        assert_non_null(strstr(t.out, "flare "));
        tool_fini(&t);
    }
}

static void
a_wrong_line_is_named_with_file_and_number(void **state)
{
    static const struct {
        const char *text;
        const char *line;
        const char *what;
    } table[] = {
        {"# fine\n\nnonsense\n", ":3:", "name = value"},
        {"data-dir = /x\nbogus = 1\n", ":2:", "bogus"},
        {"server-port = many\n", ":1:", "65535"},
        {"server-port = 1\nserver-port = 2\n", ":2:", "server-port"},
    };
    AUTO_FREE char *path = xasprintf("%s/daemon.conf", folder);

    (void)state;
    for (size_t i = 0; i < COUNT(daemons); i++) {
        for (size_t j = 0; j < COUNT(table); j++) {
            folder_put(path, table[j].text);
            assert_refuses(ARGV(tool_path(daemons[i]), "--config", path),
                           ARGV(path, table[j].line, table[j].what));
        }
    }
}

static void
refuses_folder(const char *path, const char *why)
{
    for (size_t i = 0; i < COUNT(daemons); i++) {
        assert_refuses(
            ARGV(tool_path(daemons[i]), "--stderr", "--data-dir", path,
                 "--server-port", "0", "--server-name", "127.0.0.1",
                 i == 0 ? "--log-level=info" : "--index-server-name=x"),
            ARGV(path, why));
    }
}

static void
a_data_folder_that_cannot_be_is_refused(void **state)
{
    AUTO_FREE char *file = xasprintf("%s/file", folder);

    (void)state;
    folder_put(file, "");
    refuses_folder(file, "Not a directory");
    refuses_folder("/proc/none", "No such file");
}

/* From here on, mounts are ours alone and end with us. */
static bool
may_mount(void)
{
    return unshare(CLONE_NEWNS) == 0 &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void
a_read_only_data_folder_is_refused(void **state)
{
    AUTO_FREE char *path = xasprintf("%s/ro", folder);

    (void)state;
    folder_make_at(path);
    if (!may_mount() ||
        mount("none", path, "tmpfs", MS_RDONLY, "size=1m") != 0) {
        skip();
    }
    refuses_folder(path, "Read-only file system");
    (void)umount(path);
}

static void
a_data_folder_in_use_is_refused(void **state)
{
    (void)state;
    cluster_up(&cluster, 1);
    assert_refuses(ARGV(tool_path("flared"), "--stderr", "--data-dir",
                        cluster.nodes[0].data, "--server-port", "0",
                        "--server-name", "127.0.0.1", "--index-server-name",
                        "127.0.0.1"),
                   ARGV(cluster.nodes[0].data));
    assert_refuses(ARGV(tool_path("flarei"), "--stderr", "--data-dir",
                        cluster.index.data, "--server-port", "0",
                        "--server-name", "127.0.0.1"),
                   ARGV(cluster.index.data));
    cluster_make_master(&cluster, 0, 0);
    cluster_finish(&cluster);
}

static void
a_port_in_use_is_refused(void **state)
{
    AUTO_FREE char *data = xasprintf("%s/data", folder);
    char port[8];

    (void)state;
    cluster_up(&cluster, 1);
    (void)snprintf(port, sizeof(port), "%u", cluster.nodes[0].port);
    assert_refuses(ARGV(tool_path("flared"), "--stderr", "--data-dir", data,
                        "--server-port", port, "--bind", "127.0.0.1",
                        "--server-name", "127.0.0.1", "--index-server-name",
                        "127.0.0.1"),
                   ARGV(port, "in use"));
    assert_refuses(ARGV(tool_path("flarei"), "--stderr", "--data-dir", data,
                        "--server-port", port, "--bind", "127.0.0.1",
                        "--server-name", "127.0.0.1"),
                   ARGV(port, "in use"));
    cluster_finish(&cluster);
}

/* A full disk refuses writes and nothing else, until there is room. */
static void
a_full_disk_refuses_writes_and_nothing_else(void **state)
{
    struct load small = {"small", 0, 500, 100, 1, ""};
    AUTO_FREE char *value = xcalloc(1, 30001);
    AUTO_FREE char *ballast = NULL;
    const char *answer = "";
    struct client c;
    struct tool t;

    (void)state;
    cluster_init(&cluster, 2);
    if (!may_mount() ||
        mount("none", cluster.nodes[0].data, "tmpfs", 0, "size=64m") != 0) {
        cluster_finish(&cluster);
        skip();
    }
    ballast = xasprintf("%s/ballast", cluster.nodes[0].data);
    TOOL_RUN(&t, NULL, "fallocate", "-l", "30m", ballast);
    assert_int_equal(t.status, 0);
    tool_fini(&t);
    memset(value, 'x', 30000);
    member_option(&cluster.nodes[0], "--log-segment-bytes", "1m");
    member_option(&cluster.nodes[0], "--log-keep-bytes", "2m");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    client_open(&c, cluster.nodes[1].port);
    load_set(&c, &small);
    for (int i = 0; i < 4000 && strncmp(answer, "SERVER_ERROR", 12) != 0; i++) {
        struct buf out = {0};

        assert_true(
            buf_printf(&out, "set fill%d 0 0 30000\r\n%s\r\n", i, value));
        client_send(&c, buf_slice(&out));
        buf_fini(&out);
        answer = client_line(&c);
    }
    assert_int_equal(strncmp(answer, "SERVER_ERROR", 12), 0);
    load_expect(&c, &small);
    cluster_wait_state(&cluster, 0, "master active 0 1");
    assert_int_equal(unlink(ballast), 0);
    small.salt = 2;
    load_set(&c, &small);
    load_expect(&c, &small);
    client_close(&c);
    process_stop(&cluster.nodes[0].process);
    cluster_start_node(&cluster, 0);
    cluster_wait_state(&cluster, 0, "master active 0 1");
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[1].port);
    load_expect(&c, &small);
    client_close(&c);
    process_stop(&cluster.nodes[0].process);
    (void)umount(cluster.nodes[0].data);
    cluster_finish(&cluster);
}

struct variable {
    uint16_t port;
    const char *line;
};

static bool
has_variable(void *arg)
{
    const struct variable *v = arg;
    struct client c;
    const char *line;
    bool found = false;

    client_open(&c, v->port);
    line = client_ask(&c, "show variables\r\n");
    while (strcmp(line, "END") != 0 && strcmp(line, "") != 0) {
        found = found || strcmp(line, v->line) == 0;
        line = client_line(&c);
    }
    client_close(&c);
    return found;
}

static void
sighup_takes_what_can_be_changed(void **state)
{
    AUTO_FREE char *path = xasprintf("%s/reload.conf", folder);
    struct variable v;
    struct client c;

    (void)state;
    folder_put(path, "net-read-timeout = 77\n");
    cluster_init(&cluster, 1);
    member_option(&cluster.nodes[0], "--config", path);
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    v = (struct variable){cluster.nodes[0].port, "net_read_timeout:       77"};
    wait_for(has_variable, &v, WAIT_MS, v.line);
    client_open(&c, cluster.nodes[0].port);
    client_set(&c, "k", "x");
    folder_put(path, "net-read-timeout = 78\nreplication-type = sync\n");
    process_signal(&cluster.nodes[0].process, SIGHUP);
    v.line = "net_read_timeout:       78";
    wait_for(has_variable, &v, WAIT_MS, v.line);
    v.line = "replication_type:       sync";
    wait_for(has_variable, &v, WAIT_MS, v.line);
    /* A broken file changes nothing and hurts nobody. */
    folder_put(path, "net-read-timeout = 79\nnonsense\n");
    process_signal(&cluster.nodes[0].process, SIGHUP);
    process_signal(&cluster.index.process, SIGHUP);
    client_expect(&c, "k", "x");
    client_talk(&c, "ping\r\n", "OK\r\n");
    v.line = "net_read_timeout:       78";
    wait_for(has_variable, &v, WAIT_MS, v.line);
    client_close(&c);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_command_line_is_explained),
        cmocka_unit_test(help_and_version_are_not_errors),
        cmocka_unit_test(a_wrong_line_is_named_with_file_and_number),
        cmocka_unit_test(a_data_folder_that_cannot_be_is_refused),
        cmocka_unit_test(a_read_only_data_folder_is_refused),
        cmocka_unit_test_teardown(a_data_folder_in_use_is_refused, stop),
        cmocka_unit_test_teardown(a_port_in_use_is_refused, stop),
        cmocka_unit_test_teardown(a_full_disk_refuses_writes_and_nothing_else,
                                  stop),
        cmocka_unit_test_teardown(sighup_takes_what_can_be_changed, stop),
    };
    return cmocka_run_group_tests_name("integration/config", tests, make_folder,
                                       remove_folder);
}
