#include "test/harness/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

enum { ARGS_MAX = 64, LOG_TAIL = 6000 };

static void
become_child(const struct process *p, const char *const *argv, int notice)
{
    const char *args[ARGS_MAX];
    char fd[16];
    size_t n = 0;
    int log = open(p->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int null = open("/dev/null", O_RDONLY);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (; argv[n] != NULL && n < ARGS_MAX - 3; n++) {
        args[n] = argv[n];
    }
    if (notice >= 0) {
        (void)snprintf(fd, sizeof(fd), "%d", notice);
        (void)fcntl(notice, F_SETFD, 0);
        args[n++] = "--ready-fd";
        args[n++] = fd;
    }
    args[n] = NULL;
    if (argv[0] == NULL || log < 0 || null < 0 || dup2(null, 0) < 0 ||
        dup2(log, 1) < 0 || dup2(log, 2) < 0) {
        _exit(126);
    }
    (void)close(log);
    (void)close(null);
    (void)execv(argv[0], (char *const *)(void *)args);
    perror(argv[0]);
    _exit(127);
}

void
process_start(struct process *p, const char *name, const char *log,
              const char *const *argv, bool ready)
{
    int ends[2] = {-1, -1};

    assert_int_equal(p->pid, 0);
    *p = (struct process){.ready = -1, .port = 0};
    (void)snprintf(p->name, sizeof(p->name), "%s", name);
    (void)snprintf(p->log, sizeof(p->log), "%s", log);
    if (ready) {
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    }
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        become_child(p, argv, ends[1]);
    }
    p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    assert_true(p->pidfd >= 0);
    (void)fcntl(p->pidfd, F_SETFD, FD_CLOEXEC);
    p->ready = ends[0];
    if (ends[1] >= 0) {
        (void)close(ends[1]);
    }
}

/* One line "host:port" from the ready pipe; 0 or less: none will come. */
static ssize_t
read_notice(int fd, char *line, size_t size)
{
    struct mono end = mono_after_ms(clock_mono(), WAIT_MS);
    size_t n = 0;

    while (n < size - 1 && (n == 0 || line[n - 1] != '\n')) {
        struct pollfd wait = {fd, POLLIN, 0};
        int64_t left = mono_ms_between(clock_mono(), end);
        ssize_t got;

        if (left <= 0 || poll(&wait, 1, (int)left) <= 0) {
            return -1;
        }
        got = read(fd, line + n, size - 1 - n);
        if (got <= 0) {
            return got;
        }
        n += (size_t)got;
    }
    line[n] = '\0';
    return (ssize_t)n;
}

bool
process_became_ready(struct process *p)
{
    char line[300] = "";
    char *colon;
    ssize_t n = read_notice(p->ready, line, sizeof(line));

    (void)close(p->ready);
    p->ready = -1;
    if (n <= 0) {
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    colon = strrchr(line, ':');
    assert_non_null(colon);
    *colon = '\0';
    (void)snprintf(p->host, sizeof(p->host), "%s", line);
    p->port = (uint16_t)strtoul(colon + 1, NULL, 10);
    return true;
}

void
process_wait_ready(struct process *p)
{
    if (!process_became_ready(p)) {
        process_show_log(p);
        fail_msg("%s did not become ready", p->name);
    }
}

void
process_signal(const struct process *p, int sig)
{
    assert_true(p->pid > 0);
    assert_int_equal(kill(p->pid, sig), 0);
    if (sig == SIGSTOP) {
        siginfo_t info;

        assert_int_equal(waitid(P_PID, (id_t)p->pid, &info, WSTOPPED), 0);
    }
}

int
process_wait(struct process *p, int64_t ms)
{
    struct pollfd wait = {p->pidfd, POLLIN, 0};
    int status;

    assert_true(p->pid > 0);
    if (poll(&wait, 1, (int)ms) != 1) {
        process_show_log(p);
        fail_msg("%s did not end within %lld ms", p->name, (long long)ms);
    }
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    (void)close(p->pidfd);
    if (p->ready >= 0) {
        (void)close(p->ready);
    }
    p->ready = -1;
    p->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
process_stop(struct process *p)
{
    int status;

    process_signal(p, SIGTERM);
    status = process_wait(p, WAIT_MS);
    if (status != 0 || process_log_has(p, "Sanitizer") ||
        process_log_has(p, "runtime error:")) {
        process_show_log(p);
        fail_msg("%s ended with status %d", p->name, status);
    }
}

void
process_kill(struct process *p)
{
    process_signal(p, SIGKILL);
    (void)process_wait(p, WAIT_MS);
}

void
process_show_log(const struct process *p)
{
    struct buf text = {0};
    struct err err;

    if (p->log[0] != '\0' && file_read_all(p->log, &text, &err) == 0) {
        if (buf_len(&text) > LOG_TAIL) {
            buf_consume(&text, buf_len(&text) - LOG_TAIL);
        }
        (void)fprintf(stderr, "--- %s (%s):\n%.*s---\n", p->name, p->log,
                      (int)buf_len(&text), text.base + text.start);
    }
    buf_fini(&text);
}

bool
process_log_has(const struct process *p, const char *words)
{
    struct buf text = {0};
    struct err err;
    bool has;

    assert_int_equal(file_read_all(p->log, &text, &err), 0);
    has = buf_len(&text) > 0 && memmem(text.base + text.start, buf_len(&text),
                                       words, strlen(words)) != NULL;
    buf_fini(&text);
    return has;
}
