/* The write buffer over an engine that counts. */
#include "test/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "storage/engine_front.h"
#include "storage/store.h"

enum { KEYS = 200, OPS = 30000, RECORD_MAX = 20000, WRITERS = 3 };

/* What was asked of the engine behind; it does its work in memory. */
static struct {
    _Atomic int64_t held, records; /* reserved and not released */
    _Atomic unsigned carried;      /* puts and removes */
    _Atomic unsigned begun, committed;
    _Atomic bool refuse_room; /* the disk is full */
    _Atomic bool fail;        /* every put fails */
} seen;

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER; /* held: it hangs */

static bool
count_reserve(struct engine *engine, struct slice key, size_t n)
{
    (void)engine;
    (void)key;
    if (atomic_load(&seen.refuse_room)) {
        return false;
    }
    atomic_fetch_add(&seen.held, (int64_t)n);
    atomic_fetch_add(&seen.records, 1);
    return true;
}

static void
count_release(struct engine *engine, struct slice key, size_t n)
{
    (void)engine;
    (void)key;
    atomic_fetch_sub(&seen.held, (int64_t)n);
    atomic_fetch_sub(&seen.records, 1);
}

static bool
count_put(struct engine *engine, struct slice key, struct slice record)
{
    if (atomic_load(&seen.fail)) {
        return false;
    }
    (void)pthread_mutex_lock(&disk);
    (void)pthread_mutex_unlock(&disk);
    atomic_fetch_add(&seen.carried, 1);
    return engine_mem.put(engine, key, record);
}

static bool
count_begin(struct engine *engine)
{
    (void)engine;
    assert_int_equal(atomic_load(&seen.begun), atomic_load(&seen.committed));
    atomic_fetch_add(&seen.begun, 1);
    return true;
}

static bool
count_commit(struct engine *engine)
{
    (void)engine;
    atomic_fetch_add(&seen.committed, 1);
    return true;
}

static struct engine_ops behind;
static struct engine_ops front;

static int
open_front(struct engine **out, const struct store_options *options,
           const char *path, struct engine_found *found, struct err *err)
{
    static const struct engine_front both = {&front, &behind};

    return engine_front_open(&both, out, options, path, found, err);
}

static struct engine *
begin(void)
{
    const struct store_options options = {.buffer_bytes = 1};
    struct engine *engine;
    struct engine_found found;
    struct err err = {0};

    memset(&seen, 0, sizeof(seen));
    behind = engine_mem;
    behind.file = "memory";
    behind.reserve = count_reserve;
    behind.release = count_release;
    behind.put = count_put;
    behind.begin = count_begin;
    behind.commit = count_commit;
    front = engine_hash_front;
    front.open = open_front;
    assert_int_equal(front.open(&engine, &options, NULL, &found, &err), 0);
    return engine;
}

static void
finish(struct engine *engine, int rc)
{
    struct err err = {0};

    assert_int_equal(front.close(engine, &err), rc);
    assert_int_equal(atomic_load(&seen.held), 0);
    assert_int_equal(atomic_load(&seen.records), 0);
}

/* As the store does it. */
static bool
put(struct engine *engine, struct slice key, struct slice record)
{
    bool ok;

    if (!front.reserve(engine, key, record.n)) {
        return false;
    }
    ok = front.put(engine, key, record);
    front.release(engine, key, record.n);
    return ok;
}

/* --- one thread against a model ------------------------------------------- */

struct record {
    bool present;
    unsigned n;
    char fill;
};

static void
check(struct engine *engine, const struct record *want, unsigned k)
{
    struct buf out = {0};
    char key[16];
    int n = snprintf(key, sizeof(key), "k%u", k);
    enum engine_result result =
        front.get(engine, (struct slice){key, (size_t)n}, SIZE_MAX, &out);

    assert_int_equal(result, want->present ? ENGINE_OK : ENGINE_MISS);
    if (want->present) {
        assert_int_equal(buf_len(&out), want->n);
        for (unsigned i = 0; i < want->n; i++) {
            assert_int_equal(out.base[out.start + i], want->fill);
        }
    }
    buf_fini(&out);
}

