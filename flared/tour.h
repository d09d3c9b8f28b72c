/*
 * tour: a call that visits every worker, for what only each itself can say.
 */
#ifndef FLARE_FLARED_TOUR_H
#define FLARE_FLARED_TOUR_H

#include "flared/session.h"

/* Runs on this worker's thread and may append to out; false: no memory. */
typedef bool tour_visit(struct buf *out, struct worker *worker);

/*
 * Visit one worker after the other, then answer what they put into out, as
 * `finish` rewrites it (NULL: as it is; it runs on the session's thread), and
 * the last line.
 */
void tour_begin(struct session *session, const char *last_line,
                tour_visit *visit,
                bool (*finish)(struct buf *out, struct worker *worker));

#endif
