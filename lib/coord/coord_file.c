#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "coord/coord.h"

struct coord_file {
    struct coord coord; /* where: the files */
    int lock_fd;
};

static int
file_load(struct coord *coord, enum coord_part part, struct buf *out,
          bool *found, struct err *err)
{
    const char *path = coord->where[part];
    struct stat st;

    *found = false;
    if (stat(path, &st) != 0) {
        return errno == ENOENT ? 0 : err_sys(err, "look at %s", path);
    }
    *found = true;
    return file_read_all(path, out, err);
}

static int
file_save(struct coord *coord, enum coord_part part, struct slice bytes,
          struct err *err)
{
    return file_write_atomic(coord->where[part], bytes, err);
}

static void
file_close(struct coord *coord)
{
    struct coord_file *file = (struct coord_file *)coord;

    if (file->lock_fd >= 0) {
        (void)close(file->lock_fd);
    }
    for (int i = 0; i < COORD_PARTS; i++) {
        free(coord->where[i]);
    }
    free(file);
}

static const struct coord_ops file_ops = {
    .load = file_load,
    .save = file_save,
    .close = file_close,
};

/* The folder and those above it, as far as they are missing. */
static int
make_folder(const char *folder, struct err *err)
{
    AUTO_FREE char *path = xstrdup(folder);

    for (char *p = path + 1; *path != '\0'; p++) {
        char c = *p;

        if (c != '/' && c != '\0') {
            continue;
        }
        *p = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST) {
            return err_sys(err, "make folder %s", path);
        }
        *p = c;
        if (c == '\0') {
            break;
        }
    }
    return 0;
}

/* Held as long as the descriptor is open, so it ends with the process. */
static int
take_lock(struct coord_file *file, const char *folder, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/flarei.lock", folder);

    file->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file->lock_fd < 0) {
        return err_sys(err, "open %s", path);
    }
    if (flock(file->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? err_set(err, ERR_CONFLICT,
                             "%s is in use by another process", folder)
                   : err_sys(err, "lock %s", path);
    }
    return 0;
}

int
coord_file_open(struct coord **out, const char *folder, struct err *err)
{
    struct coord_file *file;
    int rc = make_folder(folder, err);

    *out = NULL;
    if (rc != 0) {
        return rc;
    }
    file = xcalloc(1, sizeof(*file));
    file->coord.ops = &file_ops;
    file->lock_fd = -1;
    file->coord.where[COORD_MAP] = xasprintf("%s/flare.xml", folder);
    file->coord.where[COORD_SIDE] = xasprintf("%s/flarei.state", folder);
    rc = take_lock(file, folder, err);
    if (rc != 0) {
        file_close(&file->coord);
        return rc;
    }
    *out = &file->coord;
    return 0;
}