static unsigned
count_by_cursor(struct engine *engine)
{
    struct engine_cursor *c = front.cursor_open(engine, true, SLICE(""));
    struct slice key, record;
    unsigned n = 0;

    while (front.cursor_next(c, &key, &record) == ENGINE_OK) {
        n++;
    }
    front.cursor_close(c);
    return n;
}

static void
check_all(struct engine *engine, const struct record *model)
{
    unsigned present = 0;

    for (unsigned k = 0; k < KEYS; k++) {
        check(engine, &model[k], k);
        present += model[k].present;
    }
    assert_int_equal(count_by_cursor(engine), present);
    assert_int_equal(front.count(engine), present);
}

static void
do_something(struct engine *engine, struct record *model, struct rand *r)
{
    static char value[RECORD_MAX];
    unsigned k = rand_below(r, KEYS);
    unsigned dice = rand_below(r, 10000);
    char text[16];
    int n = snprintf(text, sizeof(text), "k%u", k);
    struct slice key = {text, (size_t)n};

    if (dice < 6000) {
        struct record m = {true, rand_below(r, dice < 400 ? RECORD_MAX : 500),
                           (char)dice};

        memset(value, m.fill, m.n);
        assert_true(put(engine, key, (struct slice){value, m.n}));
        model[k] = m;
    } else if (dice < 7000) {
        assert_int_not_equal(front.remove(engine, key), ENGINE_ERROR);
        model[k].present = false;
    } else if (dice < 9980) {
        check(engine, &model[k], k);
    } else if (dice < 9990) {
        assert_true(front.settle(engine));
    } else if (dice < 9997) {
        check_all(engine, model);
    } else {
        assert_true(front.truncate(engine));
        assert_int_equal(atomic_load(&seen.held), 0);
        memset(model, 0, KEYS * sizeof(*model));
    }
}

static void
every_reservation_is_given_back_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct engine *engine = begin();
        struct record model[KEYS] = {0};
        struct rand r;

        rand_init(&r, seed);
        for (unsigned i = 0; i < OPS; i++) {
            do_something(engine, model, &r);
        }
        check_all(engine, model);
        assert_true(front.checkpoint(engine));
        assert_int_equal(atomic_load(&seen.held), 0);
        assert_int_equal(atomic_load(&seen.records), 0);
        assert_int_equal(atomic_load(&seen.begun),
                         atomic_load(&seen.committed));
        finish(engine, 0);
    }
}

static void
overwriting_one_key_costs_the_engine_little(void **state)
{
    struct engine *engine = begin();

    (void)state;
    for (unsigned i = 0; i < OPS; i++) {
        assert_true(put(engine, SLICE("k"), SLICE("some value")));
    }
    assert_true(front.settle(engine));
    print_message("%u puts behind\n", atomic_load(&seen.carried));
    assert_true(atomic_load(&seen.carried) < OPS / 10);
    finish(engine, 0);
}

static void
without_room_on_the_disk_the_table_keeps_nothing(void **state)
{
    struct engine *engine = begin();

    (void)state;
    assert_true(put(engine, SLICE("k"), SLICE("old")));
    assert_true(front.reserve(engine, SLICE("k"), 3));
    atomic_store(&seen.refuse_room, true);
    /* The caller's room is enough for a write at once. */
    assert_true(front.put(engine, SLICE("k"), SLICE("new")));
    front.release(engine, SLICE("k"), 3);
    assert_int_equal(atomic_load(&seen.held), 0);
    check(engine, &(struct record){false, 0, 0}, 1);
    assert_false(put(engine, SLICE("other"), SLICE("x")));
    finish(engine, 0);
}

