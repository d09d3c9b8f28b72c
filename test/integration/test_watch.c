/* flare-stats --watch on a terminal, and what flare-stats says when it cannot.
 */
#include "test/unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/cluster.h"
#include "test/harness/load.h"
#include "test/harness/terminal.h"
#include "test/harness/tool.h"
#include "test/harness/wait.h"

static struct cluster cluster;
static struct terminal terminal;

static int
stop(void **state)
{
    (void)state;
    if (terminal.pid > 0) {
        (void)kill(terminal.pid, SIGKILL);
        terminal.pid = 0;
    }
    cluster_abandon(&cluster);
    return 0;
}

/* A master, its slave and a proxy. */
static void
start(void)
{
    cluster_up(&cluster, 3);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
}

static const char *
index_name(void)
{
    static char name[64];

    (void)snprintf(name, sizeof(name), "127.0.0.1:%u",
                   (unsigned)cluster.index.port);
    return name;
}

#define WATCH(...)                                                             \
    terminal_start(&terminal, 24, 130,                                         \
                   (const char *const[]){tool_path("flare-stats"), "-i",       \
                                         index_name(), __VA_ARGS__, NULL})

/* Once both are there: a screen may arrive in pieces. */
static bool
is_above(const char *a, const char *b)
{
    int ya;
    int yb;

    terminal_wait(&terminal, a);
    terminal_wait(&terminal, b);
    ya = terminal_line_of(&terminal, a);
    yb = terminal_line_of(&terminal, b);

    return ya >= 0 && yb >= 0 && ya < yb;
}

static void
the_view_shows_every_node_and_quits(void **state)
{
    struct load load = {"k", 0, 500, 100, 1, ""};
    struct client c;

    (void)state;
    start();
    client_open(&c, cluster.nodes[0].port);
    load_set(&c, &load);
    client_close(&c);
    WATCH("--watch");
    terminal_wait(&terminal, "3 nodes, 0 not serving");
    terminal_wait(&terminal, "OPS/S");
    terminal_wait(&terminal, cluster_name(&cluster, 0));
    assert_true(is_above(cluster_name(&cluster, 0), cluster_name(&cluster, 1)));
    assert_true(is_above(cluster_name(&cluster, 1), cluster_name(&cluster, 2)));
    terminal_wait(&terminal, "q quit"); /* the last that is drawn */
    assert_true(strstr(terminal.screen[terminal_line_of(
                           &terminal, cluster_name(&cluster, 0))],
                       "master") != NULL);
    terminal_wait(&terminal, " 500 "); /* items */
    terminal_type(&terminal, "q");
    assert_int_equal(terminal_finish(&terminal), 0);
    cluster_finish(&cluster);
}

/* What was typed has been obeyed: the help comes and goes. */
static void
settle(void)
{
    terminal_type(&terminal, "?");
    terminal_wait(&terminal, "sort by node, state, role, partition");
    terminal_type(&terminal, "?");
    terminal_wait_gone(&terminal, "sort by node, state, role, partition");
    for (size_t i = 0; i < cluster.n; i++) {
        terminal_wait(&terminal, cluster_name(&cluster, i));
    }
    terminal_wait(&terminal, "q quit"); /* the last that is drawn */
}

static const char *
lowest(void)
{
    const char *name = cluster_name(&cluster, 0);

    for (size_t i = 1; i < cluster.n; i++) {
        const char *other = cluster_name(&cluster, i);

        name = strcmp(other, name) < 0 ? other : name;
    }
    return name;
}

static const char *
highest(void)
{
    const char *name = cluster_name(&cluster, 0);

    for (size_t i = 1; i < cluster.n; i++) {
        const char *other = cluster_name(&cluster, i);

        name = strcmp(other, name) > 0 ? other : name;
    }
    return name;
}

static void
keys_sort_scroll_pause_and_help(void **state)
{
    (void)state;
    start();
    terminal_start(&terminal, 24, 130,
                   (const char *const[]){tool_path("flare-stats"), "top", "-i",
                                         index_name(), NULL});
    terminal_wait(&terminal, "3 nodes");
    settle();
    terminal_type(&terminal, " ");
    terminal_wait(&terminal, "PAUSED");
    terminal_type(&terminal, " ");
    terminal_wait_gone(&terminal, "PAUSED");
    terminal_type(&terminal, "nn"); /* names, the highest first */
    settle();
    assert_true(is_above(highest(), lowest()));
    terminal_type(&terminal, "n");
    settle();
    assert_true(is_above(lowest(), highest()));
    terminal_type(&terminal, "q");
    assert_int_equal(terminal_finish(&terminal), 0);
    cluster_finish(&cluster);
}

