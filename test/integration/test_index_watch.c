/* How the index finds out about its nodes and tells them what changes. */
#include "test/integration/story.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct story story;

static int
set_up(void **state)
{
    *state = &story;
    story_init(&story);
    return 0;
}

static int
tear_down(void **state)
{
    story_fini(*state);
    return 0;
}

/* Master 0, active slave 1 and a proxy 2, all with the newest map. */
static void
start_three(struct story *s)
{
    story_start(s);
    for (int i = 0; i < 3; i++) {
        story_join(s);
    }
    story_order(s, 0, "role", "master 1 0");
    story_order(s, 1, "role", "slave 1 0");
    story_order(s, 1, "state", "active");
    story_order(s, 1, "role", "slave 1 0");
    UNTIL(s, story_settled(s));
}

static void
a_killed_master_is_replaced_at_once_whatever_the_interval(void **state)
{
    struct story *s = *state;
    struct mono start;

    story_option(s, "--monitor-interval", "3600");
    start_three(s);
    start = clock_mono();
    fake_die(&s->fake[0]);
    UNTIL(s, story_is(s, 1, "master/active/0/1"));
    UNTIL(s, story_settled(s));
    assert_true(mono_ms_between(start, clock_mono()) < 5000);
    assert_string_equal(story_state(s, 0), "proxy/down/-1/0");
    story_stop(s);
}

static void
a_lost_connection_alone_is_no_reason(void **state)
{
    struct story *s = *state;
    uint64_t version;
    unsigned accepted;

    story_option(s, "--monitor-interval", "3600");
    start_three(s);
    version = story_version(s);
    accepted = s->fake[0].accepted;
    shutdown(s->fake[0].fd, SHUT_RDWR);
    UNTIL(s, s->fake[0].accepted > accepted && s->fake[0].pings > 1);
    assert_true(story_is(s, 0, "master/active/0/1"));
    assert_int_equal(story_version(s), version);
    story_stop(s);
}

/* Master 0 and active slaves 1 and 2 that say how far they are. */
static void
start_with_slaves(struct story *s, const char *of_1, const char *of_2)
{
    start_three(s);
    story_order(s, 2, "role", "slave 1 0");
    story_order(s, 2, "state", "active");
    story_order(s, 2, "role", "slave 1 0");
    s->fake[1].position = of_1;
    s->fake[2].position = of_2;
    for (size_t i = 1; i < 3; i++) { /* so that it asks again: it was refused */
        unsigned asked = s->fake[i].asked;

        shutdown(s->fake[i].fd, SHUT_RDWR);
        UNTIL(s, s->fake[i].asked > asked && story_settled(s));
    }
}

static void
the_slave_that_is_furthest_takes_over(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval", "3600");
    start_with_slaves(s, "0 5 100 complete", "0 5 101 complete");
    fake_die(&s->fake[0]);
    UNTIL(s, story_is(s, 2, "master/active/0/1"));
    assert_string_equal(story_state(s, 1), "slave/active/0/1");
    UNTIL(s, story_settled(s));
    assert_true(process_log_has(&s->index, "(epoch 5, sequence 101)"));
    story_stop(s);
}

/* Who does not say in time comes behind who does, and delays it little. */
static void
a_slave_that_does_not_answer_is_waited_for_briefly(void **state)
{
    struct story *s = *state;
    struct mono start;

    story_option(s, "--monitor-interval", "3600");
    start_with_slaves(s, "0 5 100 complete", "0 5 1 complete");
    s->fake[1].coy = true;
    start = clock_mono();
    fake_die(&s->fake[0]);
    UNTIL(s, story_is(s, 2, "master/active/0/1"));
    assert_true(mono_ms_between(start, clock_mono()) < 5000);
    story_stop(s);
}

/* The operator's order waits for the answers, and so does what follows it. */
static void
an_order_is_answered_when_the_heir_is_known(void **state)
{
    struct story *s = *state;
    unsigned asked;

    story_option(s, "--monitor-interval", "3600");
    start_with_slaves(s, "0 5 100 complete", "0 6 1 complete");
    asked = s->fake[2].asked;
    client_send(&s->op, SLICE("node state 127.0.0.1 "));
    (void)snprintf(s->text, sizeof(s->text), "%u down\r\nping\r\n",
                   s->fake[0].port);
    client_send(&s->op, slice_str(s->text));
    assert_string_equal(story_answer(s), "OK");
    assert_true(s->fake[2].asked > asked);
    assert_string_equal(story_answer(s), "OK");
    assert_string_equal(story_state(s, 2), "master/active/0/1");
    assert_string_equal(story_state(s, 0), "proxy/down/-1/0");
    /* whoever has asked may go away before the answer */
    asked = s->fake[1].asked;
    s->fake[1].coy = true;
    (void)snprintf(s->text, sizeof(s->text), "node state 127.0.0.1 %u down\r\n",
                   s->fake[2].port);
    client_send(&s->op, slice_str(s->text));
    UNTIL(s, s->fake[1].asked > asked);
    client_close(&s->op);
    client_open(&s->op, s->port);
    UNTIL(s, story_is(s, 1, "master/active/0/1"));
    story_stop(s);
}

