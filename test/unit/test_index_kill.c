/*
 * The index dies at every instant of saving, loses power there, or its disk is
 * full: flare.xml and what belongs to it always fit, and nothing that was done
 * is undone.
 *
 * write(), fsync() and rename() of the code under test come here first (see
 * --wrap in flarei.am).
 */
#include "test/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flarei/index.h"
#include "test/harness/folder.h"

ssize_t wrap_write(int fd, const void *p, size_t n) __asm__("__wrap_write");
ssize_t real_write(int fd, const void *p, size_t n) __asm__("__real_write");
int wrap_fsync(int fd) __asm__("__wrap_fsync");
int real_fsync(int fd) __asm__("__real_fsync");
int wrap_rename(const char *from, const char *to) __asm__("__wrap_rename");
int real_rename(const char *from, const char *to) __asm__("__real_rename");

enum mode {
    PASS,  /* just count */
    KILL,  /* die before the n-th call, half of what it writes written */
    POWER, /* and lose what was not synced */
    FULL,  /* the n-th call and `lasting` more fail */
};

static struct {
    enum mode mode;
    unsigned n;       /* which call; counted from 1 */
    unsigned lasting; /* FULL: how many more */
    unsigned calls;
    bool unsynced;        /* the file written last */
    char renamed[2][300]; /* without the folder synced: new and old file */
    bool bare;            /* ... and its content was not synced either */
} fault;

static bool
is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

/* What a machine that loses power may show afterwards. */
static void
lose_power(void)
{
    if (fault.renamed[0][0] == '\0') {
        return;
    }
    if (fault.bare) {
        (void)truncate(fault.renamed[0], 0);
    } else if (fault.renamed[1][0] != '\0') {
        (void)real_rename(fault.renamed[1], fault.renamed[0]);
    } else {
        (void)unlink(fault.renamed[0]);
    }
}

/* True: this call is to fail.  Does not return when it is the end. */
static bool
strikes(int fd, const void *p, size_t n)
{
    fault.calls++;
    if (fault.mode == FULL) {
        errno = ENOSPC;
        return fault.calls >= fault.n && fault.calls <= fault.n + fault.lasting;
    }
    if (fault.mode == PASS || fault.calls != fault.n) {
        return false;
    }
    if (p != NULL) {
        (void)real_write(fd, p, n / 2);
    }
    if (fault.mode == POWER) {
        lose_power();
    }
    _exit(0);
}

ssize_t
wrap_write(int fd, const void *p, size_t n)
{
    if (!is_file(fd)) {
        return real_write(fd, p, n);
    }
    if (strikes(fd, p, n)) {
        return -1;
    }
    fault.unsynced = true;
    return real_write(fd, p, n);
}

int
wrap_fsync(int fd)
{
    struct stat st;

    if (strikes(fd, NULL, 0)) {
        return -1;
    }
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)unlink(fault.renamed[1]);
        memset(fault.renamed, 0, sizeof(fault.renamed));
    } else {
        fault.unsynced = false;
    }
    return real_fsync(fd);
}

int
wrap_rename(const char *from, const char *to)
{
    if (strikes(-1, NULL, 0)) {
        return -1;
    }
    (void)snprintf(fault.renamed[0], sizeof(fault.renamed[0]), "%s", to);
    (void)snprintf(fault.renamed[1], sizeof(fault.renamed[1]), "%s.old", to);
    if (link(to, fault.renamed[1]) != 0) {
        fault.renamed[1][0] = '\0';
    }
    fault.bare = fault.unsynced;
    return real_rename(from, to);
}

/* --- the index and what happens to it ------------------------------------- */

static char *folder;
static struct flarei flarei;
static struct conf conf;

