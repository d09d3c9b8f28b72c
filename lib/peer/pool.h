/*
 * pool: a thread's peers, by address.
 */
#ifndef FLARE_PEER_POOL_H
#define FLARE_PEER_POOL_H

#include "base/strmap.h"
#include "peer/peer.h"

struct pool {
    struct loop *loop;
    struct peer_options options;
    struct strmap peers; /* "host:port" -> struct peer */
};

void pool_init(struct pool *pool, struct loop *loop,
               const struct peer_options *options);
void pool_fini(struct pool *pool);

/* The peer of that address, made on first use. */
struct peer *pool_get(struct pool *pool, struct slice host, uint16_t port);

/* Drop it if it is there (it left the map). */
void pool_drop(struct pool *pool, struct slice host, uint16_t port);

#endif
