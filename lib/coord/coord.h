/*
 * coord: where the index server keeps its state, as bytes it does not look at.
 *
 * One process at a time has it open.  What coord_save() has returned from
 * survives the end of the process and of the machine; what it failed to save is
 * not there.  There are two parts, each replaced at once and on its own: what
 * belongs together in them must carry a version.
 */
#ifndef FLARE_COORD_COORD_H
#define FLARE_COORD_COORD_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct coord;

enum coord_part {
    COORD_MAP,  /* flare.xml: a flare 1.3.4 index reads it as well */
    COORD_SIDE, /* what that one does not know */
    COORD_PARTS,
};

struct coord_ops {
    int (*load)(struct coord *coord, enum coord_part part, struct buf *out,
                bool *found, struct err *err);
    int (*save)(struct coord *coord, enum coord_part part, struct slice bytes,
                struct err *err);
    void (*close)(struct coord *coord);
};

struct coord {
    const struct coord_ops *ops;
    char *where[COORD_PARTS]; /* for messages: the paths of the files */
};

/*
 * Append the part to *out.  *found is false when it was never saved; an empty
 * one that is there is found, and for the caller to refuse.
 */
static inline int
coord_load(struct coord *coord, enum coord_part part, struct buf *out,
           bool *found, struct err *err)
{
    return coord->ops->load(coord, part, out, found, err);
}

/* Replace the part.  On failure the old one stands. */
static inline int
coord_save(struct coord *coord, enum coord_part part, struct slice bytes,
           struct err *err)
{
    return coord->ops->save(coord, part, bytes, err);
}

static inline void
coord_close(struct coord *coord)
{
    if (coord != NULL) {
        coord->ops->close(coord);
    }
}

/*
 * flare.xml and flarei.state in folder, which is made when it is missing.
 * ERR_CONFLICT: another process has it open.  ERR_IO names what cannot be made
 * or locked.
 */
int coord_file_open(struct coord **out, const char *folder, struct err *err);

/* In memory, for tests: saving fails the n-th time from now; 0: never. */
struct coord *coord_mem_new(void);
void coord_mem_fail(struct coord *coord, unsigned n);

#endif
