/*
 * call: a request whose answer has to wait, or waits behind one that does.
 *
 *     parse -> handler -> mine: answered at once, into the connection's output
 *                      -> another node's: a call, until the answer arrives
 *                      -> copies must have it: a call, until the gate passes
 *                      -> long output (dump): a call, until all is sent
 *
 * A session keeps its calls in the order of the requests; answers leave from
 * the head while it is done.  What comes behind a waiting call is answered
 * into a call of its own.  A session that goes leaves its waiting calls behind:
 * they end alone, unheard.
 *
 * Everything on the worker's own thread.
 */
#ifndef FLARE_FLARED_CALL_H
#define FLARE_FLARED_CALL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/list.h"
#include "flared/latency.h"

struct session;
struct worker;

struct call {
    struct list link;
    struct session *session; /* NULL: it went before the answer came */
    struct worker *worker;
    bool done;
    bool quiet; /* noreply: the answer is dropped */
    struct latency_note note;
    struct buf out;
    size_t asked;  /* bytes of its request, and of what joined it */
    size_t weight; /* what of it is in session->pending */
    /* Frees whatever embeds the call; out is already released. */
    void (*destroy)(struct call *call);
    /*
     * Long output: called when the call is the first of its session and there
     * is room for output, and again each time there is.  May be NULL.
     */
    void (*resume)(struct call *call);
};

/* Put a zeroed call behind the session's others. */
void call_init(struct call *call, struct session *session,
               void (*destroy)(struct call *call));

/* The same for an answer that is ready, but has to wait for its turn. */
void call_append(struct call *call, struct session *session,
                 void (*destroy)(struct call *call));

/*
 * The answer is in call->out: send it when its turn comes.  The call may be
 * gone when this returns.
 */
void call_done(struct call *call);

/* Let a call that waits for room put more into its output. */
void call_resume(struct call *call);

/* Of a session's call: `asked` more bytes came for it, or its answer grew. */
void call_weigh(struct call *call, size_t asked);

/* The session is going: end what is done, let go of what waits. */
void calls_orphan(struct session *session);

/* True when no earlier call of the session still waits. */
bool call_is_first(const struct call *call);

#endif
