/*
 * switchover: a slave takes its master's place while both are well.
 *
 * The master is asked, on a connection of its own, to hold its writes and to
 * see that the slave has all of them.  When it has, roles are swapped.  As long
 * as that has not happened, whatever goes wrong ends with this connection
 * closed, and with it the master goes on.
 */
#ifndef FLARE_FLAREI_SWITCHOVER_H
#define FLARE_FLAREI_SWITCHOVER_H

#include "flarei/index.h"

struct switchover;

/* As election_hold(), for INDEX_SWITCHOVER. */
struct switchover *
switchover_begin(struct flarei *flarei, const struct index_event *event,
                 void (*done)(void *owner, const struct index_outcome *out),
                 void *owner);

/* The owner goes: it is carried out all the same.  NULL is fine. */
void switchover_orphan(struct switchover *switchover);

/* A node has acknowledged a map. */
void switchover_acknowledged(struct flarei *flarei,
                             const struct member *member);

/* Drop all of them. */
void switchovers_fini(struct flarei *flarei);

#endif
