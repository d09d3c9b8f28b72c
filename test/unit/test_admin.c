/* flare-admin and flare-stats against an index that does as it is told. */
#include "test/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "test/unit/fake_cluster.h"

static struct fake fake;
static struct fake_result got;

static int
start(void **state)
{
    (void)state;
    (void)unsetenv("FLARE_INDEX_SERVER");
    (void)unsetenv("FLARE_INDEX_SERVERS");
    fake_start(&fake, 4);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    fake_stop(&fake);
    return 0;
}

static void
set_node(int i, const char *role, const char *state, int partition, int balance)
{
    fake.node[i].role = role;
    fake.node[i].state = state;
    fake.node[i].partition = partition;
    fake.node[i].balance = balance;
}

static void
run(const char *words, const char *input)
{
    fake_run(&fake, "flare-admin", words, input, &got);
}

#define HEAD                                                                   \
    "node                             partition   role  state balance\n"

static void
list_sorts_by_partition_with_proxies_last(void **state)
{
    (void)state;
    set_node(0, "slave", "active", 0, 1);
    set_node(1, "master", "active", 0, 1);
    set_node(2, "master", "prepare", 1, 10);
    run("list -i %I", NULL);
    assert_string_equal(
        got.out, HEAD
        "127.0.0.1:NODE2                          0 master active       1\n"
        "127.0.0.1:NODE1                          0  slave active       1\n"
        "127.0.0.1:NODE3                          1 master prepare      10\n"
        "127.0.0.1:NODE4                          -  proxy active       0\n");
    assert_string_equal(got.err, "");
    assert_int_equal(got.status, 0);
    assert_string_equal(fake.wire, "INDEX stats nodes\n");
}

static void
list_takes_no_arguments_and_needs_its_index(void **state)
{
    (void)state;
    run("list -i %I xyz b", NULL);
    assert_string_equal(got.out, "invalid arguments: xyz b\n");
    assert_int_equal(got.status, 1);
    fake_kill_node(&fake, 0);
    run("list -i %1", NULL);
    assert_int_equal(strncmp(got.out, "failed to open 127.0.0.1:NODE1.\n", 32),
                     0);
    assert_int_equal(got.status, 1);
    run("list -i %I -p 1", NULL);
    assert_string_equal(got.out, "--index-server-port option isn't allowed.\n");
    assert_int_equal(got.status, 1);
}

static void
the_index_is_found_by_the_environment(void **state)
{
    char text[128];

    (void)state;
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", fake.index_port);
    (void)setenv("FLARE_INDEX_SERVER", text, 1);
    run("list", NULL);
    assert_int_equal(got.status, 0);
    run("list -i 127.0.0.1", NULL); /* the port comes from the variable */
    assert_int_equal(got.status, 0);
    (void)unsetenv("FLARE_INDEX_SERVER");

    (void)snprintf(text, sizeof(text), "a:127.0.0.1:1;b:127.0.0.1:%u",
                   fake.index_port);
    (void)setenv("FLARE_INDEX_SERVERS", text, 1);
    run("list --cluster=b", NULL);
    assert_int_equal(got.status, 0);
    run("list --cluster=c", NULL);
    assert_int_equal(strncmp(got.out, "failed to open :.\n", 18), 0);
    assert_int_equal(got.status, 1);

    (void)setenv("FLARE_INDEX_SERVERS", text + strlen("a:127.0.0.1:1;"), 1);
    (void)snprintf(text, sizeof(text), "b:127.0.0.1:%u", fake.index_port);
    (void)setenv("FLARE_INDEX_SERVERS", text, 1);
    run("stats -i 127.0.0.1:1 %2", NULL);
    assert_int_equal(got.status, 0);
    (void)unsetenv("FLARE_INDEX_SERVERS");
}

static void
ping_answers_alive_or_who_is_down(void **state)
{
    (void)state;
    run("ping %I %1", NULL);
    assert_string_equal(got.out, "alive\n");
    assert_int_equal(got.status, 0);
    assert_string_equal(fake.wire, "INDEX ping\nNODE1 ping\n");
    run("ping", NULL);
    assert_string_equal(got.out, "alive\n");
    assert_int_equal(got.status, 0);
    fake_kill_node(&fake, 3);
    run("ping %4 %1", NULL);
    assert_string_equal(got.out, "failed to open 127.0.0.1:NODE4.\n"
                                 "127.0.0.1:NODE4 is down\n");
    assert_int_equal(got.status, 1);
    assert_string_equal(fake.wire, "");
    fake.node[0].mute = true;
    run("ping --timeout=1 %1", NULL);
    assert_string_equal(got.out, "Connection timeout. server=[127.0.0.1:NODE1] "
                                 "command=[version\r\n}]\n"
                                 "failed to open 127.0.0.1:NODE1.\n"
                                 "127.0.0.1:NODE1 is down\n");
    assert_int_equal(got.status, 1);
    run("ping host", NULL);
    assert_string_equal(got.out,
                        "invalid argument 'host'. it must be hostname:port.\n");
    assert_int_equal(got.status, 1);
}

