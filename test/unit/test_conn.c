#include "test/unit/net_fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn.h"

/* A line echo: "x" alone on a line closes, "q" closes after flushing. */
struct echo {
    struct net_fixture f;
    struct conn *conn;
    int fd; /* the other end */
    int inputs, drained, closed, eofs;
    int error;
    bool pause_each; /* pause after each line */
    bool wants_eof;
    size_t need;             /* ask for that much at the first input */
    size_t most;             /* longest input offered */
    struct loop_item *first; /* to run at the turn's end, before the conn */
};

static size_t
on_input(struct conn *conn, struct slice in)
{
    struct echo *e = conn->owner;
    size_t used = 0;

    e->inputs++;
    if (e->first != NULL) {
        loop_at_turn_end(conn->loop, e->first);
        e->first = NULL;
    }
    e->most = in.n > e->most ? in.n : e->most;
    if (e->need > 0) {
        conn_need(conn, e->need);
        e->need = 0;
        return 0;
    }
    while (used < in.n) {
        const char *line = in.p + used;
        const char *end = memchr(line, '\n', in.n - used);
        size_t n;

        if (end == NULL) {
            break;
        }
        n = (size_t)(end - line) + 1;
        used += n;
        if (n == 2 && *line == 'x') {
            conn_close(conn);
            e->conn = NULL;
            break;
        }
        assert_true(buf_put(conn_out(conn), line, n));
        conn_flush_later(conn);
        if (n == 2 && *line == 'q') {
            conn_close_after_flush(conn);
            break;
        }
        if (e->pause_each) {
            conn_pause(conn);
            break;
        }
        if (conn_is_backed_up(conn)) {
            conn_pause(conn);
            break;
        }
    }
    return used;
}

static void
on_drained(struct conn *conn)
{
    struct echo *e = conn->owner;

    e->drained++;
    conn_resume(conn);
}

static void
on_closed(struct conn *conn, int error)
{
    struct echo *e = conn->owner;

    e->closed++;
    e->error = error;
    e->conn = NULL;
    conn_close(conn);
}

static void
on_eof(struct conn *conn)
{
    struct echo *e = conn->owner;

    e->eofs++;
}

static const struct conn_limits limits = {65536, 131072, 16384};
static const struct conn_ops ops = {on_input, on_drained, on_closed, NULL,
                                    NULL};
static const struct conn_ops ops_eof = {on_input, on_drained, on_closed, NULL,
                                        on_eof};

static void
begin(struct echo *e, const struct conn_ops *with)
{
    int pair[2];

    *e = (struct echo){.fd = -1};
    net_begin(&e->f);
    assert_int_equal(socketpair(AF_UNIX,
                                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
                                pair),
                     0);
    e->fd = pair[0];
    e->conn = conn_new(&e->f.loop, pair[1], false, &limits, with, e);
    assert_non_null(e->conn);
}

static void
end(struct echo *e)
{
    if (e->conn != NULL) {
        conn_close(e->conn);
    }
    if (e->fd >= 0) {
        (void)close(e->fd);
    }
    net_end(&e->f);
}

static void
say(struct echo *e, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(e->fd, text, n, MSG_NOSIGNAL);

        if (sent < 0) {
            assert_int_equal(errno, EAGAIN);
            loop_turn(&e->f.loop, true);
            continue;
        }
        text += sent;
        n -= (size_t)sent;
    }
}

/* Read exactly n bytes, running the loop meanwhile. */
static void
hear(struct echo *e, char *text, size_t n)
{
    struct mono until = mono_after_ms(clock_mono(), PATIENCE_MS);

    while (n > 0) {
        ssize_t got = recv(e->fd, text, n, 0);

        assert_false(mono_reached(until, clock_mono()));
        assert_int_not_equal(got, 0);
        if (got < 0) {
            assert_int_equal(errno, EAGAIN);
            loop_turn(&e->f.loop, true);
            continue;
        }
        text += got;
        n -= (size_t)got;
    }
}

