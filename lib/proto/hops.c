#include "proto/words.h"

bool
hops_contain(struct slice hops, struct slice self)
{
    while (hops.n > 0) {
        if (slice_eq(slice_until(&hops, ','), self)) {
            return true;
        }
    }
    return false;
}

unsigned
hops_count(struct slice hops)
{
    unsigned n = 0;

    while (hops.n > 0) {
        n += slice_until(&hops, ',').n > 0;
    }
    return n;
}

static void
take_entry(struct slice entry, struct request *req)
{
    const struct slice number = {entry.p + 1, entry.n - 1};

    switch (*entry.p) {
    case 'v':
        req->tell_version = true;
        break;
    case 'u':
        req->has_unique =
            slice_u64(number, UINT64_MAX, &req->unique) || req->has_unique;
        break;
    case 'n':
        req->create =
            slice_u64(number, UINT64_MAX, &req->initial) || req->create;
        break;
    case 'e':
        (void)slice_i64(number, 0, INT64_MAX, &req->exptime);
        break;
    default: /* a later version's */
        break;
    }
}

static void
take_note(struct slice note, struct request *req)
{
    while (note.n > 0) {
        struct slice entry = slice_until(&note, ':');

        if (entry.n > 0) {
            take_entry(entry, req);
        }
    }
}

void
hops_take_note(struct slice *hops, struct request *req)
{
    while (hops->n > 0 && *hops->p == '?') {
        struct slice note = slice_until(hops, ',');

        take_note((struct slice){note.p + 1, note.n - 1}, req);
    }
}
