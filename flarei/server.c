#include "flarei/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/listen_set.h"

enum { BACKLOG = 4096, SWEEP_MS = 1000 };

struct server {
    struct flarei *flarei;
    struct listen_set sockets;
    struct list sessions;
    struct timer sweep;
    struct server_counts counts; /* bytes: of those who have left */
    struct log_limit full;
};

static void
on_accept(void *owner, int fd, const struct sock_addr *from)
{
    struct server *server = owner;
    const struct flarei_options *o = &server->flarei->options;
    struct session *session;
    unsigned held;

    if (server->counts.now >= o->max_connection) {
        server->counts.rejected++;
        if (log_limit_pass(&server->full, &held)) {
            log_warn("more than %ju connections: closed a new one",
                     (uintmax_t)o->max_connection);
        }
        (void)close(fd);
        return;
    }
    session = session_new(server->flarei, fd, from);
    if (session == NULL) {
        return;
    }
    conn_set_idle(session->conn, (int64_t)o->net_read_timeout * 1000);
    list_append(&server->sessions, &session->link);
    server->counts.now++;
    server->counts.total++;
}

static const struct listener_ops listener_ops = {.on_accept = on_accept};

struct session *
server_next(const struct server *server, const struct session *after)
{
    struct list *next =
        after != NULL ? after->link.next : server->sessions.next;

    return next != &server->sessions ? LIST_ENTRY(next, struct session, link)
                                     : NULL;
}

static void
on_sweep(struct timer *timer)
{
    struct server *server = LIST_ENTRY(timer, struct server, sweep);
    struct session *session = NULL;

    while ((session = server_next(server, session)) != NULL) {
        (void)conn_expire(session->conn, server->flarei->loop.now);
    }
}

void
server_reload(struct server *server)
{
    int64_t seconds = (int64_t)server->flarei->options.net_read_timeout;
    struct session *session = NULL;

    while ((session = server_next(server, session)) != NULL) {
        conn_set_idle(session->conn, seconds * 1000);
    }
}

void
server_forget(struct server *server, struct session *session)
{
    list_remove(&session->link);
    server->counts.now--;
    server->counts.bytes_in += session->conn->bytes_in;
    server->counts.bytes_out += session->conn->bytes_out;
}

struct server_counts
server_count(const struct server *server)
{
    struct server_counts counts = server->counts;
    struct session *session = NULL;

    while ((session = server_next(server, session)) != NULL) {
        counts.bytes_in += session->conn->bytes_in;
        counts.bytes_out += session->conn->bytes_out;
    }
    return counts;
}

int
server_listen(struct flarei *flarei, struct err *err)
{
    struct server *server = xcalloc(1, sizeof(*server));
    const struct flarei_options *o = &flarei->options;
    const struct listen_options options = {
        .addresses = o->bind,
        .port = (uint16_t)o->server_port,
        .unix_path = o->server_socket,
        .backlog = BACKLOG,
    };

    server->flarei = flarei;
    list_init(&server->sessions);
    timer_init(&server->sweep, &flarei->loop, on_sweep);
    flarei->server = server;
    return listen_set_open(&server->sockets, &options, err);
}

int
server_start(struct flarei *flarei, struct err *err)
{
    struct server *server = flarei->server;
    int rc = listen_set_start(&server->sockets, &flarei->loop, &listener_ops,
                              server, err);

    if (rc != 0) {
        return rc;
    }
    timer_every(&server->sweep, SWEEP_MS);
    return 0;
}

void
server_free(struct server *server)
{
    struct session *session;

    if (server == NULL) {
        return;
    }
    while ((session = server_next(server, NULL)) != NULL) {
        session_free(session);
    }
    listen_set_close(&server->sockets);
    timer_fini(&server->sweep);
    free(server);
}

uint16_t
server_port(const struct server *server)
{
    return server->sockets.port;
}
