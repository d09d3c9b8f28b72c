/*
 * The log as a copy of another node's: epochs, mirrored entries, giving entries
 * up, and what a start after a crash half way makes of it.
 */
#include "test/unit/store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "storage/ulog_format.h"

struct two {
    struct fixture master, slave;
};

static int
set_up(void **state)
{
    static struct two t;

    fixture_init(&t.master, "tch");
    fixture_init(&t.slave, "tch");
    fixture_open(&t.master);
    fixture_open(&t.slave);
    *state = &t;
    return 0;
}

static int
tear_down(void **state)
{
    struct two *t = *state;

    fixture_fini(&t->master);
    fixture_fini(&t->slave);
    return 0;
}

static void
begin_epoch(struct fixture *f, uint64_t epoch)
{
    struct err err = {0};

    if (!store_begin_epoch(f->store, epoch, &err)) {
        fail_msg("%s", err.msg);
    }
}

static void
check_position(struct fixture *f, uint64_t epoch, uint64_t seq)
{
    struct lineage lineage;

    store_lineage(f->store, &lineage);
    assert_int_equal(lineage.seq, seq);
    assert_int_equal(lineage_epoch(&lineage), epoch);
}

/* Everything the master has after the slave's last entry. */
static void
feed(struct two *t)
{
    uint64_t last = ulog_last(store_log(t->slave.store));
    struct ulog_reader *r = ulog_reader_open(store_log(t->master.store), last);
    struct slice bytes;
    uint64_t from, to, got;

    while (ulog_reader_bytes(r, 300, &bytes, &from, &to) == ULOG_READ_OK) {
        assert_int_equal(from, last + 1);
        assert_int_equal(
            store_replicate(t->slave.store, bytes, &t->slave.scratch, &got),
            STREAM_OK);
        assert_int_equal(got, to);
        last = to;
    }
    assert_int_equal(last, ulog_last(store_log(t->master.store)));
    ulog_reader_close(r);
}

static void
check_same(struct two *t, const char *key, const char *value)
{
    struct item a = fixture_check(&t->master, key, value);
    struct item b = fixture_check(&t->slave, key, value);

    assert_int_equal(a.version, b.version);
    assert_int_equal(a.flags, b.flags);
    assert_int_equal(a.expire, b.expire);
}

static void
a_slave_has_the_masters_log_and_records(void **state)
{
    struct two *t = *state;
    uint64_t seq;

    begin_epoch(&t->master, 7);
    (void)fixture_set(&t->master, "gone", "x");
    assert_true(store_flush_all(t->master.store, &seq));
    (void)fixture_set(&t->master, "a", "1");
    (void)fixture_set(&t->master, "b", "1");
    (void)fixture_set(&t->master, "a", "2");
    assert_int_equal(fixture_delete(&t->master, "b"), CHANGE_DELETED);
    (void)fixture_apply(&t->master, (struct change){.op = CHANGE_TOUCH,
                                                    .key = SLICE("a"),
                                                    .expire = 1800000000});
    assert_true(store_mark(t->master.store, SLICE("a"), 99, MARK_STALE));
    begin_epoch(&t->master, 9);
    (void)fixture_set(&t->master, "c", "3");
    feed(t);
    for (int i = 0; i < 2; i++) {
        check_same(t, "a", "2");
        check_same(t, "b", NULL);
        check_same(t, "c", "3");
        check_same(t, "gone", NULL);
        check_position(&t->slave, 9, 9);
        check_position(&t->master, 9, 9);
        assert_int_equal(store_marks(t->slave.store, SLICE("a"), 99),
                         MARK_STALE);
        fixture_reopen(&t->slave);
        fixture_reopen(&t->master);
    }
    /* Byte for byte. */
    {
        struct lineage a, b;

        store_lineage(t->master.store, &a);
        store_lineage(t->slave.store, &b);
        assert_int_equal(a.n, 2);
        assert_memory_equal(&a, &b, sizeof(a));
    }
}

static void
older_versions_win_when_the_stream_says_so(void **state)
{
    struct two *t = *state;
    struct store_record r = {
        .key = SLICE("a"),
        .present = true,
        .item = {.version = 1000, .value = SLICE("newer")},
    };

    assert_true(store_force(t->slave.store, &r));
    fixture_check(&t->slave, "a", "newer");
    begin_epoch(&t->master, 7);
    (void)fixture_set(&t->master, "a", "1");
    feed(t);
    check_same(t, "a", "1");
    r.present = false;
    assert_true(store_force(t->slave.store, &r));
    fixture_check(&t->slave, "a", NULL);
}

