/* What the index answers, byte for byte, and the life of a cluster. */
#include "test/integration/story.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/harness/folder.h"
#include "test/harness/tool.h"

static struct story story;

static int
set_up(void **state)
{
    *state = &story;
    story_init(&story);
    story_option(&story, "--monitor-interval-ms", "50");
    return 0;
}

static int
tear_down(void **state)
{
    story_fini(*state);
    return 0;
}

static const struct {
    const char *say;
    size_t n; /* bytes, when there is a NUL among them */
    const char *hear;
    bool closed; /* the index hangs up */
} grammar[] = {
    {"ping\r\n", 0, "OK\r\n", false},
    {"ping\n", 0, "OK\r\n", false},
    {"  ping  \r\n", 0, "OK\r\n", false},
    {"ping\0\r\n", 7, "OK\r\n", false},
    {"ping x\r\n", 0, "ERROR\r\n", false},
    {"ping\r\r\n", 0, "ERROR\r\n", false},
    {"PING\r\n", 0, "ERROR\r\n", false},
    {"version\r\n", 0, "VERSION " PACKAGE_VERSION "\r\n", false},
    {"version x\r\n", 0, "ERROR\r\n", false},
    {"\r\n", 0, "ERROR\r\n", false},
    {"<a:1,b:2>ping\r\n", 0, "OK\r\n", false},
    {"<a:1,b:2ping\r\n", 0, "ERROR\r\n", false},
    {"verbosity 1\r\n", 0, "OK\r\n", false},
    {"verbosity\r\n", 0, "ERROR\r\n", false},
    {"verbosity 1 noreply\r\nping\r\n", 0, "OK\r\n", false},
    {"verbosity 1 sync\r\n", 0, "ERROR\r\n", false},
    {"verbosity 1 async\r\n", 0, "OK\r\n", false},
    {"quit x\r\nping\r\n", 0, "OK\r\n", false},
    {"quit\r\nversion\r\n", 0, "", true},
    {"kill 99999\r\n", 0, "CLIENT_ERROR thread not found\r\n", false},
    {"kill -1\r\n", 0, "CLIENT_ERROR thread not found\r\n", false},
    {"kill\r\n", 0, "ERROR\r\n", false},
    {"kill x\r\n", 0, "ERROR\r\n", false},
    {"kill 1 2\r\n", 0, "ERROR\r\n", false},
    {"show threads\r\n", 0, "ERROR\r\n", false},
    {"show\r\n", 0, "ERROR\r\n", false},
    {"stats nodes x\r\n", 0, "END\r\n", false},
    {"stats threads slave\r\n", 0, "END\r\n", false},
    {"stats threads queue\r\n", 0, "STAT total_thread_queue 0\r\nEND\r\n",
     false},
    {"stats threads foo\r\n", 0, "ERROR\r\n", false},
    {"stats items\r\n", 0, "END\r\n", false},
    {"stats slabs\r\n", 0, "END\r\n", false},
    {"stats sizes\r\n", 0, "END\r\n", false},
    {"stats reset\r\n", 0, "ERROR\r\n", false},
    {"node sync 5\r\nEND\r\n", 0, "ERROR\r\nERROR\r\n", false},
    {"node\r\n", 0, "ERROR\r\n", false},
    {"node\tadd h 1\r\n", 0, "ERROR\r\n", false},
    {"node add h\r\n", 0, "ERROR\r\n", false},
    {"node add h 1 x\r\n", 0, "ERROR\r\n", false},
    {"node add h 99999999999\r\n", 0, "ERROR\r\n", false},
    {"node add h 70000\r\n", 0, "SERVER_ERROR failed to add node\r\n", false},
    {"node role h 1 foo\r\n", 0, "ERROR\r\n", false},
    {"node role h 1\r\n", 0, "ERROR\r\n", false},
    {"node role h 1 master 1x 0\r\n", 0, "ERROR\r\n", false},
    {"node role h 1 master 1 0 x\r\n", 0, "ERROR\r\n", false},
    {"node role h 1 master 1 0\r\n", 0,
     "SERVER_ERROR failed to set role (and balance)\r\n", false},
    {"node state h 1 foo\r\n", 0, "ERROR\r\n", false},
    {"node state h 1 active x\r\n", 0, "ERROR\r\n", false},
    {"node state h 1 prepare\r\n", 0, "SERVER_ERROR failed to set state\r\n",
     false},
    {"node remove h 1\r\n", 0, "SERVER_ERROR failed to remove node\r\n", false},
    {"node remove h x\r\n", 0, "ERROR\r\n", false},
    {"shutdown h 1\r\n", 0, "SERVER_ERROR failed to shutdown\r\n", false},
    {"shutdown h\r\n", 0, "ERROR\r\n", false},
    {"set k 0 0 1\r\nx\r\n", 0, "ERROR\r\nERROR\r\n", false},
    {"get k\r\n", 0, "ERROR\r\n", false},
    {"\x80\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24, "", true},
    {"meta x\r\n", 0, "ERROR\r\n", false},
    {"ping\r\nversion\r\nmeta\r\n", 0,
     "OK\r\nVERSION " PACKAGE_VERSION "\r\n"
     "META partition-size 1024\r\nMETA key-hash-algorithm simple\r\n"
     "META partition-type modular\r\nMETA partition-modular-hint 1\r\n"
     "META partition-modular-virtual 4096\r\n"
     "META monitor-interval-ms 50\r\nMETA monitor-threshold 3\r\nEND\r\n",
     false},
};

static void
every_command_is_answered_as_flare_does(void **state)
{
    struct story *s = *state;

    story_start(s);
    for (size_t i = 0; i < COUNT(grammar); i++) {
        size_t n = grammar[i].n > 0 ? grammar[i].n : strlen(grammar[i].say);
        struct slice want = slice_str(grammar[i].hear);
        struct slice got;
        struct client c;

        client_open(&c, s->port);
        client_send(&c, (struct slice){grammar[i].say, n});
        got = client_bytes(&c, want.n);
        if (!slice_eq(got, want)) {
            fail_msg("%s: \"%.*s\"", grammar[i].say, (int)got.n, got.p);
        }
        if (grammar[i].closed) {
            assert_true(client_at_end(&c));
        } else {
            client_talk(&c, "version\r\n", "VERSION " PACKAGE_VERSION "\r\n");
        }
        client_close(&c);
    }
    story_stop(s);
}

static void
a_line_without_end_is_not_kept_for_ever(void **state)
{
    struct story *s = *state;
    char line[9000];
    struct client c;

    story_start(s);
    (void)snprintf(line, sizeof(line), "kill ");
    memset(line + 5, '9', sizeof(line) - 5);
    client_open(&c, s->port);
    (void)client_try_send(&c, (struct slice){line, sizeof(line)});
    assert_true(client_at_end(&c));
    client_close(&c);
    story_stop(s);
}

static void
variables_and_threads_have_flares_form(void **state)
{
    struct story *s = *state;
    char want[300];

    story_option(s, "--key-hash-algorithm", "crc32");
    story_start(s);
    story_join(s);
    assert_string_equal(story_ask(s, "show variables"),
                        "config_path:              ");
    while (strcmp(client_line(&s->op), "END") != 0) {
        if (strncmp(s->op.line, "key_hash", 8) == 0) {
            assert_string_equal(s->op.line, "key_hash_algorithm:       crc32");
        }
    }
    assert_non_null(strstr(story_ask(s, "stats threads"), ":type 1"));
    (void)snprintf(want, sizeof(want), ":peer 127.0.0.1:%u", s->fake[0].port);
    while (strstr(client_line(&s->op), ":type 16") == NULL) {
    }
    assert_non_null(strstr(client_line(&s->op), want));
    assert_non_null(strstr(client_line(&s->op), ":op ping"));
    assert_non_null(strstr(client_line(&s->op), ":uptime "));
    assert_non_null(strstr(client_line(&s->op), ":state "));
    assert_non_null(strstr(client_line(&s->op), ":info "));
    assert_non_null(strstr(client_line(&s->op), ":queue 0"));
    assert_non_null(strstr(client_line(&s->op), ":behind 0"));
    assert_string_equal(client_line(&s->op), "END");
    story_stop(s);
}

static void
kill_ends_a_client_and_nothing_else(void **state)
{
    struct story *s = *state;
    struct client c;
    unsigned long id = 0;
    const char *line;

    story_start(s);
    story_join(s);
    client_open(&c, s->port);
    client_talk(&c, "ping\r\n", "OK\r\n");
    for (line = story_ask(s, "stats threads request"); strcmp(line, "END") != 0;
         line = client_line(&s->op)) {
        if (strstr(line, ":op ping") != NULL) {
            id = strtoul(line + strlen("STAT "), NULL, 10);
        }
    }
    assert_string_equal(story_ask(s, "kill %lu", id), "OK");
    assert_true(client_at_end(&c));
    client_close(&c);
    for (id = 0; id < 20; id++) {
        if (strcmp(story_ask(s, "kill %lu", id), "OK") == 0) {
            client_close(&s->op); /* it was the operator */
            client_open(&s->op, s->port);
        }
    }
    s->fake[0].pings = 0;
    UNTIL(s, s->fake[0].pings > 1);
    story_stop(s);
}

static void
a_node_is_told_the_map_in_one_piece(void **state)
{
    struct story *s = *state;
    char want[128];

    story_start(s);
    story_join(s);
    (void)snprintf(want, sizeof(want), "NODE 127.0.0.1 %u 2 0 -1 0 16\n",
                   s->fake[0].port);
    assert_string_equal(s->fake[0].map, want);
    assert_int_equal(s->fake[0].version, 1);
    assert_int_equal(s->fake[0].pieces, 1);
    story_order(s, 0, "role", "master 2 0");
    UNTIL(s, s->fake[0].version == 2);
    (void)snprintf(want, sizeof(want), "NODE 127.0.0.1 %u 0 0 0 2 16\n",
                   s->fake[0].port);
    assert_string_equal(s->fake[0].map, want);
    story_stop(s);
}

/* The transcript of spec 8.2, with its version numbers. */
static void
a_cluster_lives_as_under_flare(void **state)
{
    struct story *s = *state;

    story_start(s);
    for (int i = 0; i < 3; i++) {
        story_join(s);
    }
    assert_int_equal(story_version(s), 3);
    story_order(s, 0, "role", "master 1 0");
    assert_int_equal(story_version(s), 4);
    story_order(s, 1, "role", "slave 1 0");
    assert_string_equal(story_state(s, 1), "slave/prepare/0/0");
    story_order(s, 1, "state", "active");
    story_order(s, 1, "role", "slave 1 0");
    assert_string_equal(story_state(s, 1), "slave/active/0/1");
    assert_int_equal(story_version(s), 7);
    assert_string_equal(
        story_ask(s, "node role 127.0.0.1 %u master 1 2", s->fake[2].port),
        "SERVER_ERROR failed to set role (and balance)");
    story_order(s, 2, "role", "master 1 1");
    assert_string_equal(story_state(s, 2), "master/prepare/1/1");
    story_order(s, 2, "state", "ready");
    assert_string_equal(story_state(s, 2), "master/ready/1/1");
    story_order(s, 2, "state", "active");
    assert_int_equal(story_version(s), 10);
    UNTIL(s, story_settled(s));

    fake_die(&s->fake[0]);
    UNTIL(s, story_is(s, 0, "proxy/down/-1/0"));
    assert_string_equal(story_state(s, 1), "master/active/0/1");
    assert_int_equal(story_version(s), 11);
    fake_listen(&s->fake[0]);
    UNTIL(s, story_is(s, 0, "proxy/active/-1/0"));
    story_order(s, 0, "role", "slave 1 0");
    story_order(s, 0, "state", "active");
    UNTIL(s, story_settled(s));

    fake_die(&s->fake[2]);
    UNTIL(s, story_is(s, 2, "master/down/1/1"));
    assert_string_equal(
        story_ask(s, "node remove 127.0.0.1 %u", s->fake[2].port),
        "SERVER_ERROR failed to remove node");
    fake_listen(&s->fake[2]);
    UNTIL(s, story_is(s, 2, "master/active/1/1"));
    story_stop(s);
}

static void
a_node_that_says_goodbye_is_down_until_it_starts_again(void **state)
{
    struct story *s = *state;

    story_start(s);
    story_join(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    assert_string_equal(story_ask(s, "shutdown 127.0.0.1 %u", s->fake[1].port),
                        "OK");
    assert_string_equal(story_state(s, 1), "proxy/down/-1/0");
    s->fake[1].pings = 0;
    UNTIL(s, s->fake[1].pings > 2); /* it is alive, and stays down */
    assert_string_equal(story_state(s, 1), "proxy/down/-1/0");
    story_add(s, 1);
    UNTIL(s, story_is(s, 1, "proxy/active/-1/0"));
    story_stop(s);
}

static void
what_is_taken_down_by_hand_comes_back_with_a_role(void **state)
{
    struct story *s = *state;

    story_start(s);
    story_join(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    story_order(s, 1, "role", "slave 1 0");
    story_order(s, 1, "state", "down");
    s->fake[1].pings = 0;
    UNTIL(s, s->fake[1].pings > 2);
    assert_string_equal(story_state(s, 1), "proxy/down/-1/0");
    story_order(s, 1, "role", "slave 0 0");
    assert_string_equal(story_state(s, 1), "slave/prepare/0/0");
    story_order(s, 1, "state", "down");
    story_order(s, 1, "state", "active");
    assert_string_equal(story_state(s, 1), "proxy/active/-1/0");
    story_stop(s);
}

static void
too_many_clients_are_turned_away_and_room_is_found_again(void **state)
{
    struct story *s = *state;
    struct client c;
    struct client more;

    story_option(s, "--max-connection", "2");
    story_start(s);
    client_open(&c, s->port);
    client_talk(&c, "ping\r\n", "OK\r\n");
    client_open(&more, s->port);
    assert_true(client_at_end(&more));
    client_close(&more);
    client_close(&c);
    do {
        client_open(&more, s->port);
        client_send(&more, SLICE("ping\r\n"));
        if (client_try_line(&more) != NULL) {
            break;
        }
        client_close(&more);
    } while (true);
    assert_string_equal(more.line, "OK");
    client_close(&more);
    story_stop(s);
}

static void
a_reload_changes_how_nodes_are_watched(void **state)
{
    struct story *s = *state;
    char conf[256];

    (void)snprintf(conf, sizeof(conf), "%s/flarei.conf", s->folder);
    memset(s->args, 0, sizeof(s->args));
    folder_put(conf, "monitor-interval = 3600\n");
    story_option(s, "--config", conf);
    story_start(s);
    story_join(s);
    folder_put(conf, "monitor-interval-ms = 20\n");
    s->fake[0].pings = 0;
    process_signal(&s->index, SIGHUP);
    UNTIL(s, s->fake[0].pings > 3);
    folder_put(conf, "monitor-interval = often\n");
    process_signal(&s->index, SIGHUP);
    UNTIL(s, process_log_has(&s->index, "nothing was changed"));
    assert_string_equal(story_ask(s, "ping"), "OK");
    story_stop(s);
}

#define WITH_INDEX(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_INDEX(every_command_is_answered_as_flare_does),
        WITH_INDEX(a_line_without_end_is_not_kept_for_ever),
        WITH_INDEX(variables_and_threads_have_flares_form),
        WITH_INDEX(kill_ends_a_client_and_nothing_else),
        WITH_INDEX(a_node_is_told_the_map_in_one_piece),
        WITH_INDEX(a_cluster_lives_as_under_flare),
        WITH_INDEX(a_node_that_says_goodbye_is_down_until_it_starts_again),
        WITH_INDEX(what_is_taken_down_by_hand_comes_back_with_a_role),
        WITH_INDEX(too_many_clients_are_turned_away_and_room_is_found_again),
        WITH_INDEX(a_reload_changes_how_nodes_are_watched),
    };
    return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
