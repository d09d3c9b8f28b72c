/* Connections under random sizes, pauses, limits and closings. */
#include "test/unit/net_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "net/conn.h"

enum { TOTAL = 400000, FRAME_MAX = 60000 };

/* Frames of a length, a line end and that many bytes come back as they are. */
struct frames {
    struct net_fixture f;
    struct conn *conn;
    struct rand rand;
    int fd;
    int closed;
    bool waits; /* paused until the test resumes it */
};

static size_t
take_frame(struct frames *frames, struct slice in)
{
    struct slice rest = in;
    struct slice line = slice_until(&rest, '\n');
    uint64_t n;

    if (line.n == in.n) {
        return 0;
    }
    assert_true(slice_u64(line, FRAME_MAX, &n));
    if (rest.n < n) {
        if (rand_below(&frames->rand, 2) == 0) {
            conn_need(frames->conn, line.n + 1 + n);
        }
        return 0;
    }
    return line.n + 1 + n;
}

static size_t
on_input(struct conn *conn, struct slice in)
{
    struct frames *frames = conn->owner;
    size_t used = 0, n;

    do {
        struct slice rest = {in.p + used, in.n - used};

        n = take_frame(frames, rest);
        assert_true(buf_put(conn_out(conn), rest.p, n));
        used += n;
        if (n > 0 && rand_below(&frames->rand, 5) == 0) {
            frames->waits = true;
        }
        if (frames->waits || conn_is_backed_up(conn)) {
            conn_pause(conn);
            break;
        }
    } while (n > 0);
    conn_flush_later(conn);
    return used;
}

static void
on_drained(struct conn *conn)
{
    struct frames *frames = conn->owner;

    if (!frames->waits) {
        conn_resume(conn);
    }
}

static void
on_closed(struct conn *conn, int error)
{
    struct frames *frames = conn->owner;

    assert_int_equal(error, 0);
    frames->closed++;
    frames->conn = NULL;
}

static const struct conn_ops ops = {
    .on_input = on_input, .on_drained = on_drained, .on_closed = on_closed};

static struct buf
make_text(struct rand *rand)
{
    struct buf text = {NULL, 0, 0, 0};

    while (buf_len(&text) < TOTAL) {
        uint32_t most = rand_below(rand, 4) == 0 ? FRAME_MAX : 100;
        uint64_t n = rand_below(rand, most);

        assert_true(buf_printf(&text, "%lu\n", (unsigned long)n));
        for (uint64_t i = 0; i < n; i++) {
            char c = (char)('0' + i % 70);

            assert_true(buf_put(&text, &c, 1));
        }
    }
    return text;
}

static size_t
say_some(struct frames *frames, struct slice text)
{
    uint32_t most = rand_below(&frames->rand, 3) == 0 ? 100 : 30000;
    size_t n = 1 + rand_below(&frames->rand, most);
    ssize_t sent =
        send(frames->fd, text.p, n < text.n ? n : text.n, MSG_NOSIGNAL);

    assert_true(sent > 0 || errno == EAGAIN);
    return sent > 0 ? (size_t)sent : 0;
}

static size_t
hear_some(struct frames *frames, struct slice text)
{
    char got[20000];
    size_t n = 1 + rand_below(&frames->rand, (uint32_t)sizeof(got) - 1);
    ssize_t r = recv(frames->fd, got, n, 0);

    if (r < 0) {
        assert_int_equal(errno, EAGAIN);
        return 0;
    }
    assert_true((size_t)r <= text.n);
    assert_memory_equal(got, text.p, (size_t)r);
    return (size_t)r;
}

static void
talk(struct frames *frames, struct slice text)
{
    struct mono until = mono_after_ms(clock_mono(), PATIENCE_MS);
    size_t said = 0, heard = 0;

    while (heard < text.n) {
        assert_false(mono_reached(until, clock_mono()));
        if (said < text.n) {
            said +=
                say_some(frames, (struct slice){text.p + said, text.n - said});
            if (said == text.n) {
                (void)shutdown(frames->fd, SHUT_WR);
            }
        }
        loop_turn(&frames->f.loop, false);
        heard +=
            hear_some(frames, (struct slice){text.p + heard, said - heard});
        if (frames->waits && rand_below(&frames->rand, 3) == 0) {
            frames->waits = false;
            if (!conn_is_backed_up(frames->conn)) {
                conn_resume(frames->conn);
            }
        }
    }
}

