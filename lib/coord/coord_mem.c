#include <stdlib.h>

#include "base/alloc.h"
#include "coord/coord.h"

struct coord_mem {
    struct coord coord;
    struct buf state[COORD_PARTS];
    bool found[COORD_PARTS];
    unsigned fail; /* the how manieth save from now fails; 0: none */
};

static int
mem_load(struct coord *coord, enum coord_part part, struct buf *out,
         bool *found, struct err *err)
{
    struct coord_mem *mem = (struct coord_mem *)coord;

    *found = mem->found[part];
    if (!buf_put_slice(out, buf_slice(&mem->state[part]))) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

static int
mem_save(struct coord *coord, enum coord_part part, struct slice bytes,
         struct err *err)
{
    struct coord_mem *mem = (struct coord_mem *)coord;

    if (mem->fail > 0 && --mem->fail == 0) {
        return err_set(err, ERR_IO, "write: No space left on device");
    }
    buf_clear(&mem->state[part]);
    mem->found[part] = true;
    if (!buf_put_slice(&mem->state[part], bytes)) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

static void
mem_close(struct coord *coord)
{
    struct coord_mem *mem = (struct coord_mem *)coord;

    for (int i = 0; i < COORD_PARTS; i++) {
        buf_fini(&mem->state[i]);
        free(coord->where[i]);
    }
    free(mem);
}

struct coord *
coord_mem_new(void)
{
    static const struct coord_ops ops = {
        .load = mem_load,
        .save = mem_save,
        .close = mem_close,
    };
    struct coord_mem *mem = xcalloc(1, sizeof(*mem));

    mem->coord.ops = &ops;
    mem->coord.where[COORD_MAP] = xstrdup("memory");
    mem->coord.where[COORD_SIDE] = xstrdup("side memory");
    return &mem->coord;
}

void
coord_mem_fail(struct coord *coord, unsigned n)
{
    ((struct coord_mem *)coord)->fail = n;
}
