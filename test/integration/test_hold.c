/* Requests that arrive between the death of a master and its successor. */
#include "test/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/harness/cluster.h"
#include "test/harness/wait.h"

static struct cluster cluster;
static int64_t before, wanted; /* held_requests of node2 */

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

/* node0 master, node1 slave, node2 proxy; the index has not noticed yet. */
static void
start_with_a_dead_master(const char *wait_ms)
{
    struct client c;

    cluster_init(&cluster, 3);
    cluster_node_option(&cluster, "--failover-wait", wait_ms);
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
    client_open(&c, cluster.nodes[2].port); /* so that both are connected */
    client_talk(&c, "set before 0 0 1 sync\r\nx\r\n", "STORED\r\n");
    client_talk(&c, "set n 0 0 2 sync\r\n10\r\n", "STORED\r\n");
    client_close(&c);
    before = stat_of(cluster.nodes[2].port, "held_requests");
    process_signal(&cluster.index.process, SIGSTOP);
    process_kill(&cluster.nodes[0].process);
}

static bool
enough_wait(void *arg)
{
    (void)arg;
    return stat_of(cluster.nodes[2].port, "held_requests") >= wanted;
}

static void
wait_until_held(int64_t n)
{
    wanted = before + n;
    wait_for(enough_wait, NULL, WAIT_MS, "requests are held");
}

static void
take_all(struct client *c, const char *answer)
{
    struct slice got = client_bytes(c, strlen(answer));

    assert_memory_equal(got.p, answer, got.n);
}

/* Everything that changes, in one pipeline: answered in order, done once. */
static void
writes_wait_for_the_next_master(void **state)
{
    struct client c, meta, touch, old;

    (void)state;
    start_with_a_dead_master("30000");
    client_open(&c, cluster.nodes[2].port);
    client_open(&meta, cluster.nodes[2].port);
    client_open(&touch, cluster.nodes[2].port);
    client_open(&old, cluster.nodes[2].port);
    client_send(&c, SLICE("incr n 5\r\nset k 0 0 1\r\nv\r\n"
                          "append k 0 0 2 noreply\r\nww\r\n"
                          "get k\r\nincr n 1\r\ndelete k\r\n"));
    client_send(&meta, SLICE("ms m 2 c\r\nhi\r\nmn\r\n"));
    client_send(&touch, SLICE("gat 100 before absent\r\nmg before t\r\n"));
    /* "set b" in binary */
    client_send(&old, SLICE("\x80\x01\0\x01\x08\0\0\0\0\0\0\x0a\xde\xad\xbe\xef"
                            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0b1"));
    assert_int_equal(shutdown(old.fd, SHUT_WR), 0);
    wait_until_held(4);
    process_signal(&cluster.index.process, SIGCONT);
    take_all(&c, "15\r\nSTORED\r\nVALUE k 0 3\r\nvww\r\nEND\r\n16\r\n"
                 "DELETED\r\n");
    assert_int_equal(strncmp(client_line(&meta), "HD c", 4), 0);
    assert_string_equal(client_line(&meta), "MN");
    take_all(&touch, "VALUE before 0 1\r\nx\r\nEND\r\n");
    assert_int_equal(strncmp(client_line(&touch), "HD t", 4), 0);
    {
        struct slice frame = client_bytes(&old, 24);

        assert_memory_equal(frame.p, "\x81\x01\0\0\0\0\0\0\0\0\0\0\xde\xad",
                            14);
        assert_true(client_at_end(&old));
    }
    client_expect(&c, "b", "1");
    client_close(&c);
    client_close(&meta);
    client_close(&touch);
    client_close(&old);
    cluster_finish(&cluster);
}

/* Reads that only the dead node could answer. */
static void
reads_wait_as_well(void **state)
{
    struct client c, other;

    (void)state;
    cluster_init(&cluster, 3);
    cluster_node_option(&cluster, "--failover-wait", "30000");
    cluster_start(&cluster);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_slave(&cluster, 1, 0);
    cluster_order(&cluster, "node role 127.0.0.1 %u slave 0 0",
                  cluster.nodes[1].port);
    cluster_settle(&cluster);
    client_open(&c, cluster.nodes[2].port);
    client_talk(&c, "set a 0 0 1 sync\r\nx\r\n", "STORED\r\n");
    client_open(&other, cluster.nodes[2].port);
    before = stat_of(cluster.nodes[2].port, "held_requests");
    process_signal(&cluster.index.process, SIGSTOP);
    process_kill(&cluster.nodes[0].process);
    client_send(&other, SLICE("get b a c\r\nget a\r\n"));
    client_send(&c, SLICE("mg a v\r\n"));
    wait_until_held(1);
    process_signal(&cluster.index.process, SIGCONT);
    take_all(&other, "VALUE a 0 1\r\nx\r\nEND\r\nVALUE a 0 1\r\nx\r\nEND\r\n");
    take_all(&c, "VA 1\r\nx\r\n");
    client_close(&c);
    client_close(&other);
    cluster_finish(&cluster);
}

static void
a_request_waits_no_longer_than_it_may(void **state)
{
    struct client c;

    (void)state;
    start_with_a_dead_master("200");
    client_open(&c, cluster.nodes[2].port);
    client_talk(&c, "set k 0 0 1\r\nv\r\n", "SERVER_ERROR proxy failure\r\n");
    /* Who has been away for longer than that is not waited for again. */
    for (int i = 0; i < 100; i++) {
        client_talk(&c, "delete k\r\n", "SERVER_ERROR proxy failure\r\n");
    }
    assert_int_equal(client_stat(&c, "", "held_requests"), before + 1);
    client_close(&c);
    process_signal(&cluster.index.process, SIGCONT);
    cluster_finish(&cluster);
}

/* A client that goes while its request waits leaves nothing behind. */
static void
who_leaves_meanwhile_is_forgotten(void **state)
{
    struct client c, more;

    (void)state;
    start_with_a_dead_master("30000");
    client_open(&c, cluster.nodes[2].port);
    client_open(&more, cluster.nodes[2].port);
    client_send(&c, SLICE("incr n 1\r\n"));
    client_send(&more, SLICE("incr n 1\r\n"));
    wait_until_held(2);
    client_close(&c);
    process_signal(&cluster.index.process, SIGCONT);
    assert_true(strcmp(client_line(&more), "11") == 0 ||
                strcmp(more.line, "12") == 0);
    client_close(&more);
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(writes_wait_for_the_next_master, stop),
        cmocka_unit_test_teardown(reads_wait_as_well, stop),
        cmocka_unit_test_teardown(a_request_waits_no_longer_than_it_may, stop),
        cmocka_unit_test_teardown(who_leaves_meanwhile_is_forgotten, stop),
    };

    return cmocka_run_group_tests_name("integration/hold", tests, NULL, NULL);
}
