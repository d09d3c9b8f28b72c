#include "test/harness/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

enum { CHUNK = 65536 };

char client_where[512];

static bool
try_open_at(struct client *c, struct in_addr host, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host};
    int on = 1;

    *c = (struct client){.fd = -1};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(c->fd >= 0);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)close(c->fd);
        c->fd = -1;
        return false;
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return true;
}

bool
client_try_open(struct client *c, uint16_t port)
{
    return try_open_at(c, (struct in_addr){htonl(INADDR_LOOPBACK)}, port);
}

void
client_open_at(struct client *c, const char *host, uint16_t port)
{
    struct in_addr to;

    assert_int_equal(inet_pton(AF_INET, host, &to), 1);
    if (!try_open_at(c, to, port)) {
        fail_msg("connect to %s:%u: %s", host, port, strerror(errno));
    }
}

void
client_open(struct client *c, uint16_t port)
{
    if (!client_try_open(c, port)) {
        fail_msg("connect to port %u: %s", port, strerror(errno));
    }
}

void
client_close(struct client *c)
{
    if (c->fd >= 0) {
        (void)close(c->fd);
    }
    c->fd = -1;
    buf_fini(&c->in);
}

static void
wait_io(const struct client *c, short events, struct mono end)
{
    struct pollfd wait = {c->fd, events, 0};
    int64_t left = mono_ms_between(clock_mono(), end);

    if (left <= 0 || poll(&wait, 1, (int)left) == 0) {
        fail_msg("%s: no %s in time (have \"%.*s\")", client_where,
                 events == POLLIN ? "answer" : "room to send",
                 (int)(buf_len(&c->in) < 200 ? buf_len(&c->in) : 200),
                 c->in.base != NULL ? c->in.base + c->in.start : "");
    }
}

bool
client_try_send(struct client *c, struct slice bytes)
{
    struct mono end = mono_after_ms(clock_mono(), WAIT_MS);

    while (bytes.n > 0) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n >= 0) {
            bytes.p += n;
            bytes.n -= (size_t)n;
        } else if (errno == EAGAIN) {
            wait_io(c, POLLOUT, end);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

void
client_send(struct client *c, struct slice bytes)
{
    if (!client_try_send(c, bytes)) {
        fail_msg("send: %s", strerror(errno));
    }
}

/* More bytes; false at the end of the stream. */
static bool
receive(struct client *c, struct mono end)
{
    for (;;) {
        ssize_t n;

        assert_true(buf_reserve(&c->in, CHUNK));
        n = recv(c->fd, buf_tail(&c->in), CHUNK, 0);
        if (n > 0) {
            buf_advance(&c->in, (size_t)n);
            return true;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        wait_io(c, POLLIN, end);
    }
}

const char *
client_try_line(struct client *c)
{
    struct mono end = mono_after_ms(clock_mono(), WAIT_MS);
    const char *at = NULL;
    size_t n;

    while (buf_len(&c->in) == 0 || (at = memchr(c->in.base + c->in.start, '\n',
                                                buf_len(&c->in))) == NULL) {
        if (!receive(c, end)) {
            return NULL;
        }
    }
    n = (size_t)(at - (c->in.base + c->in.start));
    assert_true(n < sizeof(c->line));
    memcpy(c->line, c->in.base + c->in.start, n);
    buf_consume(&c->in, n + 1);
    n -= n > 0 && c->line[n - 1] == '\r';
    c->line[n] = '\0';
    c->line_n = n;
    return c->line;
}

const char *
client_line(struct client *c)
{
    const char *line = client_try_line(c);

    return line != NULL ? line : "";
}

struct slice
client_bytes(struct client *c, size_t n)
{
    struct mono end = mono_after_ms(clock_mono(), WAIT_MS);
    struct slice all;

    while (buf_len(&c->in) < n) {
        if (!receive(c, end)) {
            fail_msg("the stream ended after %zu of %zu bytes", buf_len(&c->in),
                     n);
        }
    }
    all = buf_slice(&c->in);
    all.n = n;
    c->in.start += n; /* the bytes stay where they are until the next call */
    return all;
}

bool
client_at_end(struct client *c)
{
    struct mono end = mono_after_ms(clock_mono(), WAIT_MS);

    return buf_len(&c->in) == 0 && !receive(c, end);
}

const char *
client_ask(struct client *c, const char *fmt, ...)
{
    char line[2048];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    assert_true(n >= 0 && (size_t)n < sizeof(line));
    client_send(c, (struct slice){line, (size_t)n});
    return client_line(c);
}

void
client_talk(struct client *c, const char *request, const char *answer)
{
    struct slice want = slice_str(answer);
    struct slice got;

    client_send(c, slice_str(request));
    got = client_bytes(c, want.n);
    if (!slice_eq(got, want)) {
        fail_msg("asked \"%s\"\nwant  \"%s\"\ngot   \"%.*s\"", request, answer,
                 (int)got.n, got.p);
    }
}

void
client_set(struct client *c, const char *key, const char *value)
{
    const char *answer =
        client_ask(c, "set %s 0 0 %zu\r\n%s\r\n", key, strlen(value), value);

    if (strcmp(answer, "STORED") != 0) {
        fail_msg("set %s: %s", key, answer);
    }
}

void
client_expect(struct client *c, const char *key, const char *value)
{
    const char *line = client_ask(c, "get %s\r\n", key);
    char want[512];

    if (value == NULL) {
        assert_string_equal(line, "END");
        return;
    }
    (void)snprintf(want, sizeof(want), "VALUE %s 0 %zu", key, strlen(value));
    assert_string_equal(line, want);
    assert_string_equal(client_line(c), value);
    assert_string_equal(client_line(c), "END");
}

int64_t
client_stat(struct client *c, const char *what, const char *name)
{
    int64_t value = -1;
    const char *line = client_ask(c, "stats%s%s\r\n", *what ? " " : "", what);
    size_t n = strlen(name);

    while (strncmp(line, "STAT ", 5) == 0) {
        if (strncmp(line + 5, name, n) == 0 && line[5 + n] == ' ') {
            value = strtoll(line + 5 + n, NULL, 10);
        }
        line = client_line(c);
    }
    return strcmp(line, "END") == 0 ? value : -1;
}

int64_t
stat_of(uint16_t port, const char *name)
{
    struct client c;
    int64_t value;

    if (!client_try_open(&c, port)) {
        return -1;
    }
    value = client_stat(&c, "", name);
    client_close(&c);
    return value;
}
