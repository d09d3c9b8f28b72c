#include "flarei/server.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/listener.h"

enum {
    ADDRESSES_MAX = 16,
    BACKLOG = 4096,
    SOCKET_MODE = 0777, /* as flare has it */
    SWEEP_MS = 1000
};

struct server {
    struct flarei *flarei;
    int fds[ADDRESSES_MAX]; /* bound, not accepted on yet */
    unsigned nfds;
    struct listener *listeners[ADDRESSES_MAX];
    unsigned nlisteners;
    uint16_t port;
    char *unix_path;
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

static int
bind_one(struct server *server, const char *host, struct err *err)
{
    struct sock_addr addrs[4];
    int n = sock_resolve(host, server->port, addrs, 4, err);

    if (n < 0) {
        return err_wrap(err, "bind");
    }
    for (int i = 0; i < n; i++) {
        int fd;

        if (server->nfds == ADDRESSES_MAX) {
            return err_set(err, ERR_CONFIG, "bind: more than %d addresses",
                           ADDRESSES_MAX);
        }
        fd = sock_listen(&addrs[i], BACKLOG, err);
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
    const struct flarei_options *o = &server->flarei->options;
    struct slice rest = slice_str(o->bind);

    server->port = (uint16_t)o->server_port;
    while (rest.n > 0) {
        struct slice word = slice_until(&rest, ',');
        char *host = xstrndup(word.p, word.n);
        int rc = bind_one(server, host, err);

        free(host);
        if (rc != 0) {
            return rc;
        }
    }
    if (o->server_socket[0] != '\0') {
        int fd =
            server->nfds < ADDRESSES_MAX
                ? sock_listen_unix(o->server_socket, SOCKET_MODE, BACKLOG, err)
                : err_set(err, ERR_CONFIG, "too many addresses");

        if (fd < 0) {
            return fd;
        }
        server->fds[server->nfds++] = fd;
        server->unix_path = xstrdup(o->server_socket);
    }
    return server->nfds > 0
               ? 0
               : err_set(err, ERR_CONFIG, "bind: no address to listen on");
}

int
server_listen(struct flarei *flarei, struct err *err)
{
    struct server *server = xcalloc(1, sizeof(*server));

    server->flarei = flarei;
    list_init(&server->sessions);
    timer_init(&server->sweep, &flarei->loop, on_sweep);
    flarei->server = server;
    return bind_all(server, err);
}

int
server_start(struct flarei *flarei, struct err *err)
{
    struct server *server = flarei->server;

    while (server->nfds > 0) {
        struct listener *listener = listener_new(
            &flarei->loop, server->fds[--server->nfds], &listener_ops, server);

        if (listener == NULL) {
            return err_set(err, ERR_NOMEM, "listen: out of memory");
        }
        server->listeners[server->nlisteners++] = listener;
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
    while (server->nlisteners > 0) {
        listener_free(server->listeners[--server->nlisteners]);
    }
    while (server->nfds > 0) {
        (void)close(server->fds[--server->nfds]);
    }
    if (server->unix_path != NULL) {
        (void)unlink(server->unix_path);
        free(server->unix_path);
    }
    timer_fini(&server->sweep);
    free(server);
}

uint16_t
server_port(const struct server *server)
{
    return server->port;
}
