/*
 * What conn costs: a server that answers each line with a ready reply, on conn
 * and on bare epoll, driven by the same client over loopback.
 *
 *     bench_echo [connections [depth [seconds]]]
 *
 * The server's CPU per request is the figure to look at; the rate is limited
 * by the client as well.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/conn.h"
#include "net/listener.h"

enum { SCRATCH = 65536, EVENTS = 256, DEPTH_MAX = 1000 };

static const char request[] = "get key:000000000042:key\r\n";
static const char reply[] =
    "VALUE key:000000000042:key 0 40\r\n"
    "0123456789012345678901234567890123456789\r\nEND\r\n";
enum { REQUEST = sizeof(request) - 1, REPLY = sizeof(reply) - 1 };

struct bench {
    unsigned connections, depth;
    double seconds;
    int listening;
    atomic_bool over;
    uint64_t answered; /* by the client's count */
    double cpu;        /* of the server */
};

static double
cpu_of_thread(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Replies to the complete lines of in, as the servers make them. */
static size_t
answer(struct slice in, struct buf *out)
{
    size_t used = 0;

    while (used < in.n) {
        const char *end = memchr(in.p + used, '\n', in.n - used);

        if (end == NULL) {
            break;
        }
        used = (size_t)(end - in.p) + 1;
        if (!buf_put(out, reply, REPLY)) {
            abort();
        }
    }
    return used;
}

/* On conn ----------------------------------------------------------------- */

static size_t
on_input(struct conn *conn, struct slice in)
{
    size_t used = answer(in, conn_out(conn));

    conn_flush_later(conn);
    return used;
}

static void
on_closed(struct conn *conn, int error)
{
    (void)conn;
    (void)error;
}

static const struct conn_ops ops = {.on_input = on_input,
                                    .on_closed = on_closed};
static const struct conn_limits limits = {65536, 1 << 20, 1 << 18};

static void
on_accept(void *owner, int fd, const struct sock_addr *from)
{
    struct conn *conn = conn_new(owner, fd, false, &limits, &ops, NULL);

    (void)from;
    if (conn != NULL) {
        conn_answer_soon(conn);
    }
}

static void
on_over(struct timer *timer)
{
    struct bench *bench = *(struct bench **)(void *)(timer + 1);

    if (atomic_load(&bench->over)) {
        loop_stop(timer->loop);
    }
}

static void *
serve_conn(void *arg)
{
    static const struct listener_ops listener_ops = {on_accept};
    struct bench *bench = arg;
    struct {
        struct timer timer;
        struct bench *bench;
    } watch = {.bench = bench};
    struct listener *listener;
    struct loop loop;
    struct err err;

    if (loop_init(&loop, &err) != 0) {
        abort();
    }
    listener = listener_new(&loop, dup(bench->listening), &listener_ops, &loop);
    timer_init(&watch.timer, &loop, on_over);
    timer_every(&watch.timer, 20);
    loop_run(&loop);
    bench->cpu = cpu_of_thread();
    timer_fini(&watch.timer);
    listener_free(listener);
    loop_fini(&loop);
    return NULL;
}

/* On bare epoll ----------------------------------------------------------- */

static void
serve_one(int fd, char *scratch, struct buf *out)
{
    ssize_t n = recv(fd, scratch, SCRATCH, 0);

    if (n <= 0) {
        (void)close(fd);
        return;
    }
    (void)answer((struct slice){scratch, (size_t)n}, out);
    if (send(fd, out->base, buf_len(out), MSG_NOSIGNAL) < 0) {
        (void)close(fd);
    }
    buf_clear(out);
}

static void
epoll_watch(int ep, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    (void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
}

static void *
serve_bare(void *arg)
{
    struct bench *bench = arg;
    struct epoll_event events[EVENTS];
    char *scratch = xcalloc(1, SCRATCH);
    struct buf out = {NULL, 0, 0, 0};
    int ep = epoll_create1(0);

    epoll_watch(ep, bench->listening);
    while (!atomic_load(&bench->over)) {
        int n = epoll_wait(ep, events, EVENTS, 20);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == bench->listening) {
                int fd = accept4(bench->listening, NULL, NULL, SOCK_NONBLOCK);

                if (fd >= 0) {
                    sock_tune(fd);
                    epoll_watch(ep, fd);
                }
            } else {
                serve_one(events[i].data.fd, scratch, &out);
            }
        }
    }
    bench->cpu = cpu_of_thread();
    (void)close(ep);
    buf_fini(&out);
    free(scratch);
    return NULL;
}

