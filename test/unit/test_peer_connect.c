/* A peer that cannot, or can only just, connect; and much data. */
#include "test/unit/peer_fixture.h"

#include "base/alloc.h"

static void
an_address_that_does_not_answer_is_given_up_after_connect_ms(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'};
    struct sock_addr addr;
    struct err err;
    struct mono asked;
    int fill[4];

    (void)state;
    peer_begin(&p);
    peer_stop_listening(&p);
    assert_int_equal(sock_resolve("127.0.0.1", 0, &addr, 1, &err), 1);
    p.listening = sock_listen(&addr, 0, &err);
    p.port = sock_port(p.listening);
    assert_int_equal(sock_resolve("127.0.0.1", p.port, &addr, 1, &err), 1);
    for (size_t i = 0; i < COUNT(fill); i++) { /* its queue is full */
        fill[i] = sock_connect(&addr);
        assert_true(fill[i] >= 0);
    }
    peer_free(p.peer);
    p.options.connect_ms = 60;
    p.peer = peer_new(&p.f.loop, "127.0.0.1", p.port, &p.options);
    net_settle(&p.f);
    asked = clock_mono();
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    peer_wait_log(&p, "a=unsent");
    assert_true(mono_ms_between(asked, clock_mono()) >= 40);
    assert_int_equal(peer_last_error(p.peer), ETIMEDOUT);
    assert_true(peer_is_failing(p.peer, p.f.loop.now));
    for (size_t i = 0; i < COUNT(fill); i++) {
        (void)close(fill[i]);
    }
    peer_end(&p);
}

static void
the_second_address_of_a_name_is_tried_with_the_same_requests(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'};
    struct sock_addr addr;
    struct err err;
    int fd;

    (void)state;
    peer_begin(&p);
    peer_stop_listening(&p);
    assert_int_equal(sock_resolve("::1", 0, &addr, 1, &err), 1);
    fd = sock_listen(&addr, 5, &err);
    if (fd < 0) { /* a machine without IPv6 */
        peer_end(&p);
        skip();
    }
    p.listening = fd;
    p.port = sock_port(fd);
    peer_free(p.peer);
    p.peer = peer_new(&p.f.loop, "localhost", p.port, &p.options);
    assert_true(peer_ask(&p, &a, "1\n", EXPECT_LINE));
    assert_true(peer_ask(&p, &b, "2\n", EXPECT_LINE));
    peer_accept(&p);
    peer_hear(&p, "1\n2\n");
    peer_say(&p, "OK\r\nSTORED\r\n");
    peer_wait_log(&p, "a=OK b=STORED");
    peer_end(&p);
}

static void
one_that_accepts_and_hangs_up_is_not_chased(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'};

    (void)state;
    peer_begin(&p);
    for (int i = 0; i < 3; i++) {
        p.log[0] = '\0';
        RUN_UNTIL(&p.f, peer_ask(&p, &a, "1\n", EXPECT_LINE));
        peer_accept(&p);
        peer_hang_up(&p);
        RUN_UNTIL(&p.f, p.log[0] != '\0'); /* unsent or unknown */
        assert_true(peer_is_failing(
            p.peer, mono_after_ms(p.f.loop.now, (50 << i) - 10)));
    }
    peer_end(&p);
}

enum { BIG = 10000000 };

/* The other side of a large answer or request. */
static void
stream(struct peer_fixture *p, bool out, char *text, size_t n)
{
    struct mono until = mono_after_ms(clock_mono(), PATIENCE_MS);

    while (n > 0) {
        ssize_t did =
            out ? send(p->fd, text, n, MSG_NOSIGNAL) : recv(p->fd, text, n, 0);

        assert_false(mono_reached(until, clock_mono()));
        assert_true(did > 0 || errno == EAGAIN);
        if (did > 0) {
            text += did;
            n -= (size_t)did;
        } else {
            loop_turn(&p->f.loop, true);
        }
    }
}

