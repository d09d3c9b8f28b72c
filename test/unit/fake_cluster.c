#include "test/unit/fake_cluster.h"

#include "base/buf.h"
#include "test/unit/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    struct fake *fake;
    int fd;
    int node; /* -1: the index */
};

static int
listen_somewhere(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    do { /* five digits, so that every name is as long */
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    } while (ntohs(at.sin_port) < 10000);
    assert_int_equal(listen(fd, 64), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static struct fake_node *
find_node(struct fake *fake, unsigned port)
{
    for (int i = 0; i < FAKE_NODES; i++) {
        if (fake->node[i].exists && fake->node[i].port == port) {
            return &fake->node[i];
        }
    }
    return NULL;
}

/* Time is counted in looks at the map. */
static void
tick(struct fake *fake)
{
    if (fake->interrupt_in > 0 && --fake->interrupt_in == 0) {
        (void)kill(fake->tool, SIGINT);
    }
    for (int i = 0; i < FAKE_NODES; i++) {
        struct fake_node *n = &fake->node[i];

        if (n->steps > 0 && --n->steps == 0) {
            n->role = n->next_role;
            n->state = n->next_state;
            if (strcmp(n->role, "proxy") == 0) {
                n->partition = -1;
            }
        }
    }
}

static void
put_nodes(struct fake *fake, struct buf *to, const struct place *at)
{
    for (int i = 0; i < FAKE_NODES; i++) {
        const struct fake_node *n = &fake->node[i];
        const char *role = n->role;

        if (!n->exists) {
            continue;
        }
        if (at->node == i && n->believes != NULL) {
            role = n->believes;
        }
        (void)buf_printf(to,
                         "STAT 127.0.0.1:%u:role %s\r\n"
                         "STAT 127.0.0.1:%u:state %s\r\n"
                         "STAT 127.0.0.1:%u:partition %d\r\n"
                         "STAT 127.0.0.1:%u:balance %d\r\n"
                         "STAT 127.0.0.1:%u:thread_type %d\r\n",
                         n->port, role, n->port, n->state, n->port,
                         n->partition, n->port, n->balance, n->port, 16 + i);
    }
    (void)buf_put_str(to, "END\r\n");
}

static void
put_threads(struct fake *fake, struct buf *to)
{
    (void)buf_printf(to,
                     "STAT 74:type 1\r\nSTAT 74:peer 10.0.0.9:47056\r\n"
                     "STAT 74:op stats\r\nSTAT 74:queue 0\r\n"
                     "STAT 74:behind 0\r\nSTAT 1:type 4\r\nSTAT 1:peer :0\r\n"
                     "STAT 1:op \r\nSTAT 1:queue 0\r\nSTAT 1:behind 0\r\n");
    for (int i = 0; i < FAKE_NODES; i++) {
        if (fake->node[i].exists) {
            (void)buf_printf(
                to,
                "STAT %d:type %d\r\nSTAT %d:peer 127.0.0.1:%u\r\n"
                "STAT %d:op \r\nSTAT %d:info \r\nSTAT %d:queue 0\r\n"
                "STAT %d:behind %d\r\n",
                4 + i, 16 + i, 4 + i, fake->node[i].port, 4 + i, 4 + i, 4 + i,
                4 + i, i);
        }
    }
    (void)buf_put_str(to, "END\r\n");
}

static void
put_stats(const struct place *at, struct buf *to)
{
    uint64_t items = at->node >= 0 ? at->fake->node[at->node].items : 0;

    (void)buf_printf(to,
                     "STAT pid 1\r\nSTAT uptime 61\r\nSTAT version 2.0.0\r\n"
                     "STAT curr_items %ju\r\nSTAT bytes 0\r\n"
                     "STAT curr_connections 2\r\nSTAT cmd_get 3\r\n"
                     "STAT cmd_set 5\r\nSTAT get_hits 2\r\n"
                     "STAT node_map_version 43\r\nEND\r\n",
                     (uintmax_t)items);
}

static void
begin_building(struct fake *fake, struct fake_node *n, bool master,
               int partition)
{
    n->role = master ? "master" : "slave";
    n->partition = partition;
    n->state = master && partition == 0 ? "active" : "prepare";
    n->steps = partition == 0 && master ? 0 : fake->build_steps;
    n->next_role = fake->build_fails ? "proxy" : n->role;
    n->next_state = master && !fake->build_fails ? "ready" : "active";
}

/* The words of a command, the third of which is our one host. */
struct command {
    struct slice word[8];
    struct fake_node *node; /* named by host and port, or NULL */
};

static uint64_t
number(struct slice s)
{
    uint64_t value = 0;

    (void)slice_u64(s, 65535, &value);
    return value;
}

static struct command
read_command(struct fake *fake, const char *line)
{
    struct command c = {.node = NULL};
    struct slice rest = slice_str(line);

    for (size_t i = 0; i < COUNT(c.word); i++) {
        c.word[i] = slice_word(&rest);
    }
    if (slice_eq(c.word[2], SLICE("127.0.0.1"))) {
        c.node = find_node(fake, (unsigned)number(c.word[3]));
    }
    return c;
}

static const char *
set_role(struct fake *fake, const char *line)
{
    struct command c = read_command(fake, line);
    struct fake_node *n = c.node;

    if (n == NULL || fake->refuse_roles || strcmp(n->state, "down") == 0) {
        return "SERVER_ERROR failed to set role (and balance)\r\n";
    }
    if (strcmp(n->role, "proxy") == 0) {
        begin_building(fake, n, slice_eq(c.word[4], SLICE("master")),
                       (int)number(c.word[6]));
    }
    n->balance = (int)number(c.word[5]);
    return "OK\r\n";
}

/* A master hands its role to the first slave of its partition. */
static void
turn_down(struct fake *fake, struct fake_node *n)
{
    bool heir = strcmp(n->role, "master") != 0;

    for (int i = 0; i < FAKE_NODES && !heir; i++) {
        struct fake_node *other = &fake->node[i];

        if (other != n && other->exists && other->partition == n->partition) {
            other->role = "master";
            heir = true;
        }
    }
    n->state = "down";
    if (heir) {
        n->role = "proxy";
        n->partition = -1;
        n->balance = 0;
    }
    n->steps = fake->come_back ? 1 : 0;
    n->next_role = n->role;
    n->next_state = "active";
}

static const char *
set_state(struct fake *fake, const char *line)
{
    struct command c = read_command(fake, line);
    struct fake_node *n = c.node;

    if (n == NULL || fake->refuse_states) {
        return "SERVER_ERROR failed to set state\r\n";
    }
    if (slice_eq(c.word[4], SLICE("down"))) {
        turn_down(fake, n);
    } else {
        n->state = "active";
    }
    return "OK\r\n";
}

static const char *
remove_node(struct fake *fake, const char *line)
{
    struct fake_node *n = read_command(fake, line).node;

    if (n == NULL || fake->refuse_states) {
        return "SERVER_ERROR failed to remove node\r\n";
    }
    n->exists = false;
    return "OK\r\n";
}

static void
answer(const struct place *at, const char *line, struct buf *to)
{
    struct fake *fake = at->fake;

    if (strcmp(line, "version") == 0) {
        (void)buf_put_str(to, "VERSION 2.0.0\r\n");
    } else if (strcmp(line, "ping") == 0) {
        (void)buf_put_str(to, "OK\r\n");
    } else if (strcmp(line, "stats") == 0) {
        put_stats(at, to);
    } else if (strcmp(line, "meta") == 0) {
        (void)buf_put_str(to, "META partition-size 1024\r\n"
                              "META key-hash-algorithm simple\r\n"
                              "META partition-type modular\r\n"
                              "META partition-modular-hint 1\r\n"
                              "META partition-modular-virtual 4096\r\n"
                              "END\r\n");
    } else if (strcmp(line, "stats nodes") == 0) {
        if (at->node < 0) {
            tick(fake);
        }
        put_nodes(fake, to, at);
    } else if (strcmp(line, "stats threads") == 0) {
        put_threads(fake, to);
    } else if (strcmp(line, "flush_all") == 0 && at->node >= 0) {
        fake->node[at->node].items = 0;
        (void)buf_put_str(to, "OK\r\n");
    } else if (strncmp(line, "node role ", 10) == 0) {
        (void)buf_put_str(to, set_role(fake, line));
    } else if (strncmp(line, "node state ", 11) == 0) {
        (void)buf_put_str(to, set_state(fake, line));
    } else if (strncmp(line, "node remove ", 12) == 0) {
        (void)buf_put_str(to, remove_node(fake, line));
    } else {
        (void)buf_put_str(to, "ERROR\r\n");
    }
}

static void
remember(const struct place *at, const char *line)
{
    char *wire = at->fake->wire;
    char who[24] = "INDEX";
    size_t used = strlen(wire);

    if (at->node >= 0) {
        (void)snprintf(who, sizeof(who), "NODE%d", at->node + 1);
    }
    if (strcmp(line, "version") != 0 && used < FAKE_TEXT - 300) {
        (void)snprintf(wire + used, FAKE_TEXT - used, "%s %s\n", who, line);
    }
}

/* False: the conversation is over. */
static bool
handle(const struct place *at, char *line)
{
    struct buf text = {0};
    bool mute;
    bool sent;

    line[strcspn(line, "\r\n")] = '\0';
    if (strcmp(line, "quit") == 0) {
        return false;
    }
    (void)pthread_mutex_lock(&at->fake->lock);
    mute = at->node >= 0 && at->fake->node[at->node].mute;
    remember(at, line);
    answer(at, line, &text);
    (void)pthread_mutex_unlock(&at->fake->lock);
    sent = mute ||
           send(at->fd, buf_slice(&text).p, buf_len(&text), MSG_NOSIGNAL) > 0;
    buf_fini(&text);
    return sent;
}

static void *
converse(void *arg)
{
    struct place *at = arg;
    FILE *in = fdopen(dup(at->fd), "r");
    char line[512];

    while (in != NULL && fgets(line, sizeof(line), in) != NULL &&
           handle(at, line)) {
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    (void)shutdown(at->fd, SHUT_RDWR);
    free(at);
    return NULL;
}

static void
begin(struct fake *fake, void *(*run)(void *), int fd, int node)
{
    struct place *at = calloc(1, sizeof(*at));
    pthread_t thread;

    *at = (struct place){fake, fd, node};
    (void)pthread_mutex_lock(&fake->lock);
    assert_true(fake->nthreads < 255 && fake->nfds < 256);
    assert_int_equal(pthread_create(&thread, NULL, run, at), 0);
    fake->threads[fake->nthreads++] = thread;
    fake->fds[fake->nfds++] = fd;
    (void)pthread_mutex_unlock(&fake->lock);
}

static void *
accept_all(void *arg)
{
    struct place *at = arg;
    int fd;

    while ((fd = accept(at->fd, NULL, NULL)) >= 0) {
        begin(at->fake, converse, fd, at->node);
    }
    free(at);
    return NULL;
}

/* The map is in the order of names, so their order is that of ports. */
static int
by_port(const void *a, const void *b)
{
    return ((const struct fake_node *)a)->port -
           ((const struct fake_node *)b)->port;
}

void
fake_start(struct fake *fake, int n)
{
    memset(fake, 0, sizeof(*fake));
    (void)pthread_mutex_init(&fake->lock, NULL);
    fake->build_steps = 1;
    fake->come_back = true;
    fake->index_listener = listen_somewhere(&fake->index_port);
    begin(fake, accept_all, fake->index_listener, -1);
    for (int i = 0; i < n; i++) {
        fake->node[i] = (struct fake_node){.exists = true,
                                           .role = "proxy",
                                           .state = "active",
                                           .partition = -1};
        fake->node[i].listener = listen_somewhere(&fake->node[i].port);
    }
    qsort(fake->node, (size_t)n, sizeof(fake->node[0]), by_port);
    for (int i = 0; i < n; i++) {
        begin(fake, accept_all, fake->node[i].listener, i);
    }
}

void
fake_kill_node(struct fake *fake, int i)
{
    (void)shutdown(fake->node[i].listener, SHUT_RDWR);
}

/* The thread of that number, when there is one. */
static bool
thread_at(struct fake *fake, int i, pthread_t *out)
{
    bool found;

    (void)pthread_mutex_lock(&fake->lock);
    found = i < fake->nthreads;
    *out = fake->threads[i];
    for (int j = 0; j < fake->nfds; j++) {
        (void)shutdown(fake->fds[j], SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&fake->lock);
    return found;
}

void
fake_stop(struct fake *fake)
{
    pthread_t thread;

    for (int i = 0; thread_at(fake, i, &thread); i++) {
        (void)pthread_join(thread, NULL);
    }
    for (int i = 0; i < fake->nfds; i++) {
        (void)close(fake->fds[i]);
    }
    (void)pthread_mutex_destroy(&fake->lock);
}

/* 127.0.0.1:PORT -> 127.0.0.1:NODE1 */
static void
name_ports(const struct fake *fake, char *text)
{
    for (int i = -1; i < FAKE_NODES; i++) {
        char port[24], name[24];
        char *at = text;

        (void)snprintf(port, sizeof(port), "%u",
                       i < 0 ? fake->index_port : fake->node[i].port);
        (void)snprintf(name, sizeof(name), i < 0 ? "INDEX" : "NODE%d", i + 1);
        while (strlen(port) == 5 && (at = strstr(at, port)) != NULL) {
            memcpy(at, name, 5);
        }
    }
}

static char *
expand(const struct fake *fake, const char *word)
{
    char *text = calloc(1, 512);
    char *to = text;

    for (; *word != '\0'; word++) {
        if (*word != '%') {
            *to++ = *word;
            continue;
        }
        word++;
        to += sprintf(to, "127.0.0.1:%u",
                      *word == 'I' ? fake->index_port
                                   : fake->node[*word - '1'].port);
    }
    return text;
}

static void
read_both(int out, int err, struct fake_result *result)
{
    struct pollfd p[] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    char *to[] = {result->out, result->err};
    size_t used[] = {0, 0};

    while (p[0].fd >= 0 || p[1].fd >= 0) {
        assert_true(poll(p, 2, 60000) > 0);
        for (int i = 0; i < 2; i++) {
            ssize_t n;

            if (p[i].fd < 0 || p[i].revents == 0) {
                continue;
            }
            n = read(p[i].fd, to[i] + used[i], FAKE_TEXT - 1 - used[i]);
            if (n <= 0) {
                p[i].fd = -1;
            } else {
                used[i] += (size_t)n;
            }
        }
    }
    to[0][used[0]] = '\0';
    to[1][used[1]] = '\0';
}

static void
become(const char *program, char **argv, int in, int out, int err)
{
    const char *top = getenv("top_builddir");
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s/%s", top != NULL ? top : ".",
                   program, program);
    if (dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(err, 2) == 2) {
        (void)execv(path, argv);
    }
    _exit(127);
}

void
fake_run(struct fake *fake, const char *program, const char *words,
         const char *input, struct fake_result *result)
{
    char *argv[32] = {expand(fake, program)};
    char *list = expand(fake, words);
    char *rest = list;
    char *word;
    int in[] = {-1, -1}, out[] = {-1, -1}, err[] = {-1, -1};
    int argc = 1, status;
    pid_t child;

    while ((word = strsep(&rest, " ")) != NULL && argc < 31) {
        argv[argc++] = word;
    }
    (void)pthread_mutex_lock(&fake->lock);
    fake->wire[0] = '\0';
    (void)pthread_mutex_unlock(&fake->lock);
    assert_true(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
                pipe2(err, O_CLOEXEC) == 0);
    (void)pthread_mutex_lock(&fake->lock);
    child = fork();
    fake->tool = child;
    (void)pthread_mutex_unlock(&fake->lock);
    if (child == 0) {
        become(program, argv, in[0], out[1], err[1]);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    (void)close(err[1]);
    if (input != NULL) {
        assert_true(write(in[1], input, strlen(input)) >= 0);
        (void)close(in[1]);
    }
    read_both(out[0], err[0], result);
    if (input == NULL) {
        (void)close(in[1]);
    }
    (void)close(out[0]);
    (void)close(err[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    result->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    name_ports(fake, result->out);
    name_ports(fake, result->err);
    (void)pthread_mutex_lock(&fake->lock);
    name_ports(fake, fake->wire);
    (void)pthread_mutex_unlock(&fake->lock);
    free(argv[0]);
    free(list);
}
