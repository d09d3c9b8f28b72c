/* flare-admin on a terminal: colours, questions, Ctrl-C, progress. */
#include "test/unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "test/harness/admin.h"
#include "test/harness/load.h"
#include "test/harness/wait.h"

static struct cluster cluster;

static int
start(void **state)
{
    char index[32];

    (void)state;
    cluster_up(&cluster, 2);
    (void)admin_run(&cluster, 0, NULL, "master -y @0:1:0");
    cluster_settle(&cluster);
    (void)snprintf(index, sizeof(index), "127.0.0.1:%u", cluster.index.port);
    (void)setenv("FLARE_INDEX_SERVER", index, 1);
    (void)setenv("TERM", "xterm", 1);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    (void)unsetenv("NO_COLOR");
    cluster_abandon(&cluster);
    return 0;
}

/* A program on a terminal of its own, and all it has written there. */
struct terminal {
    pid_t pid;
    int fd;
    char text[65536];
    size_t n;
};

static void
become(const char *slave, const char *command)
{
    int fd;

    (void)setsid();
    fd = open(slave, O_RDWR);
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) != 0 || dup2(fd, 0) < 0 ||
        dup2(fd, 1) < 0 || dup2(fd, 2) < 0) {
        _exit(126);
    }
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* words: of flare-admin. */
static void
terminal_open(struct terminal *t, const char *words)
{
    char command[1024];
    const char *slave;

    (void)snprintf(command, sizeof(command), "exec %s %s",
                   tool_path("flare-admin"), words);
    memset(t, 0, sizeof(*t));
    t->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(t->fd >= 0);
    assert_int_equal(grantpt(t->fd), 0);
    assert_int_equal(unlockpt(t->fd), 0);
    slave = ptsname(t->fd);
    assert_non_null(slave);
    t->pid = fork();
    if (t->pid == 0) {
        become(slave, command);
    }
}

/* False at the end. */
static bool
terminal_read(struct terminal *t, int ms)
{
    struct pollfd p = {t->fd, POLLIN, 0};
    ssize_t n;

    if (poll(&p, 1, ms) <= 0) {
        return true;
    }
    n = read(t->fd, t->text + t->n, sizeof(t->text) - 1 - t->n);
    if (n <= 0) {
        return false;
    }
    t->n += (size_t)n;
    t->text[t->n] = '\0';
    return true;
}

static void
terminal_await(struct terminal *t, const char *words)
{
    struct mono until = mono_after_ms(clock_mono(), WAIT_MS);

    while (strstr(t->text, words) == NULL) {
        bool open = terminal_read(t, 100);

        if (strstr(t->text, words) == NULL &&
            (!open || mono_reached(until, clock_mono()))) {
            fail_msg("no \"%s\" on the terminal:\n%s", words, t->text);
        }
    }
}

static void
terminal_type(struct terminal *t, const char *keys)
{
    assert_int_equal(write(t->fd, keys, strlen(keys)), strlen(keys));
}

/* Its exit status. */
static int
terminal_end(struct terminal *t)
{
    struct mono until = mono_after_ms(clock_mono(), WAIT_MS);
    int status;

    while (terminal_read(t, 100)) {
        if (mono_reached(until, clock_mono())) {
            (void)kill(t->pid, SIGKILL);
            fail_msg("it does not end:\n%s", t->text);
        }
    }
    (void)close(t->fd);
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
states_are_coloured_unless_that_is_not_wanted(void **state)
{
    struct terminal t;

    (void)state;
    terminal_open(&t, "list");
    assert_int_equal(terminal_end(&t), 0);
    admin_has(t.text, "\033[32mactive\033[0m");
    terminal_open(&t, "list -o json");
    assert_int_equal(terminal_end(&t), 0);
    assert_null(strchr(t.text, '\033'));
    (void)setenv("NO_COLOR", "1", 1);
    terminal_open(&t, "list");
    assert_int_equal(terminal_end(&t), 0);
    assert_null(strchr(t.text, '\033'));
    (void)unsetenv("NO_COLOR");
    (void)setenv("TERM", "dumb", 1);
    terminal_open(&t, "list");
    assert_int_equal(terminal_end(&t), 0);
    assert_null(strchr(t.text, '\033'));
    cluster_finish(&cluster);
}

static void
a_question_is_answered_by_typing(void **state)
{
    struct terminal t;
    char words[64];

    (void)state;
    (void)snprintf(words, sizeof(words), "balance %s:5",
                   cluster_name(&cluster, 0));
    terminal_open(&t, words);
    terminal_await(&t, "balance=1 -> 5) (y/n): ");
    terminal_type(&t, "n\n");
    assert_int_equal(terminal_end(&t), 0);
    assert_string_equal(cluster_state(&cluster, 0), "master active 0 1");
    terminal_open(&t, words);
    terminal_await(&t, "(y/n): ");
    terminal_type(&t, "Y\n");
    assert_int_equal(terminal_end(&t), 0);
    assert_string_equal(cluster_state(&cluster, 0), "master active 0 5");
    cluster_finish(&cluster);
}

static void
ctrl_c_at_a_question_leaves_all_as_it_is(void **state)
{
    struct terminal t;
    char words[64];

    (void)state;
    (void)snprintf(words, sizeof(words), "down %s", cluster_name(&cluster, 1));
    terminal_open(&t, words);
    terminal_await(&t, "(y/n): ");
    terminal_type(&t, "\003");
    assert_int_equal(terminal_end(&t), 1);
    admin_has(t.text, "INTERRUPTED");
    admin_has(t.text, " is left as it is.");
    assert_string_equal(cluster_state(&cluster, 1), "proxy active -1 0");
    terminal_open(&t, "create 127.0.0.1:1");
    assert_int_equal(terminal_end(&t), 1);
    cluster_finish(&cluster);
}

/* Slow enough to be seen: the bar is drawn over itself, and Ctrl-C works. */
static void
what_takes_long_shows_a_bar(void **state)
{
    struct load load = {"k", 0, 1000, 1000, 1, ""};
    struct terminal t;
    struct client c;
    char words[400];

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    load_set(&c, &load);
    client_close(&c);
    (void)admin_run(&cluster, 0, NULL, "dump --all -f flare -o %s/d",
                    cluster.folder);
    (void)snprintf(words, sizeof(words), "restore -i %s/d --bwlimit=400kB %s",
                   cluster.folder, cluster_name(&cluster, 0));
    terminal_open(&t, words);
    terminal_await(&t, "%");
    terminal_await(&t, "ETA ");
    admin_has(t.text, "\rrestore [");
    assert_int_equal(terminal_end(&t), 0);
    admin_has(t.text, "\r\033[K1000 entries have been restored.");
    terminal_open(&t, words);
    terminal_await(&t, "\rrestore [");
    terminal_type(&t, "\003");
    assert_int_equal(terminal_end(&t), 1);
    admin_has(t.text, "INTERRUPTED");
    admin_has(t.text, "Go on with the same command and --resume");
    cluster_finish(&cluster);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(states_are_coloured_unless_that_is_not_wanted),
        CASE(a_question_is_answered_by_typing),
        CASE(ctrl_c_at_a_question_leaves_all_as_it_is),
        CASE(what_takes_long_shows_a_bar),
    };
    return cmocka_run_group_tests_name("flare-admin: terminal", tests, NULL,
                                       NULL);
}
