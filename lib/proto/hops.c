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
        req->has_unique = slice_u64(number, UINT64_MAX, &req->unique);
        break;
    case 'n':
        req->create = slice_u64(number, UINT64_MAX, &req->initial);
        break;
    case 'e':
        (void)slice_i64(number, 0, INT64_MAX, &req->exptime);
        break;
    default: /* a later version's */
        break;
    }
}

void
hops_take_note(struct slice *hops, struct request *req)
{
    struct slice note, entry;

    if (hops->n == 0 || *hops->p != '?') {
        return;
    }
    note = slice_until(hops, ',');
    note.p++;
    note.n--;
    while (note.n > 0) {
        entry = slice_until(&note, ':');
        if (entry.n > 0) {
            take_entry(entry, req);
        }
    }
}
