/*
 * dial: sockets that connect to one host, an address after the other.
 *
 * A name is looked up when there is need, without stopping the loop, and what
 * was found is used for a minute; numeric addresses and localhost need no look.
 */
#ifndef FLARE_PEER_DIAL_H
#define FLARE_PEER_DIAL_H

#include "net/resolve.h"

struct dial {
    struct loop *loop;
    char *host;
    uint16_t port;
    bool numeric; /* no need to look the name up */
    struct sock_addr addr[RESOLVE_MAX];
    unsigned count;
    unsigned next; /* to try */
    struct mono resolved;
    struct resolve *resolving; /* NULL: not now */
    int error;                 /* of the first address tried; 0: none failed */
    void (*ready)(struct dial *dial);
};

enum dial_state {
    DIAL_READY,  /* ask for sockets with dial_next() */
    DIAL_WAIT,   /* `ready` is called when the name was looked up */
    DIAL_FAILED, /* see error */
};

/* host is copied. */
void dial_init(struct dial *dial, struct loop *loop, const char *host,
               uint16_t port, void (*ready)(struct dial *dial));
void dial_fini(struct dial *dial);

/* Start anew with the first address. */
enum dial_state dial_begin(struct dial *dial);

/* Again with the first address of those known, without looking anything up. */
void dial_again(struct dial *dial);

/* A socket that is connecting, or -1: no address is left, see error. */
int dial_next(struct dial *dial);

/* The socket of dial_next() came to nothing; the first such reason is kept. */
void dial_note(struct dial *dial, int error);

/* `ready` is not called any more. */
void dial_cancel(struct dial *dial);

#endif
