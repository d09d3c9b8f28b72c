/*
 * erase: folders and all that is in them.
 */
#ifndef FLARE_FLARE_ADMIN_ERASE_H
#define FLARE_FLARE_ADMIN_ERASE_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Remove what the folder holds, and itself too.  Links are removed, not
 * followed.  Stops at the first failure.
 */
int erase_folder(const char *path, bool itself, struct err *err);

#endif
