#include "peer/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/sock.h"

enum {
    ADDR_MAX = 4,
    LINE_MAX_BYTES = 1 << 20,
    READ_ROOM = 65536,
};

struct ask {
    int fd;
    int64_t timeout_ms;
    char *name; /* "host:port", for errors */
    struct buf in;
    size_t used; /* of `in`, by the piece handed out last */
};

/* For poll(): 0 when it is too late. */
static int
wait_ms(const struct ask *ask, struct mono until)
{
    int64_t left;

    if (ask->timeout_ms <= 0) {
        return -1;
    }
    left = mono_ms_between(clock_mono(), until) + 1;
    if (left <= 0) {
        return 0;
    }
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

/* Wait for events on the socket: 0, or ETIMEDOUT or another errno. */
static int
await(const struct ask *ask, short events, struct mono until)
{
    struct pollfd p = {ask->fd, events, 0};
    int n;

    do {
        int ms = wait_ms(ask, until);

        n = poll(&p, 1, ms);
        if (n == 0 && ms == 0) {
            return ETIMEDOUT;
        }
    } while (n == 0 || (n < 0 && errno == EINTR));
    return n > 0 ? 0 : errno;
}

static struct mono
until_when(const struct ask *ask)
{
    return mono_after_ms(clock_mono(), ask->timeout_ms);
}

static int
failed(const struct ask *ask, const char *what, int error, struct err *err)
{
    if (error == ETIMEDOUT) {
        int code = err_set(err, ERR_UNAVAILABLE, "%s %s: no answer in time",
                           what, ask->name);

        err->sys = ETIMEDOUT;
        return code;
    }
    errno = error;
    return err_sys(err, "%s %s", what, ask->name);
}

static int
try_connect(struct ask *ask, const struct sock_addr *addr, struct mono until)
{
    int error;

    ask->fd = sock_connect(addr);
    if (ask->fd < 0) {
        return errno;
    }
    error = await(ask, POLLOUT, until);
    if (error == 0) {
        error = sock_error(ask->fd);
    }
    if (error != 0) {
        (void)close(ask->fd);
        ask->fd = -1;
    }
    return error;
}

static int
open_any(struct ask *ask, const char *host, uint16_t port, struct err *err)
{
    struct sock_addr addr[ADDR_MAX];
    struct mono until = until_when(ask);
    int first = 0;
    int n = sock_resolve(host, port, addr, ADDR_MAX, err);

    if (n < 0) {
        return n;
    }
    for (int i = 0; i < n; i++) {
        int error = try_connect(ask, &addr[i], until);

        if (error == 0) {
            return 0;
        }
        first = first == 0 ? error : first; /* the first address counts */
    }
    return failed(ask, "connect to", first != 0 ? first : ENXIO, err);
}

int
ask_open(struct ask **out, const char *host, uint16_t port, int64_t ms,
         struct err *err)
{
    struct ask *ask = xcalloc(1, sizeof(*ask));
    int code;

    ask->fd = -1;
    ask->timeout_ms = ms;
    ask->name = xasprintf("%s:%u", host, (unsigned)port);
    code = open_any(ask, host, port, err);
    if (code != 0) {
        ask_close(ask);
        return code;
    }
    *out = ask;
    return 0;
}

void
ask_close(struct ask *ask)
{
    if (ask == NULL) {
        return;
    }
    if (ask->fd >= 0) {
        (void)close(ask->fd);
    }
    buf_fini(&ask->in);
    free(ask->name);
    free(ask);
}

void
ask_set_timeout(struct ask *ask, int64_t ms)
{
    ask->timeout_ms = ms;
}

int
ask_send(struct ask *ask, struct slice bytes, struct err *err)
{
    struct mono until = until_when(ask);

    while (bytes.n > 0) {
        ssize_t n = send(ask->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        int error = n < 0 ? errno : 0;

        if (n > 0) {
            bytes.p += n;
            bytes.n -= (size_t)n;
            until = until_when(ask);
        } else if (sock_classify(error) == SOCK_RETRY) {
            error = await(ask, POLLOUT, until);
        }
        if (error != 0 && sock_classify(error) != SOCK_AGAIN) {
            return failed(ask, "send to", error, err);
        }
    }
    return 0;
}

/* Get more bytes: at least one, or an error. */
static int
read_more(struct ask *ask, struct mono until, struct err *err)
{
    size_t room = buf_len(&ask->in);

    room = room > READ_ROOM ? room : READ_ROOM;
    if (ask->in.cap - ask->in.end < READ_ROOM && !buf_reserve(&ask->in, room)) {
        return err_set(err, ERR_NOMEM, "no memory for the answer of %s",
                       ask->name);
    }
    for (;;) {
        ssize_t n =
            recv(ask->fd, buf_tail(&ask->in), ask->in.cap - ask->in.end, 0);
        int error = n < 0 ? errno : 0;

        if (n > 0) {
            buf_advance(&ask->in, (size_t)n);
            return 0;
        }
        if (n == 0) {
            return err_set(err, ERR_UNAVAILABLE, "%s closed the connection",
                           ask->name);
        }
        if (sock_classify(error) == SOCK_RETRY) {
            error = await(ask, POLLIN, until);
        }
        if (error != 0 && sock_classify(error) != SOCK_AGAIN) {
            return failed(ask, "read from", error, err);
        }
    }
}

int
ask_next(struct ask *ask, enum reply_expect expect, struct reply *out,
         struct err *err)
{
    buf_consume(&ask->in, ask->used);
    ask->used = 0;
    for (;;) {
        int code;

        switch (reply_parse(buf_slice(&ask->in), expect, LINE_MAX_BYTES,
                            INT64_MAX, out, &ask->used)) {
        case REPLY_OK:
            return 0;
        case REPLY_BAD:
            return err_set(err, ERR_CORRUPT, "%s: what came is no answer",
                           ask->name);
        case REPLY_MORE:
            break;
        }
        code = read_more(ask, until_when(ask), err);
        if (code != 0) {
            return code;
        }
    }
}

int
ask_line(struct ask *ask, struct reply *out, struct err *err, const char *fmt,
         ...)
{
    struct buf line = {NULL, 0, 0, 0};
    va_list ap;
    bool fits;
    int code;

    va_start(ap, fmt);
    fits = buf_vprintf(&line, fmt, ap);
    va_end(ap);
    if (!fits || !buf_put_str(&line, "\r\n")) {
        buf_fini(&line);
        return err_set(err, ERR_NOMEM, "no memory for a request");
    }
    code = ask_send(ask, buf_slice(&line), err);
    buf_fini(&line);
    return code != 0 ? code : ask_next(ask, EXPECT_LINE, out, err);
}
