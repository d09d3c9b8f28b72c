#include "item/item.h"

#include <string.h>

enum {
    AT_FLAGS = 0,
    AT_EXPIRE = 4,
    AT_SIZE = 12,
    AT_VERSION = 20,
    MONTH = 30 * 24 * 60 * 60, /* seconds; up to here exptime is relative */
    LONG_AGO = MONTH + 1,      /* a time in 1970 every peer takes as one */
};

static uint64_t
load(const char *p, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)(unsigned char)p[i] << (8 * i);
    }
    return value;
}

static void
save(char *p, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++) {
        p[i] = (char)(value >> (8 * i));
    }
}

bool
item_decode_header(struct slice record, struct item *out, uint64_t *size)
{
    if (record.n < ITEM_HEADER) {
        return false;
    }
    out->flags = (uint32_t)load(record.p + AT_FLAGS, 4);
    out->expire = (int64_t)load(record.p + AT_EXPIRE, 8);
    out->version = load(record.p + AT_VERSION, 8);
    out->value = (struct slice){NULL, 0};
    *size = load(record.p + AT_SIZE, 8);
    return true;
}

bool
item_decode(struct slice record, struct item *out)
{
    uint64_t size;

    if (!item_decode_header(record, out, &size) ||
        size != record.n - ITEM_HEADER) {
        return false;
    }
    out->value = (struct slice){record.p + ITEM_HEADER, (size_t)size};
    return true;
}

void
item_encode_header(char *to, const struct item *item, uint64_t size)
{
    save(to + AT_FLAGS, 4, item->flags);
    save(to + AT_EXPIRE, 8, (uint64_t)item->expire);
    save(to + AT_SIZE, 8, size);
    save(to + AT_VERSION, 8, item->version);
}

int64_t
item_expire_at(int64_t exptime, struct wall now)
{
    if (exptime < 0) {
        return LONG_AGO;
    }
    return exptime > 0 && exptime <= MONTH ? now.s + exptime : exptime;
}
