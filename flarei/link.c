#include "flarei/link.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "net/conn.h"
#include "net/resolve.h"
#include "net/timer.h"

enum {
    UNDER_WAY = 8,       /* requests without an answer at a time */
    ANSWER_LINE = 16384, /* bytes of a line of an answer */
};

static const struct conn_limits limits = {
    .in_turn = 65536,
    .out_high = 1 << 20,
    .out_low = 1 << 18,
};

enum {
    LATE_MS = 100,  /* a timer that comes so late: we were not running */
    GRACE_MS = 250, /* for an answer that could not come meanwhile */
};

struct asked {
    enum link_ask ask;
    struct mono deadline;
};

struct link {
    struct loop *loop;
    char *host;
    uint16_t port;
    const struct link_ops *ops;
    void *owner;
    struct sock_addr addr[RESOLVE_MAX];
    unsigned addrs;
    unsigned next_addr; /* to try */
    bool refused;       /* every address tried so far was */
    bool up;
    bool graced; /* the oldest request was given more time */
    struct resolve *resolving;
    struct conn *conn;
    struct mono connect_until;
    struct asked asked[UNDER_WAY]; /* in order */
    unsigned nasked;
    struct timer timer;
    bool failed; /* `report` is under way */
    enum health_evidence evidence;
    struct loop_item report;
    struct loop_item reap;
};

static void connect_next(struct link *link);

static void
let_go(struct link *link)
{
    if (link->conn != NULL) {
        conn_close(link->conn);
        link->conn = NULL;
    }
    resolve_cancel(link->resolving);
    link->resolving = NULL;
    timer_stop(&link->timer);
    link->up = false;
    link->nasked = 0;
}

static void
on_report(struct loop_item *item)
{
    struct link *link = LIST_ENTRY(item, struct link, report);

    if (link->failed) {
        link->failed = false;
        link->ops->lost(link->owner, link->evidence);
    }
}

/* It is over; the owner hears of it at the end of the turn. */
static void
fail(struct link *link, enum health_evidence evidence)
{
    let_go(link);
    link->failed = true;
    link->evidence = evidence;
    loop_at_turn_end(link->loop, &link->report);
}

static void
set_timer(struct link *link)
{
    struct mono until = link->connect_until;

    if (link->up) {
        if (link->nasked == 0) {
            timer_stop(&link->timer);
            return;
        }
        until = link->asked[0].deadline;
    }
    timer_once(&link->timer, mono_ms_between(link->loop->now, until) + 1);
}

/*
 * This process was suspended, or had no processor: what was asked may even not
 * have left it.  That is not the silence of the other side.
 */
static bool
overslept(const struct link *link, struct mono until)
{
    return !link->graced && mono_ms_between(until, link->loop->now) > LATE_MS;
}

static void
give_grace(struct link *link)
{
    struct mono until = mono_after_ms(link->loop->now, GRACE_MS);

    link->graced = true;
    if (link->up) {
        link->asked[0].deadline = until;
    } else {
        link->connect_until = until;
    }
    set_timer(link);
}

static void
on_timer(struct timer *timer)
{
    struct link *link = LIST_ENTRY(timer, struct link, timer);
    struct mono until =
        link->up ? link->asked[0].deadline : link->connect_until;

    if (link->up && link->nasked == 0) {
        return;
    }
    if (!mono_reached(until, link->loop->now)) {
        set_timer(link);
    } else if (overslept(link, until)) {
        give_grace(link);
    } else {
        fail(link, HEALTH_SILENT);
    }
}

static void
take_answer(struct link *link, const struct reply *reply)
{
    enum link_ask ask = link->asked[0].ask;

    if (reply->last) {
        link->graced = false;
        link->nasked--;
        for (unsigned i = 0; i < link->nasked; i++) {
            link->asked[i] = link->asked[i + 1];
        }
        set_timer(link);
    }
    link->ops->answer(link->owner, ask, reply);
}

static enum reply_expect
expected(const struct link *link)
{
    enum link_ask ask = link->asked[0].ask;

    return ask == LINK_STATS || ask == LINK_POSITION ? EXPECT_LINES
                                                     : EXPECT_LINE;
}

static size_t
on_input(struct conn *conn, struct slice in)
{
    struct link *link = conn->owner;
    size_t used = 0;

    while (used < in.n && link->conn == conn) {
        struct slice rest = {in.p + used, in.n - used};
        enum reply_status status = REPLY_BAD;
        struct reply reply;
        size_t n = 0;

        if (link->nasked > 0) {
            status =
                reply_parse(rest, expected(link), ANSWER_LINE, 0, &reply, &n);
        }
        if (status == REPLY_MORE) {
            break;
        }
        if (status == REPLY_BAD) {
            fail(link, HEALTH_WRONG);
            return in.n;
        }
        used += n;
        take_answer(link, &reply);
    }
    return used;
}

