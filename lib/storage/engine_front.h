/*
 * engine_front: a bounded table of recent writes before another engine.
 *
 * A put or remove ends in memory; a thread of its own carries the oldest ones
 * to the engine behind, in the order they came, so that many overwrites of a
 * key cost one put there and no request waits for the file.  A get looks at
 * the table first.  What is in the table is lost with the process: the update
 * log before it (storage/store.h) makes it safe.  When the table is full,
 * writers wait for the engine.
 *
 * Keeps the contract of storage/engine.h, with one relief: put and remove may
 * fail later, behind the caller's back; then the next ones are refused.
 */
#ifndef FLARE_STORAGE_ENGINE_FRONT_H
#define FLARE_STORAGE_ENGINE_FRONT_H

#include "storage/engine.h"

/* The engines of storage/engine.h behind a table. */
extern const struct engine_ops engine_hash_front;
extern const struct engine_ops engine_btree_front;

struct engine_front {
    const struct engine_ops *own;    /* like one of the above, with an open
                                        of its own */
    const struct engine_ops *behind; /* any engine */
};

/* engine_ops.open with another engine behind the table. */
int engine_front_open(const struct engine_front *front, struct engine **out,
                      const struct store_options *options, const char *path,
                      struct engine_found *found, struct err *err);

#endif
