/* A full disk, with a small tmpfs of our own; needs root. */
#include "test/unit/store_fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

#include "base/rand.h"

static const char *const types[] = {"tch", "tcb"};
static const char *const sizes[] = {"size=32m", "size=80m"};

enum { VALUE = 50000, KEYS = 2000 };

static char value[VALUE];

static enum change_answer
set(struct fixture *f, unsigned n, size_t size)
{
    char key[16];
    struct change c = {.op = CHANGE_SET};

    (void)snprintf(key, sizeof(key), "k%u", n);
    c.key = slice_str(key);
    c.value = (struct slice){value, size};
    return fixture_apply(f, c).answer;
}

/* Retry for a while: a checkpoint under way may make room. */
static bool
wait_for_deletion(struct fixture *f, const char *key)
{
    for (int i = 0; i < 500; i++) {
        struct timespec pause = {0, 10000000};

        if (fixture_delete(f, key) == CHANGE_DELETED) {
            return true;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static bool
wait_for_set(struct fixture *f, unsigned n)
{
    for (int i = 0; i < 500; i++) {
        struct timespec pause = {0, 10000000};

        if (set(f, n, VALUE) == CHANGE_STORED) {
            return true;
        }
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static void
check_all(struct fixture *f, unsigned stored)
{
    for (unsigned i = 0; i < stored; i++) {
        char key[16];
        struct item item;

        (void)snprintf(key, sizeof(key), "k%u", i);
        assert_int_equal(
            store_get(f->store, slice_str(key), now, &f->scratch, &item),
            STORE_OK);
        assert_int_equal(item.value.n, VALUE);
        assert_memory_equal(item.value.p, value, VALUE);
    }
}

static void
check_full(struct fixture *f)
{
    unsigned stored = 0;
    uint64_t seq;

    fixture_open(f);
    while (stored < KEYS && set(f, stored, VALUE) == CHANGE_STORED) {
        stored++;
    }
    print_message("%u records until the disk was full\n", stored);
    assert_in_range(stored, 20, KEYS - 1);
    assert_non_null(store_trouble(f->store));
    assert_true(store_commit(f->store));
    check_all(f, stored);
    /* And after a restart. */
    fixture_reopen(f);
    check_all(f, stored);
    assert_int_equal(store_count(f->store), stored);
    assert_true(wait_for_deletion(f, "k0"));
    assert_null(store_trouble(f->store));
    assert_true(store_flush_all(f->store, &seq));
    for (unsigned i = 0; i < stored / 2; i++) {
        /* How fast checkpoints make room decides how many were stored. */
        assert_true(wait_for_set(f, i));
    }
    assert_null(store_trouble(f->store));
}

static void
a_full_disk_refuses_writes_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        struct fixture f;

        fixture_init(&f, types[i]);
        if (mount("tmpfs", f.dir, "tmpfs", 0, sizes[i]) != 0) {
            fixture_fini(&f);
            skip();
        }
        f.options.log_segment_bytes = 1 << 20;
        f.options.log_keep_bytes = 2 << 20;
        check_full(&f);
        fixture_close(&f);
        assert_int_equal(umount(f.dir), 0);
        fixture_fini(&f);
    }
}

static void
a_disk_too_small_for_the_file_is_an_error_at_the_start(void **state)
{
    struct fixture f;
    struct err err = {0};
    int rc;

    (void)state;
    fixture_init(&f, "tch");
    if (mount("tmpfs", f.dir, "tmpfs", 0, "size=2m") != 0) {
        fixture_fini(&f);
        skip();
    }
    f.options.bucket_size = 1 << 20;
    rc = store_open(&f.store, &f.options, &err);
    print_message("%s\n", err.msg);
    assert_int_equal(umount(f.dir), 0);
    assert_int_equal(rc, ERR_IO);
    fixture_fini(&f);
}

/* --- killed while the buffer waits for a full disk ------------------------ */

enum { MANY = 6000, ENOUGH = 3000 };

/* What a child did, seen by its parent. */
struct report {
    _Atomic unsigned acked[MANY]; /* number of the value; 0: none */
    _Atomic unsigned pending_key, pending;
    _Atomic unsigned refused, stored;
};

static unsigned
size_of(unsigned number)
{
    struct rand r;

    rand_init(&r, number);
    return rand_below(&r, 20) == 0 ? rand_below(&r, VALUE)
                                   : rand_below(&r, 9000);
}

/* Overwrite, grow and delete at random, also when there is no room. */
static void
fill_and_go_on(struct fixture *f, struct report *seen)
{
    struct rand r;

    rand_init(&r, 5);
    fixture_open(f);
    for (unsigned number = 1;; number++) {
        unsigned k = rand_below(&r, MANY);
        bool deletes = rand_below(&r, 12) == 0;
        enum change_answer answer;
        char key[16];

        atomic_store(&seen->pending_key, k);
        atomic_store(&seen->pending, deletes ? 0 : number);
        (void)snprintf(key, sizeof(key), "k%u", k);
        answer = deletes ? fixture_delete(f, key) : set(f, k, size_of(number));
        if (answer == CHANGE_STORED || answer == CHANGE_DELETED) {
            atomic_store(&seen->acked[k], deletes ? 0 : number);
            atomic_fetch_add(&seen->stored, 1);
        } else if (answer == CHANGE_FAILED) {
            atomic_fetch_add(&seen->refused, 1);
        }
    }
}

static void
check_survivors(struct fixture *f, struct report *seen)
{
    unsigned pending_key = atomic_load(&seen->pending_key);

    for (unsigned k = 0; k < MANY; k++) {
        unsigned number = atomic_load(&seen->acked[k]);
        unsigned pending = atomic_load(&seen->pending);
        struct item item;
        char key[16];
        enum store_status status;
        bool right;

        (void)snprintf(key, sizeof(key), "k%u", k);
        status = store_get(f->store, slice_str(key), now, &f->scratch, &item);
        right = number == 0
                    ? status == STORE_MISS
                    : status == STORE_OK && item.value.n == size_of(number);
        if (!right && k == pending_key) {
            right = pending == 0 ? status == STORE_MISS
                                 : status == STORE_OK &&
                                       item.value.n == size_of(pending);
        }
        if (!right) {
            fail_msg("key %u: number %u acknowledged, found %s of %zu", k,
                     number, status == STORE_OK ? "a value" : "nothing",
                     status == STORE_OK ? item.value.n : 0);
        }
    }
}

static void
check_kill_when_full(struct fixture *f)
{
    struct report *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct timespec pause = {0, 2000000};
    int status = 0;
    pid_t pid;

    assert_true(seen != MAP_FAILED);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fill_and_go_on(f, seen);
    }
    while (atomic_load(&seen->refused) < ENOUGH &&
           waitpid(pid, &status, WNOHANG) == 0) {
        (void)nanosleep(&pause, NULL);
    }
    if (WIFSIGNALED(status)) {
        fail_msg("died of signal %d", WTERMSIG(status));
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    print_message("%s: %u changes made, %u refused\n", f->options.type,
                  atomic_load(&seen->stored), atomic_load(&seen->refused));
    fixture_open(f);
    check_survivors(f, seen);
    fixture_reopen(f);
    check_survivors(f, seen);
    (void)munmap(seen, sizeof(*seen));
}

static void
what_a_full_disk_took_survives_sudden_death(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        struct fixture f;

        fixture_init(&f, types[i]);
        if (mount("tmpfs", f.dir, "tmpfs", 0, sizes[i]) != 0) {
            fixture_fini(&f);
            skip();
        }
        f.options.buffer_bytes = 8 << 20;
        f.options.log_segment_bytes = 1 << 20;
        f.options.log_keep_bytes = 2 << 20;
        check_kill_when_full(&f);
        fixture_close(&f);
        assert_int_equal(umount(f.dir), 0);
        fixture_fini(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_refuses_writes_and_nothing_else),
        cmocka_unit_test(what_a_full_disk_took_survives_sudden_death),
        cmocka_unit_test(
            a_disk_too_small_for_the_file_is_an_error_at_the_start),
    };

    memset(value, 'v', sizeof(value));
    return cmocka_run_group_tests_name("full disk", tests, NULL, NULL);
}
