/*
 * index_link: what this node tells the index.
 *
 * Control thread, nothing blocks.  Registration ("node add", then "meta") is
 * repeated until it succeeds; while the index cannot be reached the node says
 * so in its log and goes on trying.  Several index servers are tried in turn.
 */
#ifndef FLARE_FLARED_INDEX_LINK_H
#define FLARE_FLARED_INDEX_LINK_H

#include "flared/flared.h"

struct index_link *index_link_new(struct flared *node);
void index_link_free(struct index_link *link);

/* Begin to register; the first map goes to membership_first(). */
void index_link_start(struct index_link *link);

/*
 * Tell the index, again and again until it answers: "node state self STATE" or
 * "node role self proxy 0 -1".  A newer call replaces an older one that was
 * not answered yet.  Any thread.
 */
void index_link_report_state(struct index_link *link, enum node_state state);
void index_link_report_failed(struct index_link *link);

/*
 * What was last reported about this node no longer holds (its role is another
 * one now): stop telling it.  Any thread.
 */
void index_link_forget(struct index_link *link);

/* Another node's copy cannot be kept up: "node role HOST PORT proxy 0 -1". */
void index_link_report_lost(struct index_link *link, const struct node *copy);

/* Index servers changed by a reload (options.index_servers and its kin). */
void index_link_reload(struct index_link *link);

/*
 * "shutdown self" to the index; `done` runs on the control thread when it has
 * answered or after `ms`.
 */
void index_link_goodbye(struct index_link *link, int64_t ms,
                        void (*done)(void *arg), void *arg);

#endif
