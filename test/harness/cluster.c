#include "test/harness/cluster.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "hash/keyhash.h"
#include "hash/partition.h"
#include "test/harness/folder.h"
#include "test/harness/tool.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

/*
 * A bound socket that does not listen keeps the port from everyone but those
 * who, like our daemons, bind with SO_REUSEADDR.
 */
static void
reserve_port(struct member *m)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(at);
    int on = 1;

    m->reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(m->reserved >= 0);
    (void)setsockopt(m->reserved, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    assert_int_equal(bind(m->reserved, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(m->reserved, (struct sockaddr *)&at, &n), 0);
    m->port = ntohs(at.sin_port);
}

static void
member_init(struct cluster *c, struct member *m, const char *name)
{
    (void)snprintf(m->name, sizeof(m->name), "%s", name);
    (void)snprintf(m->data, sizeof(m->data), "%s/%s", c->folder, name);
    folder_make_at(m->data);
    reserve_port(m);
    member_option(m, "--bind", "127.0.0.1");
}

void
cluster_init(struct cluster *c, size_t nodes)
{
    char name[32];

    memset(c, 0, sizeof(*c));
    c->folder = folder_make();
    c->n = nodes;
    member_init(c, &c->index, "index");
    /* On a busy machine an answer may take long, unless a test says so. */
    member_option(&c->index, "--monitor-interval", "1");
    member_option(&c->index, "--monitor-read-timeout", "30000");
    for (size_t i = 0; i < nodes; i++) {
        (void)snprintf(name, sizeof(name), "node%zu", i);
        member_init(c, &c->nodes[i], name);
    }
}

void
member_option(struct member *m, const char *name, const char *value)
{
    size_t n = 0;

    while (m->args[n] != NULL && strcmp(m->args[n], name) != 0) {
        n += 2;
    }
    assert_true(n + 2 < CLUSTER_ARGS);
    m->args[n] = name;
    m->args[n + 1] = value;
}

void
cluster_node_option(struct cluster *c, const char *name, const char *value)
{
    for (size_t i = 0; i < c->n; i++) {
        member_option(&c->nodes[i], name, value);
    }
}

static void
launch(struct cluster *c, struct member *m, const char *program,
       const char *const *more)
{
    const char *args[48] = {tool_path(program), "--stderr",
                            "--data-dir",       m->data,
                            "--server-name",    "127.0.0.1"};
    char log[256], port[8];
    size_t n = 6;

    (void)snprintf(log, sizeof(log), "%s/%s.log", c->folder, m->name);
    (void)snprintf(port, sizeof(port), "%u", m->port);
    args[n++] = "--server-port";
    args[n++] = port;
    for (; *more != NULL; more++) {
        args[n++] = *more;
    }
    for (size_t i = 0; m->args[i] != NULL; i++) {
        args[n++] = m->args[i];
    }
    args[n] = NULL;
    process_start(&m->process, m->name, log, args, true);
}

void
cluster_launch_index(struct cluster *c)
{
    launch(c, &c->index, "flarei", (const char *const[]){NULL});
}

void
cluster_launch_node(struct cluster *c, size_t i)
{
    char port[8];

    (void)snprintf(port, sizeof(port), "%u", c->index.port);
    launch(c, &c->nodes[i], "flared",
           (const char *const[]){"--index-server-name", "127.0.0.1",
                                 "--index-server-port", port,
#ifdef __SANITIZE_THREAD__
                                 /* it can follow 64 locks at a time */
                                 "--mutex-slot", "32",
#endif
                                 NULL});
}

void
cluster_start_index(struct cluster *c)
{
    cluster_launch_index(c);
    process_wait_ready(&c->index.process);
}

void
cluster_start_node(struct cluster *c, size_t i)
{
    cluster_launch_node(c, i);
    process_wait_ready(&c->nodes[i].process);
}

void
cluster_start(struct cluster *c)
{
    cluster_start_index(c);
    for (size_t i = 0; i < c->n; i++) {
        cluster_start_node(c, i);
    }
    for (size_t i = 0; i < c->n; i++) {
        cluster_wait_state(c, i, "proxy active -1 0");
    }
    cluster_settle(c);
}

void
cluster_up(struct cluster *c, size_t nodes)
{
    cluster_init(c, nodes);
    cluster_start(c);
}

static void
release(struct cluster *c)
{
    for (size_t i = 0; i < c->n; i++) {
        (void)close(c->nodes[i].reserved);
    }
    (void)close(c->index.reserved);
    folder_remove(c->folder);
    free(c->folder);
    memset(c, 0, sizeof(*c));
}

void
cluster_finish(struct cluster *c)
{
    for (size_t i = 0; i < c->n; i++) {
        if (c->nodes[i].process.pid > 0) {
            process_stop(&c->nodes[i].process);
        }
    }
    if (c->index.process.pid > 0) {
        process_stop(&c->index.process);
    }
    release(c);
}

void
cluster_abandon(struct cluster *c)
{
    if (c->folder == NULL) {
        return;
    }
    for (size_t i = 0; i <= c->n; i++) {
        struct member *m = i < c->n ? &c->nodes[i] : &c->index;

        if (m->process.pid > 0) {
            process_kill(&m->process);
        }
        process_show_log(&m->process);
    }
    release(c);
}

static const char *__attribute__((format(printf, 2, 0)))
ask(struct cluster *c, const char *fmt, va_list ap)
{
    static char answer[sizeof(((struct client *)NULL)->line)];
    struct client client;
    char line[512];
    int n = vsnprintf(line, sizeof(line), fmt, ap);

    assert_true(n >= 0 && (size_t)n < sizeof(line));
    client_open(&client, c->index.port);
    (void)snprintf(answer, sizeof(answer), "%s",
                   client_ask(&client, "%s\r\n", line));
    client_close(&client);
    return answer;
}

const char *
cluster_ask(struct cluster *c, const char *fmt, ...)
{
    const char *answer;
    va_list ap;

    va_start(ap, fmt);
    answer = ask(c, fmt, ap);
    va_end(ap);
    return answer;
}

void
cluster_order(struct cluster *c, const char *fmt, ...)
{
    const char *answer;
    va_list ap;

    va_start(ap, fmt);
    answer = ask(c, fmt, ap);
    va_end(ap);
    if (strcmp(answer, "OK") != 0) {
        fail_msg("the index refused \"%s ...\": %s", fmt, answer);
    }
}

const char *
cluster_name(const struct cluster *c, size_t i)
{
    static char names[8][32];
    static size_t next;
    char *name = names[next++ % COUNT(names)];

    (void)snprintf(name, sizeof(names[0]), "127.0.0.1:%u", c->nodes[i].port);
    return name;
}

/* "STAT host:port:FIELD VALUE": which of the four, or -1. */
static int
field_of(const char *line, const char *prefix, const char **value)
{
    static const char *const names[] = {"role ", "state ", "partition ",
                                        "balance "};
    size_t n = strlen(prefix);

    if (strncmp(line, prefix, n) != 0) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        if (strncmp(line + n, names[i], strlen(names[i])) == 0) {
            *value = line + n + strlen(names[i]);
            return i;
        }
    }
    return -1;
}

