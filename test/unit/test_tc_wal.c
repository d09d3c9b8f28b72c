#include "test/unit/test.h"

#include <endian.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/tc_wal.h"

enum { HEAD = 8, PIECE = 12 + 20 };

struct files {
    char dir[64], path[96], wal[112];
};

static void
write_file(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    (void)close(fd);
}

/* A data file's head and a transaction file of two pieces, cut to n bytes. */
static void
make_files(struct files *f, bool big, size_t n)
{
    char data[256] = "";
    char wal[HEAD + 2 * PIECE] = "";
    uint64_t buckets = big ? htobe64(131071) : htole64(131071);
    uint32_t length = big ? htobe32(20) : htole32(20);

    memcpy(data + 40, &buckets, sizeof(buckets));
    memcpy(wal + HEAD + 8, &length, sizeof(length));
    memcpy(wal + HEAD + PIECE + 8, &length, sizeof(length));
    write_file(f->path, data, sizeof(data));
    write_file(f->wal, wal, n);
}

static size_t
size_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (size_t)st.st_size;
}

static void
begin(struct files *f)
{
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/flare-wal-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof(f->path), "%s/flare.bdb", f->dir);
    (void)snprintf(f->wal, sizeof(f->wal), "%s.wal", f->path);
}

static void
end(struct files *f)
{
    (void)unlink(f->path);
    (void)unlink(f->wal);
    (void)rmdir(f->dir);
}

static void
only_an_incomplete_piece_is_cut_off(void **state)
{
    struct files f;
    struct err err;

    (void)state;
    begin(&f);
    for (size_t n = 0; n <= HEAD + 2 * PIECE; n++) {
        size_t whole = n < HEAD ? n : HEAD + (n - HEAD) / PIECE * PIECE;

        for (int big = 0; big < 2; big++) {
            make_files(&f, big != 0, n);
            assert_int_equal(tc_wal_trim(f.path, &err), 0);
            assert_int_equal(size_of(f.wal), whole);
        }
    }
    end(&f);
}

static void
without_a_transaction_file_there_is_nothing_to_do(void **state)
{
    struct files f;
    struct err err;

    (void)state;
    begin(&f);
    assert_int_equal(tc_wal_trim(f.path, &err), 0);
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_incomplete_piece_is_cut_off),
        cmocka_unit_test(without_a_transaction_file_there_is_nothing_to_do),
    };
    return cmocka_run_group_tests_name("tc_wal", tests, NULL, NULL);
}