static void
what_does_not_fit_is_refused(void **state)
{
    struct two *t = *state;
    char bytes[2][256] = {{0}};
    struct ulog_entry e = {.seq = 1,
                           .epoch = 5,
                           .op = ULOG_SET,
                           .version = 1,
                           .key = SLICE("k"),
                           .value = SLICE("v")};
    struct slice s = {bytes[0], ulog_entry_size(&e)};
    struct buf *scratch = &t->slave.scratch;
    uint64_t last;

    ulog_encode_entry(bytes[0], &e);
    assert_int_equal(store_replicate(t->slave.store, s, scratch, &last),
                     STREAM_OK);
    assert_int_equal(last, 1);
    assert_int_equal(store_replicate(t->slave.store, s, scratch, &last),
                     STREAM_GAP);
    e.seq = 3;
    memset(bytes, 0, sizeof(bytes));
    ulog_encode_entry(bytes[0], &e);
    assert_int_equal(store_replicate(t->slave.store, s, scratch, &last),
                     STREAM_GAP);
    e.seq = 2;
    e.epoch = 4;
    memset(bytes, 0, sizeof(bytes));
    ulog_encode_entry(bytes[0], &e);
    assert_int_equal(store_replicate(t->slave.store, s, scratch, &last),
                     STREAM_EPOCH);
    e.epoch = 5;
    memset(bytes, 0, sizeof(bytes));
    ulog_encode_entry(bytes[0], &e);
    bytes[0][ULOG_ENTRY_HEADER] ^= 1;
    assert_int_equal(store_replicate(t->slave.store, s, scratch, &last),
                     STREAM_DAMAGED);
    bytes[0][ULOG_ENTRY_HEADER] ^= 1;
    s.n--;
    assert_int_equal(store_replicate(t->slave.store, s, scratch, &last),
                     STREAM_DAMAGED);
    assert_int_equal(last, 1);
    check_position(&t->slave, 5, 1);
    /* One bad one spoils all. */
    s.n++;
    memcpy(bytes[0] + s.n, bytes[0], s.n);
    s.n *= 2;
    assert_int_equal(store_replicate(t->slave.store, s, scratch, &last),
                     STREAM_GAP);
    assert_int_equal(last, 1);
}

static void
epochs_rise_and_are_remembered(void **state)
{
    struct two *t = *state;
    struct fixture *f = &t->master;
    struct err err;

    check_position(f, 0, 0);
    (void)fixture_set(f, "a", "1");
    check_position(f, 0, 1);
    assert_true(store_see_epoch(f->store, 5));
    assert_true(store_see_epoch(f->store, 3));
    fixture_reopen(f);
    assert_int_equal(store_epoch_seen(f->store), 5);
    assert_false(store_begin_epoch(f->store, 4, &err));
    begin_epoch(f, 5);
    begin_epoch(f, 5);
    check_position(f, 0, 1);
    (void)fixture_set(f, "a", "2");
    check_position(f, 5, 2);
    begin_epoch(f, 0);
    (void)fixture_set(f, "a", "3");
    check_position(f, 0, 3);
    fixture_reopen(f);
    check_position(f, 0, 3);
    /* It had entries of 5: nobody may add to them. */
    assert_false(store_begin_epoch(f->store, 5, &err));
    begin_epoch(f, 6);
    (void)fixture_set(f, "a", "4");
    check_position(f, 6, 4);
}

static void
expired_records_go_by_the_masters_word(void **state)
{
    struct two *t = *state;
    struct change c = {.op = CHANGE_SET,
                       .key = SLICE("a"),
                       .value = SLICE("1"),
                       .expire = now.s + 1};
    const struct wall later = {now.s + 2};
    struct item item;
    uint64_t last;

    begin_epoch(&t->master, 7);
    store_keep_expired(t->slave.store, true);
    (void)fixture_apply(&t->master, c);
    feed(t);
    last = ulog_last(store_log(t->slave.store));
    assert_int_equal(
        store_get(t->slave.store, c.key, later, &t->slave.scratch, &item),
        STORE_MISS);
    assert_int_equal(store_sweep(t->slave.store, later, 10), 0);
    assert_int_equal(store_count(t->slave.store), 1);
    assert_int_equal(ulog_last(store_log(t->slave.store)), last);
    assert_int_equal(
        store_get(t->master.store, c.key, later, &t->master.scratch, &item),
        STORE_MISS);
    assert_int_equal(store_count(t->master.store), 0);
    feed(t);
    assert_int_equal(store_count(t->slave.store), 0);
    check_position(&t->slave, 7, 2);
}

