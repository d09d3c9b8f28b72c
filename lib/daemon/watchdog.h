/*
 * watchdog: telling systemd that we are alive, while every loop turns.
 *
 * The process is killed and started anew (WatchdogSec= of its unit) when a loop
 * that is watched has hung for that long.  Without a watchdog in systemd it
 * does nothing.
 */
#ifndef FLARE_DAEMON_WATCHDOG_H
#define FLARE_DAEMON_WATCHDOG_H

#include "net/timer.h"

struct watchdog;

/*
 * Begin on this loop, which is watched itself; before it runs or on its thread.
 * NULL, which the other functions ignore, when nobody waits for our word.
 */
struct watchdog *watchdog_new(struct loop *loop);

/* Another loop that has to turn; it must be running until the end. */
void watchdog_watch(struct watchdog *watchdog, struct loop *loop);

/* After loop_fini() of the loops that are watched, before that of its own. */
void watchdog_free(struct watchdog *watchdog);

#endif
