#include "storage/room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const uint64_t sync_step = 8 << 20;
static const uint64_t large_write = 16 << 10;

bool
room_beside(const struct room *room, uint64_t bytes)
{
    struct statvfs st;

    return fstatvfs(room->fd, &st) != 0 ||
           (uint64_t)st.f_bavail * st.f_frsize > bytes;
}

static bool
is_free(const struct room *room, uint64_t bytes)
{
    return room_beside(room, bytes + room->spare);
}

static bool
allocate(struct room *room, uint64_t to)
{
    uint64_t from = room->allocated;
    int rc;

    if (to <= from) {
        return true;
    }
    do {
        rc = fallocate(room->fd, FALLOC_FL_KEEP_SIZE, (off_t)from,
                       (off_t)(to - from));
    } while (rc != 0 && errno == EINTR);
    if (rc != 0 && errno != EOPNOTSUPP) {
        return false;
    }
    room->allocated = to;
    return true;
}

static bool
extend(struct room *room, uint64_t to)
{
    return is_free(room, to - room->allocated) && allocate(room, to);
}

/* Under the lock: blocks for all writes under way, and some more. */
static bool
refill(struct room *room)
{
    uint64_t need = room->used(room->arg) + room->slack +
                    (uint64_t)atomic_load(&room->in_flight);

    atomic_store(&room->budget, 0);
    if (need > room->allocated && !extend(room, need + room->step) &&
        !extend(room, need)) {
        return false;
    }
    atomic_store(&room->budget, (int64_t)(room->allocated - need));
    return true;
}

bool
room_init(struct room *room)
{
    (void)pthread_mutex_init(&room->lock, NULL);
    return room_reset(room);
}

void
room_fini(struct room *room)
{
    (void)pthread_mutex_destroy(&room->lock);
}

bool
room_reset(struct room *room)
{
    bool ok;

    (void)pthread_mutex_lock(&room->lock);
    room->allocated = 0;
    ok = allocate(room, room->used(room->arg));
    if (ok) {
        (void)refill(room);
    }
    (void)pthread_mutex_unlock(&room->lock);
    return ok;
}

bool
room_take(struct room *room, uint64_t bytes)
{
    int64_t n = (int64_t)bytes;
    bool ok;

    atomic_fetch_add(&room->in_flight, n);
    if (bytes <= large_write && atomic_fetch_sub(&room->budget, n) >= n) {
        return true;
    }
    (void)pthread_mutex_lock(&room->lock);
    ok = refill(room);
    (void)pthread_mutex_unlock(&room->lock);
    if (!ok) {
        atomic_fetch_sub(&room->in_flight, n);
    }
    return ok;
}

void
room_take_anyway(struct room *room, uint64_t bytes)
{
    atomic_fetch_add(&room->in_flight, (int64_t)bytes);
}

void
room_give(struct room *room, uint64_t bytes)
{
    atomic_fetch_sub(&room->in_flight, (int64_t)bytes);
}

bool
room_sync(struct room *room)
{
    uint64_t end = room->used(room->arg);

    for (uint64_t at = 0; at < end; at += sync_step) {
        (void)sync_file_range(room->fd, (off_t)at, (off_t)sync_step,
                              SYNC_FILE_RANGE_WAIT_BEFORE |
                                  SYNC_FILE_RANGE_WRITE |
                                  SYNC_FILE_RANGE_WAIT_AFTER);
    }
    return fsync(room->fd) == 0;
}