static void
attempt_failed(struct link *link, int error)
{
    link->refused = link->refused && error == ECONNREFUSED;
    if (link->conn != NULL) {
        conn_close(link->conn);
        link->conn = NULL;
    }
    connect_next(link);
}

static void
on_closed(struct conn *conn, int error)
{
    struct link *link = conn->owner;

    if (link->up) {
        fail(link, HEALTH_CLOSED);
    } else {
        attempt_failed(link, error);
    }
}

static void
on_eof(struct conn *conn)
{
    fail(conn->owner, HEALTH_CLOSED);
}

static void
on_connected(struct conn *conn)
{
    struct link *link = conn->owner;

    link->up = true;
    set_timer(link);
    link->ops->up(link->owner);
}

static const struct conn_ops link_conn_ops = {
    .on_input = on_input,
    .on_closed = on_closed,
    .on_connected = on_connected,
    .on_eof = on_eof,
};

/* One address.  False: that came to nothing at once. */
static bool
connect_to(struct link *link, const struct sock_addr *addr)
{
    int fd = sock_connect(addr);

    if (fd < 0) {
        link->refused = link->refused && errno == ECONNREFUSED;
        return false;
    }
    link->conn = conn_new(link->loop, fd, true, &limits, &link_conn_ops, link);
    if (link->conn == NULL) {
        link->refused = false;
        return false;
    }
    set_timer(link);
    return true;
}

static void
connect_next(struct link *link)
{
    while (link->next_addr < link->addrs) {
        if (connect_to(link, &link->addr[link->next_addr++])) {
            return;
        }
    }
    fail(link, link->refused ? HEALTH_REFUSED : HEALTH_SILENT);
}

static void
on_resolved(void *owner, const struct sock_addr *found, unsigned count)
{
    struct link *link = owner;

    link->resolving = NULL;
    link->addrs = count;
    link->refused = count > 0;
    for (unsigned i = 0; i < count; i++) {
        link->addr[i] = found[i];
    }
    connect_next(link);
}

static void
connect_numeric(struct link *link)
{
    struct err err;
    int n = sock_resolve(link->host, link->port, link->addr, RESOLVE_MAX, &err);

    link->addrs = n > 0 ? (unsigned)n : 0;
    link->refused = n > 0;
    connect_next(link);
}

void
link_connect(struct link *link, int64_t ms)
{
    if (!link_is_idle(link)) {
        return;
    }
    link->next_addr = 0;
    link->graced = false;
    link->connect_until = mono_after_ms(link->loop->now, ms);
    if (sock_is_numeric(link->host)) {
        connect_numeric(link);
        return;
    }
    link->resolving =
        resolve_start(link->loop, link->host, link->port, on_resolved, link);
    if (link->resolving == NULL) {
        fail(link, HEALTH_SILENT);
        return;
    }
    set_timer(link);
}

void
link_drop(struct link *link)
{
    let_go(link);
    link->failed = false;
}

bool
link_is_up(const struct link *link)
{
    return link->up;
}

bool
link_is_idle(const struct link *link)
{
    return link->conn == NULL && link->resolving == NULL && !link->failed;
}

bool
link_ask(struct link *link, enum link_ask ask, struct slice bytes, int64_t ms)
{
    if (!link->up || link->nasked == UNDER_WAY ||
        conn_is_backed_up(link->conn) ||
        !buf_put_slice(conn_out(link->conn), bytes)) {
        return false;
    }
    link->asked[link->nasked++] =
        (struct asked){ask, mono_after_ms(link->loop->now, ms)};
    conn_flush_later(link->conn);
    if (link->nasked == 1) {
        set_timer(link);
    }
    return true;
}

struct link *
link_new(struct loop *loop, const char *host, uint16_t port,
         const struct link_ops *ops, void *owner)
{
    struct link *link = xcalloc(1, sizeof(*link));

    link->loop = loop;
    link->host = xstrdup(host);
    link->port = port;
    link->ops = ops;
    link->owner = owner;
    link->report.run = on_report;
    timer_init(&link->timer, loop, on_timer);
    return link;
}

/* Behind its own report, if there is one on the way. */
static void
on_reap(struct loop_item *item)
{
    struct link *link = LIST_ENTRY(item, struct link, reap);

    timer_fini(&link->timer);
    free(link->host);
    free(link);
}

void
link_free(struct link *link)
{
    if (link != NULL) {
        link_drop(link);
        link->reap.run = on_reap;
        loop_at_turn_end(link->loop, &link->reap);
    }
}
