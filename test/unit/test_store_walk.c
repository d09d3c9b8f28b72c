#include "test/unit/store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/rand.h"

enum { STABLE = 1500, RESIZED = 500, CHURNED = 500 };

static const struct {
    const char *type, *compress;
    unsigned dfunit;
} variants[] = {
    {"tch", "", 0},        {"tch", "", 4}, /* records are moved to close gaps */
    {"tch", "deflate", 0}, /* sizes do not tell whether a record moves */
    {"tcb", "", 0},        {"mem", "", 0},
};

static void
on_each(void (*test)(struct fixture *))
{
    for (size_t i = 0; i < COUNT(variants); i++) {
        struct fixture f;

        fixture_init(&f, variants[i].type);
        f.options.compress = variants[i].compress;
        f.options.dfunit = variants[i].dfunit;
        fixture_open(&f);
        test(&f);
        fixture_fini(&f);
    }
}

/* Set or (negative size) delete key "<kind><n>", from any thread. */
static void
change_key(struct store *store, struct buf *scratch, char kind, unsigned n,
           int size)
{
    static const char filler[8192];
    char key[16];
    struct outcome out;
    struct change c = {.op = size < 0 ? CHANGE_DELETE : CHANGE_SET};

    (void)snprintf(key, sizeof(key), "%c%u", kind, n);
    c.key = slice_str(key);
    c.value = (struct slice){filler, size < 0 ? 0 : (size_t)size};
    store_apply(store, &c, now, scratch, &out);
    assert_int_not_equal(out.answer, CHANGE_FAILED);
}

static void
fill(struct fixture *f, char kind, unsigned count, int size)
{
    for (unsigned i = 0; i < count; i++) {
        change_key(f->store, &f->scratch, kind, i, size);
    }
}

struct seen {
    unsigned stable[STABLE];
    unsigned resized[RESIZED];
    unsigned total;
};

/* Note the record; false at the end. */
static bool
step(struct store_cursor *cursor, struct seen *seen)
{
    struct slice key;
    struct item item;
    enum store_status status = store_cursor_next(cursor, &key, &item);
    struct slice digits;
    uint64_t n = 0;

    if (status == STORE_MISS) {
        return false;
    }
    assert_int_equal(status, STORE_OK);
    digits = (struct slice){key.p + 1, key.n - 1};
    assert_true(slice_u64(digits, UINT32_MAX, &n));
    seen->total++;
    if (key.p[0] == 's') {
        assert_true(n < STABLE);
        seen->stable[n]++;
    } else if (key.p[0] == 'r') {
        assert_true(n < RESIZED);
        seen->resized[n]++;
    }
    return true;
}

static void
check_seen(const struct seen *seen)
{
    for (unsigned i = 0; i < STABLE; i++) {
        assert_int_equal(seen->stable[i], 1);
    }
    for (unsigned i = 0; i < RESIZED; i++) {
        assert_true(seen->resized[i] >= 1);
    }
}

static void
check_many_cursors(struct fixture *f)
{
    struct store_cursor *cursors[5];
    static struct seen seen[5];
    bool more = true;

    memset(seen, 0, sizeof(seen));
    fill(f, 's', STABLE, 10);
    fill(f, 'r', RESIZED, 10);
    for (size_t i = 0; i < COUNT(cursors); i++) {
        cursors[i] = store_cursor_open(f->store);
        for (size_t n = 0; n < i * 150; n++) {
            assert_true(step(cursors[i], &seen[i]));
        }
    }
    while (more) {
        more = false;
        for (size_t i = 0; i < COUNT(cursors); i++) {
            more = step(cursors[i], &seen[i]) || more;
        }
    }
    for (size_t i = 0; i < COUNT(cursors); i++) {
        check_seen(&seen[i]);
        assert_int_equal(seen[i].total, STABLE + RESIZED);
        assert_false(step(cursors[i], &seen[i]));
        store_cursor_close(cursors[i]);
    }
}

