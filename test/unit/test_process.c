#include "test/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/process.h"
#include "daemon/signals.h"
#include "daemon/watchdog.h"

static char folder[] = "/tmp/flare-test-process-XXXXXX";

static void
path_in_folder(char *to, size_t n, const char *name)
{
    (void)snprintf(to, n, "%s/%s", folder, name);
}

static void
write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void
assert_file_has_our_pid(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[32];

    assert_non_null(f);
    assert_non_null(fgets(line, sizeof(line), f));
    assert_int_equal(strtol(line, NULL, 10), (long)getpid());
    (void)fclose(f);
}

static void
a_stale_or_damaged_pid_file_is_replaced(void **state)
{
    static const char *const left[] = {
        "", "garbage\n", "-1\n", "0\n", "99999999999999\n", "999999999\n"};
    char path[80];

    (void)state;
    path_in_folder(path, sizeof(path), "a.pid");
    for (size_t i = 0; i < COUNT(left); i++) {
        struct process p = PROCESS_NONE;
        struct err err = {0};

        write_text(path, left[i]);
        assert_int_equal(process_pid_file(&p, path, &err), 0);
        assert_file_has_our_pid(path);
        process_fini(&p);
        assert_int_equal(access(path, F_OK), -1);
    }
}

/* Start a process with our name that runs `program` (NULL: this one). */
static pid_t
start_namesake(const char *program, int *end)
{
    char path[80];
    int ends[2];
    pid_t child;
    char c;

    path_in_folder(path, sizeof(path), program_invocation_short_name);
    if (program != NULL) {
        assert_int_equal(symlink(program, path), 0);
    }
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        if (program != NULL && dup2(ends[0], 0) == 0) {
            (void)execl(path, path, (char *)NULL);
        }
        (void)close(ends[1]);
        _exit(read(ends[0], &c, 1) == 0 ? 0 : 1);
    }
    (void)close(ends[0]);
    *end = ends[1];
    return child;
}

static void
end_namesake(pid_t child, int end)
{
    char path[80];

    path_in_folder(path, sizeof(path), program_invocation_short_name);
    (void)unlink(path);
    (void)close(end);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Until an execl() in the child has happened. */
static void
await_program(pid_t child)
{
    char path[64];
    struct stat self;
    struct stat it;

    (void)snprintf(path, sizeof(path), "/proc/%ld/exe", (long)child);
    assert_int_equal(stat("/proc/self/exe", &self), 0);
    do {
        assert_int_equal(stat(path, &it), 0);
    } while (it.st_ino == self.st_ino);
}

static void
write_pid(const char *path, pid_t pid)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%ld\n", (long)pid);
    write_text(path, text);
}

static void
the_pid_file_of_a_living_process_is_respected(void **state)
{
    struct process p = PROCESS_NONE;
    struct err err = {0};
    char path[80];
    int end;
    pid_t child = start_namesake("/bin/cat", &end);

    (void)state;
    await_program(child);
    path_in_folder(path, sizeof(path), "b.pid");
    write_pid(path, child);
    assert_int_equal(process_pid_file(&p, path, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.msg, "which is running"));
    end_namesake(child, end);
    assert_int_equal(process_pid_file(&p, path, &err), 0);
    process_fini(&p);
}

static void
another_instance_with_a_dead_ones_number_is_no_owner(void **state)
{
    struct process p = PROCESS_NONE;
    struct err err = {0};
    char path[80];
    int end;
    pid_t child = start_namesake(NULL, &end);

    (void)state;
    path_in_folder(path, sizeof(path), "d.pid");
    write_pid(path, child);
    assert_int_equal(process_pid_file(&p, path, &err), 0);
    process_fini(&p);
    end_namesake(child, end);
}

static void
a_locked_pid_file_is_respected_whatever_it_says(void **state)
{
    struct process first = PROCESS_NONE;
    struct process second = PROCESS_NONE;
    struct err err = {0};
    char path[80];

    (void)state;
    path_in_folder(path, sizeof(path), "c.pid");
    assert_int_equal(process_pid_file(&first, path, &err), 0);
    assert_int_equal(process_pid_file(&second, path, &err), ERR_CONFLICT);
    process_fini(&second);
    assert_int_equal(access(path, F_OK), 0);
    process_fini(&first);
}

static void
a_pid_file_that_cannot_be_made_is_named(void **state)
{
    struct process p = PROCESS_NONE;
    struct err err = {0};

    (void)state;
    assert_int_equal(process_pid_file(&p, "/nonexistent/x.pid", &err), ERR_IO);
    assert_non_null(strstr(err.msg, "/nonexistent/x.pid"));
}

