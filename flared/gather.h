/*
 * gather: one answer from several nodes, in the order of the keys.
 *
 * The keys of a get are grouped by the node that is asked for them, one
 * request a node; a node that cannot answer is replaced once by another copy.
 * gat touches each key at its master.  When some key has nobody to answer for
 * it, the answer is one error line, not a miss: a client that takes a failure
 * for a miss may put old data back.
 */
#ifndef FLARE_FLARED_GATHER_H
#define FLARE_FLARED_GATHER_H

#include "flared/session.h"

void gather_get(struct session *session, const struct request *req);
void gather_gat(struct session *session, const struct request *req);

#endif
