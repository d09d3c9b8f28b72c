/*
 * tc_file: what a Tokyo Cabinet file was left like, and how to make and empty
 * one so that the process may be killed at any instant.
 *
 * The library makes a file in several steps and empties one by closing and
 * making it again; a file left half way through is no file.  So a new one is
 * made beside its place and renamed, and while one is being emptied a mark (a
 * symbolic link that says which file, by its number) stands beside it.  Taking
 * a transaction back leaves a file that looks closed, until it has been opened;
 * so a mark says that this is going on, too.
 */
#ifndef FLARE_STORAGE_TC_FILE_H
#define FLARE_STORAGE_TC_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "storage/engine.h"

/*
 * Look at path before Tokyo Cabinet touches it.  A file that was being emptied
 * is deleted, and so are the old bytes of a transaction that changed nothing.
 */
int tc_file_look(const char *path, struct engine_found *found, struct err *err);

/*
 * If there is no file at path, have `make` make one elsewhere and move it
 * there.
 */
int tc_file_make(const char *path, const struct engine_found *found,
                 int (*make)(void *arg, const char *path, struct err *err),
                 void *arg, struct err *err);

/* After it was opened: it is as any open file now. */
void tc_file_opened(const char *path);

/* Around emptying. */
void tc_file_emptying_begins(const char *path);
void tc_file_emptying_ends(const char *path);

#endif
