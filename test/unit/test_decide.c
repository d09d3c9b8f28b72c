#include "test/unit/test.h"

#include <string.h>

#include "item/decide.h"

static const struct wall now = {1700000000};

enum { LATER = 1700000100, PAST = 1699999900, FRESH = 100 };

/* What the key is before the change. */
enum before {
    ABSENT,    /* never heard of */
    TOMB,      /* removed at version 7 */
    ALIVE,     /* version 5, flags 1, expires LATER, data "old" */
    EXPIRED,   /* version 5, expired */
    NEWER,     /* version 500 */
    COUNTER,   /* data "100" */
    SATURATED, /* the largest version there is */
};

/* What a row expects, answer first. */
struct expect {
    enum change_answer answer;
    enum decide_verdict verdict;
    uint64_t version;
    uint32_t flags;
    int64_t expire;
    const char *data;
};

#define NOTHING(answer)                                                        \
    {                                                                          \
        (answer), DECIDE_KEEP, 0, 0, 0, NULL                                   \
    }
#define STORES(version)                                                        \
    {                                                                          \
        CHANGE_STORED, DECIDE_WRITE, (version), 2, 0, "new"                    \
    }
#define REMOVES(answer, version)                                               \
    {                                                                          \
        (answer), DECIDE_REMOVE, (version), 0, 0, NULL                         \
    }

struct row {
    enum before before;
    enum change_op op;
    enum change_source source;
    uint64_t version; /* 0: none given */
    struct expect expect;
};

static struct decide_old
known(enum before before)
{
    struct decide_old old = {
        .present = true,
        .item = {1, LATER, 5, SLICE("old")},
    };

    switch (before) {
    case ABSENT:
        return (struct decide_old){.present = false};
    case TOMB:
        return (struct decide_old){.has_tombstone = true,
                                   .tombstone_version = 7};
    case ALIVE:
        return old;
    case EXPIRED:
        old.item.expire = PAST;
        return old;
    case NEWER:
        old.item.version = 500;
        return old;
    case COUNTER:
        old.item.value = SLICE("100");
        return old;
    case SATURATED:
        old.item.version = UINT64_MAX;
        return old;
    }
    return old;
}

static void
check_data(const struct decision *d, const char *data)
{
    struct slice want = slice_str(data);

    assert_int_equal(d->item.value.n, want.n);
    assert_int_equal(d->head.n + d->tail.n, want.n);
    if (d->head.n > 0) {
        assert_memory_equal(d->head.p, want.p, d->head.n);
    }
    if (d->tail.n > 0) {
        assert_memory_equal(d->tail.p, want.p + d->head.n, d->tail.n);
        assert_null(d->item.value.p);
    } else {
        assert_ptr_equal(d->item.value.p, d->head.p);
    }
}

static void
run(const struct row *row)
{
    struct decide_old old = known(row->before);
    struct change change = {
        .op = row->op,
        .source = row->source,
        .has_version = row->version != 0 || row->op == CHANGE_CAS,
        .value = SLICE("new"),
        .flags = 2,
        .expire = 0,
        .version = row->version,
        .delta = 1,
    };
    const struct expect *expect = &row->expect;
    struct decision d;

    memset(&d, 0xa5, sizeof(d));
    decide(&old, &change, now, FRESH, 1000, &d);
    assert_int_equal(d.answer, expect->answer);
    assert_int_equal(d.verdict, expect->verdict);
    if (expect->verdict != DECIDE_KEEP) {
        assert_true(d.item.version == expect->version);
    }
    if (expect->verdict == DECIDE_WRITE) {
        assert_int_equal(d.item.flags, expect->flags);
        assert_int_equal(d.item.expire, expect->expire);
        check_data(&d, expect->data);
    }
}

static void
run_all(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        run(&rows[i]);
    }
}

