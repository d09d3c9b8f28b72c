/*
 * handover: a master makes way for one of its slaves, asked by the index.
 *
 * Writes are held, what was being applied is waited for, then the slave has to
 * confirm the last entry; the answer "OK EPOCH SEQ" says that it has all.  The
 * master goes on when a newer map arrives, when the index hangs up, or when
 * the time is up.
 */
#ifndef FLARE_FLARED_HANDOVER_H
#define FLARE_FLARED_HANDOVER_H

#include "flared/session.h"

/* "repl handover HOST:PORT" */
void handover_begin(struct session *session, const struct request *req);

/* The session that asked for it is closing. */
void handover_hang_up(struct session *session);

#endif
