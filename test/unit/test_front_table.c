#include "test/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "base/strmap.h"
#include "storage/front_table.h"

enum {
    KEYS = 300,
    RING = 64 * 1024,
    LARGEST = RING / 8,
    USED_SHARDS = 3,
    BATCH = 40,
    OPS = 40000
};

/* What is under a key: a length and what it is filled with. */
struct state {
    bool present;
    unsigned n;
    unsigned char fill;
};

/* The table, an engine behind it that is a mere array, and what must be. */
struct model {
    struct front_table table;
    struct rand r;
    struct state newest[KEYS];
    struct state behind[KEYS];
    int64_t held; /* bytes reserved for dirty records */
    int64_t records;
    unsigned refused;
    /* Between begin and end: */
    struct front_shard *shard;
    struct front_entry *batch[BATCH];
    struct state copies[BATCH];
    unsigned keys[BATCH];
    unsigned n;
};

static void
model_init(struct model *m, uint64_t seed)
{
    memset(m, 0, sizeof(*m));
    rand_init(&m->r, seed);
    assert_true(front_table_init(&m->table, 1));
    assert_int_equal(m->table.shard[0].size, RING);
}

/* Key k; all of them go to the first shards, to fill their rings. */
static struct slice
key_of(unsigned k, char *to, size_t size)
{
    struct slice key = {to, 0};

    for (unsigned salt = 0; key.n == 0; salt++) {
        key.n = (size_t)snprintf(to, size, "key%u.%u", k, salt);
        if ((strmap_hash(key) >> 32) % FRONT_SHARDS >= USED_SHARDS) {
            key.n = 0;
        }
    }
    return key;
}

/* Which key an entry is for. */
static unsigned
number_in(struct slice key)
{
    char text[16] = "";

    assert_true(key.n < sizeof(text));
    memcpy(text, key.p, key.n);
    return (unsigned)strtoul(text + 3, NULL, 10);
}

/* Mostly small, now and then as large as fits. */
static unsigned
some_size(struct rand *r)
{
    return rand_below(r, 8) == 0 ? rand_below(r, LARGEST - 100)
                                 : rand_below(r, 600);
}

static struct state
state_of(const struct front_entry *e)
{
    struct slice record = front_entry_record(e);
    struct state s = {.present = !front_entry_removes(e)};

    if (s.present) {
        s.n = (unsigned)record.n;
        s.fill = record.n > 0 ? (unsigned char)record.p[0] : 0;
        for (size_t i = 0; i < record.n; i++) {
            assert_int_equal((unsigned char)record.p[i], s.fill);
        }
    }
    return s;
}

static void
assert_same(const struct state *a, const struct state *b)
{
    assert_int_equal(a->present, b->present);
    if (a->present) {
        assert_int_equal(a->n, b->n);
        assert_true(a->n == 0 || a->fill == b->fill);
    }
}

static void
hold(struct model *m, size_t n, int64_t sign)
{
    m->held += sign * (int64_t)n;
    m->records += sign;
    assert_true(m->held >= 0 && m->records >= 0);
}

static void
on_gone(void *arg, struct slice key, size_t n)
{
    (void)key;
    hold(arg, n, -1);
}

static void
do_put(struct model *m, unsigned k, bool removes)
{
    static char value[LARGEST];
    char text[16];
    struct state s = {!removes, 0, (unsigned char)rand_below(&m->r, 256)};
    struct front_write w = {.removes = removes};

    w.key = key_of(k, text, sizeof(text));
    if (!removes) {
        s.n = some_size(&m->r);
        memset(value, s.fill, s.n);
        w.record = (struct slice){value, s.n};
        assert_true(front_table_fits(&m->table, w.key, w.record));
    }
    if (!front_table_put(&m->table, &w)) {
        m->refused++;
        return;
    }
    if (!removes) {
        hold(m, s.n, 1);
    }
    if (w.replaced_n != SIZE_MAX) {
        assert_int_equal(w.replaced_n, m->newest[k].n);
        hold(m, w.replaced_n, -1);
    }
    m->newest[k] = s;
}

