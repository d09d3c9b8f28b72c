/* A slave takes its master's place under load, and no client notices. */
#include "test/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "test/harness/cluster.h"
#include "test/harness/dump.h"
#include "test/harness/wait.h"

/* On a machine that has nothing else to do it is below 100. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LONGEST_MS = 5000 };
#else
enum { LONGEST_MS = 900 }; /* nobody has to wait for failover-wait to end */
#endif

enum { ROUNDS = 6 };

static struct cluster cluster;

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

/* node0 master, node1 slave, node2 proxy, all of one partition. */
static void
start(const char *type)
{
    cluster_init(&cluster, 3);
    cluster_node_option(&cluster, "--replication-type", type);
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
}

/* A client that writes one key after the other until it is told to stop. */
struct writer {
    pthread_t thread;
    uint16_t port;
    char prefix;
    atomic_bool stop;
    atomic_uint written;
    int64_t longest_ms;
    char bad[200]; /* the first answer that was not STORED */
};

static void *
write_on(void *arg)
{
    struct writer *w = arg;
    struct client c;

    client_open(&c, w->port);
    while (!atomic_load(&w->stop) && w->bad[0] == '\0') {
        unsigned i = atomic_load(&w->written);
        struct mono begun = clock_mono();
        const char *line =
            client_ask(&c, "set %c%u 0 0 8\r\n%08u\r\n", w->prefix, i, i);
        int64_t ms = mono_ms_between(begun, clock_mono());

        if (strcmp(line, "STORED") != 0) {
            (void)snprintf(w->bad, sizeof(w->bad), "%c%u: %s", w->prefix, i,
                           line);
        }
        w->longest_ms = ms > w->longest_ms ? ms : w->longest_ms;
        atomic_store(&w->written, i + 1);
    }
    client_close(&c);
    return NULL;
}

static void
writer_start(struct writer *w, char prefix, size_t node)
{
    memset(w, 0, sizeof(*w));
    w->prefix = prefix;
    w->port = cluster.nodes[node].port;
    assert_int_equal(pthread_create(&w->thread, NULL, write_on, w), 0);
}

struct progress {
    struct writer *writer;
    unsigned past;
};

static bool
has_got_on(void *arg)
{
    struct progress *p = arg;

    return atomic_load(&p->writer->written) > p->past ||
           p->writer->bad[0] != '\0';
}

/* It has had so many more answers. */
static void
writer_wait(struct writer *w, unsigned more)
{
    struct progress p = {w, atomic_load(&w->written) + more};

    wait_for(has_got_on, &p, WAIT_MS, "a writer to get on");
}

static void
writer_finish(struct writer *w)
{
    atomic_store(&w->stop, true);
    assert_int_equal(pthread_join(w->thread, NULL), 0);
    print_message("%c: %u writes, the longest %lld ms\n", w->prefix,
                  atomic_load(&w->written), (long long)w->longest_ms);
    if (w->bad[0] != '\0') {
        fail_msg("a write was not stored: %s", w->bad);
    }
    assert_true(w->longest_ms < LONGEST_MS);
}

static void
expect_all(const struct writer *w, size_t node)
{
    unsigned n = atomic_load(&w->written);
    struct client c;
    char key[32], value[32];

    client_open(&c, cluster.nodes[node].port);
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(key, sizeof(key), "%c%u", w->prefix, i);
        (void)snprintf(value, sizeof(value), "%08u", i);
        client_expect(&c, key, value);
    }
    client_close(&c);
}

/* A slave that has just become one may not be fed yet: ask again then. */
static bool
has_switched(void *arg)
{
    const size_t *heir = arg;

    return strcmp(cluster_ask(&cluster, "node switchover 127.0.0.1 %u",
                              cluster.nodes[*heir].port),
                  "OK") == 0;
}

static void
switch_back_and_forth(const char *type)
{
    struct writer w[3];

    start(type);
    for (size_t i = 0; i < COUNT(w); i++) {
        writer_start(&w[i], (char)('a' + (char)i), i);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t heir = 1 - round % 2;

        writer_wait(&w[2], 50);
        wait_for(has_switched, &heir, WAIT_MS, "a switchover");
        cluster_wait_state(&cluster, heir, "master active 0 1");
        cluster_wait_state(&cluster, 1 - heir, "slave active 0 1");
        cluster_settle(&cluster);
    }
    for (size_t i = 0; i < COUNT(w); i++) {
        writer_wait(&w[i], 50);
        writer_finish(&w[i]);
    }
    for (size_t i = 0; i < COUNT(w); i++) {
        expect_all(&w[i], 2);
    }
    dump_wait_same(cluster.nodes[0].port, cluster.nodes[1].port);
    cluster_finish(&cluster);
}

static void
no_write_fails_or_is_lost_with_asynchronous_copies(void **state)
{
    (void)state;
    switch_back_and_forth("async");
}

static void
no_write_fails_or_is_lost_with_synchronous_copies(void **state)
{
    (void)state;
    switch_back_and_forth("sync");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            no_write_fails_or_is_lost_with_asynchronous_copies, stop),
        cmocka_unit_test_teardown(
            no_write_fails_or_is_lost_with_synchronous_copies, stop),
    };
    return cmocka_run_group_tests_name("integration/switchover", tests, NULL,
                                       NULL);
}
