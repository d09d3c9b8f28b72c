#include "test/unit/net_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock.h"
#include "peer/ask.h"
#include "peer/pool.h"

/* Accepts one connection, reads `await` bytes, says `answer`, closes. */
struct script {
    pthread_t thread;
    int listening;
    size_t await;
    const char *answer;
    size_t chunk;      /* say that much at a time; 0: all */
    bool keeps_silent; /* until the other side closes */
};

static void *
play(void *arg)
{
    struct script *script = arg;
    struct pollfd ready = {script->listening, POLLIN, 0};
    int fd = poll(&ready, 1, PATIENCE_MS) == 1
                 ? accept(script->listening, NULL, NULL)
                 : -1;
    size_t len = strlen(script->answer), chunk = script->chunk;
    char text[4096];

    sock_tune(fd);
    while (script->await > 0) {
        ssize_t n = recv(fd, text, sizeof(text), 0);

        if (n <= 0) {
            break;
        }
        script->await -= (size_t)n;
    }
    for (size_t at = 0; at < len; at += chunk) {
        chunk = chunk > 0 && chunk < len - at ? chunk : len - at;
        (void)send(fd, script->answer + at, chunk, MSG_NOSIGNAL);
    }
    while (script->keeps_silent && recv(fd, text, sizeof(text), 0) > 0) {
    }
    (void)close(fd);
    return NULL;
}

static struct ask *
begin(struct script *script, int64_t ms)
{
    struct sock_addr addr;
    struct ask *ask = NULL;
    struct err err;

    assert_int_equal(sock_resolve("127.0.0.1", 0, &addr, 1, &err), 1);
    script->listening = sock_listen(&addr, 5, &err);
    assert_true(script->listening >= 0);
    assert_int_equal(
        ask_open(&ask, "localhost", sock_port(script->listening), ms, &err), 0);
    assert_int_equal(pthread_create(&script->thread, NULL, play, script), 0);
    return ask;
}

static void
end(struct script *script, struct ask *ask)
{
    ask_close(ask);
    pthread_join(script->thread, NULL);
    (void)close(script->listening);
}

static void
one_line_is_answered_by_one_line(void **state)
{
    struct script script = {.await = 6, .answer = "VERSION 2.0\r\n"};
    struct ask *ask = begin(&script, 5000);
    struct reply reply;
    struct err err;

    (void)state;
    assert_int_equal(ask_line(ask, &reply, &err, "%s", "ping"), 0);
    assert_int_equal(reply.code, REPLY_CODE_VERSION);
    assert_true(slice_eq(reply.line, SLICE("VERSION 2.0")));
    end(&script, ask);
}

static void
answers_in_small_pieces_are_put_together(void **state)
{
    struct script script = {
        .await = 5,
        .answer = "STAT a 1\r\nSTAT b 2\r\nEND\r\nVALUE k 3 2\r\nvv\r\nEND\r\n",
        .chunk = 3,
    };
    struct ask *ask = begin(&script, 5000);
    struct reply reply;
    struct err err;

    (void)state;
    assert_int_equal(ask_send(ask, SLICE("stats"), &err), 0);
    assert_int_equal(ask_next(ask, EXPECT_LINES, &reply, &err), 0);
    assert_true(slice_eq(reply.line, SLICE("STAT a 1")));
    assert_int_equal(ask_next(ask, EXPECT_LINES, &reply, &err), 0);
    assert_true(slice_eq(reply.line, SLICE("STAT b 2")));
    assert_int_equal(ask_next(ask, EXPECT_LINES, &reply, &err), 0);
    assert_true(reply.last);
    assert_int_equal(ask_next(ask, EXPECT_VALUES, &reply, &err), 0);
    assert_true(slice_eq(reply.data, SLICE("vv")));
    assert_int_equal(reply.flags, 3);
    assert_int_equal(ask_next(ask, EXPECT_VALUES, &reply, &err), 0);
    assert_true(reply.last);
    assert_int_equal(ask_next(ask, EXPECT_LINE, &reply, &err),
                     ERR_UNAVAILABLE); /* it closed */
    end(&script, ask);
}

