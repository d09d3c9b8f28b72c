/*
 * start: a node from its options to its end.
 */
#ifndef FLARE_FLARED_START_H
#define FLARE_FLARED_START_H

#include "conf/conf.h"
#include "flared/flared.h"

/*
 * Start everything, serve until a signal says stop, end in order.  Returns the
 * exit status; what went wrong is in the log and on standard error.
 */
int node_main(struct flared *node);

#endif
