/*
 * hold: requests that wait for somebody who can carry them out.
 *
 * While a master is gone and no other has taken over yet, a request for it
 * stays in its connection's input, unread, and the connection is not read any
 * further, so that answers stay in order and nothing is stored twice.  It is
 * looked at again when a map arrives, a peer's connection moves, writes are
 * let in again, and now and then; once failover-wait is over it is answered as
 * well as that is possible then.  A request that was sent never comes here.
 *
 * The worker's own thread.
 */
#ifndef FLARE_FLARED_HOLD_H
#define FLARE_FLARED_HOLD_H

#include "base/list.h"
#include "net/loop.h"
#include "net/timer.h"

struct flared;
struct peer;
struct session;
struct worker;

/* A worker's. */
struct hold {
    struct list sessions; /* that wait */
    struct list others;   /* of struct held */
    struct timer timer;
    struct loop_item retry;
    struct mail opened;    /* from hold_open() */
    atomic_bool is_posted; /* it is on its way */
};

/* A session's; zeroed storage. */
struct held_request {
    struct list link;
    bool waits; /* on the worker's list: its request was not taken */
    bool begun; /* this request has waited before, until at most: */
    struct mono until;
    struct mono since; /* when it came */
};

/* What waits without a session, a read that is under way already. */
struct held {
    struct list link;
    struct mono until; /* zeroed: has not waited before */
    /* Taken off the list first; late: the time is up. */
    void (*run)(struct held *held, bool late);
};

void hold_init(struct hold *hold, struct loop *loop);
void hold_fini(struct hold *hold); /* no session is left; runs the others */

/*
 * Let the request in hand wait, which has been impossible for down_ms already.
 * True: leave at once, without an answer or a trace; the request comes again.
 * False: its time is up.
 */
bool hold_session(struct session *session, int64_t down_ms);

/* As that; false, too, when the peer is connected: it can be sent. */
bool hold_for_peer(struct session *session, struct peer *peer);

/* Wait with no session.  False: failover-wait is 0 or over. */
bool hold_other(struct worker *worker, struct held *held, int64_t down_ms);

/* The session takes its request again, or goes. */
void hold_release(struct session *session);

/* Something has changed: look at everybody at the end of the turn. */
void hold_retry(struct worker *worker);

/* Why a master makes its clients' changes wait. */
enum hold_reason {
    HOLD_UNCONFIRMED = 1, /* its map is from before it started */
    HOLD_LEASE = 2,       /* it has heard from nobody for too long */
    HOLD_FENCED = 4,      /* another node has seen a later master */
    HOLD_HANDOVER = 8,    /* a slave is about to take over */
};

/*
 * Any thread: from now on changes of this node's own data wait; they are made
 * again when every reason is gone.
 */
void hold_close(struct flared *node, enum hold_reason reason);
void hold_open(struct flared *node, enum hold_reason reason);

#endif
