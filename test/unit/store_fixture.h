/* A store in a folder of its own, for the tests of lib/storage. */
#ifndef FLARE_TEST_UNIT_STORE_FIXTURE_H
#define FLARE_TEST_UNIT_STORE_FIXTURE_H

#include "test/unit/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "storage/store.h"

static const struct wall now = {1700000000};

struct fixture {
    char dir[64];
    struct store_options options;
    struct store *store;
    struct buf scratch;
};

static int
fixture_remove_one(const char *path, const struct stat *st, int type,
                   struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void
fixture_open(struct fixture *f)
{
    struct err err = {0};

    if (store_open(&f->store, &f->options, &err) != 0) {
        fail_msg("%s", err.msg);
    }
}

static inline void
fixture_close(struct fixture *f)
{
    struct err err = {0};

    if (store_close(f->store, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    f->store = NULL;
}

static inline void
fixture_reopen(struct fixture *f)
{
    fixture_close(f);
    fixture_open(f);
}

static inline void
fixture_init(struct fixture *f, const char *type)
{
    memset(f, 0, sizeof(*f));
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/flare-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->options = (struct store_options){
        .data_dir = f->dir,
        .type = type,
        .bucket_size = 10007,
        .large = true,
        .compress = "",
        .map_bytes = 64 << 20,
        .lock_stripes = 16,
        .value_max = 1 << 20,
        .buffer_bytes = 1 << 20,
        .log_segment_bytes = 4 << 20,
        .log_keep_bytes = 16 << 20,
    };
}

static inline void
fixture_fini(struct fixture *f)
{
    if (f->store != NULL) {
        fixture_close(f);
    }
    buf_fini(&f->scratch);
    (void)nftw(f->dir, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct outcome
fixture_apply(struct fixture *f, struct change change)
{
    struct outcome out;

    store_apply(f->store, &change, now, &f->scratch, &out);
    return out;
}

static inline enum change_answer
fixture_set(struct fixture *f, const char *key, const char *value)
{
    struct outcome out = fixture_apply(f, (struct change){
                                              .op = CHANGE_SET,
                                              .key = slice_str(key),
                                              .value = slice_str(value),
                                          });

    return out.answer;
}

static inline enum change_answer
fixture_delete(struct fixture *f, const char *key)
{
    return fixture_apply(
               f, (struct change){.op = CHANGE_DELETE, .key = slice_str(key)})
        .answer;
}

/* The value under key must be this; NULL: there must be none. */
static inline struct item
fixture_check(struct fixture *f, const char *key, const char *value)
{
    struct item item = {0};
    enum store_status status =
        store_get(f->store, slice_str(key), now, &f->scratch, &item);

    if (value == NULL) {
        assert_int_equal(status, STORE_MISS);
    } else {
        assert_int_equal(status, STORE_OK);
        assert_int_equal(item.value.n, strlen(value));
        assert_memory_equal(item.value.p, value, item.value.n);
    }
    return item;
}

#endif
