/*
 * index_servers: where the index may be found, in the order of the option.
 */
#ifndef FLARE_FLARED_INDEX_SERVERS_H
#define FLARE_FLARED_INDEX_SERVERS_H

#include <stdint.h>

#include "base/slice.h"

enum { INDEX_SERVERS_MAX = 16 };

struct index_server {
    char *host;
    uint16_t port;
};

/* Zeroed storage is an empty list. */
struct index_servers {
    struct index_server server[INDEX_SERVERS_MAX];
    unsigned count;
    unsigned turn; /* whose it is */
};

/* "host:port,host:port"; what is no address is left out, with a log line. */
void index_servers_read(struct index_servers *servers, struct slice list);
void index_servers_fini(struct index_servers *servers);

/* The one whose turn it is, or NULL: there is none. */
const struct index_server *
index_servers_current(const struct index_servers *servers);

/* It could not be reached, or did not want us. */
void index_servers_next(struct index_servers *servers);

#endif
