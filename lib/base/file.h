/*
 * file: whole files, read at once and replaced atomically.
 */
#ifndef FLARE_BASE_FILE_H
#define FLARE_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Append the whole file to *out.  On failure *out may hold a part of it. */
int file_read_all(const char *path, struct buf *out, struct err *err);

/*
 * Replace path by a file with exactly these bytes, durably: written beside it,
 * fsynced, renamed, and the folder fsynced.  On failure the old file stands.
 */
int file_write_atomic(const char *path, struct slice bytes, struct err *err);

/* fsync the folder that holds path, so that a new name in it is durable. */
int file_sync_folder_of(const char *path, struct err *err);

#endif
