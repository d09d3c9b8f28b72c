/*
 * resolve: look a name up without stopping the loop.
 *
 * The system's resolver can only be asked by waiting, so a thread of its own
 * waits, once per lookup, and the answer comes back as mail.
 */
#ifndef FLARE_NET_RESOLVE_H
#define FLARE_NET_RESOLVE_H

#include "net/loop.h"
#include "net/sock.h"

enum { RESOLVE_MAX = 4 }; /* addresses of one name that are looked at */

struct resolve;

/*
 * Look host up; `done` is called on the loop's thread with count addresses, or
 * 0 when there are none.  NULL: no thread could be started, done is not called.
 */
struct resolve *resolve_start(
    struct loop *loop, const char *host, uint16_t port,
    void (*done)(void *owner, const struct sock_addr *found, unsigned count),
    void *owner);

/* `done` will not be called.  Not after it was; NULL is fine. */
void resolve_cancel(struct resolve *resolve);

/* For loop_fini(): lookups still under way end without anybody to tell. */
void resolver_detach(struct resolver *resolver);

#endif