/* It says so at the end, keeps what it has readable, and takes nothing more. */
static void
an_engine_that_fails_is_not_asked_again(void **state)
{
    struct engine *engine = begin();
    struct buf out = {0};

    (void)state;
    atomic_store(&seen.fail, true);
    assert_true(put(engine, SLICE("first"), SLICE("kept")));
    assert_false(front.settle(engine));
    assert_false(front.checkpoint(engine));
    assert_int_equal(front.get(engine, SLICE("first"), SIZE_MAX, &out),
                     ENGINE_OK);
    assert_true(slice_eq(buf_slice(&out), SLICE("kept")));
    buf_fini(&out);
    atomic_store(&seen.fail, false);
    assert_false(front.settle(engine));
    assert_false(put(engine, SLICE("more"), SLICE("not taken")));
    assert_true(front.truncate(engine));
    front.give_up(engine); /* or it would be left open */
    finish(engine, ERR_IO);
}

/* --- several threads ------------------------------------------------------ */

struct writer {
    struct engine *engine;
    unsigned id;
    const char *wrong;
};

static void *
write_and_read(void *arg)
{
    struct writer *w = arg;
    struct rand r;
    uint64_t mine[64] = {0};

    rand_init(&r, w->id + 1);
    for (uint64_t i = 1; i < 8000 && w->wrong == NULL; i++) {
        char value[3000] = "";
        char text[16];
        unsigned k = rand_below(&r, 64);
        int n = snprintf(text, sizeof(text), "%u/%u", w->id, k);
        struct slice key = {text, (size_t)n};
        struct buf out = {0};
        uint64_t number = 0;

        if (front.get(w->engine, key, sizeof(number), &out) == ENGINE_OK) {
            memcpy(&number, out.base + out.start, sizeof(number));
        }
        buf_fini(&out);
        if (number != mine[k]) {
            w->wrong = "a writer does not find what it wrote";
        }
        memcpy(value, &i, sizeof(i));
        if (!put(w->engine, key,
                 (struct slice){value, 8 + rand_below(&r, 2900)})) {
            w->wrong = "a write was refused";
        }
        mine[k] = i;
    }
    return NULL;
}

static void
threads_find_their_own_and_the_room_is_given_back(void **state)
{
    struct engine *engine = begin();
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];

    (void)state;
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){engine, i, NULL};
        assert_int_equal(
            pthread_create(&threads[i], NULL, write_and_read, &writers[i]), 0);
    }
    for (unsigned i = 0; i < 20; i++) {
        (void)front.count(engine);
        (void)count_by_cursor(engine);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        if (writers[i].wrong != NULL) {
            fail_msg("%s", writers[i].wrong);
        }
    }
    assert_int_equal(count_by_cursor(engine), 64 * WRITERS);
    finish(engine, 0);
}

static void
a_count_does_not_wait_for_a_disk_that_hangs(void **state)
{
    struct engine *engine = begin();
    struct mono start = clock_mono();

    (void)state;
    (void)pthread_mutex_lock(&disk);
    assert_true(front.put(engine, SLICE("key"), SLICE("record")));
    assert_int_equal(front.count(engine), 0); /* as far as the engine knows */
    assert_true(mono_ms_between(start, clock_mono()) < 4000);
    (void)pthread_mutex_unlock(&disk);
    assert_int_equal(front.count(engine), 1);
    finish(engine, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reservation_is_given_back_once),
        cmocka_unit_test(overwriting_one_key_costs_the_engine_little),
        cmocka_unit_test(without_room_on_the_disk_the_table_keeps_nothing),
        cmocka_unit_test(an_engine_that_fails_is_not_asked_again),
        cmocka_unit_test(threads_find_their_own_and_the_room_is_given_back),
        cmocka_unit_test(a_count_does_not_wait_for_a_disk_that_hangs),
    };
    return cmocka_run_group_tests_name("engine front", tests, NULL, NULL);
}
