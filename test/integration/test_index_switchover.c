/* "node switchover": a slave takes over while both are well, or nothing does.
 */
#include "test/integration/story.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct story story;

/* Master 0, active slaves 1 and 2. */
static int
set_up(void **state)
{
    struct story *s = &story;

    *state = s;
    story_init(s);
    story_option(s, "--monitor-interval-ms", "200");
    story_start(s);
    for (int i = 0; i < 3; i++) {
        story_join(s);
    }
    story_order(s, 0, "role", "master 1 0");
    for (size_t i = 1; i < 3; i++) {
        story_order(s, i, "role", "slave 1 0");
        story_order(s, i, "state", "active");
        story_order(s, i, "role", "slave 1 0");
    }
    UNTIL(s, story_settled(s));
    return 0;
}

static int
tear_down(void **state)
{
    story_fini(*state);
    return 0;
}

/* Ask for it; the answer may only come when the fakes have worked. */
static void
order(struct story *s, size_t i)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "node switchover 127.0.0.1 %u\r\n",
                   s->fake[i].port);
    client_send(&s->op, slice_str(line));
}

static void
roles_are_swapped_when_the_master_has_handed_over(void **state)
{
    struct story *s = *state;
    uint64_t version = story_version(s);
    char want[64];

    s->fake[0].handover = "OK 5 1234\r\n";
    order(s, 1);
    assert_string_equal(story_answer(s), "OK");
    (void)snprintf(want, sizeof(want), "127.0.0.1:%u", s->fake[1].port);
    assert_string_equal(s->fake[0].handed_to, want);
    assert_string_equal(story_state(s, 0), "slave/active/0/1");
    assert_string_equal(story_state(s, 1), "master/active/0/1");
    assert_string_equal(story_state(s, 2), "slave/active/0/1");
    assert_int_equal(story_version(s), version + 1);
    UNTIL(s, story_settled(s));
    /* the new master heard of it before the old one, which keeps quiet
     * until then: its connection is closed when it knows */
    assert_true(mono_ms_between(s->fake[1].told_at, s->fake[0].told_at) >= 0);
    UNTIL(s, s->fake[0].second_closed == 1);
    assert_true(process_log_has(&s->index, "epoch 5, sequence 1234"));
    /* and back again */
    s->fake[1].handover = "OK 8 1300\r\n";
    order(s, 0);
    assert_string_equal(story_answer(s), "OK");
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    assert_string_equal(story_state(s, 1), "slave/active/0/1");
    story_stop(s);
}

static void
a_master_that_refuses_stays_and_its_words_are_told(void **state)
{
    static const struct {
        const char *says, *told;
    } rows[] = {
        {"SERVER_ERROR the slave is too far behind\r\n",
         "SERVER_ERROR failed to switch over: SERVER_ERROR the slave is too "
         "far behind"},
        {"ERROR\r\n", "SERVER_ERROR failed to switch over: the master does not "
                      "know how to hand over"},
        {"OK\r\n", "SERVER_ERROR failed to switch over: OK"},
        {"OK 5 x\r\n", "SERVER_ERROR failed to switch over: OK 5 x"},
        {"what?\r\n", "SERVER_ERROR failed to switch over: the connection to "
                      "the master was lost"},
    };
    struct story *s = *state;
    uint64_t version = story_version(s);

    for (size_t i = 0; i < COUNT(rows); i++) {
        s->fake[0].handover = rows[i].says;
        order(s, 1);
        assert_string_equal(story_answer(s), rows[i].told);
        UNTIL(s, s->fake[0].second_closed == i + 1); /* so that it goes on */
        assert_string_equal(story_state(s, 0), "master/active/0/1");
        assert_int_equal(story_version(s), version);
    }
    story_stop(s);
}

static void
a_master_that_says_nothing_is_not_waited_for_long(void **state)
{
    struct story *s = *state;
    struct mono start = clock_mono();

    s->fake[0].handover = "";
    order(s, 1);
    UNTIL(s, s->fake[0].handed_to[0] != '\0');
    order(s, 2); /* behind the first one's answer */
    assert_string_equal(story_answer(s),
                        "SERVER_ERROR failed to switch over: the "
                        "master did not hand over in time");
    assert_true(mono_ms_between(start, clock_mono()) >= 1900);
    UNTIL(s, s->fake[0].second_closed == 1);
    assert_string_equal(story_answer(s),
                        "SERVER_ERROR failed to switch over: the "
                        "master did not hand over in time");
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    story_stop(s);
}

static void
only_an_active_slave_of_a_living_master_can_take_over(void **state)
{
    struct story *s = *state;

    s->fake[0].handover = "OK 5 1\r\n";
    assert_string_equal(
        story_ask(s, "node switchover 127.0.0.1 %u", s->fake[0].port),
        "SERVER_ERROR failed to switch over: only an active slave can take "
        "over");
    assert_string_equal(story_ask(s, "node switchover 127.0.0.1 1"),
                        "SERVER_ERROR failed to switch over: there is no such "
                        "node");
    assert_string_equal(story_ask(s, "node switchover 127.0.0.1"), "ERROR");
    assert_string_equal(story_ask(s, "node switchover 127.0.0.1 1 1"), "ERROR");
    assert_string_equal(s->fake[0].handed_to, "");
    story_stop(s);
}