static void
the_window_may_change_its_size(void **state)
{
    (void)state;
    start();
    WATCH("--watch");
    terminal_wait(&terminal, "WRITE/S");
    terminal_resize(&terminal, 10, 60); /* the unimportant columns go */
    terminal_wait(&terminal, "OPS/S");
    terminal_wait(&terminal, cluster_name(&cluster, 2));
    assert_int_equal(terminal_line_of(&terminal, "WRITE/S"), -1);
    terminal_resize(&terminal, 3, 12);
    terminal_wait(&terminal, "flare-stats");
    terminal_resize(&terminal, 40, 160);
    terminal_wait(&terminal, "WRITE/S");
    terminal_wait(&terminal, "TREND");
    terminal_type(&terminal, "\003"); /* Ctrl-C */
    assert_int_equal(terminal_finish(&terminal), 0);
    cluster_finish(&cluster);
}

static void
a_dying_node_and_a_dead_index_are_shown(void **state)
{
    (void)state;
    start();
    WATCH("--watch");
    terminal_wait(&terminal, "3 nodes, 0 not serving");
    process_kill(&cluster.nodes[1].process);
    terminal_wait(&terminal, "3 nodes, 1 not serving");
    terminal_wait(&terminal, "down");
    process_kill(&cluster.index.process);
    terminal_wait(&terminal, "has not answered for");
    assert_true(terminal_line_of(&terminal, cluster_name(&cluster, 0)) > 0);
    cluster_start_index(&cluster);
    terminal_wait_gone(&terminal, "has not answered for");
    terminal_type(&terminal, "q");
    assert_int_equal(terminal_finish(&terminal), 0);
}

static bool
is_coloured(const char *term)
{
    terminal_start_as(&terminal, term,
                      (const char *const[]){tool_path("flare-stats"), "-i",
                                            index_name(), "--watch",
                                            "--count=2", NULL});
    assert_int_equal(terminal_finish(&terminal), 0);
    return terminal.coloured;
}

static void
colours_are_for_terminals_that_have_them(void **state)
{
    (void)state;
    start();
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    assert_true(is_coloured("xterm-256color"));
    assert_false(is_coloured("vt100"));
    assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
    assert_false(is_coloured("xterm-256color"));
    assert_int_equal(unsetenv("NO_COLOR"), 0);
    cluster_finish(&cluster);
}

static void
what_cannot_be_shown_is_explained(void **state)
{
    struct tool t;

    (void)state;
    start();
    TOOL_RUN(&t, NULL, tool_path("flare-stats"), "-i", index_name(), "--watch");
    assert_int_equal(t.status, 2); /* no terminal */
    assert_non_null(strstr(t.out, "needs a terminal"));
    tool_fini(&t);
    terminal_start_as(&terminal, "bogus",
                      (const char *const[]){tool_path("flare-stats"), "-i",
                                            index_name(), "--watch", NULL});
    assert_int_equal(terminal_finish(&terminal), 1);
    assert_true(terminal_line_of(&terminal, "\"bogus\" is not known") >= 0);
    TOOL_RUN(&t, NULL, tool_path("flare-stats"), "--bogus");
    assert_int_equal(t.status, 2);
    assert_non_null(strstr(t.out, "invalid option: --bogus"));
    tool_fini(&t);
    TOOL_RUN(&t, NULL, tool_path("flare-stats"), "-i", index_name(), "--watch",
             "nonsense");
    assert_int_equal(t.status, 2);
    assert_non_null(strstr(t.out, "invalid argument 'nonsense'"));
    tool_fini(&t);
    TOOL_RUN(&t, NULL, tool_path("flare-stats"), "-i", "127.0.0.1:1");
    assert_int_equal(t.status, 1);
    assert_non_null(strstr(t.out, "failed to open 127.0.0.1:1."));
    tool_fini(&t);
    TOOL_RUN(&t, NULL, tool_path("flare-stats"), "--help");
    assert_int_equal(t.status, 0);
    assert_non_null(strstr(t.out, "--watch"));
    tool_fini(&t);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_view_shows_every_node_and_quits, stop),
        cmocka_unit_test_teardown(keys_sort_scroll_pause_and_help, stop),
        cmocka_unit_test_teardown(the_window_may_change_its_size, stop),
        cmocka_unit_test_teardown(a_dying_node_and_a_dead_index_are_shown,
                                  stop),
        cmocka_unit_test_teardown(colours_are_for_terminals_that_have_them,
                                  stop),
        cmocka_unit_test_teardown(what_cannot_be_shown_is_explained, stop),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
