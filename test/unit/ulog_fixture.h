/*
 * ulog_fixture: a log in a folder of its own, whose entry n is always the same.
 */
#ifndef FLARE_TEST_UNIT_ULOG_FIXTURE_H
#define FLARE_TEST_UNIT_ULOG_FIXTURE_H

#include "test/unit/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/ulog.h"
#include "storage/ulog_format.h"

struct logged {
    char dir[64];
    struct ulog_options options;
    struct ulog *log;
};

static inline int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void
open_log(struct logged *l)
{
    struct err err = {0};

    if (ulog_open(&l->log, &l->options, &err) != 0) {
        fail_msg("%s", err.msg);
    }
}

static inline void
reopen_log(struct logged *l)
{
    ulog_close(l->log);
    open_log(l);
}

static inline int
set_up(void **state)
{
    static struct logged l;

    memset(&l, 0, sizeof(l));
    (void)snprintf(l.dir, sizeof(l.dir), "/tmp/flare-ulog-XXXXXX");
    assert_non_null(mkdtemp(l.dir));
    l.options = (struct ulog_options){
        .folder = l.dir, .segment_bytes = 4096, .keep_bytes = 1 << 20};
    open_log(&l);
    *state = &l;
    return 0;
}

static inline int
tear_down(void **state)
{
    struct logged *l = *state;

    ulog_close(l->log);
    (void)nftw(l->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* Entry number n, always the same. */
static inline void
append(struct logged *l, uint64_t n)
{
    char key[24], value[256];
    int nkey = snprintf(key, sizeof(key), "key-%" PRIu64, n);
    struct ulog_entry e = {
        .op = n % 3 == 2 ? ULOG_DELETE : ULOG_SET,
        .flags = (uint32_t)n,
        .expire = -(int64_t)n,
        .version = n * 10,
        .key = {key, (size_t)nkey},
    };

    memset(value, 'a' + (int)(n % 26), sizeof(value));
    if (e.op == ULOG_SET) {
        e.value = (struct slice){value, (size_t)(n % sizeof(value))};
    }
    assert_true(ulog_append(l->log, &e));
    assert_int_equal(e.seq, n);
}

static inline void
check_entry(const struct ulog_entry *e, uint64_t n)
{
    char key[24];
    int nkey = snprintf(key, sizeof(key), "key-%" PRIu64, n);

    assert_int_equal(e->seq, n);
    assert_int_equal(e->op, n % 3 == 2 ? ULOG_DELETE : ULOG_SET);
    assert_int_equal(e->flags, n);
    assert_int_equal(e->expire, -(int64_t)n);
    assert_int_equal(e->version, n * 10);
    assert_true(slice_eq(e->key, (struct slice){key, (size_t)nkey}));
    assert_int_equal(e->value.n, n % 3 == 2 ? 0 : n % 256);
    for (size_t i = 0; i < e->value.n; i++) {
        assert_int_equal(e->value.p[i], 'a' + (int)(n % 26));
    }
}

static inline void
check_from(struct logged *l, uint64_t after, uint64_t first, uint64_t last)
{
    struct ulog_reader *r = ulog_reader_open(l->log, after);
    struct ulog_entry e;

    for (uint64_t n = first; n <= last; n++) {
        assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_OK);
        check_entry(&e, n);
    }
    assert_int_equal(ulog_reader_next(r, &e), ULOG_READ_END);
    ulog_reader_close(r);
}

static inline void
segment_path(const struct logged *l, uint64_t first, char *to, size_t size)
{
    (void)snprintf(to, size, "%s/%020" PRIu64 ".ulog", l->dir, first);
}

static inline void
change_byte(const struct logged *l, uint64_t first, off_t at)
{
    char path[128];
    int fd;
    char byte;

    segment_path(l, first, path, sizeof(path));
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte = (char)(byte ^ 0x40);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
