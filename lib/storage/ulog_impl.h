/*
 * ulog_impl: what ulog.c and ulog_reader.c share.
 */
#ifndef FLARE_STORAGE_ULOG_IMPL_H
#define FLARE_STORAGE_ULOG_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "storage/ulog.h"
#include "storage/ulog_segment.h"

struct ulog {
    char *folder;
    int lock_fd; /* the folder, with an advisory lock */
    uint64_t segment_bytes;
    uint64_t keep_bytes;
    uint64_t spare_bytes;
    pthread_mutex_t lock; /* everything below that is not atomic */
    struct list segments; /* oldest first; appends go to the last */
    struct list dropped;  /* deleted, the files still there */
    unsigned ndropped;
    bool tidying;               /* the first of them is being deleted */
    struct ulog_segment *spare; /* made ready to be the next, or NULL */
    char *spare_path;
    uint64_t total_bytes;  /* of the segment files */
    uint64_t protected_at; /* entries above it stay */
    _Atomic uint64_t first;
    _Atomic uint64_t last;
    _Atomic uint64_t version;
    _Atomic uint64_t appended;
    _Atomic bool untidy; /* there is work for ulog_tend() */
    _Atomic bool armed;
    void (*wake)(void *);
    void *wake_arg;
};

#endif
