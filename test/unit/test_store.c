#include "test/unit/store_fixture.h"

static const char *const types[] = {"tch", "tcb", "mem"};

/* Run a test on a fresh store of each type. */
static void
on_each(void (*test)(struct fixture *))
{
    for (size_t i = 0; i < COUNT(types); i++) {
        struct fixture f;

        fixture_init(&f, types[i]);
        fixture_open(&f);
        test(&f);
        fixture_fini(&f);
    }
}

static void
check_basics(struct fixture *f)
{
    struct item first, second;

    fixture_check(f, "a", NULL);
    assert_int_equal(fixture_set(f, "a", "one"), CHANGE_STORED);
    first = fixture_check(f, "a", "one");
    assert_int_equal(fixture_set(f, "a", "a longer value than it was"),
                     CHANGE_STORED);
    second = fixture_check(f, "a", "a longer value than it was");
    assert_true(second.version > first.version);
    assert_int_equal(fixture_set(f, "b", ""), CHANGE_STORED);
    fixture_check(f, "b", "");
    assert_int_equal(store_count(f->store), 2);
    assert_int_equal(fixture_delete(f, "a"), CHANGE_DELETED);
    assert_int_equal(fixture_delete(f, "a"), CHANGE_NOT_FOUND);
    fixture_check(f, "a", NULL);
    assert_int_equal(store_count(f->store), 1);
    assert_true(store_file_size(f->store) > 0);
    assert_null(store_trouble(f->store));
    assert_true(store_commit(f->store));
}

static void
records_are_stored_found_and_removed(void **state)
{
    (void)state;
    on_each(check_basics);
}

static void
check_operations(struct fixture *f)
{
    struct change c = {.op = CHANGE_ADD, .key = SLICE("n")};
    struct outcome out;
    struct item item;

    c.value = SLICE("10");
    c.flags = 7;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_STORED);
    c.op = CHANGE_INCR;
    c.delta = 90;
    out = fixture_apply(f, c);
    assert_int_equal(out.answer, CHANGE_NUMBER);
    assert_int_equal(out.number, 100);
    c.op = CHANGE_DECR;
    c.delta = 1;
    assert_int_equal(fixture_apply(f, c).number, 99);
    item = fixture_check(f, "n", "99 ");
    assert_int_equal(item.flags, 7);
    c.op = CHANGE_CAS;
    c.has_version = true;
    c.version = item.version + 1;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_EXISTS);
    c.version = item.version;
    c.value = SLICE("x");
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
    c = (struct change){
        .op = CHANGE_APPEND, .key = SLICE("n"), .value = SLICE("yz")};
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
    c.op = CHANGE_PREPEND;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
    fixture_check(f, "n", "yzxyz");
    c.op = CHANGE_REPLACE;
    c.key = SLICE("none");
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_STORED);
}

static void
every_operation_goes_through(void **state)
{
    (void)state;
    on_each(check_operations);
}

static void
check_condition(struct fixture *f)
{
    struct change c = {.op = CHANGE_INCR,
                       .key = SLICE("counter"),
                       .create = true,
                       .initial = 70,
                       .has_unique = true};
    struct outcome out = fixture_apply(f, c);
    struct item item = fixture_check(f, "counter", "70");

    assert_true(out.answer == CHANGE_NUMBER && out.number == 70);
    assert_true(out.changed && out.version == item.version);
    c.delta = 2;
    out = fixture_apply(f, c);
    assert_true(out.answer == CHANGE_EXISTS && !out.changed);
    assert_true(out.version == 0);
    c.unique = item.version;
    out = fixture_apply(f, c);
    assert_true(out.number == 72 && out.version > item.version);
    c.op = CHANGE_DELETE;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_EXISTS);
    c.unique = out.version;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_DELETED);
}

static void
a_change_may_name_the_version_it_is_for(void **state)
{
    (void)state;
    on_each(check_condition);
}

