/*
 * signals: who gets them.
 *
 * The daemons let one event loop handle SIGTERM, SIGINT and SIGHUP; every other
 * thread keeps them blocked, so that no system call there is cut short.
 */
#ifndef FLARE_DAEMON_SIGNALS_H
#define FLARE_DAEMON_SIGNALS_H

#include <signal.h>

/*
 * Once, in main(): a write to a closed connection is an error, not the end.
 */
void signals_init(void);

/*
 * Block all signals but those of crashes in the calling thread; threads it
 * starts inherit that.  *old is for signals_restore().
 */
void signals_block(sigset_t *old);
void signals_restore(const sigset_t *old);

#endif
