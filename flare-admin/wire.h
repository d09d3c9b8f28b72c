/*
 * wire: a connection to somebody else's server, line by line.
 *
 * For import: memcached and Redis.  Blocking, with a deadline on every wait.
 */
#ifndef FLARE_FLARE_ADMIN_WIRE_H
#define FLARE_FLARE_ADMIN_WIRE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct wire {
    int fd;
    int64_t timeout_ms;
    struct buf in;
    size_t used; /* of `in`, by what was handed out last */
    char name[280];
};

int wire_open(struct wire *w, const char *host, uint16_t port,
              int64_t timeout_ms, struct err *err);
void wire_close(struct wire *w);

int wire_send(struct wire *w, struct slice bytes, struct err *err);

/* A line without its end, or exactly n bytes; good until the next call. */
int wire_line(struct wire *w, struct slice *out, struct err *err);
int wire_bytes(struct wire *w, size_t n, struct slice *out, struct err *err);

#endif
