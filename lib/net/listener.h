/*
 * listener: accept, with a pause when descriptors run out.
 */
#ifndef FLARE_NET_LISTENER_H
#define FLARE_NET_LISTENER_H

#include "net/loop.h"
#include "net/sock.h"
#include "net/timer.h"

struct listener;

struct listener_ops {
    /* A new connection, tuned and non-blocking; the callee owns fd. */
    void (*on_accept)(void *owner, int fd, const struct sock_addr *from);
};

/*
 * Accept on fd (owned from here on) on the loop's thread.  At EMFILE or ENFILE
 * it pauses for a second and logs once.
 */
struct listener *listener_new(struct loop *loop, int fd,
                              const struct listener_ops *ops, void *owner);
void listener_free(struct listener *listener); /* closes fd; NULL is fine */
uint16_t listener_port(const struct listener *listener);

/* Stop and go on accepting; connections wait in the kernel meanwhile. */
void listener_pause(struct listener *listener);
void listener_resume(struct listener *listener);

#endif