static void
a_client_writes_under_a_fresh_version(void **state)
{
    static const struct row rows[] = {
        {ABSENT, CHANGE_SET, CHANGE_CLIENT, 0, STORES(FRESH)},
        {TOMB, CHANGE_SET, CHANGE_CLIENT, 0, STORES(FRESH)},
        {ALIVE, CHANGE_SET, CHANGE_CLIENT, 0, STORES(FRESH)},
        {EXPIRED, CHANGE_SET, CHANGE_CLIENT, 0, STORES(FRESH)},
        {NEWER, CHANGE_SET, CHANGE_CLIENT, 0, STORES(501)},
        {SATURATED, CHANGE_SET, CHANGE_CLIENT, 0, STORES(UINT64_MAX)},
        {ABSENT, CHANGE_ADD, CHANGE_CLIENT, 0, STORES(FRESH)},
        {TOMB, CHANGE_ADD, CHANGE_CLIENT, 0, STORES(FRESH)},
        {ALIVE, CHANGE_ADD, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_STORED)},
        {EXPIRED, CHANGE_ADD, CHANGE_CLIENT, 0, STORES(FRESH)},
        {ABSENT, CHANGE_REPLACE, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_STORED)},
        {TOMB, CHANGE_REPLACE, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_STORED)},
        {ALIVE, CHANGE_REPLACE, CHANGE_CLIENT, 0, STORES(FRESH)},
        {EXPIRED, CHANGE_REPLACE, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_STORED)},
    };

    (void)state;
    run_all(rows, COUNT(rows));
}

static void
a_clients_explicit_version_must_be_news_to_a_live_record(void **state)
{
    static const struct row rows[] = {
        {ALIVE, CHANGE_SET, CHANGE_CLIENT, 4, NOTHING(CHANGE_NOT_STORED)},
        {ALIVE, CHANGE_SET, CHANGE_CLIENT, 5, NOTHING(CHANGE_NOT_STORED)},
        {ALIVE, CHANGE_SET, CHANGE_CLIENT, 6, STORES(6)},
        {EXPIRED, CHANGE_SET, CHANGE_CLIENT, 3, STORES(3)},
        {TOMB, CHANGE_SET, CHANGE_CLIENT, 3, STORES(3)},
        {ABSENT, CHANGE_SET, CHANGE_CLIENT, 3, STORES(3)},
        {TOMB, CHANGE_ADD, CHANGE_CLIENT, 3, STORES(3)},
        {ALIVE, CHANGE_REPLACE, CHANGE_CLIENT, 5, NOTHING(CHANGE_NOT_STORED)},
    };

    (void)state;
    run_all(rows, COUNT(rows));
}

static void
a_copy_takes_only_what_is_newer_than_record_and_tombstone(void **state)
{
    static const enum change_source sources[] = {CHANGE_COPY, CHANGE_DUMP};
    static const struct row rows[] = {
        {ABSENT, CHANGE_SET, CHANGE_COPY, 1, STORES(1)},
        {TOMB, CHANGE_SET, CHANGE_COPY, 6, NOTHING(CHANGE_NOT_STORED)},
        {TOMB, CHANGE_SET, CHANGE_COPY, 7, NOTHING(CHANGE_NOT_STORED)},
        {TOMB, CHANGE_SET, CHANGE_COPY, 8, STORES(8)},
        {ALIVE, CHANGE_SET, CHANGE_COPY, 5, NOTHING(CHANGE_NOT_STORED)},
        {ALIVE, CHANGE_SET, CHANGE_COPY, 6, STORES(6)},
        {EXPIRED, CHANGE_SET, CHANGE_COPY, 5, NOTHING(CHANGE_NOT_STORED)},
        {EXPIRED, CHANGE_SET, CHANGE_COPY, 6, STORES(6)},
        {NEWER, CHANGE_SET, CHANGE_COPY, 101, NOTHING(CHANGE_NOT_STORED)},
        {ALIVE, CHANGE_SET, CHANGE_COPY, 0, STORES(FRESH)},
    };

    (void)state;
    for (size_t s = 0; s < COUNT(sources); s++) {
        for (size_t i = 0; i < COUNT(rows); i++) {
            struct row row = rows[i];

            row.source = sources[s];
            run(&row);
        }
    }
}

