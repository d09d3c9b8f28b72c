#include "test/unit/ulog_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

static void
entries_are_read_back_from_anywhere(void **state)
{
    struct logged *l = *state;

    assert_int_equal(ulog_last(l->log), 0);
    assert_int_equal(ulog_first(l->log), 1);
    check_from(l, 0, 1, 0);
    for (uint64_t n = 1; n <= 200; n++) {
        append(l, n);
    }
    for (uint64_t after = 0; after <= 200; after += 7) {
        check_from(l, after, after + 1, 200);
    }
    reopen_log(l);
    assert_int_equal(ulog_last(l->log), 200);
    assert_int_equal(ulog_first(l->log), 1);
    assert_int_equal(ulog_version(l->log), 2000);
    check_from(l, 0, 1, 200);
    append(l, 201);
    check_from(l, 150, 151, 201);
}

static void
a_reader_goes_on_as_entries_come(void **state)
{
    struct logged *l = *state;
    struct ulog_reader *r = ulog_reader_open(l->log, 0);
    struct ulog_entry e;

    for (uint64_t n = 1; n <= 100; n++) {
        assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_END);
        append(l, n);
        assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);
        check_entry(&e, n);
    }
    ulog_reader_close(r);
    r = ulog_reader_open(l->log, 102);
    append(l, 101);
    append(l, 102);
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_END);
    append(l, 103);
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);
    check_entry(&e, 103);
    ulog_reader_close(r);
}

static void
an_entry_larger_than_a_segment_gets_its_own(void **state)
{
    struct logged *l = *state;
    size_t n = 100000;
    char *value = calloc(1, n);
    struct ulog_reader *r = ulog_reader_open(l->log, 0);
    struct ulog_entry e = {.op = ULOG_SET, .key = SLICE("k")};

    assert_non_null(value);
    e.value = (struct slice){value, n};
    for (int i = 0; i < 3; i++) {
        assert_true(ulog_append(l->log, &e));
        assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);
        assert_int_equal(e.value.n, n);
        e.value = (struct slice){value, n};
    }
    ulog_reader_close(r);
    reopen_log(l);
    assert_int_equal(ulog_last(l->log), 3);
    free(value);
}

static void
what_cannot_be_expressed_is_refused(void **state)
{
    struct logged *l = *state;
    static char key[ULOG_KEY_MAX + 1];
    struct ulog_entry e = {.op = ULOG_SET, .key = {key, sizeof(key)}};

    assert_false(ulog_append(l->log, &e));
    e.key.n--;
    assert_true(ulog_append(l->log, &e));
    assert_int_equal(e.seq, 1);
}

static void
old_segments_go_but_not_what_is_needed(void **state)
{
    struct logged *l = *state;
    struct ulog_reader *r;
    struct ulog_entry e;

    l->options.keep_bytes = 16384;
    reopen_log(l);
    append(l, 1);
    ulog_protect_after(l->log, 1);
    for (uint64_t n = 2; n <= 300; n++) {
        append(l, n);
    }
    assert_true(ulog_first(l->log) <= 2);
    assert_true(ulog_size(l->log) > 16384);
    r = ulog_reader_open(l->log, 200);
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);
    ulog_protect_after(l->log, 300);
    assert_true(ulog_first(l->log) > 2);
    assert_true(ulog_first(l->log) <= 201);
    for (uint64_t n = 202; n <= 300; n++) {
        assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);
        check_entry(&e, n);
    }
    ulog_reader_close(r);
    check_from(l, 0, ulog_first(l->log), 300);
}

static void
a_reader_far_behind_is_left_behind(void **state)
{
    struct logged *l = *state;
    struct ulog_reader *r;
    struct ulog_entry e;

    l->options.keep_bytes = 8192;
    reopen_log(l);
    append(l, 1);
    r = ulog_reader_open(l->log, 0);
    for (uint64_t n = 2; n <= 500; n++) {
        append(l, n);
    }
    assert_true(ulog_size(l->log) <= (4 + 1) * 8192);
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_GONE);
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_GONE);
    ulog_reader_close(r);
    reopen_log(l);
    assert_int_equal(ulog_last(l->log), 500);
    check_from(l, 0, ulog_first(l->log), 500);
}

/* --- damage ------------------------------------------------------------- */

/* Where entry n of the first segment begins. */
static off_t
offset_of(uint64_t n)
{
    off_t at = ULOG_HEADER;

    for (uint64_t i = 1; i < n; i++) {
        size_t nkey = strlen("key-") + (i > 9 ? 2 : 1);
        size_t nvalue = i % 3 == 2 ? 0 : i % 256;

        at += (off_t)((ULOG_ENTRY_HEADER + nkey + nvalue + 7) & ~(size_t)7);
    }
    return at;
}

static void
tear(struct logged *l, uint64_t last, off_t at)
{
    for (uint64_t n = 1; n <= last; n++) {
        append(l, n);
    }
    ulog_close(l->log);
    change_byte(l, 1, offset_of(last) + at);
    open_log(l);
    assert_int_equal(ulog_last(l->log), last - 1);
    check_from(l, 0, 1, last - 1);
    /* And the log goes on, now and after another start. */
    append(l, last);
    append(l, last + 1);
    check_from(l, 0, 1, last + 1);
    reopen_log(l);
    check_from(l, 0, 1, last + 1);
}

static void
an_entry_torn_in_its_sum_is_cut(void **state)
{
    tear(*state, 12, 0);
}

