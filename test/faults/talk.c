#include "test/faults/talk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 65536 };

static bool
wait_io(int fd, short events, struct mono end)
{
    struct pollfd wait = {fd, events, 0};
    int64_t left = mono_ms_between(clock_mono(), end) + 1;

    return left > 0 && poll(&wait, 1, (int)left) > 0;
}

static bool
finish_connect(int fd, struct mono end)
{
    int failed = 0;
    socklen_t n = sizeof(failed);

    return wait_io(fd, POLLOUT, end) &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0 &&
           failed == 0;
}

bool
talk_open(struct talk *talk, const char *host, uint16_t port, struct mono end)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct linger at_once = {1, 0};
    int on = 1;

    *talk = (struct talk){.fd = -1};
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1) {
        return false;
    }
    talk->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (talk->fd < 0) {
        return false;
    }
    (void)setsockopt(talk->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(talk->fd, SOL_SOCKET, SO_LINGER, &at_once,
                     sizeof(at_once));
    if (connect(talk->fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
        (errno != EINPROGRESS || !finish_connect(talk->fd, end))) {
        talk_close(talk);
        return false;
    }
    return true;
}

void
talk_close(struct talk *talk)
{
    if (talk->fd >= 0) {
        (void)close(talk->fd);
    }
    talk->fd = -1;
    buf_fini(&talk->in);
}

bool
talk_send(struct talk *talk, struct slice bytes, struct mono end)
{
    while (bytes.n > 0) {
        ssize_t n = send(talk->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n >= 0) {
            bytes.p += n;
            bytes.n -= (size_t)n;
        } else if (errno != EINTR &&
                   (errno != EAGAIN || !wait_io(talk->fd, POLLOUT, end))) {
            return false;
        }
    }
    return true;
}

static bool
receive(struct talk *talk, struct mono end)
{
    for (;;) {
        ssize_t n;

        if (!buf_reserve(&talk->in, CHUNK)) {
            return false;
        }
        n = recv(talk->fd, buf_tail(&talk->in), CHUNK, 0);
        if (n > 0) {
            buf_advance(&talk->in, (size_t)n);
            return true;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR) ||
            !wait_io(talk->fd, POLLIN, end)) {
            return false;
        }
    }
}

const char *
talk_line(struct talk *talk, struct mono end)
{
    const char *at = NULL;
    size_t n, keep;

    while (buf_len(&talk->in) == 0 ||
           (at = memchr(talk->in.base + talk->in.start, '\n',
                        buf_len(&talk->in))) == NULL) {
        if (!receive(talk, end)) {
            return NULL;
        }
    }
    n = (size_t)(at - (talk->in.base + talk->in.start));
    keep = n < sizeof(talk->line) ? n : sizeof(talk->line) - 1;
    memcpy(talk->line, talk->in.base + talk->in.start, keep);
    buf_consume(&talk->in, n + 1);
    keep -= keep > 0 && talk->line[keep - 1] == '\r';
    talk->line[keep] = '\0';
    return talk->line;
}

struct slice
talk_bytes(struct talk *talk, size_t n, struct mono end)
{
    struct slice all;

    while (buf_len(&talk->in) < n) {
        if (!receive(talk, end)) {
            return (struct slice){NULL, 0};
        }
    }
    all = buf_slice(&talk->in);
    all.n = n;
    talk->in.start += n; /* the bytes stay until the next call */
    return all;
}

const char *
talk_once(const char *host, uint16_t port, const char *request, int64_t ms)
{
    static __thread char answer[sizeof(((struct talk *)NULL)->line)];
    struct mono end = mono_after_ms(clock_mono(), ms);
    struct talk talk;
    const char *line = NULL;

    if (talk_open(&talk, host, port, end)) {
        if (talk_send(&talk, slice_str(request), end)) {
            line = talk_line(&talk, end);
        }
        if (line != NULL) {
            memcpy(answer, talk.line, sizeof(answer));
        }
        talk_close(&talk);
    }
    return line != NULL ? answer : NULL;
}
