#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    COPY_MAX = 4096,       /* unused input that is put in front of the next */
    READ_MIN = 16384,      /* room for a read straight into `in` */
    DISCARD_MAX = 1 << 20, /* unread input thrown away before closing */
};

static void flush(struct conn *conn);
static void on_writable(evutil_socket_t fd, short what, void *arg);

/* The end has come: on_closed at the end of the turn. */
static void
finish(struct conn *conn, int error)
{
    if (conn->over) {
        return;
    }
    conn->over = true;
    conn->error = error;
    loop_at_turn_end(conn->loop, &conn->flush);
}

static void
watch_read(struct conn *conn, bool on)
{
    if (on == ((conn->watching & EV_READ) != 0)) {
        return;
    }
    if (!on) {
        (void)event_del(conn->event);
    } else if (event_add(conn->event, NULL) != 0) {
        finish(conn, ENOMEM);
        return;
    }
    conn->watching ^= EV_READ;
}

static void
watch_write(struct conn *conn, bool on)
{
    if (on == ((conn->watching & EV_WRITE) != 0)) {
        return;
    }
    if (!on) {
        (void)event_del(conn->ev_write);
        conn->watching ^= EV_WRITE;
        return;
    }
    if (conn->ev_write == NULL) {
        conn->ev_write = event_new(conn->loop->base, conn->fd,
                                   EV_WRITE | EV_PERSIST, on_writable, conn);
    }
    if (conn->ev_write == NULL || event_add(conn->ev_write, NULL) != 0) {
        finish(conn, ENOMEM);
        return;
    }
    conn->watching ^= EV_WRITE;
}

/* True while bytes from the socket may be offered to the owner. */
static bool
is_listening(const struct conn *conn)
{
    return !conn->dead && !conn->over && !conn->paused && !conn->closing &&
           !conn->eof && !conn->connecting;
}

/* Give memory back that what is left in `in` does not need. */
static void
settle_input(struct conn *conn)
{
    size_t len = buf_len(&conn->in);

    if (len == 0) {
        if (conn->in.base != NULL) {
            buf_fini(&conn->in);
        }
    } else if (len <= COPY_MAX && conn->in.cap > LOOP_SCRATCH) {
        struct buf small = {NULL, 0, 0, 0};

        if (buf_put_slice(&small, buf_slice(&conn->in))) {
            buf_fini(&conn->in);
            conn->in = small;
        }
    }
}

/* Offer what is in `in`. */
static void
offer_kept(struct conn *conn)
{
    size_t used;

    conn->offer = false;
    if (buf_len(&conn->in) == 0 || buf_len(&conn->in) < conn->need) {
        return;
    }
    conn->need = 0;
    used = conn->ops->on_input(conn, buf_slice(&conn->in));
    if (!conn->dead) {
        buf_consume(&conn->in, used);
        settle_input(conn);
    }
}

/* Offer bytes that are in the loop's scratch, and keep the unused rest. */
static void
offer_scratch(struct conn *conn, size_t n)
{
    struct slice in = {conn->loop->scratch, n};
    size_t used;

    buf_clear(&conn->in);
    conn->offer = false;
    used = conn->ops->on_input(conn, in);
    if (conn->dead) {
        return;
    }
    if (used < n && !buf_put(&conn->in, in.p + used, n - used)) {
        finish(conn, ENOMEM);
    }
    settle_input(conn);
}

/* Room at the end of `in`, grown by what has arrived, not what is announced. */
static size_t
make_room(struct conn *conn)
{
    struct buf *in = &conn->in;
    size_t len = buf_len(in);
    size_t least = READ_MIN, want = len > READ_MIN ? len : READ_MIN;

    if (conn->need > len && conn->need - len < want) {
        want = conn->need - len;
        least = want < least ? want : least;
    }
    if (in->cap - in->end < least && !buf_reserve(in, want)) {
        finish(conn, ENOMEM);
        return 0;
    }
    return in->cap - in->end;
}

static void
read_failed(struct conn *conn, int error)
{
    enum sock_class class = sock_classify(error);

    if (class != SOCK_RETRY && class != SOCK_AGAIN) {
        finish(conn, error);
    }
}

static void
end_input(struct conn *conn)
{
    conn->eof = true;
    watch_read(conn, false);
    if (conn->ops->on_eof != NULL) {
        conn->ops->on_eof(conn);
    } else {
        conn_close_after_flush(conn);
    }
}