static void
hear_end(struct echo *e)
{
    char c;
    ssize_t got;

    RUN_UNTIL(&e->f, (got = recv(e->fd, &c, 1, 0)) >= 0 || errno != EAGAIN);
    assert_true(got <= 0);
}

static void
any_split_of_the_input_gives_the_same_output(void **state)
{
    static const char text[] = "one\ntwo two\n\nthree three three\nlast\n";
    const size_t n = sizeof(text) - 1;

    (void)state;
    for (size_t a = 0; a <= n; a++) {
        for (size_t b = a; b <= n; b += 3) {
            struct echo e;
            char got[sizeof(text)];

            begin(&e, &ops);
            say(&e, text, a);
            net_settle(&e.f);
            say(&e, text + a, b - a);
            net_settle(&e.f);
            say(&e, text + b, n - b);
            hear(&e, got, n);
            assert_memory_equal(got, text, n);
            end(&e);
        }
    }
}

static void
an_idle_connection_holds_no_buffers(void **state)
{
    struct echo e;
    char got[8];

    (void)state;
    begin(&e, &ops);
    say(&e, "a\nhal", 5);
    hear(&e, got, 2);
    net_settle(&e.f);
    assert_null(e.conn->out.base);
    assert_int_equal(buf_len(&e.conn->in), 3);
    assert_true(e.conn->in.cap <= 256);
    say(&e, "f\n", 2);
    hear(&e, got, 5);
    assert_null(e.conn->in.base);
    assert_int_equal(e.f.loop.spares, 1);
    assert_int_equal(e.conn->bytes_in, 7);
    assert_int_equal(e.conn->bytes_out, 7);
    end(&e);
}

static void
pausing_keeps_the_rest_and_resuming_offers_it(void **state)
{
    struct echo e;
    char got[8];

    (void)state;
    begin(&e, &ops);
    e.pause_each = true;
    say(&e, "a\nb\nc\n", 6);
    for (int i = 0; i < 3; i++) {
        hear(&e, got, 2);
        assert_int_equal(got[0], 'a' + i);
        net_settle(&e.f);
        assert_int_equal(e.inputs, i + 1);
        say(&e, ".", 1); /* is not read while paused */
        net_settle(&e.f);
        assert_int_equal(e.inputs, i + 1);
        conn_resume(e.conn);
    }
    say(&e, "\n", 1);
    hear(&e, got, 4);
    assert_memory_equal(got, "...\n", 4);
    end(&e);
}

static void
on_input_waits_for_as_much_as_was_needed(void **state)
{
    enum { N = 300000 };
    struct echo e;
    char *big = malloc(N), *got = malloc(N);

    (void)state;
    memset(big, 'v', N);
    big[N - 1] = '\n';
    begin(&e, &ops);
    e.need = N;
    say(&e, big, N);
    hear(&e, got, N);
    assert_memory_equal(got, big, N);
    assert_int_equal(e.inputs, 2);
    assert_true(e.most >= N);
    net_settle(&e.f);
    assert_null(e.conn->in.base);
    assert_null(e.conn->out.base);
    end(&e);
    free(big);
    free(got);
}

static void
memory_follows_what_arrived_not_what_is_needed(void **state)
{
    struct echo e;

    (void)state;
    begin(&e, &ops);
    e.need = (size_t)1 << 40;
    say(&e, "set a 0 0 1099511627776\r\n", 25);
    net_settle(&e.f);
    assert_true(e.conn->in.cap <= 65536);
    say(&e, "abc", 3);
    net_settle(&e.f);
    assert_true(e.conn->in.cap <= 65536);
    assert_int_equal(buf_len(&e.conn->in), 28);
    end(&e);
}