static void
many_cursors_see_every_record_once_each(void **state)
{
    (void)state;
    on_each(check_many_cursors);
}

static void
check_empty(struct fixture *f)
{
    struct store_cursor *cursor = store_cursor_open(f->store);
    struct slice key;
    struct item item;

    assert_int_equal(store_cursor_next(cursor, &key, &item), STORE_MISS);
    store_cursor_close(cursor);
    store_cursor_close(NULL);
}

static void
an_empty_store_has_nothing_to_walk(void **state)
{
    (void)state;
    on_each(check_empty);
}

/* Between the steps of a walk everything else is removed or moved. */
static void
check_interleaved(struct fixture *f)
{
    static struct seen seen;
    struct store_cursor *cursor;
    struct rand r;

    memset(&seen, 0, sizeof(seen));
    rand_init(&r, 7);
    for (unsigned i = 0; i < STABLE; i++) {
        change_key(f->store, &f->scratch, 's', i, 10);
        if (i < RESIZED) {
            change_key(f->store, &f->scratch, 'r', i, 10);
            change_key(f->store, &f->scratch, 'c', i, 50);
        }
    }
    cursor = store_cursor_open(f->store);
    while (step(cursor, &seen)) {
        for (int i = 0; i < 5; i++) {
            change_key(f->store, &f->scratch, 'r', rand_below(&r, RESIZED),
                       (int)rand_below(&r, 2000));
            change_key(f->store, &f->scratch, 'c', rand_below(&r, CHURNED),
                       (int)rand_below(&r, 300) - 150);
        }
    }
    store_cursor_close(cursor);
    check_seen(&seen);
}

static void
records_that_move_during_a_walk_are_not_missed(void **state)
{
    (void)state;
    on_each(check_interleaved);
}

/* The very record a cursor stands on, and the next, are removed each time. */
static void
check_removal(struct fixture *f)
{
    static struct seen seen;
    struct store_cursor *cursor;
    struct slice key;
    struct item item;
    unsigned total = 0;

    memset(&seen, 0, sizeof(seen));
    fill(f, 's', STABLE, 10);
    cursor = store_cursor_open(f->store);
    while (store_cursor_next(cursor, &key, &item) == STORE_OK) {
        char copy[16] = "";

        memcpy(copy, key.p, key.n);
        assert_int_equal(fixture_delete(f, copy), CHANGE_DELETED);
        total++;
    }
    store_cursor_close(cursor);
    assert_int_equal(total, STABLE);
    assert_int_equal(store_count(f->store), 0);
}

static void
what_a_cursor_has_shown_may_be_removed(void **state)
{
    (void)state;
    on_each(check_removal);
}

static void
check_truncation(struct fixture *f)
{
    static struct seen seen;
    struct store_cursor *cursor;
    uint64_t seq;

    memset(&seen, 0, sizeof(seen));
    fill(f, 's', STABLE, 10);
    cursor = store_cursor_open(f->store);
    assert_true(step(cursor, &seen));
    assert_true(store_flush_all(f->store, &seq));
    while (step(cursor, &seen)) {
    }
    assert_true(seen.total <= STABLE);
    store_cursor_close(cursor);
    fill(f, 's', 10, 10);
    assert_int_equal(store_count(f->store), 10);
}

static void
a_walk_ends_when_everything_is_removed(void **state)
{
    (void)state;
    on_each(check_truncation);
}

/* --- with threads ------------------------------------------------------- */

struct churner {
    struct store *store;
    unsigned seed;
    _Atomic bool *stop;
};

/* Each churner has keys of its own, so that what it did is known. */
static void *
churn(void *arg)
{
    struct churner *churner = arg;
    struct buf scratch = {0};
    struct rand r;

    rand_init(&r, churner->seed);
    while (!atomic_load(churner->stop)) {
        change_key(churner->store, &scratch, 'r', rand_below(&r, RESIZED),
                   (int)rand_below(&r, 4000));
        change_key(churner->store, &scratch, 'c', rand_below(&r, CHURNED),
                   (int)rand_below(&r, 300) - 150);
    }
    buf_fini(&scratch);
    return NULL;
}

