#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum { CHUNK = 65536 };

int
file_read_all(const char *path, struct buf *out, struct err *err)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return err_sys(err, "open %s", path);
    }
    do {
        if (!buf_reserve(out, CHUNK)) {
            return err_set(err, ERR_NOMEM, "read %s: out of memory", path);
        }
        n = read(fd, buf_tail(out), CHUNK);
        if (n > 0) {
            buf_advance(out, (size_t)n);
        }
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 ? err_sys(err, "read %s", path) : 0;
}

static int
write_all(int fd, struct slice bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        bytes.p += n;
        bytes.n -= (size_t)n;
    }
    return 0;
}

int
file_sync_folder_of(const char *path, struct err *err)
{
    AUTO_FREE char *folder = xstrdup(path);
    char *slash = strrchr(folder, '/');
    const char *name = folder;
    AUTO_CLOSE int fd = -1;

    if (slash == NULL) {
        name = ".";
    } else if (slash == folder) {
        name = "/";
    } else {
        *slash = '\0';
    }
    fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return err_sys(err, "open folder %s", name);
    }
    return fsync(fd) != 0 ? err_sys(err, "fsync folder %s", name) : 0;
}

static int
write_and_sync(const char *path, struct slice bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int rc = 0;

    if (fd < 0) {
        return err_sys(err, "create %s", path);
    }
    if (write_all(fd, bytes) != 0) {
        rc = err_sys(err, "write %s", path);
    } else if (fsync(fd) != 0) {
        rc = err_sys(err, "fsync %s", path);
    }
    if (close(fd) != 0 && rc == 0) {
        rc = err_sys(err, "close %s", path);
    }
    return rc;
}

int
file_write_atomic(const char *path, struct slice bytes, struct err *err)
{
    AUTO_FREE char *tmp = xasprintf("%s.tmp", path);
    int rc = write_and_sync(tmp, bytes, err);

    if (rc == 0 && rename(tmp, path) != 0) {
        rc = err_sys(err, "rename %s to %s", tmp, path);
    }
    if (rc != 0) {
        (void)unlink(tmp);
        return rc;
    }
    return file_sync_folder_of(path, err);
}
