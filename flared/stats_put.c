#include "flared/stats_put.h"

#include <event2/event.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "flared/server.h"
#include "flared/worker.h"
#include "proto/reply.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
put_number(struct buf *out, const char *name, uint64_t value)
{
    return reply_stat(out, name, "%ju", (uintmax_t)value);
}

/* What of the process is in memory; 0 when nobody can tell. */
static uint64_t
resident_bytes(void)
{
    struct buf text = {0};
    struct err unused;
    struct slice rest;
    uint64_t pages = 0;

    if (file_read_all("/proc/self/statm", &text, &unused) == 0) {
        rest = buf_slice(&text);
        (void)slice_word(&rest);
        (void)slice_u64(slice_word(&rest), INT64_MAX, &pages);
    }
    buf_fini(&text);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool
put_process(struct buf *out, const struct flared *node)
{
    struct wall now = clock_wall();
    struct rusage ru;

    (void)getrusage(RUSAGE_SELF, &ru);
    return reply_stat(out, "pid", "%d", (int)getpid()) &&
           reply_stat(out, "uptime", "%jd",
                      (intmax_t)(now.s - node->started.s)) &&
           reply_stat(out, "time", "%jd", (intmax_t)now.s) &&
           reply_stat(out, "version", "%s", PACKAGE_VERSION) &&
           reply_stat(out, "libevent", "%s", event_get_version()) &&
           reply_stat(out, "pointer_size", "%zu", 8 * sizeof(void *)) &&
           reply_stat(out, "rusage_user", "%ld.%06ld", ru.ru_utime.tv_sec,
                      ru.ru_utime.tv_usec) &&
           reply_stat(out, "rusage_system", "%ld.%06ld", ru.ru_stime.tv_sec,
                      ru.ru_stime.tv_usec) &&
           put_number(out, "rss", resident_bytes());
}

static bool
put_storage(struct buf *out, const struct flared *node, uint64_t count)
{
    struct ulog *log = store_log(node->store);
    unsigned sessions = server_sessions(node->server);

    return put_number(out, "curr_items", count) &&
           put_number(out, "bytes", store_file_size(node->store)) &&
           put_number(out, "max_connections", server_max(node->server)) &&
           put_number(out, "curr_connections", sessions) &&
           put_number(out, "connection_structures", sessions) &&
           put_number(out, "accepting_conns", 1) &&
           put_number(out, "threads", node->nworkers) &&
           put_number(out, "log_first", ulog_first(log)) &&
           put_number(out, "log_last", ulog_last(log));
}

bool
stats_put_general(struct buf *out, const struct flared *node, uint64_t count)
{
    static const char *const never[] = {
        "reserved_fds",
        "get_flushed",
        "auth_cmds",
        "auth_errors",
        "limit_maxbytes",
        "listen_disabled_num",
        "time_in_listen_disabled_us",
        "malloc_fails",
        "evicted_unfetched",
        "evicted_active",
        "evictions",
        "reclaimed",
        "direct_reclaims",
        "pool_threads",
    };
    bool ok = put_process(out, node) && put_storage(out, node, count);

    for (size_t i = 0; ok && i < COUNT(never); i++) {
        ok = put_number(out, never[i], 0);
    }
    return ok;
}

bool
stats_put_settings(struct buf *out, const struct flared *node)
{
    const struct flared_options *o = &node->options;
    const char *path = o->server_socket[0] != '\0' ? o->server_socket : "NULL";

    return put_number(out, "maxbytes", 0) &&
           put_number(out, "maxconns", server_max(node->server)) &&
           put_number(out, "tcpport", server_port(node->server)) &&
           put_number(out, "udpport", 0) &&
           reply_stat(out, "inter", "%s", o->bind) &&
           put_number(out, "verbosity", 0) && put_number(out, "oldest", 0) &&
           reply_stat(out, "evictions", "off") &&
           reply_stat(out, "domain_socket", "%s", path) &&
           reply_stat(out, "shutdown_command", "%s",
                      o->enable_shutdown ? "yes" : "no") &&
           put_number(out, "num_threads", node->nworkers) &&
           reply_stat(out, "stat_key_prefix", ":") &&
           reply_stat(out, "detail_enabled", "no") &&
           reply_stat(out, "cas_enabled", "yes") &&
           put_number(out, "tcp_backlog", o->back_log) &&
           reply_stat(out, "binding_protocol", "auto-negotiate") &&
           reply_stat(out, "auth_enabled_sasl", "no") &&
           reply_stat(out, "auth_enabled_ascii", "no") &&
           put_number(out, "item_size_max", o->value_max) &&
           reply_stat(out, "maxconns_fast", "yes") &&
           reply_stat(out, "flush_enabled", "yes") &&
           reply_stat(out, "dump_enabled", "yes") &&
           put_number(out, "idle_timeout", o->net_read_timeout) &&
           reply_stat(out, "track_sizes", "no") &&
           reply_stat(out, "ssl_enabled", "no") &&
           reply_stat(out, "storage_type", "%s", o->storage_type);
}

bool
stats_put_items(struct buf *out, const struct flared *node, uint64_t count)
{
    static const char *const never[] = {
        "items:1:age",
        "items:1:evicted",
        "items:1:evicted_time",
        "items:1:evicted_nonzero",
        "items:1:outofmemory",
        "items:1:evicted_unfetched",
        "items:1:tailrepairs",
        "items:1:evicted_active",
        "items:1:direct_reclaims",
        "items:1:reclaimed",
    };
    bool ok = true;

    if (count == 0) {
        return true; /* as memcached of a class that has nothing */
    }
    ok = put_number(out, "items:1:number", count) &&
         put_number(out, "items:1:mem_requested", store_file_size(node->store));
    for (size_t i = 0; ok && i < COUNT(never); i++) {
        ok = put_number(out, never[i], 0);
    }
    return ok;
}

bool
stats_put_slabs(struct buf *out, const struct flared *node, uint64_t count)
{
    static const struct {
        const char *name;
        enum metric metric;
    } rows[] = {
        {"1:get_hits", METRIC_GET_HITS},
        {"1:cmd_set", METRIC_CMD_SET},
        {"1:delete_hits", METRIC_DELETE_HITS},
        {"1:incr_hits", METRIC_INCR_HITS},
        {"1:decr_hits", METRIC_DECR_HITS},
        {"1:cas_hits", METRIC_CAS_HITS},
        {"1:cas_badval", METRIC_CAS_BADVAL},
        {"1:touch_hits", METRIC_TOUCH_HITS},
    };
    uint64_t bytes = store_file_size(node->store);
    bool ok = put_number(out, "1:total_chunks", count) &&
              put_number(out, "1:used_chunks", count) &&
              put_number(out, "1:free_chunks", 0) &&
              put_number(out, "1:mem_requested", bytes);

    for (size_t i = 0; ok && i < COUNT(rows); i++) {
        ok =
            put_number(out, rows[i].name, workers_metric(node, rows[i].metric));
    }
    return ok && put_number(out, "active_slabs", 1) &&
           put_number(out, "total_malloced", bytes);
}