static void
an_entry_torn_in_its_header_is_cut(void **state)
{
    tear(*state, 12, 8);
}

static void
an_entry_torn_in_its_value_is_cut(void **state)
{
    tear(*state, 12, ULOG_ENTRY_HEADER + 6);
}

static void
expect_corrupt(struct logged *l, const char *words)
{
    struct err err = {0};

    l->log = NULL;
    assert_int_equal(ulog_open(&l->log, &l->options, &err), ERR_CORRUPT);
    assert_null(l->log);
    assert_non_null(strstr(err.msg, words));
}

static void
damage_in_the_middle_is_reported_with_its_place(void **state)
{
    struct logged *l = *state;
    char words[64];

    for (uint64_t n = 1; n <= 12; n++) {
        append(l, n);
    }
    ulog_close(l->log);
    change_byte(l, 1, offset_of(6) + 20);
    (void)snprintf(words, sizeof(words), "ulog: damaged at offset %d",
                   (int)offset_of(6));
    expect_corrupt(l, words);
}

static void
damage_in_an_old_segment_stops_its_readers(void **state)
{
    struct logged *l = *state;
    struct ulog_reader *r;
    struct ulog_entry e;

    for (uint64_t n = 1; n <= 100; n++) {
        append(l, n);
    }
    ulog_close(l->log);
    change_byte(l, 1, offset_of(6) + 20);
    open_log(l);
    r = ulog_reader_open(l->log, 0);
    for (uint64_t n = 1; n <= 5; n++) {
        assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);
    }
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_GONE);
    ulog_reader_close(r);
    check_from(l, 90, 91, 100);
}

static void
a_missing_segment_is_reported(void **state)
{
    struct logged *l = *state;
    char path[128];
    uint64_t first = 0;

    for (uint64_t n = 1; n <= 200; n++) {
        append(l, n);
    }
    ulog_close(l->log);
    for (uint64_t n = 2; n <= 200 && first == 0; n++) {
        segment_path(l, n, path, sizeof(path));
        first = access(path, F_OK) == 0 ? n : 0;
    }
    assert_int_equal(unlink(path), 0);
    expect_corrupt(l, "missing");
}

static void
a_segment_that_was_never_begun_is_no_damage(void **state)
{
    struct logged *l = *state;
    char path[128];
    int fd;

    append(l, 1);
    ulog_close(l->log);
    segment_path(l, 2, path, sizeof(path));
    fd = open(path, O_WRONLY | O_CREAT, 0644);
    assert_int_equal(ftruncate(fd, 4096), 0);
    (void)close(fd);
    open_log(l);
    assert_int_equal(ulog_last(l->log), 1);
    append(l, 2);
    reopen_log(l);
    check_from(l, 0, 1, 2);
}

static void
a_second_opening_is_refused(void **state)
{
    struct logged *l = *state;
    struct ulog *second;
    struct err err = {0};

    assert_int_equal(ulog_open(&second, &l->options, &err), ERR_CONFLICT);
    assert_null(second);
}

/* --- threads ------------------------------------------------------------ */

enum { WRITERS = 2, EACH = 3000 };

static void *
write_many(void *arg)
{
    struct ulog *log = arg;

    for (uint64_t i = 0; i < EACH; i++) {
        struct ulog_entry e = {.op = ULOG_SET, .key = SLICE("k")};

        e.version = i;
        assert_true(ulog_append(log, &e));
    }
    return NULL;
}

static _Atomic int woken;

static void
on_wake(void *arg)
{
    (void)arg;
    atomic_fetch_add(&woken, 1);
}

static void
a_reader_sees_every_entry_of_many_writers_in_order(void **state)
{
    struct logged *l = *state;
    struct ulog_reader *r = ulog_reader_open(l->log, 0);
    pthread_t threads[WRITERS];
    uint64_t seen = 0;

    woken = 0;
    ulog_subscribe(l->log, on_wake, NULL);
    for (int i = 0; i < WRITERS; i++) {
        (void)pthread_create(&threads[i], NULL, write_many, l->log);
    }
    while (seen < (uint64_t)WRITERS * EACH) {
        struct ulog_entry e;
        enum ulog_read result = ulog_reader_next(r, &e);

        assert_int_not_equal(result, ULOG_READ_GONE);
        if (result == ULOG_READ_OK) {
            assert_int_equal(e.seq, ++seen);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_int_equal(woken, 1);
    ulog_rearm(l->log);
    append(l, seen + 1);
    assert_int_equal(woken, 2);
    ulog_reader_close(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_read_back_from_anywhere),
        TEST(a_reader_goes_on_as_entries_come),
        TEST(an_entry_larger_than_a_segment_gets_its_own),
        TEST(what_cannot_be_expressed_is_refused),
        TEST(old_segments_go_but_not_what_is_needed),
        TEST(a_reader_far_behind_is_left_behind),
        TEST(an_entry_torn_in_its_sum_is_cut),
        TEST(an_entry_torn_in_its_header_is_cut),
        TEST(an_entry_torn_in_its_value_is_cut),
        TEST(damage_in_the_middle_is_reported_with_its_place),
        TEST(damage_in_an_old_segment_stops_its_readers),
        TEST(a_missing_segment_is_reported),
        TEST(a_segment_that_was_never_begun_is_no_damage),
        TEST(a_second_opening_is_refused),
        TEST(a_reader_sees_every_entry_of_many_writers_in_order),
    };
    return cmocka_run_group_tests_name("ulog", tests, NULL, NULL);
}
