#include "test/harness/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "test/unit/test.h"

char *
folder_make(void)
{
    const char *base = getenv("TMPDIR");
    char *path = xasprintf("%s/flare-test.XXXXXX",
                           base != NULL && *base != '\0' ? base : "/tmp");

    assert_non_null(mkdtemp(path));
    return path;
}

void
folder_make_at(const char *path)
{
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    (void)remove(path);
    return 0;
}

void
folder_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
folder_put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}
