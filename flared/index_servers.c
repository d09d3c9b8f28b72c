#include "flared/index_servers.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"

static void
add(struct index_servers *servers, struct slice address)
{
    size_t n = address.n;
    uint64_t port = 0;

    while (n > 0 && address.p[n - 1] != ':') {
        n--;
    }
    if (n < 2 || servers->count == INDEX_SERVERS_MAX ||
        !slice_u64((struct slice){address.p + n, address.n - n}, UINT16_MAX,
                   &port) ||
        port == 0) {
        log_error("\"%s\" is no address of an index server, or one too many",
                  log_text(address).text);
        return;
    }
    servers->server[servers->count++] =
        (struct index_server){xstrndup(address.p, n - 1), (uint16_t)port};
}

void
index_servers_read(struct index_servers *servers, struct slice list)
{
    index_servers_fini(servers);
    while (list.n > 0) {
        add(servers, slice_until(&list, ','));
    }
}

void
index_servers_fini(struct index_servers *servers)
{
    for (unsigned i = 0; i < servers->count; i++) {
        free(servers->server[i].host);
    }
    *servers = (struct index_servers){.count = 0};
}

const struct index_server *
index_servers_current(const struct index_servers *servers)
{
    return servers->count > 0 ? &servers->server[servers->turn] : NULL;
}

void
index_servers_next(struct index_servers *servers)
{
    servers->turn++;
    if (servers->turn >= servers->count) {
        servers->turn = 0;
    }
}