static void
a_slow_reader_is_paused_not_buffered_endlessly(void **state)
{
    enum { LINE = 1000, LINES = 4000 };
    struct echo e;
    char line[LINE], got[LINE];
    size_t sent = 0, most = 0;

    (void)state;
    memset(line, 'l', LINE);
    line[LINE - 1] = '\n';
    begin(&e, &ops);
    while (sent < LINES) { /* until nothing moves any more */
        ssize_t n = send(e.fd, line, LINE, MSG_NOSIGNAL);

        if (n < 0) {
            net_settle(&e.f);
            n = send(e.fd, line, LINE, MSG_NOSIGNAL);
        }
        if (n < 0) {
            break;
        }
        assert_int_equal(n, LINE); /* a socketpair takes it whole */
        sent++;
        most = buf_len(&e.conn->out) > most ? buf_len(&e.conn->out) : most;
    }
    assert_true(sent < LINES);
    assert_true(most <= limits.out_high + LINE);
    assert_true(buf_len(&e.conn->in) <= limits.in_turn + LOOP_SCRATCH);
    assert_int_equal(e.drained, 0);
    for (size_t i = 0; i < sent; i++) {
        hear(&e, got, LINE);
        assert_memory_equal(got, line, LINE);
    }
    assert_true(e.drained > 0);
    assert_int_equal(e.conn->watching & 4 /* EV_WRITE */, 0);
    end(&e);
}

static void
a_half_closed_peer_gets_its_answers_first(void **state)
{
    struct echo e;
    char got[8];

    (void)state;
    begin(&e, &ops);
    say(&e, "a\nb\nrest", 8);
    (void)shutdown(e.fd, SHUT_WR);
    hear(&e, got, 4);
    assert_memory_equal(got, "a\nb\n", 4);
    hear_end(&e);
    RUN_UNTIL(&e.f, e.closed);
    assert_int_equal(e.closed, 1);
    assert_int_equal(e.error, 0);
    end(&e);
}

static void
an_owner_that_handles_eof_answers_when_it_can(void **state)
{
    struct echo e;
    char got[8];

    (void)state;
    begin(&e, &ops_eof);
    say(&e, "a\n", 2);
    (void)shutdown(e.fd, SHUT_WR);
    hear(&e, got, 2);
    RUN_UNTIL(&e.f, e.eofs);
    net_settle(&e.f);
    assert_int_equal(e.closed, 0);
    assert_true(buf_put_str(conn_out(e.conn), "late"));
    conn_close_after_flush(e.conn);
    hear(&e, got, 4);
    assert_memory_equal(got, "late", 4);
    hear_end(&e);
    RUN_UNTIL(&e.f, e.closed);
    assert_int_equal(e.eofs, 1);
    assert_int_equal(e.closed, 1);
    end(&e);
}

static void
a_paused_half_closed_peer_is_served_when_resumed(void **state)
{
    struct echo e;
    char got[8];

    (void)state;
    begin(&e, &ops);
    e.pause_each = true;
    say(&e, "a\nb\n", 4);
    (void)shutdown(e.fd, SHUT_WR);
    hear(&e, got, 2);
    net_settle(&e.f);
    assert_int_equal(e.closed, 0);
    conn_resume(e.conn);
    hear(&e, got, 2);
    assert_memory_equal(got, "b\n", 2);
    conn_resume(e.conn);
    RUN_UNTIL(&e.f, e.closed);
    assert_int_equal(e.error, 0);
    end(&e);
}

static void
a_connection_may_be_closed_from_within_on_input(void **state)
{
    struct echo e;

    (void)state;
    begin(&e, &ops);
    say(&e, "a\nx\nb\n", 6);
    hear_end(&e);
    assert_null(e.conn);
    net_settle(&e.f);
    assert_int_equal(e.closed, 0); /* who closes knows */
    end(&e);
}

static void
closing_after_flush_sends_all_and_tells_once(void **state)
{
    struct echo e;
    char got[8];

    (void)state;
    begin(&e, &ops);
    say(&e, "a\nq\nignored\n", 12);
    hear(&e, got, 4);
    assert_memory_equal(got, "a\nq\n", 4);
    hear_end(&e);
    RUN_UNTIL(&e.f, e.closed);
    net_settle(&e.f);
    assert_int_equal(e.closed, 1);
    assert_int_equal(e.error, 0);
    end(&e);
}