static void
check_key(struct model *m, unsigned k, size_t want)
{
    const struct state *s = &m->newest[k];
    struct buf out = {0};
    char text[16];

    switch (
        front_table_get(&m->table, key_of(k, text, sizeof(text)), want, &out)) {
    case FRONT_FOUND:
        assert_true(s->present);
        assert_int_equal(buf_len(&out), s->n < want ? s->n : want);
        for (size_t i = 0; i < buf_len(&out); i++) {
            assert_int_equal((unsigned char)out.base[out.start + i], s->fill);
        }
        break;
    case FRONT_REMOVED:
        assert_false(s->present);
        break;
    case FRONT_UNKNOWN:
        assert_same(s, &m->behind[k]);
        break;
    case FRONT_NO_MEMORY:
        fail_msg("out of memory");
    }
    buf_fini(&out);
}

static void
do_begin(struct model *m)
{
    unsigned max = 1 + rand_below(&m->r, BATCH);
    int64_t age = rand_below(&m->r, 4) == 0 ? front_now_ms() - 1000 : INT64_MAX;

    m->shard = &m->table.shard[rand_below(&m->r, USED_SHARDS)];
    m->n = front_shard_begin(m->shard, m->batch, max, age);
    assert_true(m->n <= max);
    for (unsigned i = 0; i < m->n; i++) {
        if (m->batch[i] != NULL) {
            m->keys[i] = number_in(front_entry_key(m->batch[i]));
            m->copies[i] = state_of(m->batch[i]);
            /* The newest of each key, and only one of each. */
            assert_same(&m->copies[i], &m->newest[m->keys[i]]);
        }
    }
}

static void
do_end(struct model *m, bool carried)
{
    for (unsigned i = 0; i < m->n; i++) {
        struct state now;

        if (m->batch[i] == NULL) {
            continue;
        }
        now = state_of(m->batch[i]);
        assert_same(&now, &m->copies[i]);
        if (carried) {
            m->behind[m->keys[i]] = now;
            if (now.present) {
                hold(m, now.n, -1);
            }
        }
    }
    if (carried) {
        front_shard_end(m->shard);
    } else {
        front_shard_abort(m->shard, m->batch, m->n, on_gone, m);
    }
    m->shard = NULL;
}

static void
do_forget(struct model *m, unsigned k)
{
    char text[16];
    size_t n = 0;

    /* As a write that goes past the table does. */
    m->newest[k] = (struct state){true, 9, 'x'};
    m->behind[k] = m->newest[k];
    if (front_table_forget(&m->table, key_of(k, text, sizeof(text)), &n)) {
        hold(m, n, -1);
    }
}

static void
do_clear(struct model *m)
{
    front_table_clear(&m->table, on_gone, m);
    assert_int_equal(m->held, 0);
    assert_int_equal(m->records, 0);
    memset(m->newest, 0, sizeof(m->newest));
    memset(m->behind, 0, sizeof(m->behind));
    assert_true(front_table_is_clean(&m->table));
}

static void
do_something(struct model *m)
{
    unsigned k = rand_below(&m->r, KEYS);
    unsigned dice = rand_below(&m->r, 10000);

    if (dice < 7000) {
        do_put(m, k, dice < 1000);
    } else if (dice < 9650) {
        check_key(m, k, dice < 9000 ? SIZE_MAX : rand_below(&m->r, 100));
    } else if (dice < 9900) {
        if (m->shard == NULL) {
            do_begin(m);
        } else {
            do_end(m, dice < 9890);
        }
    } else if (m->shard == NULL && dice < 9998) {
        do_forget(m, k);
    } else if (m->shard == NULL) {
        do_clear(m);
    }
}

static void
drain(struct model *m)
{
    if (m->shard != NULL) {
        do_end(m, true);
    }
    for (unsigned i = 0; i < FRONT_SHARDS; i++) {
        do {
            m->shard = &m->table.shard[i];
            m->n = front_shard_begin(m->shard, m->batch, BATCH, INT64_MAX);
            for (unsigned j = 0; j < m->n; j++) {
                if (m->batch[j] != NULL) {
                    m->keys[j] = number_in(front_entry_key(m->batch[j]));
                    m->copies[j] = state_of(m->batch[j]);
                }
            }
            do_end(m, true);
        } while (m->n > 0);
    }
}

