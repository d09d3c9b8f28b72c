/* When entries are said to be on the disk, and what a cut leaves. */
#include "test/unit/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "storage/ulog.h"
#include "storage/ulog_format.h"

struct logged {
    char dir[64];
    struct ulog_options options;
    struct ulog *log;
    _Atomic uint64_t passed;
    _Atomic unsigned told;
};

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void
open_log(struct logged *l)
{
    struct err err = {0};

    if (ulog_open(&l->log, &l->options, &err) != 0) {
        fail_msg("%s", err.msg);
    }
}

static int
set_up(void **state)
{
    static struct logged l;

    memset(&l, 0, sizeof(l));
    (void)snprintf(l.dir, sizeof(l.dir), "/tmp/flare-ulog-XXXXXX");
    assert_non_null(mkdtemp(l.dir));
    l.options = (struct ulog_options){
        .folder = l.dir, .segment_bytes = 4096, .keep_bytes = 16384};
    *state = &l;
    return 0;
}

static int
tear_down(void **state)
{
    struct logged *l = *state;

    ulog_close(l->log);
    l->log = NULL;
    (void)nftw(l->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static void
append(struct logged *l, unsigned n)
{
    while (n-- > 0) {
        struct ulog_entry e = {
            .op = ULOG_SET, .key = SLICE("key"), .value = SLICE("value")};

        assert_true(ulog_append(l->log, &e));
    }
}

static void
on_passed(void *arg, uint64_t seq)
{
    struct logged *l = arg;

    atomic_store(&l->passed, seq);
    atomic_fetch_add(&l->told, 1);
}

static void
wait_until(struct logged *l, uint64_t seq)
{
    struct mono until = mono_after_ms(clock_mono(), 10000);

    while (atomic_load(&l->passed) < seq || ulog_durable(l->log) < seq) {
        assert_false(mono_reached(until, clock_mono()));
        (void)poll(NULL, 0, 1);
    }
}

static void
always_says_how_far_the_disk_is(void **state)
{
    struct logged *l = *state;

    l->options.sync = ULOG_SYNC_ALWAYS;
    open_log(l);
    ulog_on_passed(l->log, on_passed, l);
    append(l, 1);
    wait_until(l, 1);
    assert_int_equal(ulog_passed(l->log), 1);
    append(l, 5000);
    wait_until(l, 5001);
    /* Many at a time. */
    assert_true(atomic_load(&l->told) < 5000);
    ulog_set_sync(l->log, ULOG_SYNC_NONE);
    assert_true(atomic_load(&l->passed) == UINT64_MAX);
    append(l, 10);
    assert_true(ulog_passed(l->log) == UINT64_MAX);
    ulog_set_sync(l->log, ULOG_SYNC_ALWAYS);
    wait_until(l, 5011);
}

static void
every_second_it_is_written(void **state)
{
    struct logged *l = *state;

    l->options.sync = ULOG_SYNC_EVERYSEC;
    open_log(l);
    ulog_on_passed(l->log, on_passed, l);
    assert_true(ulog_passed(l->log) == UINT64_MAX);
    append(l, 100);
    atomic_store(&l->passed, UINT64_MAX);
    wait_until(l, 100);
    append(l, 1);
    wait_until(l, 101);
}

static void
none_writes_when_told(void **state)
{
    struct logged *l = *state;
    struct err err;

    open_log(l);
    append(l, 1000);
    assert_int_equal(ulog_durable(l->log), 0);
    assert_int_equal(ulog_write_out(l->log, &err), 0);
    assert_int_equal(ulog_durable(l->log), 1000);
    assert_int_equal(ulog_cut(l->log, 10 + ulog_first(l->log), &err), 0);
    assert_int_equal(ulog_durable(l->log), ulog_last(l->log));
    append(l, 1);
    assert_int_equal(ulog_durable(l->log), ulog_last(l->log) - 1);
}

static void
the_disk_fails(void **state)
{
    struct logged *l = *state;
    struct ulog_entry e = {.op = ULOG_SET, .key = SLICE("key")};
    char path[128];
    struct err err;

    open_log(l);
    append(l, 1);
    /* A file that cannot be opened any more stands for a failed disk. */
    (void)snprintf(path, sizeof(path), "%s/%020d.ulog", l->dir, 1);
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(ulog_write_out(l->log, &err), 0);
    assert_int_equal(ulog_durable(l->log), 0);
    assert_false(ulog_append(l->log, &e));
    assert_int_not_equal(ulog_write_out(l->log, &err), 0);
}

static void
a_cut_log_goes_on_behind_the_cut(void **state)
{
    struct logged *l = *state;
    struct err err = {0};
    struct ulog_reader *r;
    struct ulog_entry e;

    l->options.keep_bytes = 1 << 20;
    open_log(l);
    append(l, 1000);
    for (uint64_t seq = 999; seq > 0; seq -= seq / 3 + 1) {
        assert_int_equal(ulog_cut(l->log, seq, &err), 0);
        assert_int_equal(ulog_last(l->log), seq);
        append(l, 1);
        ulog_close(l->log);
        open_log(l);
        assert_int_equal(ulog_last(l->log), seq + 1);
        r = ulog_reader_open(l->log, 0);
        for (uint64_t n = 1; n <= seq + 1; n++) {
            assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);
            assert_int_equal(e.seq, n);
        }
        assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_END);
        ulog_reader_close(r);
    }
    assert_int_equal(ulog_cut(l->log, 0, &err), 0);
    append(l, 1);
    assert_int_equal(ulog_reset(l->log, 77, &err), 0);
    ulog_close(l->log);
    open_log(l);
    assert_int_equal(ulog_last(l->log), 77);
    assert_int_equal(ulog_first(l->log), 78);
    append(l, 1);
    assert_int_equal(ulog_cut(l->log, 79, &err), ERR_CONFIG);
    assert_int_equal(ulog_cut(l->log, 76, &err), ERR_CONFIG);
}

