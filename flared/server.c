#include "flared/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flared/session.h"
#include "net/listen_set.h"

enum { RESERVE = 64 }; /* connections beyond max-connection for peers */

struct server {
    struct flared *node;
    struct listen_set sockets;
    unsigned next; /* worker, round robin */
    atomic_uint sessions;
    atomic_uint max;
    atomic_int_least64_t idle_ms;
    struct proto_limits proto;
    struct conn_limits conn;
};

struct newcomer {
    struct mail mail;
    struct worker *worker;
    int fd;
    bool reserved;
    struct sock_addr from;
};

static void
on_newcomer(struct mail *mail)
{
    struct newcomer *n = LIST_ENTRY(mail, struct newcomer, mail);

    session_open(n->worker, n->fd, &n->from, n->reserved);
    free(n);
}

static void
turn_away(struct server *server, int fd)
{
    static const char text[] = "ERROR Too many open connections\r\n";

    if (write(fd, text, sizeof(text) - 1) < 0) {
        log_debug("a refused connection was gone already");
    }
    (void)close(fd);
    /* Worker 0's block has an owner; this count is the control thread's. */
    atomic_fetch_add(&server->node->rejected, 1);
}

static void
on_accept(void *owner, int fd, const struct sock_addr *from)
{
    struct server *server = owner;
    unsigned now = atomic_load(&server->sessions);
    unsigned max = atomic_load(&server->max);
    struct newcomer *n;

    if (now >= max + RESERVE) {
        turn_away(server, fd);
        return;
    }
    atomic_fetch_add(&server->sessions, 1);
    n = xcalloc(1, sizeof(*n));
    n->worker = &server->node->workers[server->next];
    server->next = (server->next + 1) % server->node->nworkers;
    n->fd = fd;
    n->from = *from;
    n->reserved = now >= max;
    n->mail.deliver = on_newcomer;
    mailbox_post(&n->worker->loop.mailbox, &n->mail);
}

static const struct listener_ops listener_ops = {.on_accept = on_accept};

static int
bind_all(struct server *server, struct err *err)
{
    const struct flared_options *o = &server->node->options;
    const struct listen_options options = {
        .addresses = o->bind,
        .port = (uint16_t)o->server_port,
        .unix_path = o->server_socket,
        .backlog = (int)o->back_log,
    };

    return listen_set_open(&server->sockets, &options, err);
}

static void
set_limits(struct server *server)
{
    const struct flared_options *o = &server->node->options;

    server->proto = (struct proto_limits){
        .line_max = o->line_max,
        .key_max = o->key_max,
        .value_max = o->value_max,
        .keys_max = (unsigned)o->keys_per_get,
    };
    server->conn = (struct conn_limits){
        .in_turn = 262144,
        .out_high = o->output_high,
        .out_low = o->output_low,
    };
    server_reload(server);
}

int
server_listen(struct server **out, struct flared *node, struct err *err)
{
    struct server *server = xcalloc(1, sizeof(*server));
    struct node self = {.port = 0};
    int rc;

    server->node = node;
    node->server = server;
    set_limits(server);
    rc = guard_init(&node->guard, node->options.trusted, err);
    if (rc == 0) {
        rc = bind_all(server, err);
    }
    if (rc == 0 && !node_set_name(&self, slice_str(node->options.server_name),
                                  server->sockets.port)) {
        rc = err_set(err, ERR_CONFIG,
                     "server-name: \"%s\" is no host name of 1 to %d bytes",
                     node->options.server_name, NODE_HOST_MAX);
    }
    if (rc != 0) {
        server_free(server);
        node->server = NULL;
        return rc;
    }
    memcpy(node->self, self.key, sizeof(node->self));
    *out = server;
    return 0;
}

int
server_start(struct server *server, struct err *err)
{
    return listen_set_start(&server->sockets, &server->node->control,
                            &listener_ops, server, err);
}

void
server_stop(struct server *server)
{
    listen_set_close(&server->sockets);
}

void
server_free(struct server *server)
{
    if (server != NULL) {
        server_stop(server);
        guard_fini(&server->node->guard);
        free(server);
    }
}

uint16_t
server_port(const struct server *server)
{
    return server->sockets.port;
}

const struct proto_limits *
server_proto_limits(const struct server *server)
{
    return &server->proto;
}

const struct conn_limits *
server_conn_limits(const struct server *server)
{
    return &server->conn;
}

int64_t
server_idle_ms(const struct server *server)
{
    return atomic_load_explicit(&server->idle_ms, memory_order_relaxed);
}

void
server_session_closed(struct server *server)
{
    atomic_fetch_sub(&server->sessions, 1);
}

unsigned
server_sessions(const struct server *server)
{
    return atomic_load_explicit(&server->sessions, memory_order_relaxed);
}

unsigned
server_max(const struct server *server)
{
    return atomic_load_explicit(&server->max, memory_order_relaxed);
}

void
server_reload(struct server *server)
{
    const struct flared_options *o = &server->node->options;

    atomic_store(&server->max, (unsigned)o->max_connection);
    atomic_store(&server->idle_ms, (int64_t)o->net_read_timeout * 1000);
}
