/*
 * The other side of a connection, played by a plain socket: what it hears is
 * compared word for word, what it says is scripted.
 *
 * With a loop, waiting runs its turns (something has to tick on it); without
 * one the code under test has a thread of its own.
 */
#ifndef FLARE_TEST_UNIT_OTHER_SIDE_H
#define FLARE_TEST_UNIT_OTHER_SIDE_H

#include "test/unit/net_fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock.h"

struct other {
    struct loop *loop; /* or NULL */
    int listening;
    uint16_t port;
    int fd; /* accepted, or -1 */
};

static inline void
other_wait(struct other *o)
{
    if (o->loop != NULL) {
        loop_turn(o->loop, true);
    } else {
        (void)poll(NULL, 0, 1);
    }
}

#define OTHER_UNTIL(o, condition)                                              \
    do {                                                                       \
        struct mono until_ = mono_after_ms(clock_mono(), PATIENCE_MS);         \
        while (!(condition)) {                                                 \
            assert_false(mono_reached(until_, clock_mono()));                  \
            other_wait(o);                                                     \
        }                                                                      \
    } while (0)

/* Port 0: any. */
static inline void
other_listen(struct other *o, struct loop *loop, uint16_t port)
{
    struct sock_addr addr;
    struct err err;

    assert_true(sock_resolve("127.0.0.1", port, &addr, 1, &err) == 1);
    o->loop = loop;
    o->fd = -1;
    o->listening = sock_listen(&addr, 16, &err);
    assert_true(o->listening >= 0);
    o->port = sock_port(o->listening);
}

static inline void
other_hang_up(struct other *o)
{
    if (o->fd >= 0) {
        (void)close(o->fd);
        o->fd = -1;
    }
}

/* No more connections either. */
static inline void
other_leave(struct other *o)
{
    other_hang_up(o);
    if (o->listening >= 0) {
        (void)close(o->listening);
        o->listening = -1;
    }
}

/* The next connection; the one before is hung up. */
static inline void
other_accept(struct other *o)
{
    other_hang_up(o);
    OTHER_UNTIL(o, (o->fd = accept4(o->listening, NULL, NULL,
                                    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
}

/* Up to and with the next line end, into text (NUL-terminated). */
static inline void
other_line(struct other *o, char *text, size_t size)
{
    size_t n = 0;

    do {
        ssize_t r = -1;

        assert_true(n + 1 < size);
        OTHER_UNTIL(o,
                    (r = recv(o->fd, text + n, 1, 0)) >= 0 || errno != EAGAIN);
        if (r <= 0) {
            text[n] = '\0';
            fail_msg("hung up on after \"%s\"", text);
        }
        n += (size_t)r;
        text[n] = '\0';
    } while (text[n - 1] != '\n');
}

/* The next line is this one (without its line end). */
static inline void
other_hears(struct other *o, const char *line)
{
    char want[1024], got[1024];

    (void)snprintf(want, sizeof(want), "%s\r\n", line);
    other_line(o, got, sizeof(got));
    assert_string_equal(got, want);
}

static inline void
other_says(struct other *o, const char *text)
{
    size_t at = 0, n = strlen(text);

    while (at < n) {
        ssize_t w = -1;

        OTHER_UNTIL(o,
                    (w = send(o->fd, text + at, n - at, MSG_NOSIGNAL)) >= 0 ||
                        errno != EAGAIN);
        assert_true(w > 0);
        at += (size_t)w;
    }
}

/* The code under test hangs up, having said nothing more. */
static inline void
other_is_left(struct other *o)
{
    char byte;
    ssize_t r = -1;

    OTHER_UNTIL(o, (r = recv(o->fd, &byte, 1, 0)) >= 0 || errno != EAGAIN);
    assert_int_equal(r, 0);
    other_hang_up(o);
}

#endif
