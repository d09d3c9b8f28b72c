/*
 * An ordinary client library, through a proxy, with two partitions behind; in
 * text, then in the binary protocol.
 */
#include "test/unit/test.h"

#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/cluster.h"
#include "test/harness/wait.h"

static struct cluster cluster;
static memcached_st *client;
static bool binary;

static int
start(void **state)
{
    char config[128];

    (void)state;
    cluster_up(&cluster, 3);
    cluster_make_master(&cluster, 0, 0);
    cluster_make_master(&cluster, 1, 1);
    (void)snprintf(config, sizeof(config),
                   "--SERVER=127.0.0.1:%u --SUPPORT-CAS",
                   cluster.nodes[2].port);
    client = memcached(config, strlen(config));
    return client == NULL ? -1 : 0;
}

static int
stop(void **state)
{
    (void)state;
    memcached_free(client);
    cluster_abandon(&cluster);
    return 0;
}

static void
ok(memcached_return_t rc)
{
    if (rc != MEMCACHED_SUCCESS) {
        fail_msg("%s: %s", memcached_strerror(client, rc),
                 memcached_last_error_message(client));
    }
}

static void
assert_value(const char *key, const char *want)
{
    memcached_return_t rc;
    size_t n;
    uint32_t flags;
    char *value = memcached_get(client, key, strlen(key), &n, &flags, &rc);

    if (want == NULL) {
        assert_int_equal(rc, MEMCACHED_NOTFOUND);
        return;
    }
    ok(rc);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(value, want, n);
    free(value);
}

#define TEXT(s) (s), strlen(s)

static void
values_are_stored_changed_and_removed(void **state)
{
    (void)state;
    ok(memcached_set(client, TEXT("k"), TEXT("one"), 0, 7));
    assert_value("k", "one");
    assert_int_equal(memcached_add(client, TEXT("k"), TEXT("x"), 0, 0),
                     binary ? MEMCACHED_DATA_EXISTS : MEMCACHED_NOTSTORED);
    ok(memcached_replace(client, TEXT("k"), TEXT("two"), 0, 0));
    ok(memcached_append(client, TEXT("k"), TEXT("!"), 0, 0));
    ok(memcached_prepend(client, TEXT("k"), TEXT("_"), 0, 0));
    assert_value("k", "_two!");
    ok(memcached_touch(client, TEXT("k"), 1000));
    ok(memcached_exist(client, TEXT("k")));
    ok(memcached_delete(client, TEXT("k"), 0));
    assert_value("k", NULL);
    assert_int_equal(memcached_delete(client, TEXT("k"), 0),
                     MEMCACHED_NOTFOUND);
}

static void
the_client_takes_to_the_binary_protocol(void **state)
{
    (void)state;
    ok(memcached_behavior_set(client, MEMCACHED_BEHAVIOR_BINARY_PROTOCOL, 1));
    binary = true;
}

/* Which text cannot do at all. */
static void
a_counter_begins_where_it_is_told_to(void **state)
{
    uint64_t n;

    (void)state;
    for (int i = 0; i < 20; i++) {
        char key[16];
        size_t len = (size_t)snprintf(key, sizeof(key), "count%d", i);

        ok(memcached_increment_with_initial(client, key, len, 3, 70, 0, &n));
        assert_int_equal(n, 70);
        ok(memcached_increment_with_initial(client, key, len, 3, 70, 0, &n));
        assert_int_equal(n, 73);
        assert_value(key, "73");
    }
}

static void
numbers_are_counted(void **state)
{
    uint64_t n;

    (void)state;
    ok(memcached_set(client, TEXT("n"), TEXT("10"), 0, 0));
    ok(memcached_increment(client, TEXT("n"), 5, &n));
    assert_int_equal(n, 15);
    ok(memcached_decrement(client, TEXT("n"), 100, &n));
    assert_int_equal(n, 0);
    assert_int_equal(memcached_increment(client, TEXT("none"), 1, &n),
                     MEMCACHED_NOTFOUND);
}

enum { MANY = 1000 };

static void
many_keys_are_fetched_at_once(void **state)
{
    static char keys[MANY][16];
    const char *list[MANY];
    size_t sizes[MANY], found = 0;
    memcached_result_st *result;
    memcached_return_t rc;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        sizes[i] = (size_t)snprintf(keys[i], sizeof(keys[i]), "many%d", i);
        list[i] = keys[i];
        ok(memcached_set(client, list[i], sizes[i], list[i], sizes[i], 0, 0));
    }
    ok(memcached_mget(client, list, sizes, MANY));
    while ((result = memcached_fetch_result(client, NULL, &rc)) != NULL) {
        assert_int_equal(memcached_result_length(result),
                         memcached_result_key_length(result));
        assert_memory_equal(memcached_result_value(result),
                            memcached_result_key_value(result),
                            memcached_result_length(result));
        memcached_result_free(result);
        found++;
    }
    assert_int_equal(found, MANY);
}

static void
compare_and_swap_notices_others(void **state)
{
    const char *key = "cas";
    size_t n = 3;
    memcached_result_st *result;
    memcached_return_t rc;
    uint64_t unique;

    (void)state;
    ok(memcached_set(client, key, n, TEXT("a"), 0, 0));
    ok(memcached_mget(client, &key, &n, 1));
    result = memcached_fetch_result(client, NULL, &rc);
    assert_non_null(result);
    unique = memcached_result_cas(result);
    memcached_result_free(result);
    assert_null(memcached_fetch_result(client, NULL, &rc));
    ok(memcached_cas(client, key, n, TEXT("b"), 0, 0, unique));
    assert_int_equal(memcached_cas(client, key, n, TEXT("c"), 0, 0, unique),
                     MEMCACHED_DATA_EXISTS);
    assert_value("cas", "b");
}

static void
the_version_can_be_parsed(void **state)
{
    (void)state;
    ok(memcached_version(client));
    assert_true(memcached_server_major_version(
                    memcached_server_instance_by_position(client, 0)) >= 1);
}

static void
statistics_can_be_read(void **state)
{
    memcached_return_t rc;
    memcached_stat_st *stats = memcached_stat(client, NULL, &rc);

    (void)state;
    ok(rc);
    assert_non_null(stats);
    free(stats);
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
        cmocka_unit_test(values_are_stored_changed_and_removed),
        cmocka_unit_test(numbers_are_counted),
        cmocka_unit_test(many_keys_are_fetched_at_once),
        cmocka_unit_test(compare_and_swap_notices_others),
        cmocka_unit_test(the_version_can_be_parsed),
        cmocka_unit_test(statistics_can_be_read),
        cmocka_unit_test(the_client_takes_to_the_binary_protocol),
        cmocka_unit_test(values_are_stored_changed_and_removed),
        cmocka_unit_test(numbers_are_counted),
        cmocka_unit_test(a_counter_begins_where_it_is_told_to),
        cmocka_unit_test(many_keys_are_fetched_at_once),
        cmocka_unit_test(compare_and_swap_notices_others),
        cmocka_unit_test(the_version_can_be_parsed),
        cmocka_unit_test(statistics_can_be_read),
        cmocka_unit_test(the_daemons_end_in_order),
    };
    return cmocka_run_group_tests_name("integration/libmemcached", tests, start,
                                       stop);
}