/* How far it was is known from when it was still there. */
static void
a_master_without_its_data_is_not_let_in(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval-ms", "30");
    story_start(s);
    story_join(s);
    s->fake[0].position = "0 5 100 complete";
    shutdown(s->fake[0].fd, SHUT_RDWR);
    story_order(s, 0, "role", "master 1 0");
    UNTIL(s, s->fake[0].asked > 2 && story_settled(s));
    fake_die(&s->fake[0]);
    UNTIL(s, story_is(s, 0, "master/down/0/1"));
    s->fake[0].position = "-1 0 0 empty"; /* another disk */
    fake_listen(&s->fake[0]);
    UNTIL(s, process_log_has(&s->index, "without its data"));
    s->fake[0].pings = 0;
    UNTIL(s, s->fake[0].pings > 3);
    assert_string_equal(story_state(s, 0), "master/down/0/1");
    fake_die(&s->fake[0]);
    UNTIL(s, !story_is(s, 0, "master/active/0/1"));
    s->fake[0].position = "0 5 100 complete"; /* the right one again */
    fake_listen(&s->fake[0]);
    UNTIL(s, story_is(s, 0, "master/active/0/1"));
    story_stop(s);
}

static void
a_node_says_what_it_has_when_it_joins(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval-ms", "30");
    story_start(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    s->fake[0].position = "0 5 100 complete";
    shutdown(s->fake[0].fd, SHUT_RDWR);
    UNTIL(s, s->fake[0].asked > 2 && story_settled(s));
    s->fake[0].position = "0 5 99 complete";
    assert_string_equal(story_ask(s, "node add 127.0.0.1 %u data 0 5 99 7 bad",
                                  s->fake[0].port),
                        "ERROR");
    (void)story_ask(s, "node add 127.0.0.1 %u data 0 5 99 7 complete",
                    s->fake[0].port);
    assert_string_equal(client_line(&s->op), "END");
    UNTIL(s, process_log_has(&s->index, "with less than it had"));
    s->fake[0].pings = 0;
    UNTIL(s, s->fake[0].pings > 3);
    assert_string_equal(story_state(s, 0), "master/down/0/1");
    story_stop(s);
    story_start(s); /* that it waits is known after a restart too */
    s->fake[0].pings = 0;
    UNTIL(s, s->fake[0].pings > 3);
    assert_string_equal(story_state(s, 0), "master/down/0/1");
    story_order(s, 0, "state", "active");
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    story_stop(s);
}

static void
a_lost_master_is_replaced_by_force_only(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval", "3600");
    story_start(s);
    story_join(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    fake_die(&s->fake[0]);
    UNTIL(s, story_is(s, 0, "master/down/0/1"));
    assert_non_null(strstr(
        story_ask(s, "node role 127.0.0.1 %u master 1 0", s->fake[1].port),
        "SERVER_ERROR failed to set role (and balance): the partition's data "
        "is on its master"));
    story_order(s, 1, "role", "master 1 0 force");
    assert_string_equal(story_state(s, 1), "master/active/0/1");
    story_stop(s);
}

static void
silence_counts_up_to_the_threshold(void **state)
{
    struct story *s = *state;
    struct mono start;

    story_option(s, "--monitor-interval-ms", "400");
    story_option(s, "--monitor-read-timeout", "400");
    story_option(s, "--monitor-threshold", "3");
    start_three(s);
    start = clock_mono();
    s->fake[0].mute = true;
    UNTIL(s, story_is(s, 1, "master/active/0/1"));
    assert_true(mono_ms_between(start, clock_mono()) >= 800);
    s->fake[0].mute = false;
    UNTIL(s, story_is(s, 0, "proxy/active/-1/0"));
    story_stop(s);
}

/* Not as many read timeouts: as many intervals. */
static void
silence_is_timed_from_the_last_word(void **state)
{
    struct story *s = *state;
    struct mono start;
    int64_t ms;

    story_option(s, "--monitor-interval-ms", "300");
    story_option(s, "--monitor-read-timeout", "1000");
    story_option(s, "--monitor-threshold", "3");
    start_three(s);
    start = clock_mono();
    s->fake[0].mute = true;
    UNTIL(s, story_is(s, 1, "master/active/0/1"));
    ms = mono_ms_between(start, clock_mono());
    print_message("replaced after %lld ms of silence\n", (long long)ms);
    assert_true(ms >= 800 && ms < 2500);
    story_stop(s);
}

static void
wrong_answers_count_like_silence(void **state)
{
    static const char *const answers[] = {"SERVER_ERROR storage error\r\n",
                                          "OK \r\n", "ok\r\n", "\r\n"};
    struct story *s = *state;

    story_option(s, "--monitor-interval-ms", "30");
    story_start(s);
    story_join(s);
    for (size_t i = 0; i < COUNT(answers); i++) {
        s->fake[0].to_ping = answers[i];
        UNTIL(s, story_is(s, 0, "proxy/down/-1/0"));
        s->fake[0].to_ping = NULL;
        UNTIL(s, story_is(s, 0, "proxy/active/-1/0"));
    }
    story_stop(s);
}

static void
a_node_restarted_before_it_was_missed_is_let_in(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval", "3600");
    start_three(s);
    story_add(s, 0);
    UNTIL(s, story_is(s, 0, "proxy/active/-1/0"));
    assert_string_equal(story_state(s, 1), "master/active/0/1");
    UNTIL(s, story_settled(s));
    story_stop(s);
}

static void
a_hanging_node_delays_no_other(void **state)
{
    struct story *s = *state;
    struct mono start;

    story_option(s, "--monitor-interval", "3600");
    start_three(s);
    s->fake[1].mute = true; /* who is going to be promoted */
    start = clock_mono();
    fake_die(&s->fake[0]);
    UNTIL(s, story_is(s, 1, "master/active/0/1"));
    assert_true(mono_ms_between(start, clock_mono()) < 5000);
    UNTIL(s, s->fake[2].version == story_version(s)); /* told all the same */
    story_stop(s);
}

static void
the_promoted_slave_hears_of_it_first(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval", "3600");
    story_option(s, "--monitor-read-timeout", "20000");
    start_three(s);
    s->fake[1].slow_sync = true;
    s->fake[2].syncs = 0;
    fake_die(&s->fake[0]);
    UNTIL(s, strstr(s->fake[1].map, " 0 0 0 1 17\n") != NULL);
    UNTIL(s, s->fake[2].syncs > 0); /* at last, without its answer */
    assert_true(mono_ms_between(s->fake[1].told_at, s->fake[2].told_at) >= 100);
    story_stop(s);
}

static void
a_copy_begins_only_when_its_source_knows(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval", "3600");
    story_option(s, "--monitor-read-timeout", "20000");
    start_three(s);
    story_order(s, 2, "role", "slave 1 0");
    UNTIL(s, story_settled(s));
    assert_true(mono_ms_between(s->fake[0].told_at, s->fake[2].told_at) >= 0);
    story_order(s, 2, "role", "proxy 0 -1");
    UNTIL(s, story_settled(s));
    s->fake[0].slow_sync = true; /* now the source takes its time */
    story_order(s, 2, "role", "slave 1 0");
    UNTIL(s, story_settled(s));
    assert_true(mono_ms_between(s->fake[0].told_at, s->fake[2].told_at) >= 100);
    story_stop(s);
}

static void
a_map_that_was_refused_is_offered_again(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval-ms", "30");
    story_start(s);
    story_join(s);
    s->fake[0].picky = true;
    story_order(s, 0, "role", "master 1 0");
    UNTIL(s, s->fake[0].syncs > 3);
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    s->fake[0].picky = false;
    UNTIL(s, story_settled(s));
    story_stop(s);
}

static void
a_node_with_a_later_map_is_overtaken_and_stays(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval-ms", "30");
    story_start(s);
    story_join(s);
    s->fake[0].version = 1000;
    story_order(s, 0, "role", "master 1 0");
    UNTIL(s, story_settled(s));
    assert_int_equal(story_version(s), 1001);
    assert_string_equal(story_state(s, 0), "master/active/0/1");
    s->fake[0].version = UINT64_MAX; /* nobody can go on above that */
    story_order(s, 0, "role", "master 2 0");
    s->fake[0].syncs = 0;
    UNTIL(s, s->fake[0].syncs > 3);
    assert_int_equal(story_version(s), 1002);
    assert_string_equal(story_state(s, 0), "master/active/0/2");
    story_stop(s);
}

/* Its own sleep must not look like the silence of others. */
static void
an_index_that_was_suspended_blames_nobody(void **state)
{
    struct story *s = *state;
    struct mono wake;
    uint64_t version;

    story_option(s, "--monitor-interval-ms", "20");
    story_option(s, "--monitor-read-timeout", "1000");
    story_option(s, "--monitor-threshold", "1");
    start_three(s);
    version = story_version(s);
    process_signal(&s->index, SIGSTOP);
    wake = mono_after_ms(clock_mono(), 1500);
    while (!mono_reached(wake, clock_mono())) {
        story_turn(s, 5); /* nodes go on answering what was asked */
    }
    process_signal(&s->index, SIGCONT);
    for (size_t i = 0; i < s->n; i++) {
        s->fake[i].pings = 0;
        UNTIL(s, s->fake[i].pings > 2);
    }
    assert_int_equal(story_version(s), version);
    story_stop(s);
}

static void
only_the_newest_map_is_sent(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval", "3600");
    story_option(s, "--monitor-read-timeout", "20000");
    story_start(s);
    story_join(s);
    story_order(s, 0, "role", "master 1 0");
    UNTIL(s, story_settled(s));
    s->fake[0].syncs = 0;
    for (int i = 0; i < 200; i++) {
        story_order(s, 0, "role", i % 2 == 0 ? "master 2 0" : "master 1 0");
    }
    UNTIL(s, story_settled(s));
    assert_true(s->fake[0].syncs < 20);
    assert_int_equal(story_version(s), 202);
    story_stop(s);
}

static void
a_node_that_does_not_listen_yet_is_waited_for(void **state)
{
    struct story *s = *state;

    story_option(s, "--monitor-interval", "3600");
    story_start(s);
    fake_listen(&s->fake[0]);
    fake_die(&s->fake[0]);
    s->n = 1;
    story_add(s, 0);
    assert_string_equal(story_state(s, 0), "proxy/active/-1/0");
    fake_listen(&s->fake[0]);
    UNTIL(s, s->fake[0].pings > 0 && story_settled(s));
    assert_string_equal(story_state(s, 0), "proxy/active/-1/0");
    story_stop(s);
}

static void
a_name_that_leads_nowhere_goes_down_and_can_be_removed(void **state)
{
    struct story *s = *state;
    const char *line;

    story_option(s, "--monitor-interval-ms", "30");
    story_start(s);
    line = story_ask(s, "node add no.such.host.invalid 1");
    assert_string_equal(line, "NODE no.such.host.invalid 1 2 0 -1 0 16");
    assert_string_equal(client_line(&s->op), "END");
    UNTIL(s, strcmp(story_ask(s, "node remove no.such.host.invalid 1"), "OK") ==
                 0);
    story_stop(s);
}

#define WITH_INDEX(test)                                                       \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_INDEX(a_killed_master_is_replaced_at_once_whatever_the_interval),
        WITH_INDEX(a_lost_connection_alone_is_no_reason),
        WITH_INDEX(the_slave_that_is_furthest_takes_over),
        WITH_INDEX(a_slave_that_does_not_answer_is_waited_for_briefly),
        WITH_INDEX(an_order_is_answered_when_the_heir_is_known),
        WITH_INDEX(a_master_without_its_data_is_not_let_in),
        WITH_INDEX(a_node_says_what_it_has_when_it_joins),
        WITH_INDEX(a_lost_master_is_replaced_by_force_only),
        WITH_INDEX(silence_counts_up_to_the_threshold),
        WITH_INDEX(silence_is_timed_from_the_last_word),
        WITH_INDEX(wrong_answers_count_like_silence),
        WITH_INDEX(a_node_restarted_before_it_was_missed_is_let_in),
        WITH_INDEX(a_hanging_node_delays_no_other),
        WITH_INDEX(the_promoted_slave_hears_of_it_first),
        WITH_INDEX(a_copy_begins_only_when_its_source_knows),
        WITH_INDEX(a_map_that_was_refused_is_offered_again),
        WITH_INDEX(a_node_with_a_later_map_is_overtaken_and_stays),
        WITH_INDEX(an_index_that_was_suspended_blames_nobody),
        WITH_INDEX(only_the_newest_map_is_sent),
        WITH_INDEX(a_node_that_does_not_listen_yet_is_waited_for),
        WITH_INDEX(a_name_that_leads_nowhere_goes_down_and_can_be_removed),
    };
    return cmocka_run_group_tests_name("index watch", tests, NULL, NULL);
}
