/* Sums over all records: exact, the same for equal copies, and after a death.
 */
#include "test/unit/store_fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/rand.h"

static const char *const types[] = {"tch", "tcb"};

static void
on_each(void (*test)(struct fixture *f))
{
    for (size_t i = 0; i < COUNT(types); i++) {
        struct fixture f;

        fixture_init(&f, types[i]);
        fixture_open(&f);
        test(&f);
        fixture_fini(&f);
    }
}

static struct store_digest *
take(struct fixture *f)
{
    struct store_digest *d = calloc(1, sizeof(*d));
    struct mono until = mono_after_ms(clock_mono(), 20000);
    uint64_t seq;

    assert_non_null(d);
    for (;;) {
        assert_true(store_digest_mark(f->store, &seq));
        if (store_digest_at(f->store, seq, d) == STORE_DIGEST_OK) {
            assert_int_equal(d->seq, seq);
            return d;
        }
        assert_false(mono_reached(until, clock_mono()));
        (void)poll(NULL, 0, 5);
    }
}

/* The sums as a walk over all records finds them. */
static struct store_digest *
add_up(struct fixture *f)
{
    struct store_digest *d = calloc(1, sizeof(*d));
    struct store_cursor *c = store_cursor_open(f->store);
    struct slice key;
    struct item item;

    assert_non_null(d);
    while (store_cursor_next(c, &key, &item) == STORE_OK) {
        struct digest_sum sum = store_hash(key, &item);

        digest_sum_add(&d->part[digest_bucket(key)], sum);
        digest_sum_add(&d->all, sum);
        d->records++;
    }
    store_cursor_close(c);
    return d;
}

static void
check_exact(struct fixture *f)
{
    struct store_digest *a = take(f), *b = add_up(f);

    assert_int_equal(a->records, b->records);
    assert_memory_equal(&a->all, &b->all, sizeof(a->all));
    assert_memory_equal(a->part, b->part, sizeof(a->part));
    free(a);
    free(b);
}

static void
change_something(struct fixture *f, struct rand *rand)
{
    static char value[70000];
    char key[16];
    struct change c = {.key = {key, 0}};

    c.key.n = (size_t)snprintf(key, sizeof(key), "key%u",
                               (unsigned)rand_below(rand, 300));
    switch (rand_below(rand, 8)) {
    case 0:
        c.op = CHANGE_DELETE;
        break;
    case 1:
        c.op = CHANGE_TOUCH;
        c.expire = now.s + 1000 + (int64_t)rand_below(rand, 1000);
        break;
    case 2:
        c.op = CHANGE_APPEND;
        c.value = SLICE("more");
        break;
    case 3: /* past the table in memory */
        c.op = CHANGE_SET;
        c.value = (struct slice){value, rand_below(rand, sizeof(value))};
        break;
    default:
        c.op = CHANGE_SET;
        c.value = (struct slice){value, rand_below(rand, 200)};
        c.flags = (uint32_t)rand_below(rand, 3);
        break;
    }
    (void)fixture_apply(f, c);
}

static void
check_changes(struct fixture *f)
{
    struct rand rand;
    uint64_t seq;

    rand_init(&rand, 7);
    check_exact(f);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 400; i++) {
            change_something(f, &rand);
        }
        check_exact(f);
        if (round % 2 == 1) {
            fixture_reopen(f);
        }
        if (round == 3) {
            assert_true(store_flush_all(f->store, &seq));
        }
    }
}

static void
every_change_is_in_it(void **state)
{
    (void)state;
    on_each(check_changes);
}

static void
check_lost_file(struct fixture *f)
{
    char path[128];

    (void)fixture_set(f, "a", "1");
    (void)fixture_set(f, "b", "2");
    fixture_close(f);
    (void)snprintf(path, sizeof(path), "%s/digest", f->dir);
    assert_int_equal(unlink(path), 0);
    fixture_open(f);
    check_exact(f);
    (void)fixture_set(f, "c", "3");
    check_exact(f);
}

static void
without_its_file_it_is_computed_anew(void **state)
{
    (void)state;
    on_each(check_lost_file);
}

