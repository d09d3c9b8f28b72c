/*
 * What "stats" counts: as memcached beside it counts, and exactly, however many
 * ask at a time.
 */
#include "test/unit/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "test/harness/cluster.h"
#include "test/integration/reference.h"

enum { THREADS = 8, ROUNDS = 1500 };

static struct cluster cluster;

static int
start(void **state)
{
    (void)state;
    cluster_init(&cluster, 1);
    cluster_node_option(&cluster, "--threads", "4");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

static const char *const names[] = {
    "cmd_get",     "cmd_set",      "cmd_flush",     "cmd_touch",
    "cmd_meta",    "get_hits",     "get_misses",    "delete_hits",
    "incr_hits",   "incr_misses",  "delete_misses", "decr_hits",
    "decr_misses", "cas_hits",     "cas_misses",    "cas_badval",
    "touch_hits",  "touch_misses", "total_items",   "store_too_large"};

static const char *const script[] = {
    "get a\r\n",
    "get a b\r\n",
    "set a 0 0 1\r\n1\r\n",
    "get a\r\n",
    "gets a b\r\n",
    "add a 0 0 1\r\n1\r\n",
    "add b 0 0 1\r\n1\r\n",
    "replace c 0 0 1\r\n1\r\n",
    "replace b 0 0 1\r\n1\r\n",
    "append b 0 0 1\r\n1\r\n",
    "append d 0 0 1\r\n1\r\n",
    "prepend b 0 0 1\r\n1\r\n",
    "prepend d 0 0 1\r\n1\r\n",
    "cas d 0 0 1 5\r\n1\r\n",
    "cas b 0 0 1 99999999\r\n1\r\n",
    "incr a 1\r\n",
    "incr e 1\r\n",
    "decr a 1\r\n",
    "decr e 1\r\n",
    "set c 0 0 1\r\nx\r\n",
    "incr c 1\r\n",
    "delete c\r\n",
    "delete c\r\n",
    "touch a 0\r\n",
    "touch c 0\r\n",
    "gat 0 a\r\n",
    "gat 0 a c b\r\n",
    "gats 0 a c b\r\n",
    "set a 0 0 1 noreply\r\n1\r\n",
    "mg a\r\n",
    "mg f v\r\n",
    "mg f v q\r\n",
    "mg a t v T0\r\n",
    "mg f T0\r\n",
    "mg f N30\r\n",
    "mg f N30\r\n",
    "ms f 1\r\nx\r\n",
    "ms f 1 MA\r\nx\r\n",
    "ms f 1 ME\r\nx\r\n",
    "ms f 1 MR\r\nx\r\n",
    "ms f 1 C99999999\r\nx\r\n",
    "ms e 1 C9\r\nx\r\n",
    "md f I\r\n",
    "md f C99999999\r\n",
    "md f\r\n",
    "md f\r\n",
    "ma a\r\n",
    "ma e\r\n",
    "ma e N0\r\n",
    "ma e MD\r\n",
    "ma e C99999999\r\n",
    "md e q\r\n",
    "me a\r\n",
    "me f\r\n",
    "mn\r\n",
    "flush_all 100\r\n",
    "flush_all\r\n",
    "verbosity 1\r\n",
    "get\r\n",
    "touch a\r\n",
    "nonsense\r\n",
};

static void
run(struct client *c, const char *request)
{
    client_send(c, slice_str(request));
    client_send(c, SLICE("version\r\n"));
    while (strncmp(client_line(c), "VERSION ", 8) != 0) {
    }
}

static void
counted_as_memcached_counts(void **state)
{
    static struct reference memcached;
    struct client theirs, ours;

    (void)state;
    if (!reference_exists()) {
        skip();
    }
    reference_start(&memcached);
    client_open(&theirs, memcached.port);
    client_open(&ours, cluster.nodes[0].port);
    for (size_t i = 0; i < COUNT(script); i++) {
        run(&theirs, script[i]);
        run(&ours, script[i]);
        for (size_t j = 0; j < COUNT(names); j++) {
            long long want = client_stat(&theirs, "", names[j]);
            long long have = client_stat(&ours, "", names[j]);

            if (want != have) {
                fail_msg("%s after \"%s\": memcached %lld, node %lld", names[j],
                         script[i], want, have);
            }
        }
    }
    assert_string_equal(client_ask(&ours, "stats reset\r\n"), "RESET");
    for (size_t j = 0; j < COUNT(names); j++) {
        assert_int_equal(client_stat(&ours, "", names[j]), 0);
    }
    client_close(&theirs);
    client_close(&ours);
    reference_stop(&memcached);
}

/* Sums of memcached's and its exporters' have to find what they look for. */
static void
who_reads_memcacheds_statistics_finds_the_names(void **state)
{
    static const char *const wanted[][2] = {
        {"", "pid"},
        {"", "uptime"},
        {"", "time"},
        {"", "pointer_size"},
        {"", "max_connections"},
        {"", "curr_connections"},
        {"", "total_connections"},
        {"", "rejected_connections"},
        {"", "connection_structures"},
        {"", "get_expired"},
        {"", "get_flushed"},
        {"", "store_no_memory"},
        {"", "auth_cmds"},
        {"", "auth_errors"},
        {"", "bytes_read"},
        {"", "bytes_written"},
        {"", "limit_maxbytes"},
        {"", "accepting_conns"},
        {"", "listen_disabled_num"},
        {"", "threads"},
        {"", "conn_yields"},
        {"", "bytes"},
        {"", "curr_items"},
        {"", "evictions"},
        {"", "reclaimed"},
        {"settings", "maxconns"},
        {"settings", "tcpport"},
        {"settings", "num_threads"},
        {"settings", "item_size_max"},
        {"items", "items:1:number"},
        {"items", "items:1:evicted"},
        {"slabs", "1:used_chunks"},
        {"slabs", "1:get_hits"},
        {"slabs", "active_slabs"},
        {"slabs", "total_malloced"},
    };
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    client_set(&c, "k", "x");
    for (size_t i = 0; i < COUNT(wanted); i++) {
        if (client_stat(&c, wanted[i][0], wanted[i][1]) < 0) {
            fail_msg("stats %s has no %s", wanted[i][0], wanted[i][1]);
        }
    }
    client_talk(&c, "stats sizes\r\n", "STAT sizes_status disabled\r\nEND\r\n");
    client_talk(&c, "stats detail on\r\n", "OK\r\n");
    client_talk(&c, "stats detail dump\r\n", "END\r\n");
    client_talk(&c, "stats detail off\r\n", "OK\r\n");
    client_talk(&c, "stats detail\r\n",
                "CLIENT_ERROR usage: stats detail on|off|dump\r\n");
    client_talk(&c, "stats nonsense\r\n", "ERROR\r\n");
    client_talk(&c, "delete k\r\n", "DELETED\r\n");
    client_talk(&c, "stats items\r\n", "END\r\n");
    client_close(&c);
}

static void *
work(void *arg)
{
    const unsigned id = *(const unsigned *)arg;
    struct client c;
    char request[256];
    int n;

    client_open(&c, cluster.nodes[0].port);
    for (int i = 0; i < ROUNDS; i++) {
        n = snprintf(request, sizeof(request),
                     "set t%u 0 0 1\r\n1\r\nincr n 1\r\nget t%u no%u n\r\n"
                     "delete no%u\r\ntouch t%u 0\r\nmg t%u v\r\n"
                     "gat 0 t%u no%u\r\nms t%u 1 C1\r\nx\r\nversion\r\n",
                     id, id, id, id, id, id, id, id, id);
        client_send(&c, (struct slice){request, (size_t)n});
        while (strncmp(client_line(&c), "VERSION ", 8) != 0) {
        }
    }
    client_close(&c);
    return NULL;
}

static void
exact_however_many_ask_at_a_time(void **state)
{
    static const struct {
        const char *name;
        int each; /* of a round */
    } rows[] = {
        {"cmd_set", 2},       {"cmd_get", 4},     {"get_hits", 3},
        {"get_misses", 1},    {"incr_hits", 1},   {"incr_misses", 0},
        {"delete_misses", 1}, {"delete_hits", 0}, {"cmd_touch", 3},
        {"touch_hits", 2},    {"cas_badval", 1},  {"touch_misses", 1},
    };
    pthread_t threads[THREADS];
    unsigned ids[THREADS];
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    client_set(&c, "n", "0");
    assert_string_equal(client_ask(&c, "stats reset\r\n"), "RESET");
    for (unsigned i = 0; i < THREADS; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &ids[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        long long want = (long long)rows[i].each * THREADS * ROUNDS;
        long long have = client_stat(&c, "", rows[i].name);

        if (want != have) {
            fail_msg("%s is %lld instead of %lld", rows[i].name, have, want);
        }
    }
    assert_int_equal(client_stat(&c, "", "total_connections"), THREADS);
    (void)snprintf(client_where, sizeof(client_where), "the sum");
    client_expect(&c, "n", "12000");
    assert_int_equal(client_stat(&c, "", "curr_items"), THREADS + 1);
    client_close(&c);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_as_memcached_counts),
        cmocka_unit_test(who_reads_memcacheds_statistics_finds_the_names),
        cmocka_unit_test(exact_however_many_ask_at_a_time),
    };
    return cmocka_run_group_tests_name("integration/counters", tests, start,
                                       stop);
}