/* What was left of the input goes before what came into the scratch. */
static void
keep_in_front(struct conn *conn)
{
    if (buf_len(&conn->in) > 0) {
        assert(conn->in.base != NULL);
        memcpy(conn->loop->scratch, conn->in.base + conn->in.start,
               buf_len(&conn->in));
    }
}

/* One recv() of at most `budget`.  True: there may be more. */
static bool
read_once(struct conn *conn, size_t *budget)
{
    size_t kept = buf_len(&conn->in), room;
    bool direct = conn->need > 0 || kept > COPY_MAX;
    char *to;
    ssize_t n;

    room = direct ? make_room(conn) : LOOP_SCRATCH - kept;
    if (room == 0) {
        return false;
    }
    room = room < *budget ? room : *budget;
    to = direct ? buf_tail(&conn->in) : conn->loop->scratch + kept;
    n = recv(conn->fd, to, room, 0);
    if (n < 0) {
        read_failed(conn, errno);
        return false;
    }
    if (n == 0) {
        end_input(conn);
        return false;
    }
    conn->bytes_in += (size_t)n;
    conn->active = conn->loop->now;
    *budget -= (size_t)n;
    if (direct) {
        buf_advance(&conn->in, (size_t)n);
        offer_kept(conn);
    } else {
        keep_in_front(conn);
        offer_scratch(conn, kept + (size_t)n);
    }
    return (size_t)n == room;
}

static void
fill(struct conn *conn)
{
    size_t budget = conn->limits->in_turn;

    if (conn->offer) {
        offer_kept(conn);
    }
    while (is_listening(conn) && budget > 0 && read_once(conn, &budget)) {
    }
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;

    (void)fd;
    (void)what;
    loop_woke(conn->loop);
    if (!is_listening(conn)) {
        watch_read(conn, false); /* paused: the kernel may keep it */
        return;
    }
    fill(conn);
    if (conn->soon && !conn->dead && !conn->over &&
        (buf_len(&conn->out) >= LOOP_BUF ||
         conn->loop->unsent++ >= LOOP_UNSENT_MAX)) {
        flush(conn);
    }
}

static void
finish_connect(struct conn *conn)
{
    int error = sock_error(conn->fd);

    if (error != 0) {
        watch_write(conn, false);
        finish(conn, error);
        return;
    }
    conn->connecting = false;
    conn->active = conn->loop->now;
    watch_write(conn, false);
    watch_read(conn, true);
    loop_at_turn_end(conn->loop, &conn->flush);
    if (conn->ops->on_connected != NULL) {
        conn->ops->on_connected(conn);
    }
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;

    (void)fd;
    (void)what;
    loop_woke(conn->loop);
    if (conn->over) {
        watch_write(conn, false);
    } else if (conn->connecting) {
        finish_connect(conn);
    } else {
        conn->full = false;
        loop_at_turn_end(conn->loop, &conn->flush);
    }
}

/*
 * Nobody reads any more.  What the peer said before it hung up may still be
 * waiting here, answers to earlier requests among it.
 */
static void
write_failed(struct conn *conn, int error)
{
    if (is_listening(conn)) {
        fill(conn);
    }
    if (!conn->dead) {
        finish(conn, error);
    }
}

/* Send what the socket takes. */
static void
send_out(struct conn *conn)
{
    struct slice out = buf_slice(&conn->out);
    ssize_t n;

    do {
        n = send(conn->fd, out.p, out.n, MSG_NOSIGNAL);
    } while (n < 0 && sock_classify(errno) == SOCK_AGAIN);
    if (n < 0 && sock_classify(errno) != SOCK_RETRY) {
        write_failed(conn, errno);
        return;
    }
    if (n > 0) {
        conn->bytes_out += (size_t)n;
        conn->active = conn->loop->now;
        buf_consume(&conn->out, (size_t)n);
    }
    conn->full = buf_len(&conn->out) > 0;
}

/*
 * All is sent and nothing more will be read.  Closing a socket with unread
 * input resets it, and the peer might lose the answers: throw that input away.
 */
static void
finish_closing(struct conn *conn)
{
    size_t left = DISCARD_MAX;
    ssize_t n = 1;

    (void)shutdown(conn->fd, SHUT_WR);
    while (!conn->eof && n > 0 && left > 0) {
        n = recv(conn->fd, conn->loop->scratch, LOOP_SCRATCH, 0);
        left -= n > 0 && (size_t)n < left ? (size_t)n : left;
    }
    finish(conn, 0);
}