static void
large_requests_and_answers_pass_unharmed(void **state)
{
    struct peer_fixture p;
    struct logged a = {.name = 'a'}, b = {.name = 'b'};
    char *text = xcalloc(1, BIG + 1);

    (void)state;
    peer_begin(&p);
    memset(text, 'v', BIG);
    assert_true(peer_ask(&p, &a, text, EXPECT_LINE));
    peer_accept(&p);
    memset(text, '\0', BIG);
    stream(&p, false, text, BIG);
    assert_int_equal(strspn(text, "v"), BIG);
    peer_say(&p, "STORED\r\n");
    peer_wait_log(&p, "a=STORED");
    assert_true(peer_ask(&p, &b, "get\n", EXPECT_VALUES));
    peer_hear(&p, "get\n");
    peer_say(&p, "VALUE k 0 10000000\r\n");
    stream(&p, true, text, BIG);
    peer_say(&p, "\r\nEND\r\n");
    peer_wait_log(&p, "a=STORED b:vvvvvvvvv b=END");
    peer_end(&p);
    free(text);
}

/* An answerer of `ping`s on the same loop that hangs up now and then. */
struct flaky {
    struct peer_fixture p;
    unsigned answered, failed, unsent, asked;
};

struct flaky_call {
    struct peer_call call;
    struct flaky *flaky;
};

static void
on_flaky_done(struct peer_call *call, enum peer_result result,
              const struct reply *reply)
{
    struct flaky_call *mine = LIST_ENTRY(call, struct flaky_call, call);

    (void)reply;
    mine->flaky->answered += result == PEER_REPLY;
    mine->flaky->unsent += result == PEER_UNSENT;
    mine->flaky->failed += result == PEER_UNKNOWN;
    free(mine);
}

static void
ask_flaky(struct flaky *flaky, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct buf *out = peer_out(flaky->p.peer);
        struct flaky_call *call;

        if (out == NULL) {
            return;
        }
        call = xcalloc(1, sizeof(*call));
        call->flaky = flaky;
        assert_true(buf_put_str(out, "ping\r\n"));
        peer_expect(flaky->p.peer, &call->call, EXPECT_LINE, on_flaky_done);
        flaky->asked++;
    }
}

static void
every_request_is_told_exactly_once_whatever_the_other_side_does(void **state)
{
    struct flaky flaky = {.asked = 0};
    struct peer_fixture *p = &flaky.p;

    (void)state;
    peer_begin(p);
    for (unsigned round = 0; round < 400; round++) {
        char got[6 * 16];
        ssize_t n;

        ask_flaky(&flaky, round % 16);
        loop_turn(&p->f.loop, false);
        if (p->fd < 0) {
            p->fd = accept4(p->listening, NULL, NULL, SOCK_NONBLOCK);
        }
        n = p->fd < 0 ? 0 : recv(p->fd, got, sizeof(got), 0);
        for (ssize_t i = 0; i + 6 <= n; i += 6) {
            (void)send(p->fd, "OK\r\n", 4, MSG_NOSIGNAL);
        }
        if (round % 23 == 22) {
            (void)send(p->fd, "OK", 2, MSG_NOSIGNAL);
        }
        if (round % 11 == 10) {
            peer_hang_up(p);
        }
        if (round % 57 == 56) {
            peer_reset(p->peer);
        }
    }
    peer_free(p->peer);
    p->peer = NULL;
    assert_int_equal(flaky.answered + flaky.failed + flaky.unsent, flaky.asked);
    assert_true(flaky.answered > 0);
    assert_true(flaky.failed > 0);
    peer_end(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            an_address_that_does_not_answer_is_given_up_after_connect_ms),
        cmocka_unit_test(
            the_second_address_of_a_name_is_tried_with_the_same_requests),
        cmocka_unit_test(one_that_accepts_and_hangs_up_is_not_chased),
        cmocka_unit_test(large_requests_and_answers_pass_unharmed),
        cmocka_unit_test(
            every_request_is_told_exactly_once_whatever_the_other_side_does),
    };
    return cmocka_run_group_tests_name("peer/connect", tests, NULL, NULL);
}
