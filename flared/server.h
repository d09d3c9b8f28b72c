/*
 * server: the listening sockets and how connections reach the workers.
 *
 * Control thread, except where it says otherwise.
 */
#ifndef FLARE_FLARED_SERVER_H
#define FLARE_FLARED_SERVER_H

#include "flared/flared.h"
#include "net/conn.h"
#include "proto/request.h"

/*
 * Bind every address of the options and the unix socket, without accepting
 * yet; node->self is filled in with the port that was bound.
 */
int server_listen(struct server **out, struct flared *node, struct err *err);

/* Begin to hand connections to the workers, which must be running. */
int server_start(struct server *server, struct err *err);

/* Accept no more; the sockets are closed and the unix socket removed. */
void server_stop(struct server *server);
void server_free(struct server *server); /* NULL is fine */

uint16_t server_port(const struct server *server);

/* The following: any thread. */
const struct proto_limits *server_proto_limits(const struct server *server);
const struct conn_limits *server_conn_limits(const struct server *server);
int64_t server_idle_ms(const struct server *server);
void server_session_closed(struct server *server);
unsigned server_sessions(const struct server *server);
unsigned server_max(const struct server *server); /* max-connection */

/* max-connection and net-read-timeout after a reload. */
void server_reload(struct server *server);

#endif