static void
what_a_slave_wants_stays_within_a_bound(void **state)
{
    struct logged *l = *state;

    open_log(l);
    ulog_protect_after(l->log, UINT64_MAX);
    append(l, 100);
    ulog_want_after(l->log, 50);
    append(l, 600); /* of 56 bytes: beyond keep_bytes, not four times */
    assert_true(ulog_size(l->log) > 2 * l->options.keep_bytes);
    assert_true(ulog_first(l->log) <= 51);
    append(l, 2000);
    assert_true(ulog_size(l->log) <= 5 * l->options.keep_bytes);
    assert_true(ulog_first(l->log) > 51);
    ulog_want_after(l->log, UINT64_MAX);
    append(l, 100);
    assert_true(ulog_size(l->log) <= 2 * l->options.keep_bytes);
}

/* --- power loss: what was not synced may be missing anywhere -------------- */

/* As if the machine had been started since: another boot id. */
static void
age(const char *path)
{
    struct ulog_header header;
    char bytes[ULOG_HEADER], sealed[64];
    int fd = open(path, O_RDWR);

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_true(
        ulog_decode_header((struct slice){bytes, sizeof(bytes)}, &header));
    memcpy(sealed, bytes + 64, sizeof(sealed));
    header.boot[0] ^= 1;
    ulog_encode_header(bytes, &header);
    memcpy(bytes + 64, sealed, sizeof(sealed));
    assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    (void)close(fd);
}

static void
a_hole_from_a_power_cut_ends_the_log(void **state)
{
    struct logged *l = *state;
    static const char zeros[256];
    char path[128];
    struct err err;
    int fd;

    l->options.keep_bytes = 1 << 20;
    open_log(l);
    append(l, 200); /* several files */
    ulog_close(l->log);
    l->log = NULL;
    (void)snprintf(path, sizeof(path), "%s/%020d.ulog", l->dir, 1);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    /* Its seal and its tenth entry are lost. */
    assert_int_equal(pwrite(fd, zeros, 64, 64), 64);
    assert_int_equal(pwrite(fd, zeros, 56, ULOG_HEADER + 10 * 56), 56);
    (void)close(fd);
    /* In the same run of the machine that is damage. */
    assert_int_equal(ulog_open(&l->log, &l->options, &err), ERR_CORRUPT);
    age(path);
    open_log(l);
    assert_int_equal(ulog_last(l->log), 10);
    append(l, 3);
    ulog_close(l->log);
    open_log(l);
    assert_int_equal(ulog_last(l->log), 13);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(always_says_how_far_the_disk_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_second_it_is_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(none_writes_when_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_disk_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_log_goes_on_behind_the_cut,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_slave_wants_stays_within_a_bound,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hole_from_a_power_cut_ends_the_log,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