static void
flush(struct conn *conn)
{
    const struct conn_limits *limits = conn->limits;

    if (buf_len(&conn->out) >= limits->out_high) {
        conn->backed_up = true;
    }
    if (buf_len(&conn->out) > 0 && !conn->full) {
        send_out(conn);
        if (conn->dead || conn->over) {
            return;
        }
    }
    if (buf_len(&conn->out) == 0) {
        if (conn->out.base != NULL) {
            loop_take_back(conn->loop, &conn->out);
        }
        if (conn->closing) {
            finish_closing(conn);
            return;
        }
    }
    watch_write(conn, conn->full);
    if (conn->backed_up && buf_len(&conn->out) <= limits->out_low) {
        conn->backed_up = false;
        if (conn->ops->on_drained != NULL) {
            conn->ops->on_drained(conn);
        }
    }
}

static void
release(struct conn *conn)
{
    buf_fini(&conn->in);
    buf_fini(&conn->out);
    free(conn);
}

static void
on_turn_end(struct loop_item *item)
{
    struct conn *conn = LIST_ENTRY(item, struct conn, flush);

    if (conn->dead) {
        release(conn);
        return;
    }
    if (conn->offer && is_listening(conn)) {
        offer_kept(conn);
    }
    if (!conn->dead && !conn->over && !conn->connecting) {
        flush(conn);
    }
    if (!conn->dead && conn->over) {
        conn->ops->on_closed(conn, conn->error);
        conn_close(conn);
    }
}

static bool
begin_watching(struct conn *conn)
{
    conn->event = event_new(conn->loop->base, conn->fd, EV_READ | EV_PERSIST,
                            on_readable, conn);
    if (conn->event == NULL) {
        return false;
    }
    if (conn->connecting) {
        watch_write(conn, true);
    } else {
        watch_read(conn, true);
    }
    return !conn->over;
}

struct conn *
conn_new(struct loop *loop, int fd, bool connecting,
         const struct conn_limits *limits, const struct conn_ops *ops,
         void *owner)
{
    struct conn *conn = calloc(1, sizeof(*conn));

    if (conn == NULL) {
        (void)close(fd);
        return NULL;
    }
    conn->loop = loop;
    conn->fd = fd;
    conn->ops = ops;
    conn->owner = owner;
    conn->limits = limits;
    conn->flush.run = on_turn_end;
    conn->active = loop->now;
    conn->connecting = connecting;
    if (!begin_watching(conn)) {
        conn_close(conn);
        return NULL;
    }
    return conn;
}

void
conn_close(struct conn *conn)
{
    if (conn->dead) {
        return;
    }
    conn->dead = true;
    if (conn->event != NULL) {
        event_free(conn->event);
    }
    if (conn->ev_write != NULL) {
        event_free(conn->ev_write);
    }
    (void)close(conn->fd);
    loop_at_turn_end(conn->loop, &conn->flush);
}

void
conn_close_after_flush(struct conn *conn)
{
    conn->closing = true;
    loop_at_turn_end(conn->loop, &conn->flush);
}

void
conn_answer_soon(struct conn *conn)
{
    conn->soon = true;
}

void
conn_flush_later(struct conn *conn)
{
    loop_at_turn_end(conn->loop, &conn->flush);
}

bool
conn_is_backed_up(const struct conn *conn)
{
    return conn->backed_up || buf_len(&conn->out) >= conn->limits->out_high;
}

void
conn_pause(struct conn *conn)
{
    conn->paused = true; /* if more comes, on_readable() stops watching */
}

void
conn_resume(struct conn *conn)
{
    if (!conn->paused) {
        return;
    }
    conn->paused = false;
    if (conn->dead || conn->over || conn->eof) {
        return;
    }
    if (!conn->connecting) {
        watch_read(conn, true);
    }
    if (buf_len(&conn->in) > 0) {
        conn->offer = true;
        loop_at_turn_end(conn->loop, &conn->flush);
    }
}

void
conn_need(struct conn *conn, size_t bytes)
{
    conn->need = bytes;
}

void
conn_set_idle(struct conn *conn, int64_t ms)
{
    conn->idle_ms = ms;
}

bool
conn_expire(struct conn *conn, struct mono now)
{
    if (conn->idle_ms <= 0 || conn->dead || conn->over ||
        mono_ms_between(conn->active, now) < conn->idle_ms) {
        return false;
    }
    finish(conn, ETIMEDOUT);
    return true;
}
