/*
 * sock: addresses, listening, connecting; the one place that classifies errno.
 *
 * Every socket it returns is non-blocking and close-on-exec.
 */
#ifndef FLARE_NET_SOCK_H
#define FLARE_NET_SOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/slice.h"

struct sock_addr {
    struct sockaddr_storage addr;
    socklen_t len; /* 0: none */
};

/*
 * Name and port to addresses, at most max; returns how many, or a negative
 * code with err set.  Numeric names never block; others may ask the resolver.
 * An IPv6 address may stand in brackets.
 * No host ("" or NULL): every address of this machine, to listen on, IPv4
 * first.
 */
int sock_resolve(const char *host, uint16_t port, struct sock_addr *out,
                 unsigned max, struct err *err);

/* True when host needs no resolver (numeric, or "localhost"). */
bool sock_is_numeric(const char *host);

/* "1.2.3.4:5", "[::1]:5" or "unix" into text. */
void sock_format(const struct sock_addr *addr, char *text, size_t size);

/* A listening socket, or a negative code with err set. */
int sock_listen(const struct sock_addr *addr, int backlog, struct err *err);

/*
 * A unix socket at path with this mode.  A left-over file that nobody listens
 * on is replaced.
 */
int sock_listen_unix(const char *path, unsigned mode, int backlog,
                     struct err *err);

/* Begin to connect; the result shows when it is writable.  -1: errno. */
int sock_connect(const struct sock_addr *addr);

/* The pending error of a socket: 0 or an errno. */
int sock_error(int fd);

/* TCP_NODELAY and SO_KEEPALIVE where they apply. */
void sock_tune(int fd);

/* The port a socket is bound to, or 0. */
uint16_t sock_port(int fd);

/* Local and remote address of a connection. */
bool sock_peer(int fd, struct sock_addr *out);

enum sock_class {
    SOCK_RETRY,  /* nothing now: wait for readiness */
    SOCK_AGAIN,  /* interrupted: call again */
    SOCK_GONE,   /* the peer closed, reset or vanished: no news */
    SOCK_BROKEN, /* anything else: worth a log line */
};

/* What an errno of read, write, accept or connect means. */
enum sock_class sock_classify(int error);

#endif
