/*
 * listen_set: every socket a daemon listens on.
 *
 * Opened before the daemon is ready to serve, so that its port is known and a
 * conflict is seen early; accepting begins with listen_set_start().  The
 * loop's thread.
 */
#ifndef FLARE_NET_LISTEN_SET_H
#define FLARE_NET_LISTEN_SET_H

#include "net/listener.h"

enum { LISTEN_SET_MAX = 16 }; /* sockets, the unix one included */

struct listen_set {
    int fd[LISTEN_SET_MAX]; /* bound, not accepted on yet */
    unsigned nfds;
    struct listener *listener[LISTEN_SET_MAX];
    unsigned nlisteners;
    uint16_t port;   /* of every address */
    char *unix_path; /* to be removed at the end, or NULL */
};

struct listen_options {
    const char *addresses; /* "address,address" */
    uint16_t port;         /* 0: the first address decides, for all */
    const char *unix_path; /* "" for none */
    int backlog;
};

/*
 * Bind all of them into zeroed storage.  ERR_CONFIG or ERR_IO says which could
 * not be had; what was bound before stays until listen_set_close().
 */
int listen_set_open(struct listen_set *set,
                    const struct listen_options *options, struct err *err);

/* Accept on all of them. */
int listen_set_start(struct listen_set *set, struct loop *loop,
                     const struct listener_ops *ops, void *owner,
                     struct err *err);

/* Accept no more; the unix socket's file is removed.  May be called again. */
void listen_set_close(struct listen_set *set);

#endif
