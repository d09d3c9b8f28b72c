/*
 * The tutorial, from its first line to its last, with the tools and with nc:
 * start, list, ping, master, a value by hand, 100,001 items of 10,000 bytes,
 * a slave, the master rebuilt while the slave takes over, down, slave again.
 * What is printed is what the manual promises, and not one item is missing.
 */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "test/harness/cluster.h"
#include "test/harness/tool.h"
#include "test/harness/wait.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LAST "5000"
enum { ITEMS = 5001 };
#else
#define LAST "100000"
enum { ITEMS = 100001 };
#endif

enum { TOOL_MS = 300000 };

static struct cluster cluster;

static int
start(void **state)
{
    char index[32];

    (void)state;
    cluster_init(&cluster, 2);
    (void)snprintf(index, sizeof(index), "127.0.0.1:%u", cluster.index.port);
    (void)setenv("FLARE_INDEX_SERVER", index, 1);
    cluster_start(&cluster);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    cluster_abandon(&cluster);
    return 0;
}

/* Run flare-admin or another; it must end well. */
static void
run(struct tool *t, const char *input, const char *const *argv)
{
    tool_run(t, input, TOOL_MS, argv);
    if (t->status != 0) {
        fail_msg("%s %s ended with %d:\n%s%s", argv[0], argv[1], t->status,
                 t->out, t->err);
    }
}

#define RUN(t, input, ...)                                                     \
    run(t, input, (const char *const[]){__VA_ARGS__, NULL})
#define ADMIN(t, input, ...)                                                   \
    RUN(t, input, tool_path("flare-admin"), __VA_ARGS__)

static void
assert_has(const char *text, const char *want)
{
    if (strstr(text, want) == NULL) {
        fail_msg("no \"%s\" in:\n%s", want, text);
    }
}

/* The line of the table of nodes for node i. */
static void
assert_row(const char *text, size_t i, const char *partition, const char *role,
           const char *state, const char *balance)
{
    AUTO_FREE char *row =
        xasprintf("%-32s %9s %6s %6s %7s\n", cluster_name(&cluster, i),
                  partition, role, state, balance);

    assert_has(text, "node                             partition   role  state "
                     "balance\n");
    assert_has(text, row);
}

static void
two_proxies_are_listed_and_alive(void **state)
{
    struct tool t;

    (void)state;
    ADMIN(&t, NULL, "list");
    assert_row(t.out, 0, "-", "proxy", "active", "0");
    assert_row(t.out, 1, "-", "proxy", "active", "0");
    tool_fini(&t);
    ADMIN(&t, NULL, "ping", cluster_name(&cluster, 0),
          cluster_name(&cluster, 1));
    assert_string_equal(t.out, "alive\n");
    tool_fini(&t);
}

static void
a_master_is_made_and_takes_a_value(void **state)
{
    AUTO_FREE char *node = xasprintf("%s:1:0", cluster_name(&cluster, 0));
    AUTO_FREE char *question =
        xasprintf("making the node master (node=%s, role=proxy -> master)",
                  cluster_name(&cluster, 0));
    AUTO_FREE char *nc = xasprintf("nc 127.0.0.1 %u", cluster.nodes[1].port);
    struct tool t;

    (void)state;
    ADMIN(&t, "y\n", "master", node);
    assert_has(t.err, question);
    assert_has(t.out, "executed flush_all command before constructing the "
                      "master node.\n");
    assert_has(t.out, "started constructing the master node...\n");
    assert_has(t.err, "(role = master, state = active)");
    assert_row(t.out, 0, "0", "master", "active", "1");
    tool_fini(&t);
    cluster_settle(&cluster);
    RUN(&t, "set hello 0 0 5\r\nworld\r\nget hello\r\nquit\r\n", "sh", "-c",
        nc);
    assert_string_equal(t.out, "STORED\r\nVALUE hello 0 5\r\nworld\r\nEND\r\n");
    tool_fini(&t);
    RUN(&t, "delete hello\r\nquit\r\n", "sh", "-c", nc);
    assert_string_equal(t.out, "DELETED\r\n");
    tool_fini(&t);
}

static bool
is_counted(void *items)
{
    struct tool t;
    bool found;

    RUN(&t, NULL, tool_path("flare-stats"), "-i", getenv("FLARE_INDEX_SERVER"));
    found = strstr(t.out, items) != NULL;
    tool_fini(&t);
    return found;
}