/* The client -------------------------------------------------------------- */

struct client {
    int fd;
    size_t got;
};

static void
ask_all(const struct bench *bench, const struct client *client)
{
    static char requests[DEPTH_MAX * REQUEST];
    size_t n = bench->depth * REQUEST;

    if (requests[0] == '\0') {
        for (size_t i = 0; i < DEPTH_MAX; i++) {
            memcpy(requests + i * REQUEST, request, REQUEST);
        }
    }
    if (send(client->fd, requests, n, MSG_NOSIGNAL) != (ssize_t)n) {
        perror("send");
        exit(1);
    }
}

static void
take_answers(struct bench *bench, struct client *client, char *scratch)
{
    ssize_t n = recv(client->fd, scratch, SCRATCH, 0);

    if (n <= 0) {
        perror("recv");
        exit(1);
    }
    client->got += (size_t)n;
    if (client->got == (size_t)bench->depth * REPLY) {
        client->got = 0;
        bench->answered += bench->depth;
        ask_all(bench, client);
    }
}

static void
drive(struct bench *bench, const struct sock_addr *to)
{
    struct client *clients = xcalloc(bench->connections, sizeof(*clients));
    struct epoll_event events[EVENTS];
    char *scratch = xcalloc(1, SCRATCH);
    int ep = epoll_create1(0);
    struct mono until;

    for (unsigned i = 0; i < bench->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};

        clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(clients[i].fd, (const void *)&to->addr, to->len) != 0) {
            perror("connect");
            exit(1);
        }
        sock_tune(clients[i].fd);
        (void)epoll_ctl(ep, EPOLL_CTL_ADD, clients[i].fd, &event);
        ask_all(bench, &clients[i]);
    }
    until = mono_after_ms(clock_mono(), (int64_t)(bench->seconds * 1000));
    while (!mono_reached(until, clock_mono())) {
        int n = epoll_wait(ep, events, EVENTS, 20);

        for (int i = 0; i < n; i++) {
            take_answers(bench, events[i].data.ptr, scratch);
        }
    }
    atomic_store(&bench->over, true);
    for (unsigned i = 0; i < bench->connections; i++) {
        (void)close(clients[i].fd);
    }
    (void)close(ep);
    free(clients);
    free(scratch);
}

static void
measure(struct bench bench, const char *name, void *(*serve)(void *))
{
    struct sock_addr addr;
    struct err err;
    pthread_t server;

    if (sock_resolve("127.0.0.1", 0, &addr, 1, &err) != 1) {
        exit(1);
    }
    bench.listening = sock_listen(&addr, 1024, &err);
    if (bench.listening < 0) {
        exit(1);
    }
    addr.len = sizeof(addr.addr);
    (void)getsockname(bench.listening, (void *)&addr.addr, &addr.len);
    (void)pthread_create(&server, NULL, serve, &bench);
    drive(&bench, &addr);
    (void)pthread_join(server, NULL);
    (void)close(bench.listening);
    (void)printf("%-6s %5u connections, depth %4u: %9.0f /s, "
                 "%6.3f us of the server's CPU each\n",
                 name, bench.connections, bench.depth,
                 (double)bench.answered / bench.seconds,
                 bench.cpu * 1e6 / (double)bench.answered);
}

int
main(int argc, char **argv)
{
    struct bench bench = {
        .connections = argc > 1 ? (unsigned)atoi(argv[1]) : 50,
        .depth = argc > 2 ? (unsigned)atoi(argv[2]) : 1,
        .seconds = argc > 3 ? atof(argv[3]) : 1,
    };

    if (bench.connections < 1 || bench.depth < 1 || bench.depth > DEPTH_MAX) {
        (void)fprintf(stderr, "usage: bench_echo [connections [depth "
                              "[seconds]]]\n");
        return 2;
    }
    for (int round = 0; round < 3; round++) {
        measure(bench, "bare", serve_bare);
        measure(bench, "conn", serve_conn);
    }
    return 0;
}
