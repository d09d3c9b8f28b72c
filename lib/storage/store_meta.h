/*
 * store_meta: the small file beside the log that says from where on it has to
 * be replayed.
 */
#ifndef FLARE_STORAGE_STORE_META_H
#define FLARE_STORAGE_STORE_META_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct store_meta {
    bool exists;
    bool clean;        /* the store was closed, size and time are noted */
    bool settled;      /* nothing that was logged is missing in the file */
    bool complete;     /* no record has a version above this one */
    bool cut;          /* log entries above seq were given up: cut them off */
    char engine[8];    /* whose file it speaks of */
    uint64_t seq;      /* entries up to here are in the engine's file */
    uint64_t version;  /* the clock */
    uint64_t size;     /* of the engine's file, bytes */
    uint64_t mtime_ns; /* of the engine's file */
};

/* A missing file is no error: out->exists is false. */
int store_meta_load(struct store_meta *out, const char *path, struct err *err);

int store_meta_save(const struct store_meta *meta, const char *path,
                    struct err *err);

/* Fill in size and mtime_ns from the engine's file. */
int store_meta_stat(struct store_meta *meta, const char *path, struct err *err);

#endif