static void *
walk(void *arg)
{
    struct churner *churner = arg;
    struct seen *seen = calloc(1, sizeof(*seen));

    assert_non_null(seen);
    for (int i = 0; i < 5; i++) {
        struct store_cursor *cursor = store_cursor_open(churner->store);

        memset(seen, 0, sizeof(*seen));
        while (step(cursor, seen)) {
        }
        store_cursor_close(cursor);
        check_seen(seen);
    }
    free(seen);
    return NULL;
}

static void
check_threads(struct fixture *f)
{
    _Atomic bool stop = false;
    pthread_t writers[2], walkers[2];
    struct churner churners[2];
    struct err err;

    for (unsigned i = 0; i < STABLE; i++) {
        change_key(f->store, &f->scratch, 's', i, 10);
        if (i < RESIZED) {
            change_key(f->store, &f->scratch, 'r', i, 10);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        churners[i] = (struct churner){f->store, i + 1, &stop};
        (void)pthread_create(&writers[i], NULL, churn, &churners[i]);
        (void)pthread_create(&walkers[i], NULL, walk, &churners[i]);
    }
    for (unsigned i = 0; i < 100; i++) {
        assert_true(store_get(f->store, SLICE("s1"), now, &f->scratch,
                              &(struct item){0}) == STORE_OK);
        (void)store_sweep(f->store, now, 10);
    }
    assert_int_equal(store_checkpoint(f->store, &err), 0);
    for (unsigned i = 0; i < 2; i++) {
        (void)pthread_join(walkers[i], NULL);
    }
    stop = true;
    for (unsigned i = 0; i < 2; i++) {
        (void)pthread_join(writers[i], NULL);
    }
}

static void
walks_beside_writers_keep_the_promise(void **state)
{
    (void)state;
    on_each(check_threads);
}

enum { COUNTS = 20000, COUNTERS = 3 };

static void *
count_up(void *arg)
{
    struct store *store = arg;
    struct buf scratch = {0};

    for (int i = 0; i < COUNTS; i++) {
        struct change c = {
            .op = CHANGE_INCR, .key = SLICE("counter"), .delta = 1};
        struct outcome out;

        store_apply(store, &c, now, &scratch, &out);
        assert_int_equal(out.answer, CHANGE_NUMBER);
    }
    buf_fini(&scratch);
    return NULL;
}

static void
check_counting(struct fixture *f)
{
    pthread_t threads[COUNTERS];

    (void)fixture_set(f, "counter", "0");
    for (int i = 0; i < COUNTERS; i++) {
        (void)pthread_create(&threads[i], NULL, count_up, f->store);
    }
    for (int i = 0; i < COUNTERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    fixture_check(f, "counter", "60000");
    assert_int_equal(ulog_last(store_log(f->store)), 1 + COUNTS * COUNTERS);
    assert_int_equal(fixture_check(f, "counter", "60000").version,
                     1 + COUNTS * COUNTERS);
}

static void
no_increment_is_lost_between_threads(void **state)
{
    (void)state;
    on_each(check_counting);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_cursors_see_every_record_once_each),
        cmocka_unit_test(an_empty_store_has_nothing_to_walk),
        cmocka_unit_test(records_that_move_during_a_walk_are_not_missed),
        cmocka_unit_test(what_a_cursor_has_shown_may_be_removed),
        cmocka_unit_test(a_walk_ends_when_everything_is_removed),
        cmocka_unit_test(walks_beside_writers_keep_the_promise),
        cmocka_unit_test(no_increment_is_lost_between_threads),
    };
    return cmocka_run_group_tests_name("store walk", tests, NULL, NULL);
}
