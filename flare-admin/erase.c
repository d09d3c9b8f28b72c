#include "flare-admin/erase.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

enum { OPEN_MAX_FOLDERS = 16 };

static int
erase_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    return at->level == 0 || remove(path) == 0 ? 0 : -1;
}

int
erase_folder(const char *path, bool itself, struct err *err)
{
    if (nftw(path, erase_one, OPEN_MAX_FOLDERS, FTW_DEPTH | FTW_PHYS) != 0) {
        return err_sys(err, "empty %s", path);
    }
    return !itself || rmdir(path) == 0 ? 0 : err_sys(err, "remove %s", path);
}
