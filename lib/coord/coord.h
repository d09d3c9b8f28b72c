/*
 * coord: where the index server keeps its state, as bytes it does not look at.
 *
 * One process at a time has it open.  What coord_save() has returned from
 * survives the end of the process and of the machine; what it failed to save is
 * not there.
 */
#ifndef FLARE_COORD_COORD_H
#define FLARE_COORD_COORD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct coord;

struct coord_ops {
    int (*load)(struct coord *coord, struct buf *out, bool *found,
                struct err *err);
    int (*save)(struct coord *coord, struct slice bytes, struct err *err);
    void (*close)(struct coord *coord);
};

struct coord {
    const struct coord_ops *ops;
    char *where; /* for messages: the path of the file */
};

/*
 * Append the state to *out.  *found is false when nothing was ever saved; an
 * empty state that is there is found, and for the caller to refuse.
 */
static inline int
coord_load(struct coord *coord, struct buf *out, bool *found, struct err *err)
{
    return coord->ops->load(coord, out, found, err);
}

/* Replace the state.  On failure the old one stands. */
static inline int
coord_save(struct coord *coord, struct slice bytes, struct err *err)
{
    return coord->ops->save(coord, bytes, err);
}

static inline void
coord_close(struct coord *coord)
{
    if (coord != NULL) {
        coord->ops->close(coord);
    }
}

/*
 * flare.xml in folder, which is made when it is missing.  ERR_CONFLICT: another
 * process has it open.  ERR_IO names what cannot be made or locked.
 */
int coord_file_open(struct coord **out, const char *folder, struct err *err);

/* In memory, for tests: saving fails the n-th time from now; 0: never. */
struct coord *coord_mem_new(void);
void coord_mem_fail(struct coord *coord, unsigned n);

#endif
