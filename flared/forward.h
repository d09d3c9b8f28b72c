/*
 * forward: passing a request to the node that can answer it.
 *
 * Over this worker's pipelined connection to that node; all forwards of one
 * turn leave in one write.  A write is sent once: when the connection breaks
 * after that, the client is told so and nothing is repeated.
 */
#ifndef FLARE_FLARED_FORWARD_H
#define FLARE_FLARED_FORWARD_H

#include "flared/session.h"

/*
 * Pass on a write of one key (gat in flare's form included) and relay the
 * answer.  `expire` is absolute.
 */
void forward_write(struct session *session, const struct request *req,
                   const struct node *to, int64_t expire);

/* "keys" as it came, to a reader of the first prefix. */
void forward_keys(struct session *session, const struct request *req,
                  const struct node *to);

/*
 * A meta command with its key, to the key's master or a reader; only a node of
 * this version can answer it.
 */
void forward_meta(struct session *session, const struct request *req,
                  const struct node *to);

/* Answer a request that cannot be routed (not ROUTE_LOCAL or FORWARD). */
const char *forward_refusal(enum route_kind kind);

/* What a failed forward is answered with. */
const char *forward_failure(enum peer_result result);

#endif
