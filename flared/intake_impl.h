/*
 * intake_impl: what the intake's files share.  Everything under its lock.
 */
#ifndef FLARE_FLARED_INTAKE_IMPL_H
#define FLARE_FLARED_INTAKE_IMPL_H

#include "base/strmap.h"
#include "flared/intake.h"

enum phase { GREETED, REWINDING, FLOWING };

struct intake {
    struct flared *node;
    void (*on_flow)(void *arg);
    void *on_flow_arg;
    pthread_mutex_t lock;      /* guards what follows */
    struct cluster_view *view; /* the newest; NULL: none yet */
    uint64_t session;          /* of the stream; 0: none */
    char master[NODE_KEY_MAX + 1];
    uint64_t epoch;
    enum phase phase;
    char builder[NODE_KEY_MAX + 1]; /* who completes what is here; "": nobody */
    bool half_rewound;              /* some entries are given up, not all */
    bool flows;                     /* resumed or rewound, nothing to copy */

    /* While REWINDING. */
    uint64_t rewind_to;
    struct ulog_reader *tail; /* of the entries to give up */
    uint64_t tail_end;
    unsigned awaited; /* records that were asked for and are not here */
    bool tail_read;

    /* While a dump runs: expiry and version of what was touched meanwhile. */
    struct strmap touched;

    struct buf scratch;
    struct intake_status count;
};

/* The stream flows from now on. */
void intake_flow(struct intake *in, bool nothing_to_copy);
bool intake_put_ok(struct intake *in, struct buf *out);

/* Giving entries up: rewind, records, and the end of it. */
bool intake_take_rewind(struct intake *in, struct slice words, struct buf *out);
bool intake_take_records(struct intake *in, struct slice data, struct buf *out);
void intake_end_tail(struct intake *in);

#endif