static void
check_touch(struct fixture *f)
{
    struct change c = {.op = CHANGE_TOUCH, .key = SLICE("t")};
    struct outcome out;
    struct item before;

    assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_FOUND);
    (void)fixture_set(f, "t", "touched");
    before = fixture_check(f, "t", "touched");
    c.expire = now.s + 10;
    out = fixture_apply(f, c);
    assert_int_equal(out.answer, CHANGE_TOUCHED);
    assert_true(out.changed);
    assert_true(slice_eq(out.item.value, SLICE("touched")));
    assert_int_equal(out.item.version, before.version);
    assert_int_equal(fixture_check(f, "t", "touched").expire, now.s + 10);
}

static void
touch_answers_with_the_record(void **state)
{
    (void)state;
    on_each(check_touch);
}

static void
set_expiring(struct fixture *f, const char *key, int64_t expire)
{
    struct change c = {.op = CHANGE_SET,
                       .key = slice_str(key),
                       .value = SLICE("x"),
                       .expire = expire};

    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
}

static void
check_expiry(struct fixture *f)
{
    uint64_t last;

    set_expiring(f, "past", now.s);
    set_expiring(f, "future", now.s + 1);
    last = ulog_last(store_log(f->store));
    assert_int_equal(store_count(f->store), 2);
    fixture_check(f, "past", NULL);
    fixture_check(f, "future", "x");
    assert_int_equal(store_count(f->store), 1);
    assert_int_equal(ulog_last(store_log(f->store)), last + 1);
}

static void
an_expired_record_is_a_miss_and_its_removal_is_logged(void **state)
{
    (void)state;
    on_each(check_expiry);
}

static void
check_sweep(struct fixture *f)
{
    char key[16];
    unsigned removed = 0;

    for (int i = 0; i < 500; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        set_expiring(f, key, i % 5 == 0 ? now.s - 1 : 0);
    }
    for (int i = 0; i < 200 && removed < 100; i++) {
        unsigned n = store_sweep(f->store, now, 3);

        assert_true(n <= 3);
        removed += n;
    }
    assert_int_equal(removed, 100);
    assert_int_equal(store_count(f->store), 400);
    assert_int_equal(store_sweep(f->store, now, 1000), 0);
}

static void
a_sweep_removes_what_expired_a_few_at_a_time(void **state)
{
    (void)state;
    on_each(check_sweep);
}

/* Nothing but expired records over long stretches of the file. */
static void
check_sweep_all(struct fixture *f)
{
    char key[16];
    unsigned removed = 0;
    unsigned calls = 0;

    for (int i = 0; i < 4000; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        set_expiring(f, key, i > 2000 ? now.s - 1 : 0);
    }
    while (removed < 1999) {
        removed += store_sweep(f->store, now, 20);
        assert_true(++calls < 400);
    }
    assert_int_equal(store_count(f->store), 2001);
}

static void
a_sweep_is_not_thrown_back_by_what_it_removes(void **state)
{
    (void)state;
    on_each(check_sweep_all);
}

static void
check_copies(struct fixture *f)
{
    struct change c = {
        .op = CHANGE_SET,
        .source = CHANGE_COPY,
        .has_version = true,
        .key = SLICE("c"),
        .value = SLICE("v10"),
        .version = 10,
    };

    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_STORED);
    c.version = 9;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_STORED);
    c.op = CHANGE_DELETE;
    c.version = 12;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_DELETED);
    c.op = CHANGE_SET;
    c.version = 11;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_STORED);
    c.source = CHANGE_DUMP;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_STORED);
    fixture_check(f, "c", NULL);
    c.version = 13;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
    assert_int_equal(fixture_check(f, "c", "v10").version, 13);
    /* A client's write is above all that was seen. */
    (void)fixture_set(f, "other", "x");
    assert_true(fixture_check(f, "other", "x").version > 13);
}

static void
a_late_copy_does_not_bring_a_deleted_key_back(void **state)
{
    (void)state;
    on_each(check_copies);
}

