#include "test/unit/peer_fixture.h"

static void
requests_of_a_turn_leave_together_and_answers_match_in_order(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};

    (void)state;
    peer_begin(&p);
    assert_true(peer_ask(&p, &a, "set\r\n", EXPECT_LINE));
    assert_true(peer_ask(&p, &b, "get\r\n", EXPECT_VALUES));
    assert_true(peer_ask(&p, &c, "ping\r\n", EXPECT_LINE));
    assert_int_equal(peer_inflight(p.peer), 3);
    assert_int_equal(peer_backlog(p.peer), 16);
    peer_accept(&p);
    peer_hear(&p, "set\r\nget\r\nping\r\n");
    assert_true(peer_is_connected(p.peer));
    assert_int_equal(peer_backlog(p.peer), 0);
    peer_say(&p, "STORED\r\nVALUE k 0 2\r\nvv\r\nVALUE l 0 1\r\nw\r\nEND\r\n");
    peer_say(&p, "OK\r\n");
    peer_wait_log(&p, "a=STORED b:vv b:w b=END c=OK");
    assert_int_equal(peer_inflight(p.peer), 0);
    peer_end(&p);
}

static void
any_split_of_the_answers_gives_the_same_calls(void **state)
{
    static const char text[] = "STORED\r\nVALUE k 0 2\r\nvv\r\nEND\r\n7\r\n";
    struct peer_fixture p;

    (void)state;
    peer_begin(&p);
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        struct logged a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};

        p.log[0] = '\0';
        assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
        assert_true(peer_ask(&p, &b, "2\n", EXPECT_VALUES));
        assert_true(peer_ask(&p, &c, "3\n", EXPECT_LINE));
        if (p.fd < 0) {
            peer_accept(&p);
        }
        peer_hear(&p, "1\n2\n3\n");
        assert_int_equal(send(p.fd, text, cut, 0), cut);
        net_settle(&p.f);
        peer_say(&p, text + cut);
        peer_wait_log(&p, "a=STORED b:vv b=END c=7");
    }
    peer_end(&p);
}

static void
a_server_that_closes_half_way_leaves_the_rest_unknown(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};

    (void)state;
    peer_begin(&p);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    assert_true(peer_ask(&p, &b, "2\n", EXPECT_VALUES));
    assert_true(peer_ask(&p, &c, "3\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\n2\n3\n");
    peer_say(&p, "OK\r\nVALUE k 0 5\r\nhal"); /* half an answer is none */
    peer_hang_up(&p);
    peer_wait_log(&p, "a=OK b=unknown c=unknown");
    assert_int_equal(peer_last_error(p.peer), ECONNRESET);
    assert_false(peer_is_failing(p.peer, p.f.loop.now)); /* it did answer */
    peer_end(&p);
}