static void
cas_asks_for_the_version_it_names(void **state)
{
    static const struct row rows[] = {
        {ABSENT, CHANGE_CAS, CHANGE_CLIENT, 5, NOTHING(CHANGE_NOT_FOUND)},
        {TOMB, CHANGE_CAS, CHANGE_CLIENT, 7, NOTHING(CHANGE_NOT_FOUND)},
        {EXPIRED, CHANGE_CAS, CHANGE_CLIENT, 5, NOTHING(CHANGE_NOT_FOUND)},
        {ALIVE, CHANGE_CAS, CHANGE_CLIENT, 0, NOTHING(CHANGE_EXISTS)},
        {ALIVE, CHANGE_CAS, CHANGE_CLIENT, 4, NOTHING(CHANGE_EXISTS)},
        {ALIVE, CHANGE_CAS, CHANGE_CLIENT, 6, NOTHING(CHANGE_EXISTS)},
        {ALIVE, CHANGE_CAS, CHANGE_CLIENT, 5, STORES(FRESH)},
        {NEWER, CHANGE_CAS, CHANGE_CLIENT, 500, STORES(501)},
    };

    (void)state;
    run_all(rows, COUNT(rows));
}

static void
joining_keeps_flags_and_expiry(void **state)
{
    static const struct row rows[] = {
        {ALIVE,
         CHANGE_APPEND,
         CHANGE_CLIENT,
         0,
         {CHANGE_STORED, DECIDE_WRITE, FRESH, 1, LATER, "oldnew"}},
        {ALIVE,
         CHANGE_PREPEND,
         CHANGE_CLIENT,
         0,
         {CHANGE_STORED, DECIDE_WRITE, FRESH, 1, LATER, "newold"}},
        {ABSENT, CHANGE_APPEND, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_STORED)},
        {TOMB, CHANGE_PREPEND, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_STORED)},
        {EXPIRED, CHANGE_APPEND, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_STORED)},
        {ALIVE, CHANGE_APPEND, CHANGE_CLIENT, 5, NOTHING(CHANGE_NOT_STORED)},
        {ALIVE,
         CHANGE_APPEND,
         CHANGE_COPY,
         6,
         {CHANGE_STORED, DECIDE_WRITE, 6, 1, LATER, "oldnew"}},
    };

    (void)state;
    run_all(rows, COUNT(rows));
}

static void
joining_stops_at_the_value_limit_of_the_master(void **state)
{
    struct decide_old old = known(ALIVE);
    struct change change = {.op = CHANGE_APPEND, .value = SLICE("new")};
    struct decision d;

    (void)state;
    decide(&old, &change, now, FRESH, 6, &d);
    assert_int_equal(d.answer, CHANGE_STORED);
    decide(&old, &change, now, FRESH, 5, &d);
    assert_int_equal(d.answer, CHANGE_TOO_LARGE);
    assert_int_equal(d.verdict, DECIDE_KEEP);
    decide(&old, &change, now, FRESH, 2, &d);
    assert_int_equal(d.answer, CHANGE_TOO_LARGE);
    change.source = CHANGE_COPY;
    decide(&old, &change, now, FRESH, 2, &d);
    assert_int_equal(d.answer, CHANGE_STORED);
}

static void
touch_changes_the_expiry_alone(void **state)
{
    static const struct row rows[] = {
        {ABSENT, CHANGE_TOUCH, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_FOUND)},
        {TOMB, CHANGE_TOUCH, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_FOUND)},
        {TOMB, CHANGE_TOUCH, CHANGE_COPY, 0, NOTHING(CHANGE_NOT_FOUND)},
        {EXPIRED, CHANGE_TOUCH, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_FOUND)},
        {ALIVE,
         CHANGE_TOUCH,
         CHANGE_CLIENT,
         0,
         {CHANGE_TOUCHED, DECIDE_WRITE, 5, 1, 0, "old"}},
        {EXPIRED,
         CHANGE_TOUCH,
         CHANGE_COPY,
         0,
         {CHANGE_TOUCHED, DECIDE_WRITE, 5, 1, 0, "old"}},
        {ALIVE,
         CHANGE_TOUCH,
         CHANGE_COPY,
         3,
         {CHANGE_TOUCHED, DECIDE_WRITE, 5, 1, 0, "old"}},
    };

    (void)state;
    run_all(rows, COUNT(rows));
}

