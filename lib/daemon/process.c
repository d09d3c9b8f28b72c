#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/slice.h"

enum { HOST_NAME_BYTES = 256, PID_TEXT_MAX = 32 };

char *
process_host_name(void)
{
    char name[HOST_NAME_BYTES];
    struct addrinfo hints = {.ai_flags = AI_CANONNAME,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char *result;

    if (gethostname(name, sizeof(name)) != 0) {
        return xstrdup("localhost");
    }
    name[sizeof(name) - 1] = '\0';
    if (getaddrinfo(name, NULL, &hints, &found) != 0 || found == NULL ||
        found->ai_canonname == NULL) {
        result = xstrdup(name);
    } else {
        result = xstrdup(found->ai_canonname);
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
    return result;
}

/* The parent's part: its exit status is the child's news. */
static void
wait_for_child(int fd, pid_t child)
{
    char news;
    ssize_t n;
    int status = 0;

    do {
        n = read(fd, &news, 1);
    } while (n < 0 && errno == EINTR);
    if (n == 1) {
        _exit(EXIT_SUCCESS);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status)
                                                        : EXIT_FAILURE);
}

int
process_detach(struct process *process, struct err *err)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_sys(err, "pipe");
    }
    (void)fflush(NULL);
    child = fork();
    if (child < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return err_sys(err, "fork");
    }
    if (child > 0) {
        (void)close(ends[1]);
        wait_for_child(ends[0], child);
    }
    (void)close(ends[0]);
    process->parent_fd = ends[1];
    if (setsid() < 0) {
        return err_sys(err, "setsid");
    }
    return 0;
}

/* The name of a process, or "" when nobody can tell. */
static void
read_name(const char *path, char *out, size_t size)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;

    out[n > 0 ? n : 0] = '\0';
}

/*
 * Could it be the owner of the file?  One of our name could; but one that runs
 * this very program would hold the lock, so it is another instance that was
 * given the number of a dead one.
 */
static bool
may_be_owner(pid_t other)
{
    char path[64];
    char ours[PID_TEXT_MAX];
    char theirs[PID_TEXT_MAX];
    struct stat self;
    struct stat it;

    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", (long)other);
    read_name("/proc/self/comm", ours, sizeof(ours));
    read_name(path, theirs, sizeof(theirs));
    if (strcmp(ours, theirs) != 0) {
        return theirs[0] == '\0' || ours[0] == '\0';
    }
    (void)snprintf(path, sizeof(path), "/proc/%ld/exe", (long)other);
    return stat("/proc/self/exe", &self) != 0 || stat(path, &it) != 0 ||
           self.st_ino != it.st_ino || self.st_dev != it.st_dev;
}

/* The id in the file, when it is that of another living process like us. */
static pid_t
living_owner(int fd)
{
    char text[PID_TEXT_MAX];
    ssize_t n = pread(fd, text, sizeof(text), 0);
    uint64_t pid;

    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) {
        n--;
    }
    if (n <= 0 ||
        !slice_u64((struct slice){text, (size_t)n}, INT32_MAX, &pid) ||
        pid == 0 || (pid_t)pid == getpid()) {
        return 0;
    }
    if (kill((pid_t)pid, 0) != 0 && errno == ESRCH) {
        return 0;
    }
    return may_be_owner((pid_t)pid) ? (pid_t)pid : 0;
}

/* Its owner may have removed the file between our open and our lock. */
static bool
still_there(int fd, const char *path)
{
    struct stat a;
    struct stat b;

    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

static int
open_locked(const char *path, int *out, struct err *err)
{
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

        if (fd < 0) {
            return err_sys(err, "pid file %s", path);
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            (void)close(fd);
            return err_set(err, ERR_CONFLICT,
                           "pid file %s is held by a running process", path);
        }
        if (still_there(fd, path)) {
            *out = fd;
            return 0;
        }
        (void)close(fd);
    }
}

int
process_pid_file(struct process *process, const char *path, struct err *err)
{
    AUTO_CLOSE int fd = -1;
    int rc = open_locked(path, &fd, err);
    pid_t owner;

    if (rc != 0) {
        return rc;
    }
    owner = living_owner(fd);
    if (owner != 0) {
        return err_set(err, ERR_CONFLICT,
                       "pid file %s names process %ld, which is running", path,
                       (long)owner);
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
        return err_sys(err, "pid file %s", path);
    }
    process->pid_fd = fd;
    process->pid_path = xstrdup(path);
    fd = -1;
    return 0;
}

int
process_raise_files(uint64_t files, struct err *err)
{
    struct rlimit limit;
    struct rlimit wanted;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return err_sys(err, "getrlimit");
    }
    if (limit.rlim_cur >= files) {
        return 0;
    }
    wanted.rlim_cur = files;
    wanted.rlim_max = limit.rlim_max > files ? limit.rlim_max : files;
    if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) {
        return 0;
    }
    wanted.rlim_cur = wanted.rlim_max = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &wanted);
    return err_set(err, ERR_CONFIG,
                   "%ju open files are needed, the system allows %ju; raise "
                   "the limit (ulimit -n) or lower max-connection",
                   (uintmax_t)files, (uintmax_t)limit.rlim_max);
}

void
process_notify(const char *what)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    AUTO_CLOSE int fd = -1;
    size_t n;

    if (path == NULL || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    n = strlen(path);
    if (n >= sizeof(to.sun_path)) {
        return;
    }
    memcpy(to.sun_path, path, n);
    if (path[0] == '@') {
        to.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        (void)sendto(fd, what, strlen(what), MSG_NOSIGNAL,
                     (const struct sockaddr *)&to,
                     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    }
}

/* The terminal was kept for error messages; nobody waits for them now. */
static void
let_parent_go(int fd)
{
    AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int to = 0; null >= 0 && to <= STDERR_FILENO; to++) {
        (void)dup2(null, to);
    }
    if (write(fd, "r", 1) < 0) {
        return; /* it is gone already */
    }
}

void
process_ready(struct process *process, uint64_t ready_fd, const char *address)
{
    if (ready_fd != 0) {
        (void)dprintf((int)ready_fd, "%s\n", address);
        (void)close((int)ready_fd);
    }
    if (process->parent_fd >= 0) {
        let_parent_go(process->parent_fd);
        (void)close(process->parent_fd);
        process->parent_fd = -1;
    }
    process_notify("READY=1");
}

void
process_fini(struct process *process)
{
    if (process->pid_path != NULL) {
        (void)unlink(process->pid_path);
        free(process->pid_path);
    }
    if (process->pid_fd >= 0) {
        (void)close(process->pid_fd);
    }
    if (process->parent_fd >= 0) {
        (void)close(process->parent_fd);
    }
    *process = PROCESS_NONE;
}