static const struct {
    enum index_event_type type;
    uint64_t port;
    enum node_role role;
    enum node_state state;
} story[] = {
    {.type = INDEX_ADD, .port = 1},
    {.type = INDEX_ADD, .port = 2},
    {.type = INDEX_ROLE, .port = 1, .role = NODE_MASTER},
    {.type = INDEX_ROLE, .port = 2, .role = NODE_SLAVE},
    {.type = INDEX_STATE, .port = 2, .state = NODE_ACTIVE},
    {.type = INDEX_SHUTDOWN, .port = 1}, /* 2 takes over, 1 is held */
    {.type = INDEX_ADD, .port = 1},      /* and not any more */
    {.type = INDEX_UP, .port = 1},
    {.type = INDEX_ROLE, .port = 1, .role = NODE_SLAVE},
    {.type = INDEX_STATE, .port = 1, .state = NODE_ACTIVE},
    {.type = INDEX_SWITCHOVER, .port = 1},
    {.type = INDEX_STATE, .port = 2, .state = NODE_DOWN}, /* held */
    {.type = INDEX_STATE, .port = 1, .state = NODE_DOWN}, /* held, a master */
};

enum {
    EVENTS = COUNT(story),
    CALLS = EVENTS * 8, /* two files: three calls each, and the folder's */
/* A fork is slow under a sanitizer: every seventh still meets each kind. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    STRIDE = 7,
#else
    STRIDE = 1,
#endif
};

/* Per version what belongs to it, as made without any fault. */
static struct {
    bool held[2];
    size_t failovers;
    uint64_t since[2];
} expected[EVENTS + 1];

static void
begin(struct coord *coord)
{
    char *args[] = {(char[]){"flarei"}, (char[]){"--data-dir"},
                    (char[]){"/nowhere"}, NULL};
    struct err err = {0};

    memset(&flarei, 0, sizeof(flarei));
    log_set_level(LOG_LEVEL_ERROR);
    if (conf_init(&conf, &flarei_conf_spec, &flarei.options, 3, args, &err) !=
            0 ||
        loop_init(&flarei.loop, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    flarei.coord = coord;
    if (index_load(&flarei, &err) != 0) {
        fail_msg("call %u: %s", fault.n, err.msg);
    }
    index_start(&flarei);
}

static void
end(void)
{
    index_stop(&flarei);
    loop_fini(&flarei.loop);
    coord_close(flarei.coord);
    conf_fini(&conf);
}

static struct coord *
open_folder(void)
{
    struct coord *coord;
    struct err err = {0};

    if (coord_file_open(&coord, folder, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    return coord;
}

static enum index_verdict
happen(size_t i)
{
    struct index_event event = {
        .type = story[i].type,
        .host = SLICE("127.0.0.1"),
        .port = story[i].port,
        .role = story[i].role,
        .state = story[i].state,
        .balance = 1,
    };

    return index_apply(&flarei, &event);
}

static void
write_down(void)
{
    size_t at = (size_t)flarei.map->version;

    assert_true(at <= EVENTS);
    for (size_t i = 0; i < flarei.map->nnodes; i++) {
        expected[at].held[i] = flarei.map->node[i].held;
        expected[at].since[i] = flarei.map->node[i].master_since;
    }
    expected[at].failovers = index_book_count(&flarei.book);
}

static void
assert_as_expected(const char *when)
{
    size_t at = (size_t)flarei.map->version;
    size_t failovers = index_book_count(&flarei.book);

    assert_true(at <= EVENTS);
    for (size_t i = 0; i < flarei.map->nnodes; i++) {
        const struct node *node = &flarei.map->node[i];

        if (node->held != expected[at].held[i] ||
            node->master_since != expected[at].since[i]) {
            fail_msg("%s %u: version %zu: %s: held %d, master since %llu", when,
                     fault.n, at, node->key, node->held,
                     (unsigned long long)node->master_since);
        }
    }
    if (failovers != expected[at].failovers) {
        fail_msg("%s %u: version %zu: %zu failovers", when, fault.n, at,
                 failovers);
    }
}

static int
set_up(void **state)
{
    (void)state;
    memset(&fault, 0, sizeof(fault));
    begin(coord_mem_new());
    write_down();
    for (size_t i = 0; i < EVENTS; i++) {
        assert_int_equal(happen(i), INDEX_CHANGED);
        write_down();
    }
    assert_true(expected[EVENTS].held[0] && expected[EVENTS].held[1]);
    assert_int_equal(expected[EVENTS].failovers, 3);
    end();
    return 0;
}

/* All of it in a process of its own.  Returns how many events were answered. */
static size_t
live(enum mode mode, unsigned n, unsigned lasting)
{
    size_t answered = 0;
    int pipe_fd[2];
    int status;
    char byte;
    pid_t pid;

    assert_int_equal(pipe(pipe_fd), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(pipe_fd[0]);
        begin(open_folder());
        memset(&fault, 0, sizeof(fault));
        fault.mode = mode;
        fault.n = n;
        fault.lasting = lasting;
        for (size_t i = 0; i < EVENTS && happen(i) == INDEX_CHANGED; i++) {
            (void)real_write(pipe_fd[1], "+", 1);
        }
        _exit(fault.calls >= n ? 0 : 1);
    }
    (void)close(pipe_fd[1]);
    while (read(pipe_fd[0], &byte, 1) == 1) {
        answered++;
    }
    (void)close(pipe_fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != 0) {
        assert_int_equal(answered, EVENTS); /* it was over before */
        return SIZE_MAX;
    }
    return answered;
}

/* Every call once, to the last. */
static void
die_at_each_call(enum mode mode)
{
    for (unsigned n = 1;; n += STRIDE) {
        size_t answered;

        folder = folder_make();
        answered = live(mode, n, 0);
        memset(&fault, 0, sizeof(fault));
        fault.n = n;
        begin(open_folder());
        if (answered != SIZE_MAX) {
            assert_true(flarei.map->version >= answered);
            assert_true(flarei.map->version <= answered + 1);
        }
        assert_as_expected("killed at call");
        end();
        folder_remove(folder);
        free(folder);
        if (answered == SIZE_MAX) {
            assert_in_range(n, CALLS + 1, CALLS + STRIDE);
            return;
        }
    }
}

static void
killed_at_any_call_it_has_all_that_was_answered(void **state)
{
    (void)state;
    die_at_each_call(KILL);
}

static void
without_power_at_any_call_too(void **state)
{
    (void)state;
    die_at_each_call(POWER);
}

/*
 * A change that fails is refused, and is not there afterwards unless the disk
 * has it already; the next one succeeds with the room that is back.
 */
static void
a_full_disk_undoes_nothing_and_is_got_over(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= CALLS; n += STRIDE) {
        size_t done = 0;

        folder = folder_make();
        memset(&fault, 0, sizeof(fault));
        begin(open_folder());
        fault.mode = FULL;
        fault.n = n;
        fault.lasting = n % 3;
        for (size_t tries = 0; done < EVENTS; tries++) {
            uint64_t version = flarei.map->version;

            assert_true(tries < EVENTS + 10);
            if (happen(done) == INDEX_CHANGED) {
                done++;
            } else {
                assert_int_equal(flarei.map->version, version);
            }
            assert_as_expected("full at call");
        }
        end();
        memset(&fault, 0, sizeof(fault));
        fault.n = n;
        begin(open_folder());
        assert_int_equal(flarei.map->version, EVENTS);
        assert_as_expected("started after full at call");
        end();
        folder_remove(folder);
        free(folder);
    }
}

/* The disk is full, and then the process is killed. */
static void
killed_with_a_full_disk_it_has_all_that_was_answered(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= CALLS; n += STRIDE) {
        size_t answered;

        folder = folder_make();
        answered = live(FULL, n, 1000);
        memset(&fault, 0, sizeof(fault));
        fault.n = n;
        begin(open_folder());
        assert_true(flarei.map->version >= answered);
        assert_true(flarei.map->version <= answered + 1);
        assert_as_expected("killed after full at call");
        end();
        folder_remove(folder);
        free(folder);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(killed_at_any_call_it_has_all_that_was_answered,
                               set_up),
        cmocka_unit_test_setup(without_power_at_any_call_too, set_up),
        cmocka_unit_test_setup(a_full_disk_undoes_nothing_and_is_got_over,
                               set_up),
        cmocka_unit_test_setup(
            killed_with_a_full_disk_it_has_all_that_was_answered, set_up),
    };
    return cmocka_run_group_tests_name("index kill", tests, NULL, NULL);
}
