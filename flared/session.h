/*
 * session: one client connection, whoever the client is.
 *
 * Parses what arrives, hands each request to its handler (flared/cmd.h) and
 * keeps the answers in order.  On one worker's thread for life.
 */
#ifndef FLARE_FLARED_SESSION_H
#define FLARE_FLARED_SESSION_H

#include "flared/binary.h"
#include "flared/call.h"
#include "flared/hold.h"
#include "flared/worker.h"
#include "net/conn.h"
#include "proto/request.h"

/* What a connection speaks; its first byte says it. */
enum dialect { DIALECT_UNKNOWN, DIALECT_TEXT, DIALECT_BINARY };

struct session {
    struct list link; /* worker->sessions */
    struct worker *worker;
    struct conn *conn;
    struct list calls; /* in the order of their requests */
    unsigned ncalls;
    size_t pending; /* weight of the calls: requests and answers in memory */
    uint64_t id;    /* "kill ID", stats threads */
    uint64_t skip;  /* bytes of a refused data block still to be dropped */
    struct wall since;
    enum command op;  /* the latest request */
    bool trusted;     /* may do what the option of that name says */
    bool reserved;    /* beyond max-connection: only peers may stay */
    bool closing;     /* no further request is read */
    bool exclusive;   /* a call (dump) must end before the next is looked at */
    bool hands_over;  /* it is the index's, for whom a handover goes on */
    bool has_written; /* a change was asked for, latest at: */
    struct mono wrote;
    struct held_request held;
    bool leased; /* something was changed here since its input was looked at */
    uint64_t counted_in, counted_out; /* of conn's bytes, in the metrics */
    char peer[64];
    enum dialect dialect;
    struct binary binary; /* DIALECT_BINARY */
};

/* Take over fd; it is closed if there is no memory for the session. */
void session_open(struct worker *worker, int fd, const struct sock_addr *from,
                  bool reserved);

/* At once, without a further word. */
void session_close(struct session *session);

/* For a reason that deserves a log line. */
void session_fail(struct session *session, const char *why);

/* "kill": tell the client, end what it waits for, close. */
void session_interrupt(struct session *session);

/* Send what is there, then close ("quit"). */
void session_end(struct session *session);

/* Run a request; its command is what the session does now. */
void session_run(struct session *session, const struct request *req);

/* Where text for the client goes whose turn has come. */
struct buf *session_out(struct session *session);

/* Where the answer to the request in hand goes if it is ready now. */
struct buf *session_answer(struct session *session);

/* Answer one line now, unless the request said noreply. */
void session_line(struct session *session, const struct request *req,
                  const char *line);

/* Calls moved on: there is output to send, or room for more requests. */
void session_moved(struct session *session);

/* Bytes read and written since the last call, into the worker's metrics. */
void session_count_bytes(struct session *session);

#endif