static void
talk_with_seed(uint64_t seed, struct conn_limits limits)
{
    struct frames frames = {.closed = 0};
    const int small = 4096;
    struct buf text;
    int pair[2];

    rand_init(&frames.rand, seed);
    text = make_text(&frames.rand);
    net_begin(&frames.f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    frames.fd = pair[0];
    frames.conn =
        conn_new(&frames.f.loop, pair[1], false, &limits, &ops, &frames);
    if (seed % 2 == 0) {
        conn_answer_soon(frames.conn);
    }
    talk(&frames, buf_slice(&text));
    frames.waits = false;
    if (frames.conn != NULL) {
        conn_resume(frames.conn);
    }
    RUN_UNTIL(&frames.f, frames.closed == 1);
    (void)close(frames.fd);
    buf_fini(&text);
    net_end(&frames.f);
}

static void
what_goes_in_comes_out_whatever_the_sizes(void **state)
{
    static const struct conn_limits limits[] = {
        {65536, 1 << 20, 1 << 18},
        {1000, 100, 0},
        {1 << 20, 5000, 4999},
    };

    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        print_message("seed %lu\n", (unsigned long)seed);
        talk_with_seed(seed, limits[seed % COUNT(limits)]);
    }
}

enum { CROWD = 40 };

struct member {
    struct crowd *crowd;
    struct conn *conn; /* NULL once let go */
    int fd;
};

struct crowd {
    struct net_fixture f;
    struct rand rand;
    struct member members[CROWD];
    unsigned alive;
};

static void
let_go(struct member *member)
{
    if (member->conn != NULL) {
        conn_close(member->conn);
        member->conn = NULL;
        member->crowd->alive--;
    }
}

static struct member *
any_member(struct crowd *crowd)
{
    return &crowd->members[rand_below(&crowd->rand, CROWD)];
}

static size_t
on_crowd_input(struct conn *conn, struct slice in)
{
    struct member *member = conn->owner;
    struct crowd *crowd = member->crowd;
    struct member *other = any_member(crowd);

    assert_ptr_equal(member->conn, conn);
    assert_true(buf_put_slice(conn_out(conn), in));
    conn_flush_later(conn);
    switch (rand_below(&crowd->rand, 8)) {
    case 0:
        let_go(other);
        break;
    case 1:
        let_go(member);
        break;
    case 2:
        if (other->conn != NULL) {
            conn_close_after_flush(other->conn);
        }
        break;
    case 3:
        conn_pause(conn);
        return in.n / 2;
    case 4:
        if (other->conn != NULL) {
            conn_resume(other->conn);
        }
        break;
    default:
        break;
    }
    return in.n - rand_below(&crowd->rand, (uint32_t)in.n);
}

static void
on_crowd_closed(struct conn *conn, int error)
{
    struct member *member = conn->owner;

    (void)error;
    assert_ptr_equal(member->conn, conn); /* not told after letting go */
    if (rand_below(&member->crowd->rand, 2) == 0) {
        let_go(any_member(member->crowd));
    }
    if (rand_below(&member->crowd->rand, 2) == 0) {
        let_go(member);
    } else if (member->conn != NULL) {
        member->conn = NULL; /* conn closes itself */
        member->crowd->alive--;
    }
}

static const struct conn_ops crowd_ops = {.on_input = on_crowd_input,
                                          .on_closed = on_crowd_closed};
static const struct conn_limits crowd_limits = {4096, 1000, 100};

static void
begin_crowd(struct crowd *crowd, uint64_t seed)
{
    rand_init(&crowd->rand, seed);
    net_begin(&crowd->f);
    crowd->alive = CROWD;
    for (unsigned i = 0; i < CROWD; i++) {
        int pair[2];

        assert_int_equal(
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        crowd->members[i] = (struct member){.crowd = crowd, .fd = pair[0]};
        crowd->members[i].conn =
            conn_new(&crowd->f.loop, pair[1], false, &crowd_limits, &crowd_ops,
                     &crowd->members[i]);
        if (i % 2 == 0) {
            conn_answer_soon(crowd->members[i].conn);
        }
    }
}

static void
any_connection_may_be_closed_from_any_callback(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct crowd *crowd = xcalloc(1, sizeof(*crowd));

        begin_crowd(crowd, seed);
        for (int round = 0; round < 100 && crowd->alive > 0; round++) {
            for (unsigned i = 0; i < CROWD; i++) {
                (void)send(crowd->members[i].fd, "hello there", 11,
                           MSG_NOSIGNAL);
                if (round % 10 == 9 && rand_below(&crowd->rand, 9) == 0) {
                    (void)shutdown(crowd->members[i].fd, SHUT_RDWR);
                }
            }
            loop_turn(&crowd->f.loop, false);
        }
        for (unsigned i = 0; i < CROWD; i++) {
            let_go(&crowd->members[i]);
            (void)close(crowd->members[i].fd);
        }
        net_end(&crowd->f);
        free(crowd);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_whatever_the_sizes),
        cmocka_unit_test(any_connection_may_be_closed_from_any_callback),
    };
    return cmocka_run_group_tests_name("net/conn random", tests, NULL, NULL);
}
