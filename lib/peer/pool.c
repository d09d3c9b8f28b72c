#include "peer/pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { HOST_MAX = 255, KEY_MAX = HOST_MAX + 8 };

void
pool_init(struct pool *pool, struct loop *loop,
          const struct peer_options *options)
{
    *pool = (struct pool){.loop = loop, .options = *options};
}

void
pool_fini(struct pool *pool)
{
    struct slice key;
    void *value;
    size_t at = 0;

    /* A request that is told may ask for another peer: look again. */
    while (strmap_next(&pool->peers, &at, &key, &value)) {
        (void)strmap_remove(&pool->peers, key);
        peer_free(value);
        at = 0;
    }
    strmap_fini(&pool->peers);
}

static struct slice
make_key(char *text, struct slice host, uint16_t port)
{
    int n =
        snprintf(text, KEY_MAX, "%.*s:%u", (int)host.n, host.p, (unsigned)port);

    return (struct slice){text, (size_t)n};
}

struct peer *
pool_get(struct pool *pool, struct slice host, uint16_t port)
{
    char text[KEY_MAX];
    struct slice key;
    struct peer *peer;

    host.n = host.n < HOST_MAX ? host.n : HOST_MAX;
    key = make_key(text, host, port);
    peer = strmap_find(&pool->peers, key);
    if (peer == NULL) {
        char *name = xstrndup(host.p, host.n);

        peer = peer_new(pool->loop, name, port, &pool->options);
        free(name);
        (void)strmap_put(&pool->peers, key, peer);
    }
    return peer;
}

void
pool_drop(struct pool *pool, struct slice host, uint16_t port)
{
    char text[KEY_MAX];

    host.n = host.n < HOST_MAX ? host.n : HOST_MAX;
    peer_free(strmap_remove(&pool->peers, make_key(text, host, port)));
}
