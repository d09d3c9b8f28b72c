/*
 * guard: who may do what belongs to the cluster's own machines.
 *
 * The option "trusted" says whom this node takes orders from.  A map is taken
 * from an index server, from this machine or from whom that option names, and
 * from nobody else: with a false map a node would lose its place, or its data
 * (spec: control-plane 9, C4).
 */
#ifndef FLARE_FLARED_GUARD_H
#define FLARE_FLARED_GUARD_H

#include <stdatomic.h>

#include "base/err.h"
#include "net/trust.h"

struct request;
struct session;

enum { GUARD_INDEXES = 32 };

struct guard {
    struct trust *trust;
    /* Where index servers were met; only added to, by the control thread. */
    struct sock_addr index[GUARD_INDEXES];
    atomic_uint nindexes;
};

/* ERR_CONFIG: `trusted` is no such list. */
int guard_init(struct guard *guard, const char *trusted, struct err *err);
void guard_fini(struct guard *guard);

/* Control thread: an index server is there. */
void guard_add_index(struct guard *guard, const struct sock_addr *addr);

/* The following: any thread. */

/* An index server was met at that address. */
bool guard_is_index(const struct guard *guard, const struct sock_addr *from);

/* A connection from there may do everything. */
bool guard_trusts(const struct guard *guard, const struct sock_addr *from,
                  int fd);

/* True: the request is not for this one, who is not trusted; it is answered. */
bool guard_refuses(struct session *session, const struct request *req);

/* False: no map is taken from there; it is answered. */
bool guard_takes_map(struct session *session, const struct request *req);

#endif
