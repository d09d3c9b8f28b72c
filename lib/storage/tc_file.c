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

static const char emptying[] = "emptying";
static const char opening[] = "opening";

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

/* --- marks --------------------------------------------------------------- */

/* Say of the file now at `file` that it, at path, is being ... */
static void
set_mark(const char *path, const char *what, const char *file)
{
    AUTO_FREE char *to = xasprintf("%s.%s", path, what);
    AUTO_FREE char *beside = xasprintf("%s.new", to);
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

/* Is it said of this file, or of one that has been deleted (NULL)? */
static bool
has_mark(const char *path, const char *what, const struct stat *file)
{
    AUTO_FREE char *mark = xasprintf("%s.%s", path, what);
    char number[24] = "";

    return readlink(mark, number, sizeof(number) - 1) > 0 &&
           (file == NULL || strtoull(number, NULL, 10) == file->st_ino);
}

static void
remove_mark(const char *path, const char *what)
{
    AUTO_FREE char *mark = xasprintf("%s.%s", path, what);

    if (unlink(mark) != 0 && errno != ENOENT) {
        log_warn_sys("cannot delete %s", mark);
    }
}

/* --- looking ------------------------------------------------------------- */

static int
look_inside(const char *path, const char *wal_path, const struct stat *file,
            struct engine_found *found, struct err *err)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    char head[HEAD];
    bool useless = false; /* the transaction's file */
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
        useless = !is_in_use(path);
        found->clean =
            !is_beginning(wal_path, file) && !has_mark(path, opening, file);
    }
    if (!found->clean) {
        set_mark(path, opening, path);
    }
    if (useless) {
        (void)unlink(wal_path);
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
    if (has_mark(path, emptying, exists ? &file : NULL) &&
        !(exists && is_in_use(path))) {
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
        set_mark(path, emptying, beside);
    }
    return rename(beside, path) != 0
               ? err_sys(err, "rename %s to %s", beside, path)
               : 0;
}

void
tc_file_opened(const char *path)
{
    remove_mark(path, opening);
    remove_mark(path, emptying);
}

void
tc_file_emptying_begins(const char *path)
{
    set_mark(path, emptying, path);
}

void
tc_file_emptying_ends(const char *path)
{
    remove_mark(path, emptying);
}