static void
delete_leaves_a_version_behind(void **state)
{
    static const struct row rows[] = {
        {ABSENT, CHANGE_DELETE, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_FOUND)},
        {TOMB, CHANGE_DELETE, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_FOUND)},
        {ALIVE, CHANGE_DELETE, CHANGE_CLIENT, 0,
         REMOVES(CHANGE_DELETED, FRESH)},
        {NEWER, CHANGE_DELETE, CHANGE_CLIENT, 0, REMOVES(CHANGE_DELETED, 501)},
        {EXPIRED, CHANGE_DELETE, CHANGE_CLIENT, 0,
         REMOVES(CHANGE_NOT_FOUND, 5)},
        {ALIVE, CHANGE_DELETE, CHANGE_COPY, 4, NOTHING(CHANGE_NOT_FOUND)},
        {ALIVE, CHANGE_DELETE, CHANGE_COPY, 5, REMOVES(CHANGE_DELETED, 5)},
        {ALIVE, CHANGE_DELETE, CHANGE_CLIENT, 6, REMOVES(CHANGE_DELETED, 6)},
        {ABSENT, CHANGE_DELETE, CHANGE_COPY, 3, REMOVES(CHANGE_NOT_FOUND, 3)},
        {TOMB, CHANGE_DELETE, CHANGE_COPY, 6, NOTHING(CHANGE_NOT_FOUND)},
        {TOMB, CHANGE_DELETE, CHANGE_COPY, 9, REMOVES(CHANGE_NOT_FOUND, 9)},
        {EXPIRED, CHANGE_DELETE, CHANGE_COPY, 8, REMOVES(CHANGE_NOT_FOUND, 8)},
    };

    (void)state;
    run_all(rows, COUNT(rows));
}

static void
arithmetic_answers_what_memcached_answers(void **state)
{
    static const struct {
        enum change_op op;
        const char *data;
        uint64_t delta, number;
        const char *result; /* NULL: not numeric */
    } rows[] = {
        {CHANGE_INCR, "10", 1, 11, "11"},
        {CHANGE_INCR, "99", 1, 100, "100"},
        {CHANGE_DECR, "100", 1, 99, "99 "},
        {CHANGE_DECR, "99 ", 1, 98, "98 "},
        {CHANGE_DECR, "5", 6, 0, "0"},
        {CHANGE_DECR, "5", 5, 0, "0"},
        {CHANGE_INCR, "18446744073709551615", 5, 4, "4                   "},
        {CHANGE_INCR, "1", UINT64_MAX, 0, "0"},
        {CHANGE_INCR, "007", 1, 8, "8  "},
        {CHANGE_INCR, "10 x", 1, 11, "11  "},
        {CHANGE_INCR, "abc", 1, 0, NULL},
        {CHANGE_INCR, "", 1, 0, NULL},
        {CHANGE_DECR, "-5", 1, 0, NULL},
        {CHANGE_INCR, "18446744073709551616", 1, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct decide_old old = known(COUNTER);
        struct change change = {.op = rows[i].op, .delta = rows[i].delta};
        struct decision d;

        old.item.value = slice_str(rows[i].data);
        decide(&old, &change, now, FRESH, 1000, &d);
        if (rows[i].result == NULL) {
            assert_int_equal(d.answer, CHANGE_NON_NUMERIC);
            assert_int_equal(d.verdict, DECIDE_KEEP);
            continue;
        }
        assert_int_equal(d.answer, CHANGE_NUMBER);
        assert_int_equal(d.verdict, DECIDE_WRITE);
        assert_true(d.number == rows[i].number);
        assert_int_equal(d.item.version, FRESH);
        assert_int_equal(d.item.flags, 1);
        assert_int_equal(d.item.expire, LATER);
        check_data(&d, rows[i].result);
    }
}

static void
arithmetic_needs_a_live_record_of_sensible_size(void **state)
{
    static const struct row rows[] = {
        {ABSENT, CHANGE_INCR, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_FOUND)},
        {TOMB, CHANGE_DECR, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_FOUND)},
        {EXPIRED, CHANGE_INCR, CHANGE_CLIENT, 0, NOTHING(CHANGE_NOT_FOUND)},
        {ALIVE, CHANGE_INCR, CHANGE_CLIENT, 0, NOTHING(CHANGE_NON_NUMERIC)},
    };
    struct decide_old old = known(COUNTER);
    struct change change = {.op = CHANGE_INCR, .delta = 1};
    static char wide[1025];
    struct decision d;

    (void)state;
    run_all(rows, COUNT(rows));
    memset(wide, '0', sizeof(wide));
    old.item.value = (struct slice){wide, 1024};
    decide(&old, &change, now, FRESH, 4096, &d);
    assert_int_equal(d.answer, CHANGE_NUMBER);
    assert_int_equal(d.item.value.n, 1024);
    old.item.value.n = 1025;
    decide(&old, &change, now, FRESH, 4096, &d);
    assert_int_equal(d.answer, CHANGE_NON_NUMERIC);
}

