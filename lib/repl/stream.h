/*
 * stream: what two nodes make of each other's logs, decided.
 *
 * A slave's log is a prefix of its master's.  The master opens the stream with
 * its epoch and its position; the slave says whether it listens and where its
 * own log is; the master compares the histories:
 *
 *     hello --> LISTEN --> RESUME: what follows the slave's last entry
 *        |            +--> REWIND: it gives up what the master never had
 *        |            +--> FULL: it is emptied and copies everything
 *        +--> LATER: its map is older than the master's epoch, ask again
 *        +--> FENCED: it has heard of a newer master
 *
 * And what follows from that for who is waited for (the gate), for how long a
 * master may answer without hearing from anybody (the lease) and for how long
 * a request is kept for a master to come.  Pure; the simulator runs it too.
 */
#ifndef FLARE_REPL_STREAM_H
#define FLARE_REPL_STREAM_H

#include "base/clock.h"
#include "cluster/view.h"
#include "item/lineage.h"

/* --- the slave's side --------------------------------------------------- */

enum stream_hearing {
    STREAM_LISTEN, /* it is my master: give it my position */
    STREAM_LATER,  /* my map cannot know it yet */
    STREAM_FENCED, /* it is a master no more; tell it `epoch` */
};

struct stream_verdict {
    enum stream_hearing hearing;
    uint64_t epoch; /* FENCED */
};

/*
 * May `sender`, who says that it is master since `epoch`, write here?  `seen`
 * is the highest epoch of a master this node has listened to, ever; view may
 * be NULL.  Asked for a hello, and for each batch that follows it.
 */
struct stream_verdict stream_hear(const struct cluster_view *view,
                                  struct slice sender, uint64_t epoch,
                                  uint64_t seen);

/*
 * True when a slave with this history and this oldest entry in its log can
 * find out what it has to give up above seq.
 */
bool stream_can_rewind(const struct lineage *mine, uint64_t log_first,
                       uint64_t seq);

/* --- the master's side -------------------------------------------------- */

enum stream_start { STREAM_RESUME, STREAM_REWIND, STREAM_FULL };

struct stream_plan {
    enum stream_start start;
    uint64_t seq;    /* the slave's position when that is done */
    const char *why; /* FULL: a constant sentence */
};

/*
 * How the stream to a slave with that history begins.  log_first is the oldest
 * entry still in the master's log, or its last + 1.
 */
struct stream_plan stream_compare(const struct lineage *master,
                                  uint64_t log_first,
                                  const struct lineage *slave);

/* --- the gate ----------------------------------------------------------- */

struct stream_copy {
    bool in_set; /* an active slave of the master's map */
    bool joined; /* a learner that has asked to be counted */
    uint64_t acked;
};

struct stream_gate {
    uint64_t passed; /* every copy that counts has this; UINT64_MAX: none is */
    unsigned copies; /* that count, the master included */
};

struct stream_gate stream_gate(const struct stream_copy *copy, unsigned n);

/* --- the lease ---------------------------------------------------------- */

enum { STREAM_LEASE_DEFAULT = 3000 }; /* ms, when the index says nothing */

/*
 * The time in which the index cannot have given up a master it still hears:
 * from its monitor's interval and threshold, less a margin of one interval.
 */
int64_t stream_lease_ms(uint64_t interval_ms, uint64_t threshold);

struct stream_contact {
    bool has_slaves;   /* active ones, in the map: somebody could replace me */
    struct mono heard; /* the index, or a slave in my epoch */
    struct mono woke;  /* the end of the last pause of this process; 0: none */
};

/*
 * May a master answer writes now?  Not when it has heard nobody for the lease,
 * nor after a pause before it hears somebody.
 */
bool stream_has_lease(const struct stream_contact *contact, int64_t lease_ms,
                      struct mono now);

/* --- requests that wait for a master ------------------------------------ */

enum stream_hold {
    STREAM_GO,     /* there is somebody to send it to: try (again) */
    STREAM_WAIT,   /* keep it until the next map, or the deadline */
    STREAM_REFUSE, /* the time is up, or it must not be repeated */
};

/* What happened to the request so far. */
struct stream_request {
    bool writes;
    bool maybe_done; /* it was sent and not answered */
    bool has_target; /* the map names a node for it that is not known gone */
    struct mono since;
};

enum stream_hold stream_hold(const struct stream_request *request,
                             int64_t wait_ms, struct mono now);

#endif
