/* A peer under test and the plain socket that plays its other side. */
#ifndef FLARE_TEST_UNIT_PEER_FIXTURE_H
#define FLARE_TEST_UNIT_PEER_FIXTURE_H

#include "test/unit/net_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock.h"
#include "peer/peer.h"

struct peer_fixture {
    struct net_fixture f;
    struct peer *peer;
    struct peer_options options;
    int listening;
    uint16_t port;
    int fd; /* accepted, or -1 */
    char log[512];
};

/* A call that writes what became of it to the fixture's log. */
struct logged {
    struct peer_call call;
    struct peer_fixture *p;
    char name;
    void (*then)(struct logged *logged); /* after the last piece */
};

static inline void
peer_listen(struct peer_fixture *p, uint16_t port)
{
    struct sock_addr addr;
    struct err err;

    assert_true(sock_resolve("127.0.0.1", port, &addr, 1, &err) == 1);
    p->listening = sock_listen(&addr, 16, &err);
    assert_true(p->listening >= 0);
    p->port = sock_port(p->listening);
}

static inline void
peer_begin(struct peer_fixture *p)
{
    *p = (struct peer_fixture){.fd = -1};
    net_begin(&p->f);
    p->options = (struct peer_options){
        .connect_ms = 2000,
        .answer_ms = 2000,
        .line_max = 2048,
        .value_max = 1 << 26,
        .limits = {65536, 1 << 20, 1 << 16},
    };
    peer_listen(p, 0);
    p->peer = peer_new(&p->f.loop, "127.0.0.1", p->port, &p->options);
}

/* As peer_begin() with another answer_ms. */
static inline void
peer_begin_with(struct peer_fixture *p, int64_t answer_ms)
{
    peer_begin(p);
    peer_free(p->peer);
    p->options.answer_ms = answer_ms;
    p->peer = peer_new(&p->f.loop, "127.0.0.1", p->port, &p->options);
}

static inline void
peer_hang_up(struct peer_fixture *p)
{
    if (p->fd >= 0) {
        (void)close(p->fd);
        p->fd = -1;
    }
}

static inline void
peer_stop_listening(struct peer_fixture *p)
{
    if (p->listening >= 0) {
        (void)close(p->listening);
        p->listening = -1;
    }
}

static inline void
peer_end(struct peer_fixture *p)
{
    peer_free(p->peer);
    peer_hang_up(p);
    peer_stop_listening(p);
    net_end(&p->f);
}

static inline void
peer_accept(struct peer_fixture *p)
{
    RUN_UNTIL(&p->f, (p->fd = accept4(p->listening, NULL, NULL,
                                      SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
}

static inline void
peer_log(struct peer_fixture *p, const char *text)
{
    size_t n = strlen(p->log);

    (void)snprintf(p->log + n, sizeof(p->log) - n, "%s%s", n > 0 ? " " : "",
                   text);
}

static inline void
peer_on_done(struct peer_call *call, enum peer_result result,
             const struct reply *reply)
{
    struct logged *logged = LIST_ENTRY(call, struct logged, call);
    char text[80];

    if (result != PEER_REPLY) {
        (void)snprintf(text, sizeof(text), "%c=%s", logged->name,
                       result == PEER_UNSENT ? "unsent" : "unknown");
    } else if (reply->kind == REPLY_VALUE) {
        (void)snprintf(text, sizeof(text), "%c:%.*s", logged->name,
                       (int)(reply->data.n < 9 ? reply->data.n : 9),
                       reply->data.p);
    } else {
        (void)snprintf(text, sizeof(text), "%c=%.*s", logged->name,
                       (int)reply->line.n, reply->line.p);
    }
    peer_log(logged->p, text);
    if (logged->then != NULL && (result != PEER_REPLY || reply->last)) {
        logged->then(logged);
    }
}

/* False: the peer takes no requests now. */
static inline bool
peer_ask(struct peer_fixture *p, struct logged *logged, const char *request,
         enum reply_expect expect)
{
    struct buf *out = peer_out(p->peer);

    if (out == NULL) {
        return false;
    }
    assert_true(buf_put_str(out, request));
    logged->p = p;
    peer_expect(p->peer, &logged->call, expect, peer_on_done);
    return true;
}

/* Read until `text` has come, and nothing but it. */
static inline void
peer_hear(struct peer_fixture *p, const char *text)
{
    char got[256];
    size_t n = strlen(text), have = 0;

    while (have < n) {
        ssize_t r = -1;

        RUN_UNTIL(&p->f, (r = recv(p->fd, got + have, n - have, 0)) >= 0 ||
                             errno != EAGAIN);
        assert_true(r > 0);
        have += (size_t)r;
    }
    assert_memory_equal(got, text, n);
}

static inline void
peer_say(struct peer_fixture *p, const char *text)
{
    ssize_t n = send(p->fd, text, strlen(text), MSG_NOSIGNAL);

    assert_int_equal(n, strlen(text));
}

static inline void
peer_wait_log(struct peer_fixture *p, const char *log)
{
    RUN_UNTIL(&p->f, strlen(p->log) >= strlen(log));
    assert_string_equal(p->log, log);
}

#endif
