/*
 * ask: blocking request and reply, for the tools, the tests and start-up.
 *
 * Never used on a loop's thread.
 */
#ifndef FLARE_PEER_ASK_H
#define FLARE_PEER_ASK_H

#include "base/buf.h"
#include "base/err.h"
#include "proto/reply_parse.h"

struct ask;

/* Connect within ms.  ERR_UNAVAILABLE or ERR_IO names address and reason. */
int ask_open(struct ask **out, const char *host, uint16_t port, int64_t ms,
             struct err *err);
void ask_close(struct ask *ask); /* NULL is fine */

/* Limit for each further call, in ms; 0: none. */
void ask_set_timeout(struct ask *ask, int64_t ms);

/*
 * Send bytes as they are.  ERR_IO, ERR_UNAVAILABLE (timeout) as above; the
 * connection is of no further use then.
 */
int ask_send(struct ask *ask, struct slice bytes, struct err *err);

/*
 * The next piece of the answer; slices live until the next call.  ERR_CORRUPT:
 * it is no answer.  ERR_UNAVAILABLE: timeout (sys is ETIMEDOUT; it may be
 * called again) or end of stream.
 */
int ask_next(struct ask *ask, enum reply_expect expect, struct reply *out,
             struct err *err);

/* Send line + "\r\n" and read an answer of one line. */
int ask_line(struct ask *ask, struct reply *out, struct err *err,
             const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