static void
check_absent_delete(struct fixture *f)
{
    struct change c = {
        .op = CHANGE_DELETE,
        .source = CHANGE_COPY,
        .has_version = true,
        .key = SLICE("gone"),
        .version = 50,
    };
    struct outcome out = fixture_apply(f, c);

    assert_int_equal(out.answer, CHANGE_NOT_FOUND);
    assert_true(out.changed);
    c.op = CHANGE_SET;
    c.source = CHANGE_DUMP;
    c.version = 49;
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_STORED);
}

static void
a_deletion_of_an_absent_key_is_remembered(void **state)
{
    (void)state;
    on_each(check_absent_delete);
}

static void
check_flush(struct fixture *f)
{
    uint64_t before, seq = 0;

    (void)fixture_set(f, "a", "1");
    (void)fixture_set(f, "b", "2");
    before = fixture_check(f, "b", "2").version;
    assert_true(store_flush_all(f->store, &seq));
    assert_int_equal(seq, 3);
    assert_int_equal(store_count(f->store), 0);
    fixture_check(f, "a", NULL);
    assert_int_equal(fixture_set(f, "a", "3"), CHANGE_STORED);
    assert_true(fixture_check(f, "a", "3").version > before);
}

static void
flush_all_empties_and_versions_go_on(void **state)
{
    (void)state;
    on_each(check_flush);
}

static void
check_rebuild(struct fixture *f)
{
    struct change c = {
        .source = CHANGE_COPY, .has_version = true, .version = 100};
    char key[16];

    f->options.tombstones = 10;
    fixture_reopen(f);
    (void)fixture_set(f, "old", "x");
    assert_true(store_rebuild_begin(f->store, true));
    assert_int_equal(store_count(f->store), 0);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        c.op = CHANGE_DELETE;
        c.source = CHANGE_COPY;
        c.key = slice_str(key);
        (void)fixture_apply(f, c);
    }
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        c.op = CHANGE_SET;
        c.source = CHANGE_DUMP;
        c.key = slice_str(key);
        assert_int_equal(fixture_apply(f, c).answer, CHANGE_NOT_STORED);
    }
    assert_true(store_rebuild_end(f->store, true));
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
}

static void
while_rebuilding_every_deletion_is_remembered(void **state)
{
    (void)state;
    on_each(check_rebuild);
}

static void
check_tombstone_bound(struct fixture *f)
{
    struct change c = {
        .source = CHANGE_COPY, .has_version = true, .version = 100};
    const char *const keys[] = {"a", "b", "c"};

    f->options.tombstones = 2;
    fixture_reopen(f);
    for (size_t i = 0; i < COUNT(keys); i++) {
        c.op = CHANGE_DELETE;
        c.key = slice_str(keys[i]);
        (void)fixture_apply(f, c);
    }
    c.op = CHANGE_SET;
    for (size_t i = 0; i < COUNT(keys); i++) {
        c.key = slice_str(keys[i]);
        assert_int_equal(fixture_apply(f, c).answer,
                         i == 0 ? CHANGE_STORED : CHANGE_NOT_STORED);
    }
}

static void
the_oldest_deletion_is_forgotten_first(void **state)
{
    (void)state;
    on_each(check_tombstone_bound);
}

static void
check_log(struct fixture *f)
{
    struct ulog_reader *reader = ulog_reader_open(store_log(f->store), 0);
    struct ulog_entry e;

    (void)fixture_set(f, "k", "one");
    (void)fixture_apply(f, (struct change){.op = CHANGE_APPEND,
                                           .key = SLICE("k"),
                                           .value = SLICE("two")});
    (void)fixture_apply(f, (struct change){.op = CHANGE_TOUCH,
                                           .key = SLICE("k"),
                                           .expire = now.s + 9});
    (void)fixture_delete(f, "k");
    (void)fixture_delete(f, "k");
    assert_int_equal(ulog_reader_next(reader, &e), ULOG_READ_OK);
    assert_true(e.op == ULOG_SET && slice_eq(e.value, SLICE("one")));
    assert_int_equal(ulog_reader_next(reader, &e), ULOG_READ_OK);
    assert_true(e.op == ULOG_SET && slice_eq(e.value, SLICE("onetwo")));
    assert_int_equal(ulog_reader_next(reader, &e), ULOG_READ_OK);
    assert_true(e.op == ULOG_TOUCH && e.expire == now.s + 9 && e.seq == 3);
    assert_int_equal(ulog_reader_next(reader, &e), ULOG_READ_OK);
    assert_true(e.op == ULOG_DELETE && slice_eq(e.key, SLICE("k")));
    assert_int_equal(ulog_reader_next(reader, &e), ULOG_READ_END);
    ulog_reader_close(reader);
}

