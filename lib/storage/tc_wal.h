/*
 * tc_wal: the file of an unfinished Tokyo Cabinet transaction.
 *
 * It holds the old bytes of what the transaction changed, to be put back at
 * the next opening.  If the process dies while it writes such a piece, the
 * library takes the whole for unusable half way through putting it back.  But
 * a piece is always written before the change it is for, so that one which is
 * not complete is not needed.
 */
#ifndef FLARE_STORAGE_TC_WAL_H
#define FLARE_STORAGE_TC_WAL_H

#include <stdbool.h>

#include "base/err.h"

/* Does another process have this file open, as Tokyo Cabinet sees it? */
bool tc_in_use(int fd);

/*
 * Cut an incomplete piece off the end of path's transaction file, if there is
 * one and nobody has path open.  Call it before path is opened.
 */
int tc_wal_trim(const char *path, struct err *err);

#endif