#define STATS_HEAD                                                             \
    "hostname:port   state  role   partition balance items conn behind hit "   \
    "size uptime version"

static void
stats_shows_a_line_a_node_and_gaps_for_dead_ones(void **state)
{
    (void)state;
    set_node(0, "master", "active", 0, 1);
    set_node(1, "slave", "active", 0, 1);
    set_node(2, "master", "active", 1, 1);
    fake.node[0].items = 20001;
    fake_kill_node(&fake, 3);
    run("stats -i %I", NULL);
    assert_string_equal(
        got.out,
        "failed to open 127.0.0.1:NODE4.\n" STATS_HEAD "\n"
        "127.0.0.1:NODE4 active proxy         -1       0                 3 "
        "                       \n"
        "127.0.0.1:NODE1 active master         0       1 20001    2      0  "
        "67    -     1m   2.0.0\n"
        "127.0.0.1:NODE2 active slave          0       1     0    2      1  "
        "67    -     1m   2.0.0\n"
        "127.0.0.1:NODE3 active master         1       1     0    2      2  "
        "67    -     1m   2.0.0\n");
    assert_int_equal(got.status, 0);
}

static void
stats_waits_for_a_node_that_hangs_only_once(void **state)
{
    struct timespec before;
    struct timespec after;

    (void)state;
    for (int i = 0; i < 4; i++) {
        fake.node[i].mute = true;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    run("stats -i %I --timeout=1", NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(got.status, 0);
    assert_int_equal(strncmp(got.out,
                             "failed to open 127.0.0.1:NODE1.\n"
                             "failed to open 127.0.0.1:NODE2.\n",
                             64),
                     0);
    assert_true(after.tv_sec - before.tv_sec < 4);
}

static void
stats_of_some_nodes_with_rates_and_a_delimiter(void **state)
{
    (void)state;
    fake_run(&fake, "flare-stats", "-i %I -q -c 2 -w 0 -d, %2", NULL, &got);
    assert_string_equal(
        got.out,
        "hostname:port  ,state ,role ,partition,balance,items,conn,behind,"
        "hit,size,uptime,version,qps,qps-r,qps-w\n"
        "127.0.0.1:NODE2,active,proxy,       -1,      0,    0,   2,     1,"
        " 67,   -,    1m,  2.0.0,  -,    -,    -\n"
        "hostname:port  ,state ,role ,partition,balance,items,conn,behind,"
        "hit,size,uptime,version,qps,qps-r,qps-w\n"
        "127.0.0.1:NODE2,active,proxy,       -1,      0,    0,   2,     1,"
        " 67,   -,    1m,  2.0.0,  -,    -,    -\n");
    assert_int_equal(got.status, 0);
    fake_run(&fake, "flare-stats", "-i %I 127.0.0.1:1", NULL, &got);
    assert_string_equal(got.out, "unknown host: 127.0.0.1:1\n");
    assert_int_equal(got.status, 1);
    fake_kill_node(&fake, 0);
    fake_run(&fake, "flare-stats", "-i %1", NULL, &got);
    assert_int_equal(got.status, 1);
}

static void
threads_are_sorted_by_peer(void **state)
{
    (void)state;
    fake.node[1].exists = fake.node[2].exists = fake.node[3].exists = false;
    run("threads -i %I", NULL);
    assert_string_equal(
        got.out,
        "   id peer                             operation     type    queue\n"
        "   74 10.0.0.9:47056                   stats            1        0\n"
        "    4 127.0.0.1:NODE1                  -               16        0\n"
        "    1 :0                               -                4        0\n");
    assert_int_equal(got.status, 0);
    run("threads %1", NULL);
    assert_int_equal(got.status, 0);
    run("threads x", NULL);
    assert_string_equal(got.out, "invalid nodekey: x\n");
    assert_int_equal(got.status, 1);
}

static void
index_prints_what_flarei_can_read(void **state)
{
    (void)state;
    fake.node[2].exists = fake.node[3].exists = false;
    set_node(0, "slave", "down", 0, 1);
    run("index -i %I --increment=2", NULL);
    assert_string_equal(
        got.out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\" ?>\n"
        "<!DOCTYPE boost_serialization>\n"
        "<boost_serialization signature=\"serialization::archive\" "
        "version=\"4\">\n"
        "<version>45</version>\n"
        "<node_map class_id=\"0\" tracking_level=\"0\" version=\"0\">\n"
        "\t<count>2</count>\n\t<item_version>0</item_version>\n"
        "\t<item class_id=\"1\" tracking_level=\"0\" version=\"0\">\n"
        "\t\t<first>127.0.0.1:NODE1</first>\n"
        "\t\t<second class_id=\"2\" tracking_level=\"0\" version=\"0\">\n"
        "\t\t\t<node_server_name>127.0.0.1</node_server_name>\n"
        "\t\t\t<node_server_port>NODE1</node_server_port>\n"
        "\t\t\t<node_role>1</node_role>\n\t\t\t<node_state>2</node_state>\n"
        "\t\t\t<node_partition>0</node_partition>\n"
        "\t\t\t<node_balance>1</node_balance>\n"
        "\t\t\t<node_thread_type>16</node_thread_type>\n"
        "\t\t</second>\n\t</item>\n"
        "\t<item>\n\t\t<first>127.0.0.1:NODE2</first>\n\t\t<second>\n"
        "\t\t\t<node_server_name>127.0.0.1</node_server_name>\n"
        "\t\t\t<node_server_port>NODE2</node_server_port>\n"
        "\t\t\t<node_role>2</node_role>\n\t\t\t<node_state>0</node_state>\n"
        "\t\t\t<node_partition>-1</node_partition>\n"
        "\t\t\t<node_balance>0</node_balance>\n"
        "\t\t\t<node_thread_type>17</node_thread_type>\n"
        "\t\t</second>\n\t</item>\n"
        "</node_map>\n<thread_type>18</thread_type>\n"
        "</boost_serialization>\n\n");
    assert_int_equal(got.status, 0);
}

static void
help_and_mistakes_end_with_status_1(void **state)
{
    static const struct {
        const char *words, *begins;
    } cases[] = {
        {"", "unknown subcommand ''\nsubcommands:\n[activate] "},
        {"frob", "unknown subcommand 'frob'\nsubcommands:\n"},
        {"--help", "subcommands:\n[activate] "},
        {"activate --help",
         "Flare-tools version 2.0.0\n"
         "Usage: flare-admin activate [options] hostname:port ...\n"
         "    -h, --help                       show this message\n"},
        {"list --bogus", "invalid option: --bogus\nFlare-tools version"},
        {"list -x", "invalid option: -x\nFlare-tools"},
        {"list -i", "missing argument: -i\nFlare-tools"},
        {"list --numeric-hosts=3",
         "needless argument: --numeric-hosts=3\nFlare-tools"},
        {"list --w=1", "needless argument: --w=1\nFlare-tools"},
        {"slave --saf", "invalid option: --saf\n"},
        {"master --f --re", "missing argument: --re\nFlare-tools"},
        {"master --with --dr", "Usage: flare-admin master"},
        {"down", "Usage: flare-admin down [options] hostname:port ...\n"},
        {"list --log-file=", "'' is not a regular file\n"},
        {"list --log-file=/", "'/' is not a regular file\n"},
        {"list --timeout=x", "invalid argument: timeout: \"x\" is not in "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        run(cases[i].words, NULL);
        if (strncmp(got.out, cases[i].begins, strlen(cases[i].begins)) != 0) {
            print_error("%s: %s\n", cases[i].words, got.out);
        }
        assert_int_equal(
            strncmp(got.out, cases[i].begins, strlen(cases[i].begins)), 0);
        assert_int_equal(got.status, 1);
    }
    run("--version", NULL);
    assert_string_equal(got.out, "flare-admin 2.0.0\n");
    assert_int_equal(got.status, 0);
}

static void
long_names_may_be_cut_short_while_they_are_clear(void **state)
{
    (void)state;
    run("list --ind %I", NULL); /* begins the other candidate */
    assert_int_equal(got.status, 0);
    run("list --INDEX_SERVER=%I", NULL);
    assert_int_equal(got.status, 0);
    run("slave --wi", NULL);
    assert_int_equal(got.status, 1);
    run("remove --in %I", NULL);
    assert_int_equal(got.status, 0);
    run("reconstruct --s", NULL); /* --safe or --stall-timeout */
    assert_int_equal(strncmp(got.out, "ambiguous option: --s\n", 22), 0);
    assert_int_equal(got.status, 1);
}

static void
a_log_file_takes_what_is_no_table(void **state)
{
    char path[] = "/tmp/flare-test-admin-XXXXXX";
    char words[128];
    char line[256] = "";
    int fd = mkstemp(path);
    FILE *f;

    (void)state;
    assert_true(fd >= 0);
    (void)snprintf(words, sizeof(words), "list --log-file=%s zz", path);
    run(words, NULL);
    assert_string_equal(got.out, "");
    f = fdopen(fd, "r");
    assert_non_null(fgets(line, sizeof(line), f));
    assert_non_null(
        strstr(line, " flare-admin list[ERROR]: invalid arguments: zz\n"));
    (void)fclose(f);
    (void)unlink(path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(list_sorts_by_partition_with_proxies_last),
        CASE(list_takes_no_arguments_and_needs_its_index),
        CASE(the_index_is_found_by_the_environment),
        CASE(ping_answers_alive_or_who_is_down),
        CASE(stats_shows_a_line_a_node_and_gaps_for_dead_ones),
        CASE(stats_waits_for_a_node_that_hangs_only_once),
        CASE(stats_of_some_nodes_with_rates_and_a_delimiter),
        CASE(threads_are_sorted_by_peer),
        CASE(index_prints_what_flarei_can_read),
        CASE(help_and_mistakes_end_with_status_1),
        CASE(long_names_may_be_cut_short_while_they_are_clear),
        CASE(a_log_file_takes_what_is_no_table),
    };
    return cmocka_run_group_tests_name("flare-admin: looking", tests, NULL,
                                       NULL);
}
