#include "flared/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flared/session.h"
#include "net/listener.h"

enum {
    ADDRESSES_MAX = 16,
    RESERVE = 64, /* connections beyond max-connection for peers */
    SOCKET_MODE = 0777,
};

struct server {
    struct flared *node;
    int fds[ADDRESSES_MAX + 1];
    unsigned nfds;
    uint16_t port;
    char *unix_path;
    struct listener *listeners[ADDRESSES_MAX + 1];
    unsigned nlisteners;
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
bind_one(struct server *server, const char *host, uint16_t port,
         struct err *err)
{
    struct sock_addr addrs[4];
    int backlog = (int)server->node->options.back_log;
    int n = sock_resolve(host, port, addrs, 4, err);

    if (n < 0) {
        return err_wrap(err, "bind");
    }
    for (int i = 0; i < n; i++) {
        int fd;

        if (server->nfds == ADDRESSES_MAX) {
            return err_set(err, ERR_CONFIG, "bind: more than %d addresses",
                           ADDRESSES_MAX);
        }
        fd = sock_listen(&addrs[i], backlog, err);
        if (fd < 0) {
            return fd;
        }
        server->fds[server->nfds++] = fd;
        if (server->port == 0) {
            server->port = sock_port(fd);
        }
    }
    return 0;
}

/* All addresses share one port: the first decides when it is to be chosen. */
static int
bind_all(struct server *server, struct err *err)
{
    const struct flared_options *o = &server->node->options;
    struct slice rest = slice_str(o->bind);

    server->port = (uint16_t)o->server_port;
    while (rest.n > 0) {
        struct slice word = slice_until(&rest, ',');
        char *host = xstrndup(word.p, word.n);
        int rc = bind_one(server, host, server->port, err);

        free(host);
        if (rc != 0) {
            return rc;
        }
    }
    if (o->server_socket[0] != '\0') {
        int fd = sock_listen_unix(o->server_socket, SOCKET_MODE,
                                  (int)o->back_log, err);

        if (fd < 0) {
            return fd;
        }
        server->fds[server->nfds++] = fd;
        server->unix_path = xstrdup(o->server_socket);
    }
    return 0;
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
    rc = bind_all(server, err);
    if (rc == 0 && server->nfds == 0) {
        rc = err_set(err, ERR_CONFIG, "bind: no address to listen on");
    }
    if (rc == 0 && !node_set_name(&self, slice_str(node->options.server_name),
                                  server->port)) {
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
    while (server->nfds > 0) {
        struct listener *listener =
            listener_new(&server->node->control, server->fds[--server->nfds],
                         &listener_ops, server);

        if (listener == NULL) {
            return err_set(err, ERR_NOMEM, "listen: out of memory");
        }
        server->listeners[server->nlisteners++] = listener;
    }
    return 0;
}

void
server_stop(struct server *server)
{
    while (server->nlisteners > 0) {
        listener_free(server->listeners[--server->nlisteners]);
    }
    while (server->nfds > 0) {
        (void)close(server->fds[--server->nfds]);
    }
    if (server->unix_path != NULL) {
        (void)unlink(server->unix_path);
        free(server->unix_path);
        server->unix_path = NULL;
    }
}

void
server_free(struct server *server)
{
    if (server != NULL) {
        server_stop(server);
        free(server);
    }
}

uint16_t
server_port(const struct server *server)
{
    return server->port;
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
