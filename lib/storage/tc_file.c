#include "storage/tc_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "storage/tc_wal.h"

enum {
    HEAD = 256,         /* bytes of Tokyo Cabinet's file header */
    FLAGS_AT = 33,      /* offset of its flags */
    FLAG_OPEN = 1 << 0, /* not closed by its last writer */
};

static const int64_t at_once_ns = 100000000;

static int64_t
time_of(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/*
 * The library also takes the mark of an open file away for an instant whenever
 * a transaction begins, just before it writes the transaction's file.  Whoever
 * really closes a file removes that one or, when it was empty, leaves it, and
 * comes later.
 */
static bool
is_beginning(const char *wal_path, const struct stat *file)
{
    struct stat wal;

    return stat(wal_path, &wal) == 0 &&
           time_of(file) <= time_of(&wal) + at_once_ns;
}

static bool
is_in_use(const char *path)
{
    AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);

    return fd >= 0 && tc_in_use(fd);
}

/* True: the file at path was being emptied, or has been deleted since. */
static bool
was_being_emptied(const char *path, const struct stat *file)
{
    AUTO_FREE char *mark = xasprintf("%s.emptying", path);
    char number[24] = "";

    return readlink(mark, number, sizeof(number) - 1) > 0 &&
           (file == NULL ||
            (strtoull(number, NULL, 10) == file->st_ino && !is_in_use(path)));
}

static int
look_inside(const char *path, const char *wal_path, const struct stat *file,
            struct engine_found *found, struct err *err)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    char head[HEAD];
    ssize_t n;

    if (fd < 0) {
        return err_sys(err, "open %s", path);
    }
    n = read(fd, head, sizeof(head));
    if (n < 0) {
        return err_sys(err, "read %s", path);
    }
    found->created = n == 0;
    found->clean = n == 0 || (n == HEAD && (head[FLAGS_AT] & FLAG_OPEN) == 0);
    if (n > 0 && found->clean) {
        found->clean = !is_beginning(wal_path, file);
        if (!is_in_use(path)) {
            (void)unlink(wal_path);
        }
    }
    return 0;
}

int
tc_file_look(const char *path, struct engine_found *found, struct err *err)
{
    AUTO_FREE char *wal_path = xasprintf("%s.wal", path);
    struct stat file;
    bool exists = stat(path, &file) == 0;

    if (!exists && errno != ENOENT) {
        return err_sys(err, "stat %s", path);
    }
    *found = (struct engine_found){.created = true, .clean = true};
    if (was_being_emptied(path, exists ? &file : NULL)) {
        found->emptied = true;
        log_info("%s was being emptied: it is", path);
        if (exists && unlink(path) != 0) {
            return err_sys(err, "delete %s", path);
        }
        exists = false;
    }
    if (!exists) {
        (void)unlink(wal_path);
        return 0;
    }
    return look_inside(path, wal_path, &file, found, err);
}

/* Set the mark that the file now at `file`, to be at path, is empty. */
static void
mark(const char *path, const char *file)
{
    AUTO_FREE char *to = xasprintf("%s.emptying", path);
    AUTO_FREE char *beside = xasprintf("%s.emptying.new", path);
    char number[24];
    struct stat st;

    if (stat(file, &st) != 0) {
        return;
    }
    (void)snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)st.st_ino);
    (void)unlink(beside);
    if (symlink(number, beside) != 0 || rename(beside, to) != 0) {
        log_warn_sys("cannot make %s", to);
    }
}

int
tc_file_make(const char *path, const struct engine_found *found,
             int (*make)(void *arg, const char *path, struct err *err),
             void *arg, struct err *err)
{
    AUTO_FREE char *beside = xasprintf("%s.new", path);

    if (!found->created) {
        return 0;
    }
    (void)unlink(beside);
    if (make(arg, beside, err) != 0) {
        (void)unlink(beside);
        return (int)err->code;
    }
    if (found->emptied) {
        mark(path, beside);
    }
    return rename(beside, path) != 0
               ? err_sys(err, "rename %s to %s", beside, path)
               : 0;
}

void
tc_file_emptying_begins(const char *path)
{
    mark(path, path);
}

void
tc_file_emptying_ends(const char *path)
{
    AUTO_FREE char *mark = xasprintf("%s.emptying", path);

    if (unlink(mark) != 0 && errno != ENOENT) {
        log_warn_sys("cannot delete %s", mark);
    }
}