static void
check_death(struct fixture *f)
{
    for (uint64_t life = 1; life < 12; life++) {
        int ends[2];
        char ready;
        pid_t pid;

        if (f->store != NULL) {
            fixture_close(f);
        }
        assert_int_equal(pipe(ends), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct rand rand;

            (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
            fixture_open(f);
            rand_init(&rand, life);
            for (unsigned i = 0;; i++) {
                change_something(f, &rand);
                if (i == 100 && write(ends[1], "x", 1) != 1) {
                    _exit(1);
                }
                if (i % 500 == 499) {
                    (void)store_checkpoint(f->store, &(struct err){0});
                }
            }
        }
        (void)close(ends[1]);
        assert_int_equal(read(ends[0], &ready, 1), 1);
        (void)poll(NULL, 0, (int)(life * 7 % 30));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        (void)close(ends[0]);
        fixture_open(f);
        check_exact(f);
    }
}

static void
after_a_sudden_death_it_is_right_or_computed_anew(void **state)
{
    (void)state;
    on_each(check_death);
}

/* --- copies ----------------------------------------------------------------
 */

static void
feed(struct fixture *from, struct fixture *to)
{
    struct ulog_reader *r = ulog_reader_open(store_log(from->store),
                                             ulog_last(store_log(to->store)));
    struct slice bytes;
    uint64_t first, last;

    while (ulog_reader_bytes(r, 1 << 16, &bytes, &first, &last) ==
           ULOG_READ_OK) {
        assert_int_equal(store_replicate(to->store, bytes, &to->scratch, &last),
                         STREAM_OK);
    }
    ulog_reader_close(r);
}

static void
copies_can_be_compared_and_repaired(void **state)
{
    struct fixture a, b;
    struct store_digest *x, *y = calloc(1, sizeof(*y));
    struct store_record bad = {.key = SLICE("key7"), .present = true};
    struct rand rand;
    struct err err;
    uint64_t seq;

    (void)state;
    assert_non_null(y);
    fixture_init(&a, "tch");
    fixture_init(&b, "tcb");
    fixture_open(&a);
    fixture_open(&b);
    assert_true(store_begin_epoch(a.store, 3, &err));
    rand_init(&rand, 1);
    for (int i = 0; i < 1000; i++) {
        change_something(&a, &rand);
    }
    x = take(&a);
    assert_int_equal(store_digest_at(b.store, x->seq, y), STORE_DIGEST_LATER);
    (void)fixture_set(&a, "later", "x"); /* the digest is of before */
    feed(&a, &b);
    assert_int_equal(store_digest_at(b.store, x->seq, y), STORE_DIGEST_OK);
    assert_memory_equal(x, y, sizeof(*x));
    free(x);

    assert_true(store_force(b.store, &bad));
    x = take(&a);
    feed(&a, &b);
    assert_int_equal(store_digest_at(b.store, x->seq, y), STORE_DIGEST_OK);
    for (unsigned i = 0; i < DIGEST_BUCKETS; i++) {
        bool same = memcmp(&x->part[i], &y->part[i], sizeof(x->part[i])) == 0;

        assert_int_equal(same, i != digest_bucket(bad.key));
    }
    free(x);
    assert_true(store_relog(a.store, bad.key, &seq));
    x = take(&a);
    feed(&a, &b);
    assert_int_equal(store_digest_at(b.store, x->seq, y), STORE_DIGEST_OK);
    assert_memory_equal(x, y, sizeof(*x));
    assert_int_equal(store_digest_at(b.store, x->seq - 1, y),
                     STORE_DIGEST_GONE);
    free(x);
    free(y);
    fixture_fini(&a);
    fixture_fini(&b);
}

static void
hashes_tell_records_apart(void **state)
{
    static const char zeros[64];
    struct digest_sum seen[64 * 2];
    unsigned n = 0;

    (void)state;
    for (size_t i = 0; i < 64; i++) {
        seen[n++] = digest_of((struct slice){zeros, i}, SLICE("x"));
        seen[n++] = digest_of(SLICE("x"), (struct slice){zeros, i});
    }
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < i; k++) {
            assert_int_not_equal(seen[i].a, seen[k].a);
            assert_int_not_equal(seen[i].b, seen[k].b);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_in_it),
        cmocka_unit_test(without_its_file_it_is_computed_anew),
        cmocka_unit_test(after_a_sudden_death_it_is_right_or_computed_anew),
        cmocka_unit_test(copies_can_be_compared_and_repaired),
        cmocka_unit_test(hashes_tell_records_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