const char *
cluster_state(struct cluster *c, size_t i)
{
    static char state[128];
    char fields[4][24] = {"", "", "", ""}, prefix[64];
    struct client client;
    const char *line, *value;

    (void)snprintf(prefix, sizeof(prefix), "STAT %s:", cluster_name(c, i));
    client_open(&client, c->index.port);
    line = client_ask(&client, "stats nodes\r\n");
    for (; strncmp(line, "STAT ", 5) == 0; line = client_line(&client)) {
        int at = field_of(line, prefix, &value);

        if (at >= 0) {
            (void)snprintf(fields[at], sizeof(fields[at]), "%s", value);
        }
    }
    client_close(&client);
    (void)snprintf(state, sizeof(state), "%s %s %s %s", fields[0], fields[1],
                   fields[2], fields[3]);
    return fields[0][0] != '\0' ? state : "";
}

struct wanted {
    struct cluster *c;
    size_t i;
    const char *state;
};

static bool
has_state(void *arg)
{
    const struct wanted *w = arg;

    return strcmp(cluster_state(w->c, w->i), w->state) == 0;
}

void
cluster_wait_state(struct cluster *c, size_t i, const char *state)
{
    struct wanted w = {c, i, state};

    if (!wait_held(has_state, &w, WAIT_MS)) {
        fail_msg("node%zu is \"%s\", not \"%s\"", i, cluster_state(c, i),
                 state);
    }
}

static bool
is_settled(void *arg)
{
    const struct cluster *c = arg;
    int64_t version = stat_of(c->index.port, "node_map_version");

    for (size_t i = 0; i < c->n; i++) {
        if (c->nodes[i].process.pid > 0 &&
            stat_of(c->nodes[i].port, "node_map_version") != version) {
            return false;
        }
    }
    return version >= 0;
}

void
cluster_settle(struct cluster *c)
{
    wait_for(is_settled, c, WAIT_MS, "all nodes to have the index's map");
}

void
cluster_make_master(struct cluster *c, size_t i, int partition)
{
    char state[64];

    cluster_order(c, "node role 127.0.0.1 %u master 1 %d", c->nodes[i].port,
                  partition);
    (void)snprintf(state, sizeof(state), "master ready %d 1", partition);
    if (partition > 0) {
        cluster_wait_state(c, i, state);
        cluster_order(c, "node state 127.0.0.1 %u active", c->nodes[i].port);
    }
    (void)snprintf(state, sizeof(state), "master active %d 1", partition);
    cluster_wait_state(c, i, state);
    cluster_settle(c);
}

void
cluster_make_slave(struct cluster *c, size_t i, int partition)
{
    char state[64];

    cluster_order(c, "node role 127.0.0.1 %u slave 0 %d", c->nodes[i].port,
                  partition);
    (void)snprintf(state, sizeof(state), "slave active %d 0", partition);
    cluster_wait_state(c, i, state);
    cluster_order(c, "node role 127.0.0.1 %u slave 1 %d", c->nodes[i].port,
                  partition);
    cluster_settle(c);
}

uint32_t
cluster_key_of(char *to, size_t size, const char *prefix, uint32_t from,
               int partition, int partitions)
{
    static struct partition_table *table;
    const uint16_t *row;

    if (table == NULL) {
        table = partition_table_new(1024, 1, 4096);
    }
    row = partition_table_row(table, (unsigned)partitions);
    assert_non_null(row);
    for (uint32_t n = from;; n++) {
        int len = snprintf(to, size, "%s%u", prefix, n);
        struct slice key = {to, (size_t)len};

        if (row[keyhash(KEYHASH_SIMPLE, key) % 4096] == partition) {
            return n;
        }
    }
}
