#include <stdlib.h>

#include "base/alloc.h"
#include "coord/coord.h"

struct coord_mem {
    struct coord coord;
    struct buf state;
    bool found;
    unsigned fail; /* the how manieth save from now fails; 0: none */
};

static int
mem_load(struct coord *coord, struct buf *out, bool *found, struct err *err)
{
    struct coord_mem *mem = (struct coord_mem *)coord;

    *found = mem->found;
    if (!buf_put_slice(out, buf_slice(&mem->state))) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

static int
mem_save(struct coord *coord, struct slice bytes, struct err *err)
{
    struct coord_mem *mem = (struct coord_mem *)coord;

    if (mem->fail > 0 && --mem->fail == 0) {
        return err_set(err, ERR_IO, "write: No space left on device");
    }
    buf_clear(&mem->state);
    mem->found = true;
    if (!buf_put_slice(&mem->state, bytes)) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

static void
mem_close(struct coord *coord)
{
    struct coord_mem *mem = (struct coord_mem *)coord;

    buf_fini(&mem->state);
    free(coord->where);
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
    mem->coord.where = xstrdup("memory");
    return &mem->coord;
}

void
coord_mem_fail(struct coord *coord, unsigned n)
{
    ((struct coord_mem *)coord)->fail = n;
}
