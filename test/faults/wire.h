/*
 * wire: a network for the daemons of one test, with faults on every link.
 *
 * Each place has a network namespace with one TUN device; a thread of the test
 * carries the packets from one to the other and cuts, delays or loses them, in
 * either direction on its own.  So neither the kernel's netem nor a firewall
 * is needed, and the packets of other programs are never touched.  Without
 * /dev/net/tun or the right to make namespaces there is still a wire, on
 * loopback addresses, that has no faults.
 */
#ifndef FLARE_TEST_FAULTS_WIRE_H
#define FLARE_TEST_FAULTS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_PLACES = 12 };

struct wire_rule {
    bool cut;               /* nothing passes */
    unsigned delay_us;      /* each packet comes so much later ... */
    unsigned jitter_us;     /* ... and up to that much more */
    unsigned loss_permille; /* so many of a thousand are lost */
};

struct wire;

/*
 * Rights of our own to mount and to make namespaces, if need be as the root of
 * a user namespace.  Call it before there are threads.  False: neither.
 */
bool wire_claim_rights(void);

/* Never NULL.  *missing: what there is no fault network for, or NULL. */
struct wire *wire_new(size_t places, uint64_t seed, const char **missing);
void wire_free(struct wire *wire);

/* Can links be cut? */
bool wire_has_faults(const struct wire *wire);

/* The address of a place; lives as long as the wire. */
const char *wire_address(const struct wire *wire, size_t place);

/* Move the calling thread, and what it starts, to a place or home again. */
void wire_enter(const struct wire *wire, size_t place);
void wire_leave(const struct wire *wire);

/* What happens to packets from one place to another. */
void wire_set(struct wire *wire, size_t from, size_t to, struct wire_rule rule);

/* Every link is as new. */
void wire_heal(struct wire *wire);

#endif
