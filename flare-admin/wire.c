#include "flare-admin/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/sock.h"

enum { ROOM = 65536, LINE_LIMIT = 1 << 20, ADDRESSES = 4 };

/* 0, or ETIMEDOUT. */
static int
await(const struct wire *w, short events)
{
    struct pollfd p = {w->fd, events, 0};
    int n;

    do {
        n = poll(&p, 1, w->timeout_ms > 0 ? (int)w->timeout_ms : -1);
    } while (n < 0 && errno == EINTR);
    return n > 0 ? 0 : ETIMEDOUT;
}

static int
failed(const struct wire *w, const char *what, int error, struct err *err)
{
    errno = error;
    return err_sys(err, "%s %s", what, w->name);
}

int
wire_open(struct wire *w, const char *host, uint16_t port, int64_t timeout_ms,
          struct err *err)
{
    struct sock_addr addr[ADDRESSES];
    int n = sock_resolve(host, port, addr, ADDRESSES, err);
    int error = ENXIO;

    *w = (struct wire){.fd = -1, .timeout_ms = timeout_ms};
    (void)snprintf(w->name, sizeof(w->name), "%s:%u", host, (unsigned)port);
    for (int i = 0; i < n && w->fd < 0; i++) {
        w->fd = sock_connect(&addr[i]);
        error = w->fd < 0 ? errno : await(w, POLLOUT);
        error = error == 0 ? sock_error(w->fd) : error;
        if (error != 0 && w->fd >= 0) {
            (void)close(w->fd);
            w->fd = -1;
        }
    }
    if (n < 0) {
        return n;
    }
    return w->fd >= 0 ? 0 : failed(w, "connect to", error, err);
}

void
wire_close(struct wire *w)
{
    if (w->fd >= 0) {
        (void)close(w->fd);
    }
    w->fd = -1;
    buf_fini(&w->in);
}

int
wire_send(struct wire *w, struct slice bytes, struct err *err)
{
    while (bytes.n > 0) {
        ssize_t n = write(w->fd, bytes.p, bytes.n);

        if (n > 0) {
            bytes.p += n;
            bytes.n -= (size_t)n;
        } else if (errno != EAGAIN && errno != EINTR) {
            return failed(w, "send to", errno, err);
        } else if (await(w, POLLOUT) != 0) {
            return failed(w, "send to", ETIMEDOUT, err);
        }
    }
    return 0;
}

static int
more(struct wire *w, struct err *err)
{
    if (!buf_reserve(&w->in, ROOM)) {
        return err_set(err, ERR_NOMEM, "no memory for what %s sends", w->name);
    }
    for (;;) {
        ssize_t n = read(w->fd, buf_tail(&w->in), w->in.cap - w->in.end);

        if (n > 0) {
            buf_advance(&w->in, (size_t)n);
            return 0;
        }
        if (n == 0) {
            return err_set(err, ERR_UNAVAILABLE, "%s closed the connection",
                           w->name);
        }
        if (errno != EAGAIN && errno != EINTR) {
            return failed(w, "read from", errno, err);
        }
        if (await(w, POLLIN) != 0) {
            return failed(w, "read from", ETIMEDOUT, err);
        }
    }
}

int
wire_line(struct wire *w, struct slice *out, struct err *err)
{
    buf_consume(&w->in, w->used);
    w->used = 0;
    for (;;) {
        struct slice s = buf_slice(&w->in);
        const char *end = s.p != NULL ? memchr(s.p, '\n', s.n) : NULL;
        int rc;

        if (end != NULL) {
            *out = (struct slice){s.p, (size_t)(end - s.p)};
            w->used = out->n + 1;
            out->n -= out->n > 0 && end[-1] == '\r';
            return 0;
        }
        if (s.n > LINE_LIMIT) {
            return err_set(err, ERR_CORRUPT, "%s sends no lines", w->name);
        }
        rc = more(w, err);
        if (rc != 0) {
            return rc;
        }
    }
}

int
wire_bytes(struct wire *w, size_t n, struct slice *out, struct err *err)
{
    buf_consume(&w->in, w->used);
    w->used = 0;
    while (buf_len(&w->in) < n) {
        int rc = more(w, err);

        if (rc != 0) {
            return rc;
        }
    }
    *out = (struct slice){buf_slice(&w->in).p, n};
    w->used = n;
    return 0;
}
