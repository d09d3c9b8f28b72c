/*
 * session: one client of the index: an operator, a tool, or a node that has
 * something to say.
 */
#ifndef FLARE_FLAREI_SESSION_H
#define FLARE_FLAREI_SESSION_H

#include "base/list.h"
#include "flarei/flarei.h"
#include "net/conn.h"

struct election;
struct switchover;

enum {
    SESSION_LINE_MAX = 8192, /* bytes of a command line, its end included */
    SESSION_OP_MAX = 16
};

struct session {
    struct list link; /* server's */
    struct flarei *flarei;
    struct conn *conn;
    uint64_t id;
    struct wall since;
    char peer[64];
    char op[SESSION_OP_MAX]; /* the command that was given last */
    bool closing;            /* no further command counts */
    bool trusted;            /* may change the cluster */

    /* A command whose answer comes later; no other one is taken until then. */
    struct election *election;     /* it waits for this one ... */
    struct switchover *switchover; /* ... or this one; NULL: it does not */
    const char *refused;           /* the answer when it is */
};

/* Takes over fd.  NULL: no memory, fd is closed. */
struct session *session_new(struct flarei *flarei, int fd,
                            const struct sock_addr *from);

/* Send what there is to send, then close. */
void session_end(struct session *session);

/* Close at once. */
void session_free(struct session *session);

/* A command waits for its answer. */
static inline bool
session_waits(const struct session *session)
{
    return session->election != NULL || session->switchover != NULL;
}

/* The command that was waited for, if so, is answered: take the next one. */
void session_go_on(struct session *session);

/* Where answers go; sent at the end of the turn. */
struct buf *session_out(struct session *session);

#endif
