/*
 * stream: records out of a node and into one, many at a time.
 */
#ifndef FLARE_FLARE_ADMIN_STREAM_H
#define FLARE_FLARE_ADMIN_STREAM_H

#include "archive/archive.h"
#include "base/buf.h"
#include "base/clock.h"
#include "flare-admin/admin.h"

enum stream_result {
    STREAM_DONE,
    STREAM_REFUSED,     /* the node answered with an error (said) */
    STREAM_LOST,        /* the connection broke (said) */
    STREAM_INTERRUPTED, /* nothing was said */
    STREAM_STOPPED,     /* each() wanted no more */
};

/* Slices live until it returns; false: stop. */
typedef bool stream_fn(void *arg, const struct archive_record *record);

/*
 * Send a dump or dump_key command and hand out what comes; of dump_key only
 * the key.
 */
enum stream_result stream_dump(struct server *server, const char *command,
                               stream_fn *each, void *arg);

/* --- into a node -----------------------------------------------------------
 */

/* Sets on their way to one node; zeroed with `server` open is empty. */
struct sink {
    struct server *server;
    struct buf out;
    unsigned pending; /* sets in `out` */
    uint64_t stored;  /* acknowledged */
    uint64_t refused; /* answered with something else */
    char first[300];  /* the first of those answers, and its key */
    char keys[300];   /* of the sets in `out`: the first one's */
    uint64_t bytes;   /* sent */
};

/*
 * Queue a set, and send what has gathered when it is enough.  false: the
 * connection broke (said); what was not acknowledged may or may not be stored.
 */
bool sink_put(struct sink *sink, const struct archive_record *record);

/* Send the rest and wait for the answers. */
bool sink_flush(struct sink *sink);
void sink_fini(struct sink *sink);

/* --- how fast --------------------------------------------------------------
 */

/*
 * "512k", "10M", "5MB": bits a second, with B bytes a second; units are
 * powers of 1024.  Returns bytes a second, 0 for none.
 */
uint64_t bandwidth_parse(const char *text);

struct bandwidth {
    uint64_t limit; /* bytes a second, 0: none */
    uint64_t bytes;
    struct mono since;
};

/* So many bytes more; wait if that was too fast.  False: an interrupt. */
bool bandwidth_spend(struct bandwidth *b, uint64_t bytes);

#endif
