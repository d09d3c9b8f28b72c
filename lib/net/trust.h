/*
 * trust: which addresses may do what only a cluster's own machines should.
 *
 * Made from an option's text, then read only.
 */
#ifndef FLARE_NET_TRUST_H
#define FLARE_NET_TRUST_H

#include "net/sock.h"

enum { TRUST_MAX = 256 }; /* entries of a list */

struct trust_rule {
    unsigned char addr[16]; /* IPv4 as ::ffff:a.b.c.d */
    unsigned bits;          /* how many of its first bits count */
};

struct trust {
    bool any;
    unsigned n;
    struct trust_rule rule[];
};

/*
 * "any", or numeric addresses and networks ("192.0.2.7", "10.0.0.0/8",
 * "2001:db8::/32") separated by commas; "" trusts nobody but this machine.
 * free() it.  ERR_CONFIG names the entry.
 */
int trust_parse(struct trust **out, const char *text, struct err *err);

/* 0 if it is such a text; the same error otherwise. */
int trust_check(const char *text, struct err *err);

/*
 * True for an address of the list, for loopback and for unix sockets: who is
 * on this machine can do worse.
 */
bool trust_allows(const struct trust *trust, const struct sock_addr *from);

/* True when both have the same IP address, whatever their ports. */
bool trust_same_host(const struct sock_addr *a, const struct sock_addr *b);

/* True when the connection comes from this very machine. */
bool trust_is_local(int fd);

#endif