static void
ready_is_told_to_the_descriptor_and_to_systemd(void **state)
{
    struct process p = PROCESS_NONE;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char text[64] = "";
    int ends[2];
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    (void)state;
    path_in_folder(at.sun_path, sizeof(at.sun_path), "notify");
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
    assert_int_equal(pipe(ends), 0);
    process_ready(&p, (uint64_t)ends[1], "host:12121");
    assert_int_equal(read(ends[0], text, sizeof(text)), 11);
    assert_memory_equal(text, "host:12121\n", 11);
    assert_int_equal(read(ends[0], text, sizeof(text)), 0);
    assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
    assert_memory_equal(text, "READY=1", 7);
    (void)close(ends[0]);
    (void)close(fd);
    (void)unlink(at.sun_path);
    (void)unsetenv("NOTIFY_SOCKET");
}

/* Turn the loop until the socket has a datagram; false: not within a second. */
static bool
hears(struct loop *loop, int fd)
{
    char text[64];
    struct mono begin = clock_mono();

    while (mono_ms_between(begin, clock_mono()) < 1000) {
        loop_turn(loop, true);
        if (recv(fd, text, sizeof(text), MSG_DONTWAIT) == 10) {
            assert_memory_equal(text, "WATCHDOG=1", 10);
            return true;
        }
    }
    return false;
}

static void
the_watchdog_hears_of_us_while_all_loops_turn(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct loop loop;
    struct loop other; /* turns only where it says so */
    struct watchdog *watchdog;
    struct err err;

    (void)state;
    path_in_folder(at.sun_path, sizeof(at.sun_path), "watchdog");
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(loop_init(&loop, &err), 0);
    assert_int_equal(loop_init(&other, &err), 0);
    assert_null(watchdog_new(&loop));
    assert_int_equal(setenv("NOTIFY_SOCKET", at.sun_path, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "100000", 1), 0);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0); /* somebody else */
    assert_null(watchdog_new(&loop));
    assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
    watchdog = watchdog_new(&loop);
    assert_non_null(watchdog);
    assert_true(hears(&loop, fd));
    watchdog_watch(watchdog, &other);
    assert_true(hears(&loop, fd)); /* it is being asked */
    assert_false(hears(&loop, fd));
    loop_turn(&other, false);
    assert_true(hears(&loop, fd));
    loop_turn(&loop, true); /* which asks again, and is not answered */
    loop_fini(&other);
    watchdog_free(watchdog);
    loop_fini(&loop);
    (void)close(fd);
    (void)unlink(at.sun_path);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
}

/* Run process_detach() in a child; the status its starter would see. */
static int
status_of_starting(int fails_with)
{
    pid_t starter = fork();
    int status = 0;

    if (starter == 0) {
        struct process p = PROCESS_NONE;
        struct err err;

        if (process_detach(&p, &err) != 0 || fails_with != 0) {
            _exit(fails_with);
        }
        process_ready(&p, 0, "");
        _exit(0);
    }
    assert_int_equal(waitpid(starter, &status, 0), starter);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
the_starter_learns_whether_the_daemon_runs(void **state)
{
    (void)state;
    assert_int_equal(status_of_starting(0), 0);
    assert_int_equal(status_of_starting(7), 7);
}

static void
the_limit_on_open_files_is_raised_as_far_as_it_goes(void **state)
{
    pid_t child = fork();
    int status = 0;

    (void)state;
    if (child == 0) {
        struct rlimit low = {64, 256};
        struct err err = {0};
        int ok = setrlimit(RLIMIT_NOFILE, &low) == 0 &&
                 process_raise_files(128, &err) == 0 &&
                 getrlimit(RLIMIT_NOFILE, &low) == 0 && low.rlim_cur == 128;

        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void
blocked_signals_wait_until_they_are_restored(void **state)
{
    sigset_t old;
    sigset_t pending;

    (void)state;
    signals_init();
    signals_block(&old);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(sigpending(&pending), 0);
    assert_true(sigismember(&pending, SIGTERM));
    (void)signal(SIGTERM, SIG_IGN);
    signals_restore(&old);
    (void)signal(SIGTERM, SIG_DFL);
}

static void
this_host_has_a_name(void **state)
{
    char *name = process_host_name();

    (void)state;
    assert_true(name[0] != '\0');
    free(name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stale_or_damaged_pid_file_is_replaced),
        cmocka_unit_test(the_pid_file_of_a_living_process_is_respected),
        cmocka_unit_test(another_instance_with_a_dead_ones_number_is_no_owner),
        cmocka_unit_test(a_locked_pid_file_is_respected_whatever_it_says),
        cmocka_unit_test(a_pid_file_that_cannot_be_made_is_named),
        cmocka_unit_test(ready_is_told_to_the_descriptor_and_to_systemd),
        cmocka_unit_test(the_watchdog_hears_of_us_while_all_loops_turn),
        cmocka_unit_test(the_starter_learns_whether_the_daemon_runs),
        cmocka_unit_test(the_limit_on_open_files_is_raised_as_far_as_it_goes),
        cmocka_unit_test(blocked_signals_wait_until_they_are_restored),
        cmocka_unit_test(this_host_has_a_name),
    };
    int rc;

    if (mkdtemp(folder) == NULL) {
        return 99;
    }
    rc = cmocka_run_group_tests_name("daemon/process", tests, NULL, NULL);
    (void)rmdir(folder);
    return rc;
}
