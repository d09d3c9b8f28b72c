/*
 * feed: a copy that is fed with the log as it is (repl/stream.h).
 *
 * What copy.c does for every copy (window, pauses, what is in flight) it does
 * for these too; here is what is said.  A copy that does not know the stream
 * answers ERROR to the first word and gets flare's commands, as ever.
 */
#ifndef FLARE_FLARED_FEED_H
#define FLARE_FLARED_FEED_H

#include "base/buf.h"
#include "base/clock.h"
#include "proto/reply_parse.h"

struct copy;
struct flight;
enum copy_pump {            /* what copy_pump() came to */
                 COPY_IDLE, /* at the end of the log */
                 COPY_BUSY, /* waits for answers or for its pause */
                 COPY_MORE, /* its share of this turn is used up */
};

enum feed_mode {
    FEED_UNKNOWN, /* it has not been asked on this connection */
    FEED_STREAM,
    FEED_FLARE, /* sets and deletes, compared by version */
};

enum feed_step {
    FEED_GREET,   /* hello is to be said */
    FEED_WAIT,    /* for an answer that decides how it goes on */
    FEED_RECORDS, /* more of the records that it wants are to be sent */
    FEED_FLOW,
};

struct feed {
    enum feed_mode mode;
    enum feed_step step;
    uint64_t epoch;  /* ours when hello was said */
    struct buf want; /* keys of records to be sent yet */
    size_t want_at;
    struct mono said;  /* the last batch */
    struct mono heard; /* when the latest one was sent that was answered */
    unsigned resumed, rewound, fulls;
};

/* True: this copy is to be fed with the stream, or asked whether it can. */
bool feed_applies(const struct copy *copy);

enum copy_pump feed_pump(struct copy *copy);

/* The answer to a flight of the stream that is no failure of the connection. */
void feed_answer(struct copy *copy, const struct flight *flight,
                 const struct reply *reply);

/* Say something if nothing was said for a while; now and then. */
void feed_tick(struct copy *copy);

/* Say something now, to hear whether it is there. */
void feed_probe(struct copy *copy);

#endif
