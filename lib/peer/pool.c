#include "peer/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

enum { HOST_MAX = 255, KEY_MAX = HOST_MAX + 1 + BUF_U64_MAX };

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
    memcpy(text, host.p, host.n);
    text[host.n] = ':';
    return (struct slice){text,
                          host.n + 1 + buf_format_u64(text + host.n + 1, port)};
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