static void
a_hundred_thousand_items_are_piped_in(void **state)
{
    AUTO_FREE char *pipe =
        xasprintf("awk 'BEGIN { ORS = \"\\r\\n\"; fill = \"x\"; "
                  "while (length(fill) < 9990) fill = fill fill; "
                  "fill = substr(fill, 1, 9990); "
                  "for (i = 0; i <= " LAST "; i++) { "
                  "print \"set item\" i \" 0 0 10000\"; "
                  "print sprintf(\"%%010d\", i) fill } "
                  "print \"quit\" }' | nc 127.0.0.1 %u | grep -c STORED",
                  cluster.nodes[0].port);
    AUTO_FREE char *count = xasprintf("%d\n", ITEMS);
    AUTO_FREE char *items = xasprintf(" %d ", ITEMS);
    struct tool t;

    (void)state;
    RUN(&t, NULL, "sh", "-c", pipe);
    assert_string_equal(t.out, count);
    tool_fini(&t);
    /* What was stored just now is counted when it is in the data file. */
    wait_for(is_counted, items, WAIT_MS, "all items are counted");
    RUN(&t, NULL, tool_path("flare-stats"), "-i", getenv("FLARE_INDEX_SERVER"));
    assert_has(t.out, "hostname:port");
    assert_has(t.out, items);
    tool_fini(&t);
}

static void
a_slave_is_made_and_its_progress_shown(void **state)
{
    AUTO_FREE char *node = xasprintf("%s:1:0", cluster_name(&cluster, 1));
    AUTO_FREE char *last =
        xasprintf("%d/%d (role = slave, state = active) [ETA: ", ITEMS, ITEMS);
    struct tool t;

    (void)state;
    ADMIN(&t, "y\ny\n", "slave", node);
    assert_has(t.err, "making node slave (node=");
    assert_has(t.err, "changing node's balance (node=");
    assert_has(t.out, "started constructing slave node...\n");
    assert_has(t.err, "(role = slave, state = prepare) [ETA: ");
    assert_has(t.err, last);
    assert_has(t.out, "state is active -> stop waiting\n");
    assert_row(t.out, 1, "0", "slave", "active", "1");
    tool_fini(&t);
}

static void
the_master_is_rebuilt_while_the_slave_takes_over(void **state)
{
    struct tool t;

    (void)state;
    ADMIN(&t, "y\ny\n", "reconstruct", "--unsafe", cluster_name(&cluster, 0));
    assert_has(t.out, "turning down...\n");
    assert_has(t.out, "waiting for node to be active again...\n");
    assert_has(t.out, "started constructing node...\n");
    assert_has(t.out, "done.\n");
    assert_row(t.out, 0, "0", "slave", "active", "1");
    tool_fini(&t);
    ADMIN(&t, NULL, "list");
    assert_row(t.out, 0, "0", "slave", "active", "1");
    assert_row(t.out, 1, "0", "master", "active", "1");
    tool_fini(&t);
}

static void
a_node_is_taken_down_and_made_a_slave_again(void **state)
{
    AUTO_FREE char *node = xasprintf("%s:1:0", cluster_name(&cluster, 1));
    struct tool t;

    (void)state;
    ADMIN(&t, "y\n", "down", cluster_name(&cluster, 1));
    assert_row(t.out, 1, "-", "proxy", "down", "0");
    tool_fini(&t);
    ADMIN(&t, NULL, "activate", "--force", cluster_name(&cluster, 1));
    tool_fini(&t);
    ADMIN(&t, NULL, "slave", "--force", node);
    assert_row(t.out, 1, "0", "slave", "active", "1");
    tool_fini(&t);
    ADMIN(&t, NULL, "list");
    assert_row(t.out, 0, "0", "master", "active", "1");
    assert_row(t.out, 1, "0", "slave", "active", "1");
    tool_fini(&t);
}

static void
read_all(size_t node)
{
    enum { BATCH = 100 };
    struct client c;
    char line[64], head[16];

    client_open(&c, cluster.nodes[node].port);
    for (int from = 0; from < ITEMS; from += BATCH) {
        int to = from + BATCH < ITEMS ? from + BATCH : ITEMS;
        struct buf out = {0};

        for (int i = from; i < to; i++) {
            assert_true(buf_printf(&out, "get item%d\r\n", i));
        }
        client_send(&c, buf_slice(&out));
        buf_fini(&out);
        for (int i = from; i < to; i++) {
            (void)snprintf(line, sizeof(line), "VALUE item%d 0 10000", i);
            (void)snprintf(head, sizeof(head), "%010d", i);
            assert_string_equal(client_line(&c), line);
            assert_memory_equal(client_bytes(&c, 10002).p, head, 10);
            assert_string_equal(client_line(&c), "END");
        }
    }
    client_close(&c);
}

static void
not_one_item_is_missing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(stat_of(cluster.nodes[i].port, "curr_items"), ITEMS);
        read_all(i);
    }
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_proxies_are_listed_and_alive),
        cmocka_unit_test(a_master_is_made_and_takes_a_value),
        cmocka_unit_test(a_hundred_thousand_items_are_piped_in),
        cmocka_unit_test(a_slave_is_made_and_its_progress_shown),
        cmocka_unit_test(the_master_is_rebuilt_while_the_slave_takes_over),
        cmocka_unit_test(a_node_is_taken_down_and_made_a_slave_again),
        cmocka_unit_test(not_one_item_is_missing),
    };
    return cmocka_run_group_tests_name("integration/tutorial", tests, start,
                                       stop);
}
