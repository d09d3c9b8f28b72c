#include "test/bench/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { READ_SIZE = 65536, EVENTS = 256, POLL_MS = 1000, STUCK_S = 30 };

struct pending {
    enum wire_op op;
    uint64_t key;
    int64_t sent_ns;
};

struct client {
    int fd;
    bool writing; /* waits for room to write */
    struct buf in, out;
    struct pending *ring; /* load->depth of them */
    unsigned head, count;
};

struct run {
    const struct load *load;
    int *idle; /* load->idle of them */
    struct load_result *result;
    int epoll;
    struct client *client;
    uint64_t random;
    uint64_t next_key;
    uint64_t sent, answered;
    bool stopping;
    struct mono now;
};

static uint64_t
random_next(struct run *run)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random;
}

static bool
watch(struct run *run, struct client *client, int op, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};

    return epoll_ctl(run->epoll, op, client->fd, &event) == 0;
}

static bool
client_open(struct run *run, struct client *client)
{
    const struct load *load = run->load;
    int one = 1;

    client->ring = calloc(load->depth, sizeof(client->ring[0]));
    client->fd = socket(load->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->ring == NULL || client->fd < 0 ||
        connect(client->fd, (const struct sockaddr *)&load->addr,
                load->addr_len) != 0) {
        perror("loadgen: connect");
        return false;
    }
    (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return watch(run, client, EPOLL_CTL_ADD, EPOLLIN);
}

static bool
put_request(struct run *run, struct client *client)
{
    const struct load *load = run->load;
    unsigned at = (client->head + client->count) % load->depth;
    struct pending *pending = &client->ring[at];
    uint64_t dice = random_next(run);

    pending->op =
        dice % (load->gets + load->sets) < load->gets ? WIRE_GET : WIRE_SET;
    pending->key = (load->in_order ? run->next_key++ : dice >> 20) % load->keys;
    pending->sent_ns = run->now.ns;
    client->count++;
    run->sent++;
    return wire_put(load->wire, &client->out, pending->op, pending->key,
                    load->keys);
}

static bool
client_write(struct run *run, struct client *client)
{
    while (buf_len(&client->out) > 0) {
        ssize_t n = send(client->fd, buf_slice(&client->out).p,
                         buf_len(&client->out), MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            break;
        }
        if (n < 0) {
            perror("loadgen: send");
            return false;
        }
        buf_consume(&client->out, (size_t)n);
    }
    bool writing = buf_len(&client->out) > 0;
    if (writing == client->writing) {
        return true;
    }
    client->writing = writing;
    return watch(run, client, EPOLL_CTL_MOD,
                 writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Send as many requests as may be in flight. */
static bool
client_fill(struct run *run, struct client *client)
{
    const struct load *load = run->load;

    while (!run->stopping && client->count < load->depth) {
        if (load->requests != 0 && run->sent >= load->requests) {
            break;
        }
        if (!put_request(run, client)) {
            (void)fprintf(stderr, "loadgen: out of memory\n");
            return false;
        }
    }
    return client_write(run, client);
}

static bool
count_answer(struct run *run, const struct pending *pending,
             enum wire_result result, struct slice in)
{
    struct load_result *sum = run->result;

    switch (result) {
    case WIRE_HIT:
        break;
    case WIRE_MISS:
        sum->misses++;
        break;
    case WIRE_ERROR:
        if (sum->errors++ == 0) {
            (void)fprintf(stderr, "loadgen: %.*s\n",
                          (int)(in.n < 60 ? in.n : 60), in.p);
        }
        break;
    case WIRE_WRONG:
    case WIRE_LOST:
    case WIRE_MORE:
        sum->wrong += result == WIRE_WRONG;
        (void)fprintf(stderr, "loadgen: no answer for key %llu: %.*s\n",
                      (unsigned long long)pending->key,
                      (int)(in.n < 60 ? in.n : 60), in.p);
        return false;
    }
    run->answered++;
    hist_add(&sum->hist, (uint64_t)(run->now.ns - pending->sent_ns));
    return true;
}

static bool
client_answers(struct run *run, struct client *client)
{
    const struct load *load = run->load;

    while (client->count > 0) {
        struct pending *pending = &client->ring[client->head];
        struct slice in = buf_slice(&client->in);
        size_t used;
        enum wire_result result = wire_take(load->wire, in, pending->op,
                                            pending->key, load->keys, &used);

        if (result == WIRE_MORE) {
            break;
        }
        if (!count_answer(run, pending, result, in)) {
            return false;
        }
        buf_consume(&client->in, used);
        client->head = (client->head + 1) % load->depth;
        client->count--;
    }
    return true;
}

static bool
client_read(struct run *run, struct client *client)
{
    ssize_t n;

    if (!buf_reserve(&client->in, READ_SIZE)) {
        (void)fprintf(stderr, "loadgen: out of memory\n");
        return false;
    }
    n = recv(client->fd, buf_tail(&client->in), READ_SIZE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        (void)fprintf(stderr, "loadgen: connection lost\n");
        return false;
    }
    buf_advance(&client->in, (size_t)n);
    run->now = clock_mono();
    return client_answers(run, client) && client_fill(run, client);
}

static bool
turn(struct run *run)
{
    struct epoll_event event[EVENTS];
    int n = epoll_wait(run->epoll, event, EVENTS, POLL_MS);

    for (int i = 0; i < n; i++) {
        struct client *client = event[i].data.ptr;

        if ((event[i].events & EPOLLOUT) != 0 && !client_write(run, client)) {
            return false;
        }
        if ((event[i].events & ~(uint32_t)EPOLLOUT) != 0 &&
            !client_read(run, client)) {
            return false;
        }
    }
    run->now = clock_mono();
    return true;
}

/* User and system time of the processes named, in seconds. */
static double
cpu_seconds(const struct load *load)
{
    double sum = 0;

    for (unsigned i = 0; i < load->npids; i++) {
        unsigned long user = 0, sys = 0;
        char path[64];
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", load->pid[i]);
        file = fopen(path, "r");
        if (file == NULL || fscanf(file,
                                   "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u "
                                   "%*u %*u %*u %*u %lu %lu",
                                   &user, &sys) != 2) {
            (void)fprintf(stderr, "loadgen: no CPU time in %s\n", path);
        }
        if (file != NULL) {
            (void)fclose(file);
        }
        sum += (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
    }
    return sum;
}

static double
own_cpu_seconds(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double
seconds_between(struct mono from, struct mono to)
{
    return (double)(to.ns - from.ns) / 1e9;
}

static bool
finished(const struct run *run, double elapsed)
{
    const struct load *load = run->load;

    return (load->requests != 0 && run->answered >= load->requests) ||
           (load->seconds > 0 && elapsed >= load->seconds);
}

/* Turn after turn until all is sent; nobody may be silent for long. */
static bool
run_all(struct run *run)
{
    struct mono start = clock_mono(), alive = start;
    double cpu = cpu_seconds(run->load), own = own_cpu_seconds();
    bool warm = run->load->warm <= 0;
    uint64_t seen = 0;

    while (warm ? !finished(run, seconds_between(start, run->now)) : true) {
        if (!turn(run)) {
            return false;
        }
        if (run->answered != seen) {
            seen = run->answered;
            alive = run->now;
        } else if (seconds_between(alive, run->now) > STUCK_S) {
            (void)fprintf(stderr, "loadgen: no answer for %d s\n", STUCK_S);
            return false;
        }
        if (!warm && seconds_between(start, run->now) >= run->load->warm) {
            warm = true;
            *run->result = (struct load_result){0};
            cpu = cpu_seconds(run->load);
            own = own_cpu_seconds();
            start = clock_mono();
        }
    }
    run->result->seconds = seconds_between(start, clock_mono());
    run->result->cpu_seconds = cpu_seconds(run->load) - cpu;
    run->result->own_cpu_seconds = own_cpu_seconds() - own;
    return true;
}

/* One request and its answer, or the beginning of it. */
static int
idle_open(const struct load *load)
{
    int fd = socket(load->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct buf out = {0};
    char in[READ_SIZE];
    bool ok = fd >= 0 &&
              connect(fd, (const struct sockaddr *)&load->addr,
                      load->addr_len) == 0 &&
              wire_put(load->wire, &out, WIRE_GET, 0, load->keys) &&
              send(fd, buf_slice(&out).p, buf_len(&out), MSG_NOSIGNAL) ==
                  (ssize_t)buf_len(&out) &&
              recv(fd, in, sizeof(in), 0) > 0;

    buf_fini(&out);
    if (!ok) {
        perror("loadgen: idle connection");
    }
    return ok ? fd : -1;
}

static bool
open_idle(struct run *run)
{
    run->idle = calloc(run->load->idle + 1, sizeof(run->idle[0]));
    for (unsigned i = 0; run->idle != NULL && i < run->load->idle; i++) {
        run->idle[i] = idle_open(run->load);
        if (run->idle[i] < 0) {
            return false;
        }
    }
    return run->idle != NULL;
}

static bool
open_all(struct run *run)
{
    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    run->client = calloc(run->load->connections, sizeof(run->client[0]));
    if (run->epoll < 0 || run->client == NULL) {
        perror("loadgen");
        return false;
    }
    if (!open_idle(run)) {
        return false;
    }
    for (unsigned i = 0; i < run->load->connections; i++) {
        run->client[i].fd = -1;
    }
    for (unsigned i = 0; i < run->load->connections; i++) {
        if (!client_open(run, &run->client[i])) {
            return false;
        }
    }
    run->now = clock_mono();
    for (unsigned i = 0; i < run->load->connections; i++) {
        if (!client_fill(run, &run->client[i])) {
            return false;
        }
    }
    return true;
}

static void
close_all(struct run *run)
{
    for (unsigned i = 0; run->client != NULL && i < run->load->connections;
         i++) {
        struct client *client = &run->client[i];

        if (client->fd >= 0) {
            (void)close(client->fd);
        }
        buf_fini(&client->in);
        buf_fini(&client->out);
        free(client->ring);
    }
    free(run->client);
    for (unsigned i = 0; run->idle != NULL && i < run->load->idle; i++) {
        if (run->idle[i] > 0) {
            (void)close(run->idle[i]);
        }
    }
    free(run->idle);
    if (run->epoll >= 0) {
        (void)close(run->epoll);
    }
}

bool
load_run(const struct load *load, struct load_result *result)
{
    struct run run = {
        .load = load,
        .result = result,
        .epoll = -1,
        .random = load->seed * 0x9e3779b97f4a7c15 | 1,
    };
    bool ok;

    *result = (struct load_result){0};
    ok = open_all(&run) && run_all(&run);
    close_all(&run);
    return ok;
}
