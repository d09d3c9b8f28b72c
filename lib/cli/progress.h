/*
 * progress: how far a long piece of work is, how fast, and how long still.
 *
 * On a terminal a bar that is drawn over itself; elsewhere a line now and
 * then.  Nothing is shown of what is over within a second.
 */
#ifndef FLARE_CLI_PROGRESS_H
#define FLARE_CLI_PROGRESS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"

struct progress {
    const char *what; /* what is being worked on; borrowed */
    const char *unit; /* of done and total: "entries" */
    uint64_t total;   /* 0: not known */
    uint64_t done, bytes;
    struct mono since, shown;
    bool terminal; /* standard error is one */
    bool drawn;
};

void progress_start(struct progress *p, const char *what, const char *unit,
                    uint64_t total);

/* So much is done now; may be called as often as one likes. */
void progress_at(struct progress *p, uint64_t done, uint64_t bytes);

/* The bar disappears. */
void progress_end(struct progress *p);

/* The line shown after elapsed_ms; pure, without line end. */
void progress_put(const struct progress *p, int64_t elapsed_ms,
                  struct buf *out);

/* 1536 -> "1.5 KB"; to has room for 32 bytes. */
void progress_bytes(uint64_t bytes, char *to);

#endif