static void
what_never_left_is_told_unsent(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, big = {.name = 'B'}, c = {.name = 'c'};
    char *text = malloc((1 << 24) + 1);

    (void)state;
    memset(text, 'x', 1 << 24);
    text[1 << 24] = '\0';
    peer_begin(&p);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    assert_true(peer_ask(&p, &big, text, EXPECT_LINE));
    assert_true(peer_ask(&p, &c, "3\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\nx");
    RUN_UNTIL(&p.f, peer_backlog(p.peer) < 1 << 24);
    assert_true(peer_backlog(p.peer) > 2);
    peer_hang_up(&p);
    peer_wait_log(&p, "a=unknown B=unknown c=unsent");
    peer_end(&p);
    free(text);
}

static void
a_hang_up_while_idle_is_no_failure(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'};

    (void)state;
    peer_begin(&p);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\n");
    peer_say(&p, "OK\r\n");
    peer_wait_log(&p, "a=OK");
    peer_hang_up(&p);
    RUN_UNTIL(&p.f, !peer_is_connected(p.peer));
    assert_int_equal(peer_last_error(p.peer), 0);
    assert_true(peer_ask(&p, &b, "2\n", EXPECT_LINE)); /* at once */
    peer_accept(&p);
    peer_hear(&p, "2\n");
    peer_say(&p, "OK\r\n");
    peer_wait_log(&p, "a=OK b=OK");
    peer_end(&p);
}

struct ask_mail {
    struct mail mail;
    struct peer_fixture *p;
    struct logged *logged;
};

static void
on_ask_mail(struct mail *mail)
{
    struct ask_mail *ask = LIST_ENTRY(mail, struct ask_mail, mail);

    assert_true(peer_ask(ask->p, ask->logged, "2\n", EXPECT_LINE));
}

static void
a_request_that_meets_a_hang_up_goes_to_a_new_connection(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'};
    struct ask_mail ask = {{NULL, on_ask_mail}, &p, &b};

    (void)state;
    peer_begin(&p);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\n");
    peer_say(&p, "OK\r\n");
    peer_wait_log(&p, "a=OK");
    /* One turn sees both: the request first, then the end of the stream. */
    mailbox_post(&p.f.loop.mailbox, &ask.mail);
    peer_hang_up(&p);
    peer_accept(&p);
    peer_hear(&p, "2\n");
    peer_say(&p, "OK\r\n");
    peer_wait_log(&p, "a=OK b=OK");
    peer_end(&p);
}

static void
a_refused_connection_is_unsent_and_followed_by_a_pause(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'};

    (void)state;
    peer_begin(&p);
    peer_stop_listening(&p);
    for (int i = 0; i < 4; i++) {
        struct mono failed;

        p.log[0] = '\0';
        RUN_UNTIL(&p.f, peer_ask(&p, &a, "1\n", EXPECT_LINE));
        peer_wait_log(&p, "a=unsent");
        failed = p.f.loop.now;
        assert_int_equal(peer_last_error(p.peer), ECONNREFUSED);
        assert_true(peer_is_failing(p.peer, failed));
        assert_null(peer_out(p.peer));
        assert_false(peer_is_failing(p.peer, mono_after_ms(failed, 50 << i)));
        assert_true(
            peer_is_failing(p.peer, mono_after_ms(failed, (50 << i) - 5)));
    }
    peer_reset(p.peer); /* forgives */
    peer_listen(&p, p.port);
    p.log[0] = '\0';
    assert_true(peer_ask(&p, &b, "2\n", EXPECT_LINE));
    peer_accept(&p);
    peer_say(&p, "OK\r\n");
    peer_wait_log(&p, "b=OK");
    assert_int_equal(peer_last_error(p.peer), 0);
    peer_end(&p);
}

static void
a_silent_peer_is_given_up_after_answer_ms(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'};
    struct mono asked;
    int64_t took;

    (void)state;
    peer_begin_with(&p, 60);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    assert_true(peer_ask(&p, &b, "2\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\n2\n");
    asked = p.f.loop.now;
    peer_wait_log(&p, "a=unknown b=unknown");
    took = mono_ms_between(asked, clock_mono());
    assert_true(took >= 40);
    assert_int_equal(peer_last_error(p.peer), ETIMEDOUT);
    assert_true(peer_is_failing(p.peer, p.f.loop.now));
    peer_end(&p);
}

static void
a_long_answer_may_take_as_long_as_it_keeps_coming(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'};
    struct mono until;

    (void)state;
    peer_begin_with(&p, 100);
    assert_true(peer_ask(&p, &a, "dump\n", EXPECT_VALUES));
    peer_accept(&p);
    peer_hear(&p, "dump\n");
    until = mono_after_ms(clock_mono(), 250);
    while (!mono_reached(until, clock_mono())) {
        peer_say(&p, "VALUE k 0 1\r\nv\r\n");
        RUN_UNTIL(&p.f, p.log[0] != '\0');
        p.log[0] = '\0';
    }
    peer_say(&p, "END\r\n");
    peer_wait_log(&p, "a=END");
    peer_end(&p);
}

static void
unexpected_bytes_break_the_connection(void **state)
{
    static const struct {
        const char *answer, *log;
    } rows[] = {
        {"OK\r\nOK\r\n", "a=OK"},
        {"\x80garbage without end \x01\r\n", "a=unknown"},
        {"VALUE k 0 -1\r\n", "a=unknown"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct peer_fixture p;
        struct logged a = {.name = 'a'};
        char c;

        peer_begin(&p);
        assert_true(
            peer_ask(&p, &a, "1\n", i == 2 ? EXPECT_VALUES : EXPECT_LINE));
        peer_accept(&p);
        peer_hear(&p, "1\n");
        peer_say(&p, rows[i].answer);
        RUN_UNTIL(&p.f, recv(p.fd, &c, 1, 0) == 0 || errno == ECONNRESET);
        peer_wait_log(&p, rows[i].log);
        assert_int_equal(peer_last_error(p.peer), EPROTO);
        peer_end(&p);
    }
}

static void
free_in_done(struct logged *logged)
{
    struct peer *peer = logged->p->peer;

    logged->p->peer = NULL;
    peer_free(peer);
    peer_log(logged->p, "freed");
}

static void
a_peer_may_be_freed_by_what_it_calls(void **state)
{
    static const char *const answers[] = {"OK\r\n", "OK\r\nOK\r\nOK\r\nOK\r\n",
                                          NULL};

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct peer_fixture p;
        struct logged a = {.name = 'a', .then = free_in_done};
        struct logged b = {.name = 'b'}, c = {.name = 'c'};

        peer_begin(&p);
        assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
        assert_true(peer_ask(&p, &b, "2\n", EXPECT_LINE));
        assert_true(peer_ask(&p, &c, "3\n", EXPECT_LINE));
        peer_accept(&p);
        peer_hear(&p, "1\n2\n3\n");
        if (answers[i] != NULL) {
            peer_say(&p, answers[i]);
            peer_wait_log(&p, "a=OK b=unknown c=unknown freed");
        } else {
            peer_hang_up(&p);
            peer_wait_log(&p, "a=unknown b=unknown c=unknown freed");
        }
        peer_end(&p);
    }
}

static void
ask_again(struct logged *logged)
{
    logged->then = NULL;
    peer_log(logged->p, peer_ask(logged->p, logged, "again\n", EXPECT_LINE)
                            ? "asked"
                            : "refused");
}

static void
reset_in_done(struct logged *logged)
{
    peer_reset(logged->p->peer);
    ask_again(logged);
}

static void
a_peer_may_be_reset_and_asked_again_by_what_it_calls(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a', .then = reset_in_done}, b = {.name = 'b'};

    (void)state;
    peer_begin(&p);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    assert_true(peer_ask(&p, &b, "2\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\n2\n");
    peer_say(&p, "OK\r\nOK\r\n");
    peer_wait_log(&p, "a=OK b=unknown asked");
    peer_hang_up(&p);
    peer_accept(&p);
    peer_hear(&p, "again\n");
    peer_say(&p, "OK\r\n");
    peer_wait_log(&p, "a=OK b=unknown asked a=OK");
    peer_end(&p);
}

static void
a_failed_request_may_be_asked_again_at_once(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b', .then = ask_again};

    (void)state;
    peer_begin(&p);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    assert_true(peer_ask(&p, &b, "2\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\n2\n");
    peer_say(&p, "OK\r\n");
    peer_hang_up(&p);
    peer_wait_log(&p, "a=OK b=unknown asked");
    peer_accept(&p);
    peer_hear(&p, "again\n");
    peer_say(&p, "DELETED\r\n");
    peer_wait_log(&p, "a=OK b=unknown asked b=DELETED");
    peer_end(&p);
}

static void
a_paused_peer_hands_nothing_out_and_is_not_late(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'};
    struct mono until;

    (void)state;
    peer_begin_with(&p, 60);
    peer_pause(p.peer);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    assert_true(peer_ask(&p, &b, "2\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\n2\n");
    peer_say(&p, "OK\r\n");
    until = mono_after_ms(clock_mono(), 200);
    RUN_UNTIL(&p.f, mono_reached(until, clock_mono()));
    assert_string_equal(p.log, "");
    peer_resume(p.peer);
    peer_wait_log(&p, "a=OK");
    peer_wait_log(&p, "a=OK");
    RUN_UNTIL(&p.f, strlen(p.log) > 4); /* and now b is late */
    assert_string_equal(p.log, "a=OK b=unknown");
    peer_end(&p);
}

static void
a_name_is_looked_up_without_stopping_the_loop(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'};

    (void)state;
    peer_begin(&p);
    peer_free(p.peer);
    p.options.connect_ms = 5000;
    p.peer = peer_new(&p.f.loop, "nobody.invalid", 1, &p.options);
    assert_string_equal(peer_name(p.peer), "nobody.invalid:1");
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    assert_int_equal(peer_backlog(p.peer), 2);
    peer_wait_log(&p, "a=unsent");
    RUN_UNTIL(&p.f, peer_ask(&p, &b, "1\n", EXPECT_LINE));
    peer_free(p.peer); /* while it is being looked up */
    p.peer = NULL;
    assert_string_equal(p.log, "a=unsent b=unsent");
    peer_end(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            requests_of_a_turn_leave_together_and_answers_match_in_order),
        cmocka_unit_test(any_split_of_the_answers_gives_the_same_calls),
        cmocka_unit_test(a_server_that_closes_half_way_leaves_the_rest_unknown),
        cmocka_unit_test(what_never_left_is_told_unsent),
        cmocka_unit_test(a_hang_up_while_idle_is_no_failure),
        cmocka_unit_test(
            a_request_that_meets_a_hang_up_goes_to_a_new_connection),
        cmocka_unit_test(
            a_refused_connection_is_unsent_and_followed_by_a_pause),
        cmocka_unit_test(a_silent_peer_is_given_up_after_answer_ms),
        cmocka_unit_test(a_long_answer_may_take_as_long_as_it_keeps_coming),
        cmocka_unit_test(unexpected_bytes_break_the_connection),
        cmocka_unit_test(a_peer_may_be_freed_by_what_it_calls),
        cmocka_unit_test(a_peer_may_be_reset_and_asked_again_by_what_it_calls),
        cmocka_unit_test(a_failed_request_may_be_asked_again_at_once),
        cmocka_unit_test(a_paused_peer_hands_nothing_out_and_is_not_late),
        cmocka_unit_test(a_name_is_looked_up_without_stopping_the_loop),
    };
    return cmocka_run_group_tests_name("peer/peer", tests, NULL, NULL);
}