struct snoop {
    struct loop_item item;
    struct echo *echo;
    bool was_there;
};

static void
on_snoop(struct loop_item *item)
{
    struct snoop *snoop = LIST_ENTRY(item, struct snoop, item);
    char got[4];

    snoop->was_there = recv(snoop->echo->fd, got, sizeof(got), MSG_PEEK) == 2;
}

static void
after_many_others_an_answer_is_out_before_the_turn_ends(void **state)
{
    (void)state;
    for (int many = 0; many < 2; many++) {
        struct echo e;
        struct snoop snoop = {{.run = on_snoop}, &e, false};
        char got[2];

        begin(&e, &ops);
        conn_answer_soon(e.conn);
        if (many) { /* have been served in the turn that begins now */
            e.f.loop.unsent = LOOP_UNSENT_MAX;
        }
        e.first = &snoop.item;
        say(&e, "a\n", 2);
        hear(&e, got, 2);
        assert_int_equal(snoop.was_there, many);
        assert_int_equal(e.conn->bytes_out, 2);
        say(&e, "q\nrest", 6);
        hear(&e, got, 2);
        hear_end(&e);
        RUN_UNTIL(&e.f, e.closed == 1);
        end(&e);
    }
}

static void
a_vanished_reader_is_noticed_when_writing(void **state)
{
    struct echo e;

    (void)state;
    begin(&e, &ops);
    conn_pause(e.conn);
    (void)close(e.fd);
    e.fd = -1;
    assert_true(buf_put_str(conn_out(e.conn), "hello"));
    conn_flush_later(e.conn);
    RUN_UNTIL(&e.f, e.closed);
    assert_int_equal(e.closed, 1);
    assert_int_equal(e.error, EPIPE);
    end(&e);
}

static void
an_idle_connection_expires(void **state)
{
    struct echo e;
    char got[2];
    struct mono active;

    (void)state;
    begin(&e, &ops);
    assert_false(conn_expire(e.conn, mono_after_ms(clock_mono(), 1 << 20)));
    conn_set_idle(e.conn, 1000);
    say(&e, "a\n", 2);
    hear(&e, got, 2);
    active = e.conn->active;
    assert_false(conn_expire(e.conn, mono_after_ms(active, 999)));
    assert_true(conn_expire(e.conn, mono_after_ms(active, 1000)));
    assert_int_equal(e.closed, 0); /* at the end of the turn */
    RUN_UNTIL(&e.f, e.closed);
    assert_int_equal(e.error, ETIMEDOUT);
    end(&e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_of_the_input_gives_the_same_output),
        cmocka_unit_test(an_idle_connection_holds_no_buffers),
        cmocka_unit_test(pausing_keeps_the_rest_and_resuming_offers_it),
        cmocka_unit_test(on_input_waits_for_as_much_as_was_needed),
        cmocka_unit_test(memory_follows_what_arrived_not_what_is_needed),
        cmocka_unit_test(a_slow_reader_is_paused_not_buffered_endlessly),
        cmocka_unit_test(a_half_closed_peer_gets_its_answers_first),
        cmocka_unit_test(an_owner_that_handles_eof_answers_when_it_can),
        cmocka_unit_test(a_paused_half_closed_peer_is_served_when_resumed),
        cmocka_unit_test(a_connection_may_be_closed_from_within_on_input),
        cmocka_unit_test(closing_after_flush_sends_all_and_tells_once),
        cmocka_unit_test(
            after_many_others_an_answer_is_out_before_the_turn_ends),
        cmocka_unit_test(a_vanished_reader_is_noticed_when_writing),
        cmocka_unit_test(an_idle_connection_expires),
    };
    return cmocka_run_group_tests_name("net/conn", tests, NULL, NULL);
}
