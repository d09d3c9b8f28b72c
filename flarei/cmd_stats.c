/* Commands that tell what the index knows and how it is. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cluster/map_text.h"
#include "flarei/cmd.h"
#include "flarei/member.h"
#include "flarei/server.h"
#include "proto/reply.h"

enum { THREAD_REQUEST = 1, VARIABLE_WIDTH = 26 };

static bool
put_count(struct buf *out, const char *name, uint64_t value)
{
    return reply_stat(out, name, "%ju", (uintmax_t)value);
}

static bool
put_time(struct buf *out, const char *name, struct timeval time)
{
    return reply_stat(out, name, "%jd.%06jd", (intmax_t)time.tv_sec,
                      (intmax_t)time.tv_usec);
}

/* What a store would count: the index has no data. */
static bool
put_zeroes(struct buf *out, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!put_count(out, names[i], 0)) {
            return false;
        }
    }
    return true;
}

static bool
put_process(struct buf *out, const struct flarei *flarei)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return put_count(out, "pid", (uint64_t)getpid()) &&
           put_count(out, "uptime",
                     (uint64_t)(flarei->loop.wall.s - flarei->started.s)) &&
           put_count(out, "time", (uint64_t)flarei->loop.wall.s) &&
           reply_stat(out, "version", "%s", PACKAGE_VERSION) &&
           put_count(out, "pointer_size", 8 * sizeof(void *)) &&
           put_time(out, "rusage_user", usage.ru_utime) &&
           put_time(out, "rusage_system", usage.ru_stime);
}

/* Masters that are back and not let in: an operator has to look. */
static uint64_t
count_waiting(const struct flarei *flarei)
{
    uint64_t n = 0;

    for (size_t i = 0; i < flarei->map->nnodes; i++) {
        n += flarei->map->node[i].wait != NODE_WAIT_NOT;
    }
    return n;
}

static bool
put_stats(struct buf *out, const struct flarei *flarei)
{
    static const char *const data[] = {"curr_items", "total_items", "bytes"};
    static const char *const commands[] = {
        "connection_structures",
        "cmd_get",
        "cmd_set",
        "get_hits",
        "get_misses",
        "delete_hits",
        "delete_misses",
        "incr_hits",
        "incr_misses",
        "decr_hits",
        "decr_misses",
        "cas_hits",
        "cas_misses",
        "cas_badval",
        "touch_hits",
        "touch_misses",
        "evictions",
    };
    struct server_counts counts = server_count(flarei->server);

    return put_process(out, flarei) &&
           put_zeroes(out, data, sizeof(data) / sizeof(data[0])) &&
           put_count(out, "curr_connections", counts.now) &&
           put_count(out, "total_connections", counts.total) &&
           put_zeroes(out, commands, sizeof(commands) / sizeof(commands[0])) &&
           put_count(out, "bytes_read", counts.bytes_in) &&
           put_count(out, "bytes_written", counts.bytes_out) &&
           put_count(out, "limit_maxbytes", 0) &&
           put_count(out, "threads", 1) && put_count(out, "pool_threads", 0) &&
           put_count(out, "node_map_version", flarei->map->version) &&
           put_count(out, "rejected_connections", counts.rejected) &&
           put_count(out, "nodes", flarei->map->nnodes) &&
           put_count(out, "masters_waiting", count_waiting(flarei)) &&
           put_count(out, "failovers_recorded",
                     index_book_count(&flarei->book));
}

/* One row of "stats threads"; here a connection takes a thread's place. */
struct thread_row {
    uint64_t id;
    int type;
    const char *peer;
    const char *op;
    const char *state;
    struct wall since;
    uint64_t queue;
    int64_t behind; /* s */
};

static bool
put_thread(struct buf *out, const struct thread_row *row, struct wall now)
{
    uintmax_t id = row->id;

    return buf_printf(out,
                      "STAT %ju:type %d\r\nSTAT %ju:peer %s\r\n"
                      "STAT %ju:op %s\r\nSTAT %ju:uptime %jd\r\n",
                      id, row->type, id, row->peer, id, row->op, id,
                      (intmax_t)(now.s - row->since.s)) &&
           buf_printf(out,
                      "STAT %ju:state %s\r\nSTAT %ju:info \r\n"
                      "STAT %ju:queue %ju\r\nSTAT %ju:behind %jd\r\n",
                      id, row->state, id, id, (uintmax_t)row->queue, id,
                      (intmax_t)row->behind);
}

static bool
put_sessions(struct buf *out, const struct session *asking)
{
    const struct flarei *flarei = asking->flarei;
    const struct session *session = NULL;

    while ((session = server_next(flarei->server, session)) != NULL) {
        struct thread_row row = {
            .id = session->id,
            .type = THREAD_REQUEST,
            .peer = session->peer,
            .op = session->op,
            .state = session == asking ? "execute" : "wait",
            .since = session->since,
        };

        if (!put_thread(out, &row, flarei->loop.wall)) {
            return false;
        }
    }
    return true;
}