/* --- giving up ----------------------------------------------------------- */

static void
force(struct fixture *f, const char *key, const char *value)
{
    struct store_record r = {
        .key = slice_str(key),
        .present = value != NULL,
        .item = {.version = 1, .value = slice_str(value != NULL ? value : "")},
    };

    assert_true(store_force(f->store, &r));
}

static void
entries_are_given_up(void **state)
{
    struct two *t = *state;
    struct fixture *f = &t->slave;
    struct err err = {0};
    struct ulog_reader *r;
    struct ulog_entry e;

    begin_epoch(&t->master, 3);
    for (int i = 0; i < 100; i++) {
        (void)fixture_set(&t->master, "a", "common");
    }
    feed(t);
    begin_epoch(f, 5);
    (void)fixture_set(f, "a", "mine");
    begin_epoch(f, 6);
    (void)fixture_set(f, "b", "mine");
    check_position(f, 6, 102);
    begin_epoch(&t->master, 7);
    (void)fixture_set(&t->master, "c", "theirs");
    r = ulog_reader_open(store_log(f->store), 50);
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);

    force(f, "a", "common");
    force(f, "b", NULL);
    assert_int_equal(store_rewind_end(f->store, 103, &err), ERR_CONFIG);
    assert_int_equal(store_rewind_end(f->store, 100, &err), 0);
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_GONE);
    ulog_reader_close(r);
    check_position(f, 3, 100);
    feed(t);
    for (int i = 0; i < 2; i++) {
        check_position(f, 7, 101);
        fixture_check(f, "a", "common");
        fixture_check(f, "b", NULL);
        fixture_check(f, "c", "theirs");
        fixture_reopen(f);
    }
    /* 5 and 6 are taken, even if nothing of them is left. */
    assert_false(store_begin_epoch(f->store, 6, &err));
}