static void
the_log_tells_what_became_of_each_change(void **state)
{
    (void)state;
    on_each(check_log);
}

static void
check_prefix(struct fixture *f)
{
    struct buf out = {0};
    enum store_status expected =
        strcmp(f->options.type, "tcb") == 0 ? STORE_OK : STORE_ERROR;
    char key[16];

    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof(key), "%c%03d", 'a' + i % 3, i);
        (void)fixture_set(f, key, "x");
    }
    assert_int_equal(store_prefix(f->store, SLICE("b"), 2, &out), expected);
    if (expected == STORE_OK) {
        assert_true(
            slice_eq(buf_slice(&out), SLICE("KEY b001\r\nKEY b004\r\n")));
        buf_clear(&out);
        assert_int_equal(store_prefix(f->store, SLICE("c"), 1000, &out),
                         STORE_OK);
        assert_int_equal(buf_len(&out), 100 * 10);
        buf_clear(&out);
        assert_int_equal(store_prefix(f->store, SLICE("z"), 1000, &out),
                         STORE_OK);
        assert_int_equal(buf_len(&out), 0);
    }
    buf_fini(&out);
}

static void
keys_by_prefix_come_sorted_where_there_is_an_order(void **state)
{
    (void)state;
    on_each(check_prefix);
}

static void
check_large(struct fixture *f)
{
    size_t n = 100 << 20;
    struct change c = {.op = CHANGE_SET, .key = SLICE("large")};
    char *value = malloc(n);
    struct item item;

    assert_non_null(value);
    for (size_t i = 0; i < n; i++) {
        value[i] = (char)(i * 7 + (i >> 12));
    }
    c.value = (struct slice){value, n};
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_STORED);
    assert_int_equal(
        store_get(f->store, SLICE("large"), now, &f->scratch, &item), STORE_OK);
    assert_int_equal(item.value.n, n);
    assert_memory_equal(item.value.p, value, n);
    c.op = CHANGE_APPEND;
    c.value = SLICE("x");
    assert_int_equal(fixture_apply(f, c).answer, CHANGE_TOO_LARGE);
    free(value);
}

static void
a_value_of_a_hundred_megabytes_is_stored(void **state)
{
    (void)state;
    on_each(check_large);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_stored_found_and_removed),
        cmocka_unit_test(every_operation_goes_through),
        cmocka_unit_test(a_change_may_name_the_version_it_is_for),
        cmocka_unit_test(touch_answers_with_the_record),
        cmocka_unit_test(an_expired_record_is_a_miss_and_its_removal_is_logged),
        cmocka_unit_test(a_sweep_removes_what_expired_a_few_at_a_time),
        cmocka_unit_test(a_sweep_is_not_thrown_back_by_what_it_removes),
        cmocka_unit_test(a_late_copy_does_not_bring_a_deleted_key_back),
        cmocka_unit_test(a_deletion_of_an_absent_key_is_remembered),
        cmocka_unit_test(flush_all_empties_and_versions_go_on),
        cmocka_unit_test(while_rebuilding_every_deletion_is_remembered),
        cmocka_unit_test(the_oldest_deletion_is_forgotten_first),
        cmocka_unit_test(the_log_tells_what_became_of_each_change),
        cmocka_unit_test(keys_by_prefix_come_sorted_where_there_is_an_order),
        cmocka_unit_test(a_value_of_a_hundred_megabytes_is_stored),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
