/* The processes of a local cluster. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "flare-admin/local.h"

enum { START_MS = 30000, STOP_MS = 10000, LOOK_MS = 50, LOG_TAIL = 300 };

static char *
path_of(const struct local *local, const char *kind, uint64_t i)
{
    char who[32];

    local_who(local, i, who, sizeof(who));
    return xasprintf("%s/%s/%s", local->folder, kind, who);
}

enum { START_FIELD = 22 - 3 }; /* counted from the one behind the state */

/* The words behind "pid (name) ": the state comes first. */
static struct slice
behind_name(struct slice stat)
{
    if (stat.p == NULL) {
        return SLICE("Z");
    }
    while (stat.n > 0 && stat.p[0] != ')') {
        stat.p++;
        stat.n--;
    }
    return stat.n > 2 ? (struct slice){stat.p + 2, stat.n - 2} : SLICE("Z");
}

/* When the process was started, in ticks since the machine was; 0: it ended. */
static uint64_t
started_at(int pid)
{
    char path[64];
    struct buf text = {0};
    struct err unused;
    struct slice rest = SLICE("Z");
    uint64_t ticks = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (file_read_all(path, &text, &unused) == 0) {
        rest = behind_name(buf_slice(&text));
    }
    if (!slice_eq(slice_word(&rest), SLICE("Z"))) {
        for (int i = 1; i < START_FIELD; i++) {
            (void)slice_word(&rest);
        }
        (void)slice_u64(slice_word(&rest), UINT64_MAX, &ticks);
    }
    buf_fini(&text);
    return ticks;
}

int
local_pid(const struct local *local, uint64_t i)
{
    char *path = path_of(local, "run", i);
    struct buf text = {0};
    struct err unused;
    struct slice rest;
    uint64_t pid = 0, since = 0;

    if (file_read_all(path, &text, &unused) == 0) {
        rest = buf_slice(&text);
        rest = slice_until(&rest, '\n');
        (void)(slice_u64(slice_word(&rest), INT32_MAX, &pid) &&
               slice_u64(slice_word(&rest), UINT64_MAX, &since));
    }
    buf_fini(&text);
    free(path);
    return since != 0 && started_at((int)pid) == since ? (int)pid : 0;
}

uint64_t
local_running(const struct local *local)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i <= local->nodes; i++) {
        n += local_pid(local, i) != 0;
    }
    return n;
}

/* The child becomes the daemon. */
static void
become(char *const *argv, int log, int null)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    if (dup2(null, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0) {
        (void)execv(argv[0], argv);
        (void)fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    }
    _exit(127);
}

static int
note_process(const struct local *local, uint64_t i, int pid, struct err *err)
{
    char *path = path_of(local, "run", i);
    char *text = xasprintf("%d %ju\n", pid, (uintmax_t)started_at(pid));
    int rc = file_write_atomic(path, slice_str(text), err);

    free(path);
    free(text);
    return rc;
}

/* At most LOG_TAIL bytes of it, without the newlines at its end. */
static struct slice
last_line(struct slice text)
{
    size_t n = 0;

    while (text.n > 0 && text.p[text.n - 1] == '\n') {
        text.n--;
    }
    while (n < text.n && n < LOG_TAIL && text.p[text.n - 1 - n] != '\n') {
        n++;
    }
    return n > 0 ? (struct slice){text.p + text.n - n, n} : SLICE("");
}

/* What its log ends with, as the reason. */
static int
say_why(const struct local *local, uint64_t i, const char *what,
        struct err *err)
{
    char *path = path_of(local, "log", i);
    struct buf text = {0};
    struct err unused;
    struct slice tail;

    (void)file_read_all(path, &text, &unused);
    tail = buf_slice(&text);
    tail = last_line(tail.p != NULL ? tail : SLICE(""));
    (void)err_set(err, ERR_UNAVAILABLE, "%s (its log is %s): %.*s", what, path,
                  (int)(tail.n < LOG_TAIL ? tail.n : LOG_TAIL), tail.p);
    buf_fini(&text);
    free(path);
    return ERR_UNAVAILABLE;
}

/* It writes a line when it serves, and the pipe ends when it does not. */
static int
await_ready(const struct local *local, uint64_t i, int fd, struct err *err)
{
    struct pollfd p = {fd, POLLIN, 0};
    char byte;
    int n;

    do {
        n = poll(&p, 1, START_MS);
    } while (n < 0 && errno == EINTR);
    if (n == 0) {
        return say_why(local, i, "it does not answer", err);
    }
    return read(fd, &byte, 1) == 1 ? 0 : say_why(local, i, "it has ended", err);
}

static int
launch(const struct local *local, uint64_t i, char *const *argv, int log,
       struct err *err)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int ends[2] = {-1, -1};
    char number[16], option[] = "--ready-fd";
    char *words[64];
    size_t n = 0;
    pid_t pid;
    int rc;

    if (null < 0 || pipe(ends) != 0) {
        return err_sys(err, "make a pipe");
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)snprintf(number, sizeof(number), "%d", ends[1]);
    for (; argv[n] != NULL && n < 60; n++) {
        words[n] = argv[n];
    }
    words[n++] = option;
    words[n++] = number;
    words[n] = NULL;
    pid = fork();
    if (pid == 0) {
        become(words, log, null);
    }
    (void)close(null);
    (void)close(ends[1]);
    rc = pid > 0 ? note_process(local, i, pid, err) : err_sys(err, "fork");
    rc = rc == 0 ? await_ready(local, i, ends[0], err) : rc;
    (void)close(ends[0]);
    return rc;
}

int
local_start(const struct local *local, uint64_t i, char *const *argv,
            struct err *err)
{
    char *path = path_of(local, "log", i);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    int rc = log >= 0 ? launch(local, i, argv, log, err)
                      : err_sys(err, "open %s", path);

    if (log >= 0) {
        (void)close(log);
    }
    free(path);
    return rc;
}

/* Ours is reaped; one of an earlier run is looked for in /proc. */
static bool
has_ended(const struct local *local, uint64_t i, int pid)
{
    (void)waitpid(pid, NULL, WNOHANG);
    return local_pid(local, i) == 0;
}

bool
local_stop(const struct local *local, uint64_t i)
{
    char *path = path_of(local, "run", i);
    int pid = local_pid(local, i);
    struct mono until = mono_after_ms(clock_mono(), STOP_MS);

    if (pid != 0) {
        (void)kill(pid, SIGTERM);
        (void)kill(pid, SIGCONT); /* it may have been stopped */
    }
    while (pid != 0 && !has_ended(local, i, pid)) {
        if (mono_reached(until, clock_mono())) {
            (void)kill(pid, SIGKILL);
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
    (void)unlink(path);
    free(path);
    return pid != 0;
}
