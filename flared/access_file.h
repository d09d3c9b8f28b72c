/*
 * access_file: the table of flared/access.h, kept over an orderly restart.
 *
 * It is a convenience: without the file, or with a damaged one, keys count as
 * not asked for.  Loading removes it, so that one that is older than what
 * happened since is never taken for true.
 */
#ifndef FLARE_FLARED_ACCESS_FILE_H
#define FLARE_FLARED_ACCESS_FILE_H

#include "base/err.h"
#include "flared/access.h"

/* When nobody uses the table any more, or does not yet. */
int access_save(const struct access *access, const char *path, struct err *err);
int access_load(struct access *access, const char *path, struct err *err);

#endif
