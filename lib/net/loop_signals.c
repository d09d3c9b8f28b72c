#include "net/loop_signals.h"

#include <event2/event.h>
#include <signal.h>

static const int watched[] = {SIGTERM, SIGINT, SIGHUP};

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
    struct loop_signals *signals = arg;

    (void)what;
    loop_woke(signals->loop);
    if (sig == SIGHUP) {
        signals->on_reload(signals->arg);
    } else {
        signals->on_stop(signals->arg, (int)sig);
    }
}

int
loop_signals_start(struct loop_signals *signals, struct loop *loop,
                   struct err *err)
{
    signals->loop = loop;
    for (unsigned i = 0; i < 3; i++) {
        struct event *event =
            evsignal_new(loop->base, watched[i], on_signal, signals);

        signals->event[i] = event;
        if (event == NULL || event_add(event, NULL) != 0) {
            return err_set(err, ERR_NOMEM, "signal %d: out of memory",
                           watched[i]);
        }
    }
    return 0;
}

void
loop_signals_stop(struct loop_signals *signals)
{
    for (unsigned i = 0; i < 3; i++) {
        if (signals->event[i] != NULL) {
            event_free(signals->event[i]);
            signals->event[i] = NULL;
        }
    }
}
