/*
 * server: the addresses the index listens on and who is connected.
 */
#ifndef FLARE_FLAREI_SERVER_H
#define FLARE_FLAREI_SERVER_H

#include "flarei/session.h"

struct server_counts {
    uint64_t now;   /* connections */
    uint64_t total; /* since the start */
    uint64_t rejected;
    uint64_t bytes_in, bytes_out;
};

/* Bind; nobody is accepted yet.  Errors name the address. */
int server_listen(struct flarei *flarei, struct err *err);

/* Begin to accept. */
int server_start(struct flarei *flarei, struct err *err);
void server_free(struct server *server); /* NULL is fine */

/* The port that is bound; it may have been chosen by the system. */
uint16_t server_port(const struct server *server);

/* Options have changed. */
void server_reload(struct server *server);

void server_forget(struct server *server, struct session *session);

/* Sessions in the order they came; start with NULL. */
struct session *server_next(const struct server *server,
                            const struct session *after);
struct server_counts server_count(const struct server *server);

#endif
