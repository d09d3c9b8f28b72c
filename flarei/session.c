#include "flarei/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "flarei/cmd.h"
#include "flarei/election.h"
#include "flarei/server.h"
#include "flarei/switchover.h"
#include "net/trust.h"

enum {
    BINARY_MAGIC = 0x80,
    BINARY_HEADER = 24,
};

static const struct conn_limits limits = {
    .in_turn = 65536,
    .out_high = 1 << 20,
    .out_low = 1 << 18,
};

/* Without its line end, and as far as a NUL lets it be text. */
static struct slice
trim(struct slice line)
{
    const char *nul;

    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    nul = line.n > 0 ? memchr(line.p, 0, line.n) : NULL;
    if (nul != NULL) {
        line.n = (size_t)(nul - line.p);
    }
    return line;
}

/* The binary protocol has no command here: hang up behind its header. */
static size_t
take_binary(struct session *session, struct slice in)
{
    if (in.n < BINARY_HEADER) {
        return 0;
    }
    session_end(session);
    return in.n;
}

/* One command off the front; 0: it is not complete. */
static size_t
take_command(struct session *session, struct slice in)
{
    const char *end = memchr(in.p, '\n', in.n);
    size_t n = end != NULL ? (size_t)(end - in.p) : in.n;

    if ((unsigned char)in.p[0] == BINARY_MAGIC) {
        return take_binary(session, in);
    }
    if (n >= SESSION_LINE_MAX) {
        log_warn("%s: a line of more than %d bytes", session->peer,
                 SESSION_LINE_MAX);
        session_end(session);
        return in.n;
    }
    if (end == NULL) {
        return 0;
    }
    cmd_run(session, trim((struct slice){in.p, n}));
    return n + 1;
}

static size_t
on_input(struct conn *conn, struct slice in)
{
    struct session *session = conn->owner;
    size_t used = 0;

    while (used < in.n && !session->closing) {
        size_t n;

        if (conn_is_backed_up(conn) || session_waits(session)) {
            conn_pause(conn);
            return used;
        }
        n = take_command(session, (struct slice){in.p + used, in.n - used});
        if (n == 0) {
            return used;
        }
        used += n;
    }
    return session->closing ? in.n : used;
}

static void
on_drained(struct conn *conn)
{
    const struct session *session = conn->owner;

    if (!session_waits(session)) {
        conn_resume(conn);
    }
}

void
session_go_on(struct session *session)
{
    if (!session_waits(session)) {
        return;
    }
    session->election = NULL;
    session->switchover = NULL;
    if (!conn_is_backed_up(session->conn)) {
        conn_resume(session->conn);
    }
}

static void
on_closed(struct conn *conn, int error)
{
    (void)error;
    session_free(conn->owner);
}

static const struct conn_ops session_conn_ops = {
    .on_input = on_input,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

struct session *
session_new(struct flarei *flarei, int fd, const struct sock_addr *from)
{
    struct session *session = xcalloc(1, sizeof(*session));

    session->flarei = flarei;
    session->since = flarei->loop.wall;
    sock_format(from, session->peer, sizeof(session->peer));
    session->trusted = trust_allows(flarei->trust, from) || trust_is_local(fd);
    list_init(&session->link);
    session->conn =
        conn_new(&flarei->loop, fd, false, &limits, &session_conn_ops, session);
    if (session->conn == NULL) {
        free(session);
        return NULL;
    }
    session->id = ++flarei->last_id;
    return session;
}

void
session_end(struct session *session)
{
    session->closing = true;
    conn_close_after_flush(session->conn);
}

void
session_free(struct session *session)
{
    election_orphan(session->election);
    switchover_orphan(session->switchover);
    server_forget(session->flarei->server, session);
    conn_close(session->conn);
    free(session);
}

struct buf *
session_out(struct session *session)
{
    conn_flush_later(session->conn);
    return conn_out(session->conn);
}
