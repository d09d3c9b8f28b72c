#include "net/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

enum { ACCEPT_TURN = 64, EXHAUSTED_MS = 1000 };

struct listener {
    struct loop *loop;
    int fd;
    const struct listener_ops *ops;
    void *owner;
    struct event *event;
    struct timer again;
    struct loop_item gone;
    bool paused;    /* by listener_pause() */
    bool exhausted; /* `again` is running */
    bool logged;
    bool dead;
};

static void
watch(struct listener *listener)
{
    if (listener->paused || listener->exhausted) {
        (void)event_del(listener->event);
    } else {
        (void)event_add(listener->event, NULL);
    }
}

static void
on_again(struct timer *timer)
{
    struct listener *listener = LIST_ENTRY(timer, struct listener, again);

    listener->exhausted = false;
    watch(listener);
}

/* True: go on accepting. */
static bool
accept_failed(struct listener *listener, int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        if (!listener->logged) {
            errno = error;
            log_warn_sys("cannot accept connections for now");
            listener->logged = true;
        }
        listener->exhausted = true;
        watch(listener);
        timer_once(&listener->again, EXHAUSTED_MS);
        return false;
    default:
        return true; /* that connection is gone; the next may be fine */
    }
}

/* True: go on accepting. */
static bool
accept_one(struct listener *listener)
{
    struct sock_addr from = {.len = sizeof(from.addr)};
    int fd = accept4(listener->fd, (void *)&from.addr, &from.len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        return accept_failed(listener, errno);
    }
    listener->logged = false;
    if (from.addr.ss_family != AF_UNIX) {
        sock_tune(fd);
    }
    listener->ops->on_accept(listener->owner, fd, &from);
    return !listener->dead && !listener->paused;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct listener *listener = arg;
    int left = ACCEPT_TURN;

    (void)fd;
    (void)what;
    loop_woke(listener->loop);
    while (left > 0 && accept_one(listener)) {
        left--;
    }
}

struct listener *
listener_new(struct loop *loop, int fd, const struct listener_ops *ops,
             void *owner)
{
    struct listener *listener = xcalloc(1, sizeof(*listener));

    *listener =
        (struct listener){.loop = loop, .fd = fd, .ops = ops, .owner = owner};
    timer_init(&listener->again, loop, on_again);
    listener->event =
        event_new(loop->base, fd, EV_READ | EV_PERSIST, on_readable, listener);
    if (listener->event == NULL || event_add(listener->event, NULL) != 0) {
        if (listener->event != NULL) {
            event_free(listener->event);
        }
        (void)close(fd);
        free(listener);
        return NULL;
    }
    return listener;
}

static void
on_gone(struct loop_item *item)
{
    free(LIST_ENTRY(item, struct listener, gone));
}

void
listener_free(struct listener *listener)
{
    if (listener == NULL || listener->dead) {
        return;
    }
    listener->dead = true;
    event_free(listener->event);
    timer_fini(&listener->again);
    (void)close(listener->fd);
    listener->gone.run = on_gone;
    loop_at_turn_end(listener->loop, &listener->gone);
}

uint16_t
listener_port(const struct listener *listener)
{
    return sock_port(listener->fd);
}

void
listener_pause(struct listener *listener)
{
    listener->paused = true;
    watch(listener);
}

void
listener_resume(struct listener *listener)
{
    listener->paused = false;
    watch(listener);
}