static void
silence_ends_at_the_deadline(void **state)
{
    struct script script = {.await = 6, .answer = "", .keeps_silent = true};
    struct ask *ask = begin(&script, 5000);
    struct mono asked = clock_mono();
    struct reply reply;
    struct err err;

    (void)state;
    ask_set_timeout(ask, 50);
    assert_int_equal(ask_line(ask, &reply, &err, "ping"), ERR_UNAVAILABLE);
    assert_true(mono_ms_between(asked, clock_mono()) >= 49);
    assert_non_null(strstr(err.msg, "localhost:"));
    end(&script, ask);
}

static void
what_is_no_answer_is_corrupt(void **state)
{
    struct script script = {.await = 5, .answer = "VALUE k 0 -2\r\n"};
    struct ask *ask = begin(&script, 5000);
    struct reply reply;
    struct err err;

    (void)state;
    assert_int_equal(ask_send(ask, SLICE("get k"), &err), 0);
    assert_int_equal(ask_next(ask, EXPECT_VALUES, &reply, &err), ERR_CORRUPT);
    end(&script, ask);
}

static void
nobody_there_is_said_with_address_and_reason(void **state)
{
    struct sock_addr addr;
    struct ask *ask = NULL;
    struct err err;
    uint16_t port;
    int fd;

    (void)state;
    assert_int_equal(sock_resolve("127.0.0.1", 0, &addr, 1, &err), 1);
    fd = sock_listen(&addr, 5, &err);
    port = sock_port(fd);
    (void)close(fd);
    assert_int_equal(ask_open(&ask, "127.0.0.1", port, 1000, &err), ERR_IO);
    assert_non_null(strstr(err.msg, "127.0.0.1:"));
    assert_non_null(strstr(err.msg, "refused"));
    assert_null(ask);
}

static void
told(struct peer_call *call, enum peer_result result, const struct reply *reply)
{
    (void)call;
    (void)reply;
    assert_int_equal(result, PEER_UNSENT);
}

static void
a_pool_has_one_peer_for_an_address(void **state)
{
    const struct peer_options options = {.connect_ms = 1000,
                                         .answer_ms = 1000,
                                         .line_max = 1024,
                                         .value_max = 1024,
                                         .limits = {1, 1, 1}};
    struct net_fixture f;
    struct pool pool;
    struct peer *a, *b;
    struct peer_call call = {.unsent = false};

    (void)state;
    net_begin(&f);
    pool_init(&pool, &f.loop, &options);
    a = pool_get(&pool, SLICE("127.0.0.1"), 1);
    b = pool_get(&pool, SLICE("127.0.0.1"), 2);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(pool_get(&pool, SLICE("127.0.0.1"), 1), a);
    assert_string_equal(peer_name(b), "127.0.0.1:2");
    assert_true(buf_put_str(peer_out(b), "ping\r\n"));
    peer_expect(b, &call, EXPECT_LINE, told);
    pool_drop(&pool, SLICE("127.0.0.1"), 2);
    pool_drop(&pool, SLICE("127.0.0.1"), 3); /* not there */
    b = pool_get(&pool, SLICE("127.0.0.1"), 2);
    assert_int_equal(peer_inflight(b), 0);
    pool_fini(&pool);
    net_end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_is_answered_by_one_line),
        cmocka_unit_test(answers_in_small_pieces_are_put_together),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(what_is_no_answer_is_corrupt),
        cmocka_unit_test(nobody_there_is_said_with_address_and_reason),
        cmocka_unit_test(a_pool_has_one_peer_for_an_address),
    };
    return cmocka_run_group_tests_name("peer/ask", tests, NULL, NULL);
}