/* Two operators at once: one of them is told so. */
static void
a_partition_is_handed_over_once_at_a_time(void **state)
{
    struct story *s = *state;
    struct client other;

    s->fake[0].handover = "";
    order(s, 1);
    UNTIL(s, s->fake[0].handed_to[0] != '\0');
    client_open(&other, s->port);
    assert_string_equal(
        client_ask(&other, "node switchover 127.0.0.1 %u\r\n", s->fake[2].port),
        "SERVER_ERROR failed to switch over: the partition is "
        "being handed over already");
    client_close(&other);
    (void)send(s->fake[0].second, "OK 5 7\r\n", 8, MSG_NOSIGNAL);
    assert_string_equal(story_answer(s), "OK");
    assert_string_equal(story_state(s, 1), "master/active/0/1");
    story_stop(s);
}

/* Meanwhile the slave has gone, or the master: the map decides, not the plan */
static void
what_has_changed_meanwhile_is_seen(void **state)
{
    struct story *s = *state;
    struct client other;

    s->fake[0].handover = "";
    order(s, 1);
    UNTIL(s, s->fake[0].handed_to[0] != '\0');
    client_open(&other, s->port);
    assert_string_equal(
        client_ask(&other, "node role 127.0.0.1 %u proxy\r\n", s->fake[1].port),
        "OK");
    client_close(&other);
    (void)send(s->fake[0].second, "OK 5 7\r\n", 8, MSG_NOSIGNAL);
    assert_string_equal(story_answer(s),
                        "SERVER_ERROR failed to switch over: only "
                        "an active slave can take over");
    UNTIL(s, s->fake[0].second_closed == 1);
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    story_stop(s);
}

static void
a_master_that_dies_meanwhile_is_replaced_as_any(void **state)
{
    struct story *s = *state;

    s->fake[0].handover = "";
    order(s, 1);
    UNTIL(s, s->fake[0].handed_to[0] != '\0');
    fake_die(&s->fake[0]);
    assert_non_null(strstr(story_answer(s), "failed to switch over"));
    UNTIL(s, story_is(s, 0, "proxy/down/-1/0"));
    assert_true(story_is(s, 1, "master/active/0/1") !=
                story_is(s, 2, "master/active/0/1"));
    story_stop(s);
}

static void
a_swap_that_cannot_be_saved_has_not_happened(void **state)
{
    struct story *s = *state;
    char tmp[300];

    (void)snprintf(tmp, sizeof(tmp), "%s/index/flare.xml.tmp", s->folder);
    assert_int_equal(mkdir(tmp, 0700), 0);
    s->fake[0].handover = "OK 5 1234\r\n";
    order(s, 1);
    assert_non_null(strstr(story_answer(s), "failed to switch over"));
    UNTIL(s, s->fake[0].second_closed == 1);
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    assert_int_equal(rmdir(tmp), 0);
    order(s, 1);
    assert_string_equal(story_answer(s), "OK");
    story_stop(s);
}

/* An operator who goes away, and an index that does: neither hangs. */
static void
nobody_has_to_wait_for_the_end(void **state)
{
    struct story *s = *state;

    s->fake[0].handover = "";
    order(s, 1);
    UNTIL(s, s->fake[0].handed_to[0] != '\0');
    client_close(&s->op);
    client_open(&s->op, s->port);
    assert_string_equal(story_ask(s, "ping"), "OK");
    (void)send(s->fake[0].second, "OK 5 7\r\n", 8, MSG_NOSIGNAL);
    UNTIL(s, story_is(s, 1, "master/active/0/1"));
    UNTIL(s, s->fake[0].second_closed == 1);
    s->fake[1].handover = "";
    order(s, 2);
    UNTIL(s, s->fake[1].handed_to[0] != '\0');
    story_stop(s); /* SIGTERM in the middle of it */
    UNTIL(s, s->fake[1].second_closed == 1);
}

static void
it_is_in_the_history(void **state)
{
    struct story *s = *state;
    unsigned found = 0;
    const char *line;

    s->fake[0].handover = "OK 5 1234\r\n";
    order(s, 1);
    assert_string_equal(story_answer(s), "OK");
    UNTIL(s, story_settled(s));
    for (line = story_ask(s, "stats failovers"); strcmp(line, "END") != 0;
         line = client_line(&s->op)) {
        found += strcmp(line, "STAT 1:cause switchover") == 0;
        found += strcmp(line, "STAT 1:to_sequence 1234") == 0;
        found += strcmp(line, "STAT 1:from_epoch 5") == 0;
        found += strcmp(line, "STAT 1:partition 0") == 0;
        found += strncmp(line, "STAT 1:from 127.0.0.1:", 22) == 0;
        found += strncmp(line, "STAT 1:took_ms ", 15) == 0 && line[15] != '-';
    }
    assert_int_equal(found, 6);
    story_stop(s);
}

#define SWITCHOVER(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SWITCHOVER(roles_are_swapped_when_the_master_has_handed_over),
        SWITCHOVER(a_master_that_refuses_stays_and_its_words_are_told),
        SWITCHOVER(a_master_that_says_nothing_is_not_waited_for_long),
        SWITCHOVER(only_an_active_slave_of_a_living_master_can_take_over),
        SWITCHOVER(a_partition_is_handed_over_once_at_a_time),
        SWITCHOVER(what_has_changed_meanwhile_is_seen),
        SWITCHOVER(a_master_that_dies_meanwhile_is_replaced_as_any),
        SWITCHOVER(a_swap_that_cannot_be_saved_has_not_happened),
        SWITCHOVER(nobody_has_to_wait_for_the_end),
        SWITCHOVER(it_is_in_the_history),
    };
    return cmocka_run_group_tests_name("index switchover", tests, NULL, NULL);
}
