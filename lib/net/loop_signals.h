/*
 * loop_signals: SIGTERM, SIGINT and SIGHUP as calls on a loop's thread.
 *
 * The other threads must have them blocked (daemon/signals.h).
 */
#ifndef FLARE_NET_LOOP_SIGNALS_H
#define FLARE_NET_LOOP_SIGNALS_H

#include "net/loop.h"

struct event;

struct loop_signals {
    struct event *event[3];
    struct loop *loop;
    void (*on_stop)(void *arg, int sig); /* SIGTERM or SIGINT; may repeat */
    void (*on_reload)(void *arg);        /* SIGHUP */
    void *arg;
};

/* The caller has set on_stop, on_reload and arg.  ERR_NOMEM. */
int loop_signals_start(struct loop_signals *signals, struct loop *loop,
                       struct err *err);

/* Zeroed storage, or stopped already, is fine. */
void loop_signals_stop(struct loop_signals *signals);

#endif
