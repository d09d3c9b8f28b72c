#include "flared/access_file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "base/file.h"

/* The title, the words of the table, their checksum; all little endian. */
static const char title[] = "flare access 1\n";

enum {
    TITLE = sizeof(title) - 1,
    TABLE = ACCESS_SLOTS * sizeof(uint64_t),
    CRC = sizeof(uint32_t),
};

int
access_save(const struct access *access, const char *path, struct err *err)
{
    struct buf out = {NULL, 0, 0, 0};
    uint32_t crc;
    int rc;

    if (!buf_reserve(&out, TITLE + TABLE + CRC)) {
        return err_set(err, ERR_NOMEM, "%s: memory is out", path);
    }
    (void)buf_put(&out, title, TITLE);
    for (size_t i = 0; i < ACCESS_SLOTS; i++) {
        uint64_t word = htole64(atomic_load(&access->slot[i]));

        (void)buf_put(&out, &word, sizeof(word));
    }
    crc = htole32(crc32c(0, buf_slice(&out).p, buf_len(&out)));
    (void)buf_put(&out, &crc, sizeof(crc));
    rc = file_write_atomic(path, buf_slice(&out), err);
    buf_fini(&out);
    return rc;
}

static bool
parse(struct access *access, struct slice text)
{
    uint32_t crc;

    if (text.n != TITLE + TABLE + CRC || text.p == NULL ||
        memcmp(text.p, title, TITLE) != 0) {
        return false;
    }
    memcpy(&crc, text.p + TITLE + TABLE, sizeof(crc));
    if (le32toh(crc) != crc32c(0, text.p, TITLE + TABLE)) {
        return false;
    }
    for (size_t i = 0; i < ACCESS_SLOTS; i++) {
        uint64_t word;

        memcpy(&word, text.p + TITLE + i * sizeof(word), sizeof(word));
        atomic_store(&access->slot[i], le64toh(word));
    }
    return true;
}

int
access_load(struct access *access, const char *path, struct err *err)
{
    struct buf text = {NULL, 0, 0, 0};
    int rc;

    if (faccessat(AT_FDCWD, path, F_OK, 0) != 0 && errno == ENOENT) {
        return 0;
    }
    rc = file_read_all(path, &text, err);
    if (rc == 0 && !parse(access, buf_slice(&text))) {
        rc = err_set(err, ERR_CORRUPT, "%s is damaged", path);
    }
    buf_fini(&text);
    if (unlink(path) != 0 && rc == 0) {
        rc = err_sys(err, "remove %s", path);
    }
    return rc;
}
