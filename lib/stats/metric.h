/*
 * metric: counters one thread writes and any thread may read.
 *
 * A row here is a counter's only declaration: "stats" and every other rendering
 * read the table.
 */
#ifndef FLARE_STATS_METRIC_H
#define FLARE_STATS_METRIC_H

#include <stdatomic.h>
#include <stdint.h>

/* id, name in "stats", what it counts */
#define METRIC_TABLE(X)                                                        \
    X(TOTAL_ITEMS, "total_items", "storage commands that stored something")    \
    X(TOTAL_CONNECTIONS, "total_connections", "connections accepted")          \
    X(REJECTED_CONNECTIONS, "rejected_connections", "connections refused")     \
    X(CMD_GET, "cmd_get", "keys asked for")                                    \
    X(CMD_SET, "cmd_set", "storage commands received")                         \
    X(CMD_FLUSH, "cmd_flush", "flush_all received")                            \
    X(CMD_TOUCH, "cmd_touch", "touch and gat received")                        \
    X(CMD_META, "cmd_meta", "me received")                                     \
    X(GET_HITS, "get_hits", "keys found")                                      \
    X(GET_MISSES, "get_misses", "keys not found")                              \
    X(GET_EXPIRED, "get_expired", "keys not found because expired")            \
    X(DELETE_HITS, "delete_hits", "deletes that found the key")                \
    X(DELETE_MISSES, "delete_misses", "deletes that did not")                  \
    X(INCR_HITS, "incr_hits", "incr that found the key")                       \
    X(INCR_MISSES, "incr_misses", "incr that did not")                         \
    X(DECR_HITS, "decr_hits", "decr that found the key")                       \
    X(DECR_MISSES, "decr_misses", "decr that did not")                         \
    X(CAS_HITS, "cas_hits", "cas that stored")                                 \
    X(CAS_MISSES, "cas_misses", "cas that did not find the key")               \
    X(CAS_BADVAL, "cas_badval", "cas with another unique")                     \
    X(TOUCH_HITS, "touch_hits", "touch and gat that found the key")            \
    X(TOUCH_MISSES, "touch_misses", "touch and gat that did not")              \
    X(BYTES_READ, "bytes_read", "bytes read from clients")                     \
    X(BYTES_WRITTEN, "bytes_written", "bytes written to clients")              \
    X(CONN_YIELDS, "conn_yields", "turns a connection gave to others")         \
    X(STORE_TOO_LARGE, "store_too_large", "values beyond the limit")           \
    X(STORE_NO_MEMORY, "store_no_memory", "requests refused for memory")       \
    X(PROXY_READ, "proxy_read", "keys read from another node for a client")    \
    X(PROXY_WRITE, "proxy_write", "writes passed on to another node")          \
    X(PROXY_ERROR, "proxy_error", "of those, how many failed")                 \
    X(HELD_REQUESTS, "held_requests", "requests that waited for a master")     \
    X(SYNC_WAITS, "sync_waits", "replies that waited for copies")              \
    X(SYNC_TIMEOUTS, "sync_timeouts", "of those, how many in vain")

#define X(id, name, help) METRIC_##id,
enum metric { METRIC_TABLE(X) METRIC_COUNT };
#undef X

/* One per worker; a cache line of its own so that workers do not collide. */
struct metrics {
    _Alignas(64) _Atomic(uint64_t) value[METRIC_COUNT];
};

extern const char *const metric_name[METRIC_COUNT];

/* Owner thread only: no read-modify-write, so no locked instruction. */
static inline void
metric_add(struct metrics *m, enum metric id, uint64_t n)
{
    uint64_t now = atomic_load_explicit(&m->value[id], memory_order_relaxed);

    atomic_store_explicit(&m->value[id], now + n, memory_order_relaxed);
}

/* Any thread. */
static inline uint64_t
metric_get(const struct metrics *m, enum metric id)
{
    return atomic_load_explicit(&m->value[id], memory_order_relaxed);
}

#endif