static void
whatever_happens_a_read_finds_the_newest(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct model m;

        model_init(&m, seed);
        for (unsigned i = 0; i < OPS; i++) {
            do_something(&m);
        }
        drain(&m);
        assert_true(front_table_is_clean(&m.table));
        assert_int_equal(m.held, 0);
        assert_int_equal(m.records, 0);
        for (unsigned k = 0; k < KEYS; k++) {
            assert_same(&m.newest[k], &m.behind[k]);
            check_key(&m, k, SIZE_MAX);
        }
        refused += m.refused;
        front_table_fini(&m.table);
    }
    print_message("%u writes found no room\n", refused);
    assert_true(refused > 0);
}

/* --- one ring, step by step ---------------------------------------------- */

static bool
put(struct front_table *t, const char *key, struct slice record)
{
    struct front_write w = {.key = slice_str(key), .record = record};

    return front_table_put(t, &w);
}

static enum front_found
look(struct front_table *t, const char *key)
{
    struct buf out = {0};
    enum front_found found = front_table_get(t, slice_str(key), SIZE_MAX, &out);

    buf_fini(&out);
    return found;
}

static void
drain_table(struct front_table *t)
{
    struct front_entry *batch[BATCH];

    for (unsigned i = 0; i < FRONT_SHARDS; i++) {
        while (front_shard_begin(&t->shard[i], batch, BATCH, INT64_MAX) > 0) {
            front_shard_end(&t->shard[i]);
        }
        front_shard_end(&t->shard[i]);
    }
}

static void
a_full_ring_refuses_until_it_is_carried_over(void **state)
{
    static char value[1000];
    struct front_table t;
    char key[16];
    unsigned i = 0;

    (void)state;
    assert_true(front_table_init(&t, 1));
    do {
        (void)snprintf(key, sizeof(key), "k%u", i++);
    } while (put(&t, key, (struct slice){value, sizeof(value)}));
    /* One shard is full; the others are about as full. */
    assert_in_range(i, 500, FRONT_SHARDS * 64);
    assert_int_equal(look(&t, key), FRONT_UNKNOWN);
    assert_int_equal(look(&t, "k0"), FRONT_FOUND);
    assert_false(front_table_is_clean(&t));
    drain_table(&t);
    assert_true(front_table_is_clean(&t));
    /* Clean entries are found until their place is needed. */
    assert_int_equal(look(&t, "k0"), FRONT_FOUND);
    assert_true(put(&t, key, (struct slice){value, sizeof(value)}));
    for (unsigned j = 0; j < 20000; j++) {
        (void)snprintf(key, sizeof(key), "m%u", j);
        if (!put(&t, key, (struct slice){value, 100})) {
            drain_table(&t);
            assert_true(put(&t, key, (struct slice){value, 100}));
        }
    }
    assert_int_equal(look(&t, "k0"), FRONT_UNKNOWN);
    front_table_fini(&t);
}

static void
what_is_too_large_does_not_fit(void **state)
{
    static char value[LARGEST];
    struct front_table t;

    (void)state;
    assert_true(front_table_init(&t, 1));
    assert_true(
        front_table_fits(&t, SLICE("k"), (struct slice){value, LARGEST - 100}));
    assert_false(
        front_table_fits(&t, SLICE("k"), (struct slice){value, LARGEST}));
    front_table_fini(&t);
}

/* --- several threads ------------------------------------------------------ */

enum { WRITERS = 3, OWN_KEYS = 64, ROUNDS = 15000 };

struct crowd {
    struct front_table table;
    _Atomic bool stop;
    _Atomic unsigned writing;
    /* Behind: of each key the number written last. */
    _Atomic uint64_t behind[WRITERS][OWN_KEYS];
};

struct writer {
    struct crowd *crowd;
    unsigned id;
    const char *wrong;
};

