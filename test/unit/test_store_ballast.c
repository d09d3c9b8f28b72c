/* Somebody else fills the disk to the last and frees it again; needs root. */
#include "test/unit/store_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mount.h>

#include "base/rand.h"

enum { KEYS = 3000, ROUNDS = 25, VALUE = 6000 };

struct scene {
    struct fixture f;
    unsigned size[KEYS]; /* of the value acknowledged last; UINT32_MAX: none */
    unsigned pending[KEYS]; /* refused or unknown: may be there, too */
    _Atomic bool done;
};

/* Fill it in large steps, then small ones; keep it full; free it. */
static void *
fill_and_free(void *arg)
{
    struct scene *s = arg;
    static const char zeros[65536];
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/ballast", s->f.dir);
    for (int i = 0; i < ROUNDS; i++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        for (size_t step = sizeof(zeros); fd >= 0 && step >= 4096; step /= 4) {
            while (write(fd, zeros, step) == (ssize_t)step) {
            }
        }
        (void)poll(NULL, 0, 30);
        (void)close(fd);
        (void)unlink(path);
        (void)poll(NULL, 0, 10);
    }
    atomic_store(&s->done, true);
    return NULL;
}

static enum change_answer
set(struct scene *s, unsigned k, unsigned size)
{
    static char value[VALUE];
    char key[16];
    struct change c = {.op = CHANGE_SET, .value = {value, size}};
    enum change_answer answer;

    (void)snprintf(key, sizeof(key), "k%u", k);
    c.key = slice_str(key);
    s->pending[k] = size;
    answer = fixture_apply(&s->f, c).answer;
    if (answer == CHANGE_STORED) {
        s->size[k] = size;
    }
    return answer;
}

static void
check_all(struct scene *s)
{
    for (unsigned k = 0; k < KEYS; k++) {
        char key[16];
        struct item item;
        enum store_status status;

        (void)snprintf(key, sizeof(key), "k%u", k);
        status =
            store_get(s->f.store, slice_str(key), now, &s->f.scratch, &item);
        if (status == STORE_MISS && s->size[k] == UINT32_MAX) {
            continue;
        }
        assert_int_equal(status, STORE_OK);
        if (item.value.n != s->pending[k]) {
            assert_int_equal(item.value.n, s->size[k]);
        }
    }
}

/* All of them are in a walk as well: nobody is fed less than there is. */
static void
check_walk(struct scene *s)
{
    struct store_cursor *c = store_cursor_open(s->f.store);
    enum store_status status;
    struct slice key;
    struct item item;
    unsigned n = 0, stored = 0;

    while ((status = store_cursor_next(c, &key, &item)) == STORE_OK) {
        n++;
    }
    store_cursor_close(c);
    assert_int_equal(status, STORE_MISS);
    for (unsigned k = 0; k < KEYS; k++) {
        stored += s->size[k] != UINT32_MAX ? 1 : 0;
    }
    assert_true(n >= stored);
}

static void
check_ballast(struct scene *s)
{
    struct mono until;
    struct rand rand;
    pthread_t thread;
    struct err err;

    memset(s->size, 0xff, sizeof(s->size));
    memset(s->pending, 0xff, sizeof(s->pending));
    rand_init(&rand, 3);
    fixture_open(&s->f);
    assert_int_equal(pthread_create(&thread, NULL, fill_and_free, s), 0);
    while (!atomic_load(&s->done)) {
        (void)set(s, rand_below(&rand, KEYS), rand_below(&rand, VALUE));
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    until = mono_after_ms(clock_mono(), 10000);
    while (set(s, 0, 10) != CHANGE_STORED ||
           store_checkpoint(s->f.store, &err) != 0) {
        if (mono_reached(until, clock_mono())) {
            fail_msg("no recovery: %s", store_trouble(s->f.store));
        }
        (void)poll(NULL, 0, 20);
    }
    assert_null(store_trouble(s->f.store));
    check_all(s);
    check_walk(s);
    fixture_reopen(&s->f);
    check_all(s);
    check_walk(s);
}

static void
the_disk_is_full_for_a_while_and_nothing_is_lost(void **state)
{
    static struct scene s;

    (void)state;
    fixture_init(&s.f, "tch");
    if (mount("tmpfs", s.f.dir, "tmpfs", 0, "size=120m") != 0) {
        fixture_fini(&s.f);
        skip();
    }
    s.f.options.log_segment_bytes = 1 << 20;
    s.f.options.log_keep_bytes = 2 << 20;
    check_ballast(&s);
    fixture_close(&s.f);
    assert_int_equal(umount(s.f.dir), 0);
    fixture_fini(&s.f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_disk_is_full_for_a_while_and_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
