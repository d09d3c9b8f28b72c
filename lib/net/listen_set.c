#include "net/listen_set.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum {
    RESOLVED_MAX = 4,   /* addresses of one name */
    SOCKET_MODE = 0777, /* of the unix socket, as flare has it */
};

static int
add(struct listen_set *set, int fd)
{
    if (fd >= 0) {
        set->fd[set->nfds++] = fd;
    }
    return fd < 0 ? fd : 0;
}

static int
check_room(const struct listen_set *set, struct err *err)
{
    return set->nfds < LISTEN_SET_MAX
               ? 0
               : err_set(err, ERR_CONFIG,
                         "bind: more than %d addresses and sockets",
                         LISTEN_SET_MAX);
}

static int
open_host(struct listen_set *set, const char *host, int backlog,
          struct err *err)
{
    struct sock_addr addrs[RESOLVED_MAX];
    int n = sock_resolve(host, set->port, addrs, RESOLVED_MAX, err);

    if (n < 0) {
        return err_wrap(err, "bind");
    }
    for (int i = 0; i < n; i++) {
        int rc = check_room(set, err);

        if (rc == 0) {
            rc = add(set, sock_listen(&addrs[i], backlog, err));
        }
        if (rc != 0) {
            return rc;
        }
        if (set->port == 0) {
            set->port = sock_port(set->fd[0]);
        }
    }
    return 0;
}

static int
open_unix(struct listen_set *set, const struct listen_options *options,
          struct err *err)
{
    int rc = check_room(set, err);

    if (rc == 0) {
        rc = add(set, sock_listen_unix(options->unix_path, SOCKET_MODE,
                                       options->backlog, err));
    }
    if (rc == 0) {
        set->unix_path = xstrdup(options->unix_path);
    }
    return rc;
}

int
listen_set_open(struct listen_set *set, const struct listen_options *options,
                struct err *err)
{
    struct slice rest = slice_str(options->addresses);

    set->port = options->port;
    while (rest.n > 0) {
        struct slice word = slice_until(&rest, ',');
        AUTO_FREE char *host = xstrndup(word.p, word.n);
        int rc = open_host(set, host, options->backlog, err);

        if (rc != 0) {
            return rc;
        }
    }
    if (set->nfds == 0) {
        return err_set(err, ERR_CONFIG, "bind: no address to listen on");
    }
    return options->unix_path[0] != '\0' ? open_unix(set, options, err) : 0;
}

int
listen_set_start(struct listen_set *set, struct loop *loop,
                 const struct listener_ops *ops, void *owner, struct err *err)
{
    while (set->nfds > 0) {
        struct listener *listener =
            listener_new(loop, set->fd[--set->nfds], ops, owner);

        if (listener == NULL) {
            return err_set(err, ERR_NOMEM, "listen: out of memory");
        }
        set->listener[set->nlisteners++] = listener;
    }
    return 0;
}

void
listen_set_close(struct listen_set *set)
{
    while (set->nlisteners > 0) {
        listener_free(set->listener[--set->nlisteners]);
    }
    while (set->nfds > 0) {
        (void)close(set->fd[--set->nfds]);
    }
    if (set->unix_path != NULL) {
        (void)unlink(set->unix_path);
        free(set->unix_path);
        set->unix_path = NULL;
    }
}