static struct slice
crowd_key(unsigned id, unsigned k, char *to, size_t size)
{
    return (struct slice){to, (size_t)snprintf(to, size, "%u/%u", id, k)};
}

static void *
drain_all_the_time(void *arg)
{
    struct crowd *c = arg;

    for (bool last = false; !last;) {
        last = atomic_load(&c->stop);
        for (unsigned i = 0; i < FRONT_SHARDS; i++) {
            struct front_entry *batch[BATCH];
            unsigned n =
                front_shard_begin(&c->table.shard[i], batch, BATCH, INT64_MAX);

            for (unsigned j = 0; j < n; j++) {
                char text[16] = "";
                unsigned id, k;
                uint64_t number;
                struct slice key;

                if (batch[j] == NULL) {
                    continue;
                }
                key = front_entry_key(batch[j]);
                memcpy(text, key.p, key.n);
                id = (unsigned)strtoul(text, NULL, 10);
                k = (unsigned)strtoul(strchr(text, '/') + 1, NULL, 10);
                memcpy(&number, front_entry_record(batch[j]).p, sizeof(number));
                atomic_store(&c->behind[id][k], number);
            }
            front_shard_end(&c->table.shard[i]);
        }
    }
    return NULL;
}

/* The number under the writer's key k, wherever it is. */
static uint64_t
number_of(struct writer *w, unsigned k)
{
    struct buf out = {0};
    char text[16];
    uint64_t number = 0;

    if (front_table_get(&w->crowd->table,
                        crowd_key(w->id, k, text, sizeof(text)), SIZE_MAX,
                        &out) == FRONT_FOUND) {
        memcpy(&number, out.base + out.start, sizeof(number));
    } else {
        number = atomic_load(&w->crowd->behind[w->id][k]);
    }
    buf_fini(&out);
    return number;
}

static void *
write_own_keys(void *arg)
{
    struct writer *w = arg;
    uint64_t mine[OWN_KEYS] = {0};
    char value[1200] = "";
    struct rand r;

    rand_init(&r, w->id + 1);
    for (uint64_t i = 1; i <= ROUNDS && w->wrong == NULL; i++) {
        unsigned k = rand_below(&r, OWN_KEYS);
        char text[16];
        struct front_write write = {
            .key = crowd_key(w->id, k, text, sizeof(text)),
            .record = {value, 8 + rand_below(&r, sizeof(value) - 8)},
        };

        memcpy(value, &i, sizeof(i));
        while (!front_table_put(&w->crowd->table, &write)) {
            front_table_wait(&w->crowd->table, write.key);
        }
        mine[k] = i;
        k = rand_below(&r, OWN_KEYS);
        if (number_of(w, k) != mine[k]) {
            w->wrong = "a writer does not find what it wrote";
        }
    }
    if (atomic_fetch_sub(&w->crowd->writing, 1) == 1) {
        front_table_wake_writers(&w->crowd->table);
    }
    return NULL;
}

static void
writers_find_their_own_while_another_carries_over(void **state)
{
    static struct crowd c;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS], drainer;

    (void)state;
    assert_true(front_table_init(&c.table, 1));
    c.writing = WRITERS;
    assert_int_equal(pthread_create(&drainer, NULL, drain_all_the_time, &c), 0);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.crowd = &c, .id = i};
        assert_int_equal(
            pthread_create(&threads[i], NULL, write_own_keys, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    atomic_store(&c.stop, true);
    (void)pthread_join(drainer, NULL);
    for (unsigned i = 0; i < WRITERS; i++) {
        if (writers[i].wrong != NULL) {
            fail_msg("%s", writers[i].wrong);
        }
    }
    drain_table(&c.table);
    assert_true(front_table_is_clean(&c.table));
    front_table_fini(&c.table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_a_read_finds_the_newest),
        cmocka_unit_test(a_full_ring_refuses_until_it_is_carried_over),
        cmocka_unit_test(what_is_too_large_does_not_fit),
        cmocka_unit_test(writers_find_their_own_while_another_carries_over),
    };
    return cmocka_run_group_tests_name("front table", tests, NULL, NULL);
}