static bool
put_monitor(struct buf *out, const struct flarei *flarei,
            const struct node *node)
{
    const struct member *member = strmap_find(&flarei->members, node_key(node));
    bool behind = member->acked < flarei->map->version;
    struct thread_row row = {
        .id = member->id,
        .type = node->thread_type,
        .peer = node->key,
        .op = member->sent != 0 ? "node_sync" : "ping",
        .state = member->sent != 0 || member->pinging ? "execute" : "wait",
        .since = member->since,
        .queue = behind,
    };

    if (!link_is_up(member->link)) {
        row.op = "";
        row.state = "connect";
    }
    if (behind) {
        row.behind =
            mono_ms_between(member->since_behind, flarei->loop.now) / 1000;
    }
    return put_thread(out, &row, flarei->loop.wall);
}

/* In the order of thread types, as flare has them. */
static const struct node *
next_by_type(const struct cluster_map *map, int above)
{
    const struct node *next = NULL;

    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (node->thread_type > above &&
            (next == NULL || node->thread_type < next->thread_type)) {
            next = node;
        }
    }
    return next;
}

static bool
put_monitors(struct buf *out, const struct flarei *flarei)
{
    const struct node *node = NULL;
    int above = 0;

    while ((node = next_by_type(flarei->map, above)) != NULL) {
        if (!put_monitor(out, flarei, node)) {
            return false;
        }
        above = node->thread_type;
    }
    return true;
}

/* How many nodes have yet to hear of the newest map. */
static uint64_t
count_behind(const struct flarei *flarei)
{
    struct slice key;
    uint64_t n = 0;
    void *value;
    size_t at = 0;

    while (strmap_next(&flarei->members, &at, &key, &value)) {
        n += ((const struct member *)value)->acked < flarei->map->version;
    }
    return n;
}

/* False: not understood. */
static bool
stats_threads(struct session *session, struct slice rest, bool *ok)
{
    struct buf *out = session_out(session);
    struct slice word = slice_word(&rest);

    *ok = true;
    if (word.n == 0) {
        *ok = put_sessions(out, session) && put_monitors(out, session->flarei);
    } else if (slice_eq(word, SLICE("request"))) {
        *ok = put_sessions(out, session);
    } else if (slice_eq(word, SLICE("queue"))) {
        *ok =
            put_count(out, "total_thread_queue", count_behind(session->flarei));
    } else if (!slice_eq(word, SLICE("slave"))) {
        return false;
    }
    return true;
}

void
cmd_stats(struct session *session, struct slice rest)
{
    struct buf *out = session_out(session);
    struct slice word = slice_word(&rest);
    bool ok = true;
    bool known = true;

    if (word.n == 0) {
        ok = put_stats(out, session->flarei);
    } else if (slice_eq(word, SLICE("nodes"))) {
        ok = map_text_put_stats(out, session->flarei->map);
    } else if (slice_eq(word, SLICE("threads"))) {
        known = stats_threads(session, rest, &ok);
    } else if (slice_eq(word, SLICE("failovers"))) {
        ok = cmd_put_failovers(out, session->flarei);
    } else if (slice_eq(word, SLICE("members"))) {
        ok = cmd_put_members(out, session->flarei);
    } else {
        known = slice_eq(word, SLICE("items")) ||
                slice_eq(word, SLICE("slabs")) ||
                slice_eq(word, SLICE("sizes"));
    }
    if (!ok) {
        session_end(session);
    } else {
        cmd_answer(session, known ? "END" : "ERROR");
    }
}

static bool
put_variable(struct buf *out, const char *name, const char *value)
{
    char label[VARIABLE_WIDTH + 1];

    (void)snprintf(label, sizeof(label), "%s:", name);
    return buf_printf(out, "%-*s%s\r\n", VARIABLE_WIDTH, label, value);
}

static bool
put_number(struct buf *out, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%ju", (uintmax_t)value);
    return put_variable(out, name, text);
}

static bool
put_variables(struct buf *out, const struct flarei_options *o, uint16_t port)
{
    return put_variable(out, "config_path", o->common.config) &&
           put_variable(out, "pid_path", o->pid) &&
           put_variable(out, "daemonize", o->daemonize ? "true" : "false") &&
           put_variable(out, "data_dir", o->data_dir) &&
           put_number(out, "max_connection", o->max_connection) &&
           put_number(out, "monitor_threshold", o->monitor_threshold) &&
           put_number(out, "monitor_interval", o->monitor_interval) &&
           put_number(out, "monitor_read_timeout", o->monitor_read_timeout) &&
           put_number(out, "net_read_timeout", o->net_read_timeout) &&
           put_number(out, "partition_modular_hint",
                      o->partition_modular_hint) &&
           put_number(out, "partition_modular_virtual",
                      o->partition_modular_virtual) &&
           put_number(out, "partition_size", o->partition_size) &&
           put_variable(out, "partition_type", o->partition_type) &&
           put_variable(out, "key_hash_algorithm", o->key_hash_algorithm) &&
           put_variable(out, "server_name", o->server_name) &&
           put_number(out, "server_port", port) &&
           put_variable(out, "server_socket", o->server_socket) &&
           put_number(out, "stack_size", 128) &&
           put_number(out, "thread_pool_size", 5);
}

void
cmd_show(struct session *session, struct slice rest)
{
    const struct flarei *flarei = session->flarei;

    if (!slice_eq(slice_word(&rest), SLICE("variables"))) {
        cmd_error(session);
    } else if (put_variables(session_out(session), &flarei->options,
                             server_port(flarei->server))) {
        cmd_answer(session, "END");
    } else {
        session_end(session);
    }
}
