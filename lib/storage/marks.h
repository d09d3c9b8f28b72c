/*
 * marks: what meta commands have noted about keys (item/change.h), beside the
 * records, whose layout is flare's and has no room for it.
 *
 * A mark belongs to one version of a record.  Bounded: the oldest are
 * forgotten first, and a record without an entry has no marks.  Any thread.
 */
#ifndef FLARE_STORAGE_MARKS_H
#define FLARE_STORAGE_MARKS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "base/strmap.h"

struct marks {
    pthread_mutex_t lock;
    struct strmap map;
    struct list age; /* oldest first */
    _Atomic uint64_t count;
    uint64_t max;
    bool changed; /* since they were loaded or saved; under lock */
};

void marks_init(struct marks *marks, uint64_t max);
void marks_fini(struct marks *marks);

/* Note bits for this version of key, unless a later one is known. */
void marks_put(struct marks *marks, struct slice key, uint64_t version,
               unsigned bits);

/* 0: none for this version. */
unsigned marks_find(struct marks *marks, struct slice key, uint64_t version);

/* The key has this version now: forget what was noted about another. */
void marks_tidy(struct marks *marks, struct slice key, uint64_t version);

void marks_clear(struct marks *marks);

/* Call `each` for every entry; it must not come back here. */
void marks_walk(struct marks *marks,
                void (*each)(void *arg, struct slice key, uint64_t version,
                             unsigned bits),
                void *arg);

/*
 * Replace the file at path by what is noted, if that has changed; read it
 * back.  A missing file holds nothing, a damaged one is ERR_CORRUPT.
 */
int marks_save(struct marks *marks, const char *path, struct err *err);
int marks_load(struct marks *marks, const char *path, struct err *err);

#endif
