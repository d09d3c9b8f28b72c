/* Any node answers for any key: two partitions and a proxy. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "test/harness/cluster.h"
#include "test/harness/load.h"

static struct cluster cluster;

static int
start(void **state)
{
    (void)state;
    cluster_init(&cluster, 3);
    cluster_node_option(&cluster, "--value-max", "32m");
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

static void
without_a_partition_writes_fail_and_reads_find_nothing(void **state)
{
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[0].port);
    client_talk(&c, "set k 0 0 1\r\nx\r\n",
                "SERVER_ERROR no partition available\r\n");
    client_talk(&c, "delete k\r\n", "SERVER_ERROR no partition available\r\n");
    client_close(&c);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_master(&cluster, 1, 1);
}

static void
a_key_stored_anywhere_is_read_everywhere(void **state)
{
    struct client c[3];
    char key[32], value[32];

    (void)state;
    for (int i = 0; i < 3; i++) {
        client_open(&c[i], cluster.nodes[i].port);
    }
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        (void)snprintf(value, sizeof(value), "value %d", i);
        client_set(&c[i % 3], key, value);
        client_expect(&c[(i + 1) % 3], key, value);
        client_expect(&c[(i + 2) % 3], key, value);
    }
    assert_int_equal(client_stat(&c[0], "", "curr_items") +
                         client_stat(&c[1], "", "curr_items"),
                     300);
    assert_true(client_stat(&c[0], "", "curr_items") > 50);
    assert_true(client_stat(&c[1], "", "curr_items") > 50);
    assert_int_equal(client_stat(&c[2], "", "curr_items"), 0);
    for (int i = 0; i < 300; i++) {
        (void)snprintf(key, sizeof(key), "key-%d", i);
        assert_string_equal(client_ask(&c[(i + 2) % 3], "delete %s\r\n", key),
                            "DELETED");
    }
    for (int i = 0; i < 3; i++) {
        client_close(&c[i]);
    }
}

static void
the_owner_of_a_key_is_who_the_hash_says(void **state)
{
    struct client c, owner;
    char key[64];

    (void)state;
    client_open(&c, cluster.nodes[2].port);
    for (int partition = 0; partition < 2; partition++) {
        client_open(&owner, cluster.nodes[partition].port);
        for (uint32_t n = 0, i = 0; i < 20; i++, n++) {
            int64_t before = client_stat(&owner, "", "curr_items");

            n = cluster_key_of(key, sizeof(key), "owned", n, partition, 2);
            client_set(&c, key, "x");
            assert_int_equal(client_stat(&owner, "", "curr_items"), before + 1);
            assert_string_equal(client_ask(&c, "delete %s\r\n", key),
                                "DELETED");
        }
        client_close(&owner);
    }
    client_close(&c);
}

/* What a request should be answered, by a model of the store. */
static void
put_exchange(struct rand *r, int64_t *model, size_t keys, struct buf *out,
             struct buf *want)
{
    uint32_t k = rand_below(r, (uint32_t)keys);
    bool ok;

    switch (rand_below(r, 4)) {
    case 0:
        model[k] = rand_below(r, 1000);
        ok = buf_printf(out, "set m%u 0 0 4\r\n%04d\r\n", k, (int)model[k]) &&
             buf_put_str(want, "STORED\r\n");
        break;
    case 1:
        ok = buf_printf(out, "delete m%u\r\n", k) &&
             buf_put_str(want, model[k] < 0 ? "NOT_FOUND\r\n" : "DELETED\r\n");
        model[k] = -1;
        break;
    case 2:
        ok = buf_printf(out, "add m%u 0 0 4\r\n0000\r\n", k) &&
             buf_put_str(want, model[k] < 0 ? "STORED\r\n" : "NOT_STORED\r\n");
        model[k] = model[k] < 0 ? 0 : model[k];
        break;
    default:
        ok = buf_printf(out, "get m%u\r\n", k);
        if (model[k] >= 0) {
            ok = ok && buf_printf(want, "VALUE m%u 0 4\r\n%04d\r\n", k,
                                  (int)model[k]);
        }
        ok = ok && buf_put_str(want, "END\r\n");
        break;
    }
    assert_true(ok);
}

static void
pipelines_of_mixed_keys_are_answered_in_order(void **state)
{
    enum { KEYS = 200 };
    int64_t model[KEYS];
    struct buf out = {0}, want = {0};
    struct client c;
    struct rand r;

    (void)state;
    memset(model, 0xff, sizeof(model));
    rand_init(&r, 11);
    for (int round = 0; round < 30; round++) {
        client_open(&c, cluster.nodes[round % 3].port);
        for (int i = 0; i < 500; i++) {
            put_exchange(&r, model, KEYS, &out, &want);
        }
        client_send(&c, buf_slice(&out));
        assert_true(
            slice_eq(client_bytes(&c, buf_len(&want)), buf_slice(&want)));
        buf_clear(&out);
        buf_clear(&want);
        client_close(&c);
    }
    buf_fini(&out);
    buf_fini(&want);
}