/* In a child that dies without closing anything. */
static void
in_a_child(struct fixture *f, void (*act)(struct fixture *f))
{
    pid_t pid;
    int status;

    fixture_close(f);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
        (void)alarm(20);
        fixture_open(f);
        act(f);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
write_some(struct fixture *f)
{
    begin_epoch(f, 3);
    (void)fixture_set(f, "a", "1");
    (void)fixture_set(f, "a", "2");
    begin_epoch(f, 4);
    (void)fixture_set(f, "b", "3");
    (void)fixture_set(f, "c", "4");
}

static void
force_without_end(struct fixture *f)
{
    write_some(f);
    force(f, "b", NULL);
    force(f, "c", NULL);
}

static void
killed_while_forcing_has_its_entries_still(void **state)
{
    struct fixture *f = &((struct two *)*state)->slave;
    struct err err;

    in_a_child(f, force_without_end);
    fixture_open(f);
    check_position(f, 4, 4);
    fixture_check(f, "b", "3");
    force(f, "b", NULL);
    force(f, "c", NULL);
    assert_int_equal(store_rewind_end(f->store, 2, &err), 0);
    check_position(f, 3, 2);
    fixture_check(f, "b", NULL);
}

static char checkpoint_copy[512];
static size_t checkpoint_n;

static void
path_of(char *to, size_t n, struct fixture *f, const char *name)
{
    (void)snprintf(to, n, "%s/log/%s", f->dir, name);
}

/* As it is after step 2 of the rewind: the log is whole, the mark is set. */
static void
mark_the_cut(struct fixture *f)
{
    char path[128];
    char *at;
    int fd;

    force_without_end(f);
    assert_int_equal(store_checkpoint(f->store, &(struct err){0}), 0);
    path_of(path, sizeof(path), f, "checkpoint");
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    checkpoint_n =
        (size_t)read(fd, checkpoint_copy, sizeof(checkpoint_copy) - 1);
    at = strstr(checkpoint_copy, "seq 4\n");
    assert_non_null(at);
    at[4] = '2';
    at = strstr(checkpoint_copy, "cut 0\n");
    assert_non_null(at);
    at[4] = '1';
    assert_int_equal(pwrite(fd, checkpoint_copy, checkpoint_n, 0),
                     (ssize_t)checkpoint_n);
    (void)close(fd);
}

static void
killed_before_the_log_is_cut_cuts_it_then(void **state)
{
    struct fixture *f = &((struct two *)*state)->slave;

    in_a_child(f, mark_the_cut);
    for (int i = 0; i < 2; i++) {
        fixture_open(f);
        check_position(f, 3, 2);
        fixture_check(f, "a", "2");
        fixture_check(f, "b", NULL);
        fixture_check(f, "c", NULL);
        fixture_close(f);
    }
}

/* --- full copies --------------------------------------------------------- */

static const struct lineage masters = {
    .seq = 1000, .n = 2, .era = {{9, 900}, {4, 1}}};

static enum change_answer
dump(struct fixture *f, const char *key, uint64_t version)
{
    return fixture_apply(f, (struct change){.op = CHANGE_SET,
                                            .source = CHANGE_DUMP,
                                            .has_version = true,
                                            .version = version,
                                            .key = slice_str(key),
                                            .value = SLICE("dumped")})
        .answer;
}

static void
restart_and_dump(struct fixture *f)
{
    struct err err;

    write_some(f);
    if (store_restart_at(f->store, &masters, &err) != 0 ||
        dump(f, "d", 5) != CHANGE_STORED) {
        _exit(1);
    }
}

static void
a_full_copy_begins_at_the_masters_position(void **state)
{
    struct two *t = *state;
    struct fixture *f = &t->slave;
    char bytes[256] = {0};
    struct ulog_entry e = {.seq = 1001,
                           .epoch = 10,
                           .op = ULOG_DELETE,
                           .version = 8,
                           .key = SLICE("d")};
    struct err err = {0};
    uint64_t last;

    assert_int_equal(store_data(f->store), STORE_EMPTY);
    write_some(f);
    assert_int_equal(store_data(f->store), STORE_COMPLETE);
    assert_int_equal(store_restart_at(f->store, &masters, &err), 0);
    assert_int_equal(store_data(f->store), STORE_BUILDING);
    check_position(f, 9, 1000);
    {
        struct lineage mine;

        store_lineage(f->store, &mine);
        assert_int_equal(lineage_epoch_at(&mine, 899), 4);
    }
    fixture_check(f, "a", NULL);
    assert_int_equal(dump(f, "d", 5), CHANGE_STORED);
    check_position(f, 9, 1000);
    ulog_encode_entry(bytes, &e);
    assert_int_equal(store_replicate(f->store,
                                     (struct slice){bytes, ulog_entry_size(&e)},
                                     &f->scratch, &last),
                     STREAM_OK);
    assert_int_equal(dump(f, "d", 5), CHANGE_NOT_STORED);
    assert_int_equal(dump(f, "e", 6), CHANGE_STORED);
    assert_true(store_rebuild_end(f->store, true));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_data(f->store), STORE_COMPLETE);
        check_position(f, 10, 1001);
        fixture_check(f, "d", NULL);
        fixture_check(f, "e", "dumped");
        fixture_reopen(f);
    }
}

static void
set_one(struct fixture *f)
{
    (void)fixture_set(f, "a", "1");
}

static void
a_copy_that_was_not_finished_says_so(void **state)
{
    struct fixture *f = &((struct two *)*state)->slave;

    in_a_child(f, restart_and_dump);
    for (int i = 0; i < 2; i++) {
        fixture_open(f);
        assert_int_equal(store_data(f->store), STORE_BUILDING);
        check_position(f, 9, 1000);
        fixture_check(f, "a", NULL);
        fixture_close(f);
    }
    fixture_open(f);
    assert_true(store_rebuild_begin(f->store, true));
    assert_true(store_rebuild_end(f->store, false));
    assert_int_equal(store_data(f->store), STORE_BUILDING);
    assert_true(store_rebuild_begin(f->store, true));
    assert_int_equal(dump(f, "e", 6), CHANGE_STORED);
    assert_true(store_rebuild_end(f->store, true));
    in_a_child(f, set_one); /* dumped records are not in the log */
    fixture_open(f);
    assert_int_equal(store_data(f->store), STORE_COMPLETE);
    fixture_check(f, "e", "dumped");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_slave_has_the_masters_log_and_records,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            older_versions_win_when_the_stream_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(epochs_rise_and_are_remembered, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(expired_records_go_by_the_masters_word,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_are_given_up, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            killed_while_forcing_has_its_entries_still, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            killed_before_the_log_is_cut_cuts_it_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_full_copy_begins_at_the_masters_position, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_copy_that_was_not_finished_says_so,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
