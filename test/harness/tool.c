#include "test/harness/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "test/unit/test.h"

enum { IN, OUT, ERR };

struct pump {
    pid_t pid;
    struct pollfd fds[3];
    struct slice input;
    struct buf caught[3];
};

static void
become_tool(int ends[3][2], const char *const *argv)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (dup2(ends[IN][0], 0) < 0 || dup2(ends[OUT][1], 1) < 0 ||
        dup2(ends[ERR][1], 2) < 0) {
        _exit(126);
    }
    (void)execvp(argv[0], (char *const *)(const void *)argv);
    perror(argv[0]);
    _exit(127);
}

static void
start(struct pump *pump, const char *input, const char *const *argv)
{
    int ends[3][2];

    for (int i = 0; i < 3; i++) {
        assert_int_equal(pipe2(ends[i], O_CLOEXEC), 0);
    }
    pump->pid = fork();
    assert_true(pump->pid >= 0);
    if (pump->pid == 0) {
        become_tool(ends, argv);
    }
    pump->input = slice_str(input != NULL ? input : "");
    for (int i = 0; i < 3; i++) {
        int mine = ends[i][i == IN ? 1 : 0];

        (void)close(ends[i][i == IN ? 0 : 1]);
        (void)fcntl(mine, F_SETFL, O_NONBLOCK);
        pump->fds[i] = (struct pollfd){mine, i == IN ? POLLOUT : POLLIN, 0};
    }
}

static void
close_end(struct pump *pump, int i)
{
    (void)close(pump->fds[i].fd);
    pump->fds[i].fd = -1;
}

static void
feed(struct pump *pump)
{
    ssize_t n = pump->input.n == 0
                    ? 0
                    : write(pump->fds[IN].fd, pump->input.p, pump->input.n);

    if (n > 0) {
        pump->input.p += n;
        pump->input.n -= (size_t)n;
    }
    if (pump->input.n == 0 || (n < 0 && errno != EAGAIN)) {
        close_end(pump, IN);
    }
}

static void
catch_output(struct pump *pump, int i)
{
    struct buf *b = &pump->caught[i];
    ssize_t n;

    assert_true(buf_reserve(b, 4096));
    n = read(pump->fds[i].fd, buf_tail(b), 4096);
    if (n > 0) {
        buf_advance(b, (size_t)n);
    } else if (n == 0 || errno != EAGAIN) {
        close_end(pump, i);
    }
}

static char *
text_of(struct buf *b)
{
    char *text =
        xstrndup(b->base != NULL ? b->base + b->start : "", buf_len(b));

    buf_fini(b);
    return text;
}

void
tool_run(struct tool *t, const char *input, int64_t ms, const char *const *argv)
{
    struct mono end = mono_after_ms(clock_mono(), ms);
    struct pump pump = {.pid = 0};
    int status;

    (void)signal(SIGPIPE, SIG_IGN);
    start(&pump, input, argv);
    while (pump.fds[OUT].fd >= 0 || pump.fds[ERR].fd >= 0) {
        int64_t left = mono_ms_between(clock_mono(), end);

        if (left <= 0 || poll(pump.fds, 3, (int)left) == 0) {
            (void)kill(pump.pid, SIGKILL);
            (void)waitpid(pump.pid, NULL, 0);
            fail_msg("%s %s did not end in time; it said:\n%s%s", argv[0],
                     argv[1] != NULL ? argv[1] : "", text_of(&pump.caught[OUT]),
                     text_of(&pump.caught[ERR]));
        }
        if (pump.fds[IN].fd >= 0 && pump.fds[IN].revents != 0) {
            feed(&pump);
        }
        for (int i = OUT; i <= ERR; i++) {
            if (pump.fds[i].fd >= 0 && pump.fds[i].revents != 0) {
                catch_output(&pump, i);
            }
        }
    }
    if (pump.fds[IN].fd >= 0) {
        close_end(&pump, IN);
    }
    assert_int_equal(waitpid(pump.pid, &status, 0), pump.pid);
    *t = (struct tool){WIFEXITED(status) ? WEXITSTATUS(status)
                                         : 128 + WTERMSIG(status),
                       text_of(&pump.caught[OUT]), text_of(&pump.caught[ERR])};
}

void
tool_fini(struct tool *t)
{
    free(t->out);
    free(t->err);
    *t = (struct tool){0, NULL, NULL};
}

const char *
tool_path(const char *program)
{
    static char paths[8][512];
    static size_t next;
    const char *top = getenv("top_builddir");
    char *path = paths[next++ % COUNT(paths)];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s/%s", top != NULL ? top : ".",
                   program, program);
    return path;
}