static void
a_get_of_1000_keys_is_answered_in_their_order(void **state)
{
    struct load load = {"many", 0, 1000, 10, 1, ""};
    struct buf out = {0}, want = {0};
    struct client c;

    (void)state;
    client_open(&c, cluster.nodes[2].port);
    load_set(&c, &load);
    for (int node = 0; node < 3; node++) {
        client_close(&c);
        client_open(&c, cluster.nodes[node].port);
        assert_true(buf_put_str(&out, "get"));
        for (int i = 999; i >= 0; i--) {
            char value[16];
            int n = snprintf(value, sizeof(value), "%d:1", i);

            memset(value + n, '.', (size_t)(10 - n));
            assert_true(
                buf_printf(&out, " many%d%s", i, i % 10 ? "" : " miss") &&
                buf_printf(&want, "VALUE many%d 0 10\r\n%.10s\r\n", i, value));
        }
        assert_true(buf_put_str(&out, "\r\n") && buf_put_str(&want, "END\r\n"));
        client_send(&c, buf_slice(&out));
        assert_true(
            slice_eq(client_bytes(&c, buf_len(&want)), buf_slice(&want)));
        buf_clear(&out);
        buf_clear(&want);
    }
    client_close(&c);
    buf_fini(&out);
    buf_fini(&want);
}

static void
large_values_pass_through_a_proxy(void **state)
{
    static const size_t sizes[] = {1 << 16, 1 << 20, 20 << 20};
    struct client c;
    char line[128];

    (void)state;
    client_open(&c, cluster.nodes[2].port);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *value = malloc(sizes[i]);
        int n =
            snprintf(line, sizeof(line), "set big%zu 0 0 %zu\r\n", i, sizes[i]);
        struct slice got;

        assert_non_null(value);
        memset(value, 'a' + (int)i, sizes[i]);
        client_send(&c, (struct slice){line, (size_t)n});
        client_send(&c, (struct slice){value, sizes[i]});
        assert_string_equal(client_ask(&c, "\r\n"), "STORED");
        (void)snprintf(line, sizeof(line), "VALUE big%zu 0 %zu", i, sizes[i]);
        assert_string_equal(client_ask(&c, "get big%zu\r\n", i), line);
        got = client_bytes(&c, sizes[i]);
        assert_memory_equal(got.p, value, sizes[i]);
        (void)client_bytes(&c, 2);
        assert_string_equal(client_line(&c), "END");
        free(value);
    }
    client_close(&c);
}

static void
a_request_that_has_been_here_does_not_go_round(void **state)
{
    char key[64], line[256];
    struct client c;

    (void)state;
    (void)cluster_key_of(key, sizeof(key), "loop", 0, 1, 2);
    client_open(&c, cluster.nodes[0].port);
    (void)snprintf(line, sizeof(line), "<%s,%s,%s>set %s 0 0 1\r\nx\r\n",
                   cluster_name(&cluster, 0), cluster_name(&cluster, 2),
                   cluster_name(&cluster, 0), key);
    client_send(&c, slice_str(line));
    assert_non_null(strstr(client_line(&c), "ERROR"));
    client_expect(&c, key, NULL);
    client_close(&c);
}

static void
a_dead_owner_fails_its_own_keys_only(void **state)
{
    char mine[64], dead[64];
    struct client c;

    (void)state;
    (void)cluster_key_of(mine, sizeof(mine), "alive", 0, 0, 2);
    (void)cluster_key_of(dead, sizeof(dead), "dead", 0, 1, 2);
    client_open(&c, cluster.nodes[2].port);
    client_set(&c, dead, "x");
    process_kill(&cluster.nodes[1].process);
    for (int i = 0; i < 20; i++) {
        const char *answer;

        client_set(&c, mine, "x");
        answer = client_ask(&c, "set %s 0 0 1\r\ny\r\n", dead);
        assert_int_equal(strncmp(answer, "SERVER_ERROR", 12), 0);
        client_expect(&c, mine, "x");
    }
    cluster_wait_state(&cluster, 1, "master down 1 1");
    cluster_start_node(&cluster, 1);
    cluster_wait_state(&cluster, 1, "master active 1 1");
    cluster_settle(&cluster);
    client_expect(&c, dead, "x");
    client_close(&c);
}

static void
the_daemons_end_in_order(void **state)
{
    (void)state;
    cluster_finish(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            without_a_partition_writes_fail_and_reads_find_nothing),
        cmocka_unit_test(a_key_stored_anywhere_is_read_everywhere),
        cmocka_unit_test(the_owner_of_a_key_is_who_the_hash_says),
        cmocka_unit_test(pipelines_of_mixed_keys_are_answered_in_order),
        cmocka_unit_test(a_get_of_1000_keys_is_answered_in_their_order),
        cmocka_unit_test(large_values_pass_through_a_proxy),
        cmocka_unit_test(a_request_that_has_been_here_does_not_go_round),
        cmocka_unit_test(a_dead_owner_fails_its_own_keys_only),
        cmocka_unit_test(the_daemons_end_in_order),
    };
    return cmocka_run_group_tests_name("integration/routing", tests, start,
                                       stop);
}