static void
arithmetic_begins_a_counter_when_it_is_told_to(void **state)
{
    static const enum before befores[] = {ABSENT, TOMB, EXPIRED};
    struct change change = {.op = CHANGE_DECR,
                            .delta = 1,
                            .create = true,
                            .initial = 70,
                            .expire = LATER,
                            .has_unique = true,
                            .unique = 9};
    struct decide_old old;
    struct decision d;

    (void)state;
    for (size_t i = 0; i < COUNT(befores); i++) {
        old = known(befores[i]);
        decide(&old, &change, now, FRESH, 1000, &d);
        assert_int_equal(d.answer, CHANGE_NUMBER);
        assert_int_equal(d.verdict, DECIDE_WRITE);
        assert_true(d.number == 70 && d.item.version == FRESH);
        assert_int_equal(d.item.flags, 0);
        assert_int_equal(d.item.expire, LATER);
        check_data(&d, "70");
    }
    change.has_unique = false;
    old = known(COUNTER);
    decide(&old, &change, now, FRESH, 1000, &d);
    assert_true(d.number == 99 && d.item.flags == 1);
}

static void
a_condition_asks_for_the_version_it_names(void **state)
{
    static const enum change_op ops[] = {CHANGE_APPEND, CHANGE_INCR,
                                         CHANGE_DELETE};
    struct decide_old counter = known(COUNTER), tomb = known(TOMB);
    struct decision d;

    (void)state;
    for (size_t i = 0; i < COUNT(ops); i++) {
        struct change change = {
            .op = ops[i], .delta = 1, .has_unique = true, .unique = 5};

        decide(&counter, &change, now, FRESH, 1000, &d);
        assert_true(d.verdict != DECIDE_KEEP);
        change.unique = 6;
        decide(&counter, &change, now, FRESH, 1000, &d);
        assert_int_equal(d.answer, CHANGE_EXISTS);
        assert_int_equal(d.verdict, DECIDE_KEEP);
        decide(&tomb, &change, now, FRESH, 1000, &d);
        assert_int_equal(d.answer, ops[i] == CHANGE_APPEND ? CHANGE_NOT_STORED
                                                           : CHANGE_NOT_FOUND);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_writes_under_a_fresh_version),
        cmocka_unit_test(
            a_clients_explicit_version_must_be_news_to_a_live_record),
        cmocka_unit_test(
            a_copy_takes_only_what_is_newer_than_record_and_tombstone),
        cmocka_unit_test(cas_asks_for_the_version_it_names),
        cmocka_unit_test(joining_keeps_flags_and_expiry),
        cmocka_unit_test(joining_stops_at_the_value_limit_of_the_master),
        cmocka_unit_test(touch_changes_the_expiry_alone),
        cmocka_unit_test(delete_leaves_a_version_behind),
        cmocka_unit_test(arithmetic_answers_what_memcached_answers),
        cmocka_unit_test(arithmetic_needs_a_live_record_of_sensible_size),
        cmocka_unit_test(arithmetic_begins_a_counter_when_it_is_told_to),
        cmocka_unit_test(a_condition_asks_for_the_version_it_names),
    };
    return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
