/*
 * ulog_segment: one file of the log, mapped as long as somebody uses it.
 *
 * The log's lock covers everything but reading entries below `end`.
 */
#ifndef FLARE_STORAGE_ULOG_SEGMENT_H
#define FLARE_STORAGE_ULOG_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "storage/ulog_format.h"

struct ulog_segment {
    struct list link;
    char *path;
    char *map;
    size_t size;         /* bytes mapped */
    uint64_t file_bytes; /* what it takes on the disk */
    int fd;              /* while it may grow, else -1 */
    struct ulog_header header;
    _Atomic size_t end;     /* first byte after the last entry */
    _Atomic uint64_t last;  /* sequence of the last entry; first - 1: none */
    _Atomic bool sealed;    /* no entry will follow */
    _Atomic bool discarded; /* the file is gone */
    bool unmapped;          /* ulog_segment_unmap() was called */
    unsigned refs;          /* readers in it, and the log while it is listed */
};

/* Which run of the machine this is; zeros when it cannot be told. */
void ulog_boot_id(unsigned char *to);

/* Was it begun before the machine was started? */
bool ulog_segment_is_of_before(const struct ulog_segment *segment);

/*
 * Create the file path with room for size bytes on the disk, to be begun
 * later.  ERR_IO when there is none, or less than spare bytes beside it.
 */
int ulog_segment_prepare(struct ulog_segment **out, const char *path,
                         size_t size, uint64_t spare, struct err *err);

/*
 * A full segment that nobody uses any more can become one to be begun: its
 * pages are in memory and its blocks on the disk, so that writing to it again
 * costs a fraction of a new file.  Is it worth it?
 */
bool ulog_segment_is_reusable(const struct ulog_segment *segment, size_t size);

bool ulog_segment_rename(struct ulog_segment *segment, const char *path);

/*
 * After that: as if it was prepared.  The old entries are still there, behind
 * a zero and with smaller sequences than any to come.  False: it failed.
 */
bool ulog_segment_renew(struct ulog_segment *segment);

/*
 * Nobody writes to it any more: it need not count as memory of this process.
 * Who reads it finds the pages in the kernel's cache.
 */
void ulog_segment_unmap(struct ulog_segment *segment);

/*
 * Have the pages ready, so that no append waits for one; or at least have it
 * wait for one only, and not for the megabytes that would be read ahead.
 */
void ulog_segment_populate(struct ulog_segment *segment);
void ulog_segment_by_page(struct ulog_segment *segment);

/* Call it folder/<first>.ulog and get it ready for entries. */
int ulog_segment_begin(struct ulog_segment *segment, const char *folder,
                       uint64_t first, struct err *err);

/*
 * Map an existing file and find its end.  A torn tail is cut: the segment is
 * then sealed.  *out stays NULL with success for a file whose creation was
 * cut short (nothing was ever in it); it is removed.
 */
int ulog_segment_open(struct ulog_segment **out, const char *path,
                      struct err *err);

/* No entry will follow: note the end in the header, give much room back. */
void ulog_segment_seal(struct ulog_segment *segment);

/*
 * What follows offset `end`, behind entry `last`, never was; on the disk when
 * it returns.  No entry will follow.
 */
void ulog_segment_cut(struct ulog_segment *segment, size_t end, uint64_t last);

void ulog_segment_ref(struct ulog_segment *segment);

/* True: that was the last one, free it (which may take milliseconds). */
bool ulog_segment_unref(struct ulog_segment *segment);
void ulog_segment_free(struct ulog_segment *segment);

#endif
