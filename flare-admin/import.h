/*
 * import: every record of another store, by its own protocol.
 */
#ifndef FLARE_FLARE_ADMIN_IMPORT_H
#define FLARE_FLARE_ADMIN_IMPORT_H

#include "flare-admin/stream.h"
#include "flare-admin/wire.h"

struct import {
    struct wire wire;
    stream_fn *each; /* false: stop */
    void *arg;
    uint64_t skipped; /* what has no place in flare: other types, odd keys */
    char first[160];  /* the first of them */
};

/* 0; 1: each() stopped it; or an error. */
int import_memcached(struct import *im, struct err *err);
int import_redis(struct import *im, struct err *err);

/* True when flare takes this key: 1 to 250 bytes above blank. */
bool import_key_fits(struct slice key);
void import_skip(struct import *im, struct slice key, const char *why);

#endif
