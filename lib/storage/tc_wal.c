#include "storage/tc_wal.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"

enum {
    BUCKETS_AT = 40, /* offset in the file: number of buckets, u64 */
    FIRST_PIECE = 8, /* offset in the transaction's file: after its size */
    PIECE_HEAD = 12, /* an offset u64 and a length u32 */
};

static const uint64_t buckets_max = (uint64_t)1 << 40;

bool
tc_in_use(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

/* Debian builds the library to write numbers in network order. */
static bool
is_big_endian(int fd)
{
    uint64_t buckets = 0;

    return pread(fd, &buckets, sizeof(buckets), BUCKETS_AT) !=
               (ssize_t)sizeof(buckets) ||
           be64toh(buckets) < buckets_max;
}

/* The end of the last complete piece; 0: the file cannot be read. */
static uint64_t
complete_end(int fd, uint64_t size, bool big)
{
    uint64_t at = FIRST_PIECE;

    while (at + PIECE_HEAD <= size) {
        uint32_t n;

        if (pread(fd, &n, sizeof(n), (off_t)at + 8) != (ssize_t)sizeof(n)) {
            return 0;
        }
        n = big ? be32toh(n) : le32toh(n);
        if (at + PIECE_HEAD + n > size) {
            break;
        }
        at += PIECE_HEAD + n;
    }
    return at;
}

static int
trim(int fd, const char *path, bool big, struct err *err)
{
    struct stat st;
    uint64_t end;

    if (fstat(fd, &st) != 0) {
        return err_sys(err, "stat %s", path);
    }
    if (st.st_size <= FIRST_PIECE) {
        return 0;
    }
    end = complete_end(fd, (uint64_t)st.st_size, big);
    if (end == 0) {
        return err_sys(err, "read %s", path);
    }
    if (end < (uint64_t)st.st_size) {
        log_info("%s: cut off what was not written to its end", path);
        if (ftruncate(fd, (off_t)end) != 0) {
            return err_sys(err, "cut %s", path);
        }
    }
    return 0;
}

int
tc_wal_trim(const char *path, struct err *err)
{
    AUTO_FREE char *wal_path = xasprintf("%s.wal", path);
    AUTO_CLOSE int wal = open(wal_path, O_RDWR | O_CLOEXEC);
    AUTO_CLOSE int fd = -1;

    if (wal < 0) {
        return errno == ENOENT ? 0 : err_sys(err, "open %s", wal_path);
    }
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || tc_in_use(fd)) {
        return 0; /* opening it says what is wrong */
    }
    return trim(wal, wal_path, is_big_endian(fd), err);
}
