/*
 * room: disk blocks taken before they are needed.
 *
 * Tokyo Cabinet grows its file by writing into a mapping of a hole; on a full
 * disk that is SIGBUS.  So blocks are reserved ahead of the end of the file,
 * in steps, and a write that cannot have them is refused.  Any thread.
 */
#ifndef FLARE_STORAGE_ROOM_H
#define FLARE_STORAGE_ROOM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct room {
    int fd;
    uint64_t (*used)(void *arg); /* bytes of the file that are in use */
    void *arg;
    uint64_t step;             /* bytes to reserve at a time */
    uint64_t slack;            /* what the file may grow by on its own */
    uint64_t spare;            /* left alone, for others on the disk */
    pthread_mutex_t lock;      /* allocated; changing budget upwards */
    uint64_t allocated;        /* blocks are there up to this offset */
    _Atomic int64_t budget;    /* bytes that may be used before looking */
    _Atomic int64_t in_flight; /* bytes of writes begun and not ended */
};

/*
 * fd, used, arg, step, slack and spare are set.  Blocks for the part in use
 * are taken at once.  False: there is no room even for that.
 */
bool room_init(struct room *room);
void room_fini(struct room *room);

/* False: the disk is full.  Each success is followed by a room_give(). */
bool room_take(struct room *room, uint64_t bytes);
void room_take_anyway(struct room *room, uint64_t bytes);
void room_give(struct room *room, uint64_t bytes);

/*
 * Everything in the file is on the disk afterwards.  In steps: a single fsync
 * of much data makes those wait who let the file grow meanwhile.
 */
bool room_sync(struct room *room);

/* Are so many bytes free on the disk, spare ones included? */
bool room_beside(const struct room *room, uint64_t bytes);

/* The file was cut to a new size: begin again.  Nobody writes meanwhile. */
bool room_reset(struct room *room);

#endif
