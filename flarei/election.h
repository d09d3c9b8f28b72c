/*
 * election: a change that waits for nodes to say how far their data goes.
 *
 * Whoever can be asked is asked at once, on the connection that is there; the
 * wait is bounded, and ends with the last answer.  Several go on at a time.
 */
#ifndef FLARE_FLAREI_ELECTION_H
#define FLARE_FLAREI_ELECTION_H

#include "base/list.h"
#include "flarei/index.h"

struct election;

/*
 * Carry out a change, asking first when answers matter.  NULL: it is done, and
 * so is the call of `done`; otherwise both come later.  `since`: when the
 * trouble began.
 */
struct election *election_hold(
    struct flarei *flarei, const struct index_event *event, struct mono since,
    void (*done)(void *owner, const struct index_outcome *out), void *owner);

/* The owner goes: the change is carried out all the same.  NULL is fine. */
void election_orphan(struct election *election);

/* A node has answered, or is not going to. */
void election_heard(struct flarei *flarei);

/* Is one about this going on already? */
bool election_is_on(const struct flarei *flarei,
                    const struct index_event *event);

/* The data it has told of because of this election.  NULL election: none. */
bool election_is_fresh(const struct election *election, struct slice key);

/* Drop all of them. */
void elections_fini(struct flarei *flarei);

#endif
