/*
 * index_step: what a cluster map becomes when something happens.
 *
 * The whole policy of the index server is in this function and its helpers
 * (spec: control-plane 3).  It performs no I/O, takes no lock, reads no clock
 * and logs nothing, so every rule can be tested by calling it.
 *
 *     proxy --- role slave ---> slave/prepare --- state active ---> slave
 *     proxy --- role master --> master/prepare --- state ready --->
 *               master/ready --- state active ---> master
 *     proxy --- role master --> master, when the partition is the first one or
 *               its master is down
 *     slave --- its master is down ---> master, one of them
 *     slave, anybody who prepares --- role proxy, or down ---> proxy
 *     master --- down ---> proxy when a slave takes over; otherwise it stays
 *               master/down with its partition until it is back
 *     slave --- switchover ---> master, and its master a slave
 */
#ifndef FLARE_INDEX_STEP_H
#define FLARE_INDEX_STEP_H

#include "cluster/map.h"
#include "index/book.h"

enum index_verdict {
    INDEX_CHANGED, /* make plan->map durable, then publish it */
    INDEX_SAME,    /* nothing to do, and that is fine; plan->map is NULL */
    INDEX_REFUSED, /* plan->why says which rule forbids it; likewise */
};

struct index_plan {
    struct cluster_map *map;      /* owned by the caller */
    char first[NODE_KEY_MAX + 1]; /* tell it before anybody else; or "" */
    char last[NODE_KEY_MAX + 1];  /* tell it after all others know; or "" */
    char skip[NODE_KEY_MAX + 1];  /* it is leaving and need not know; or "" */
    const char *why;   /* constant text, for the log and the operator */
    bool explain;      /* REFUSED: flare 1.3.4 knows no such refusal: say why */
    const char *alarm; /* CHANGED: what an operator must look into; or NULL */
    struct index_failover failover; /* CHANGED: for the book; see version */
};

/*
 * Decide on one event.  `map` is not changed; plan->map has the next version.
 * A map that would break a rule of cluster_map_broken() is refused.
 */
enum index_verdict index_step(const struct cluster_map *map,
                              const struct index_event *event,
                              struct index_plan *plan);

/*
 * Whom to ask for its position before index_step(), so that event->positions
 * can be fresh: true when the answer of this node of the map matters.  Nobody
 * has to be asked; who cannot be or does not answer is judged without.
 */
bool index_wants_position(const struct cluster_map *map,
                          const struct index_event *event,
                          const struct node *node);

/*
 * Who has to hand over before INDEX_SWITCHOVER: the active master, or NULL when
 * *why says what forbids it.  The step itself trusts that this was done.
 */
const struct node *index_switchover_from(const struct cluster_map *map,
                                         const struct index_event *event,
                                         const char **why);

/* A sentence for why a master that is back is not let in; see node_wait. */
const char *index_why_waits(enum node_wait wait);

/* --- used by the files of this module only ------------------------------ */

enum index_verdict index_refuse(struct index_plan *plan, const char *why);

/* As index_refuse(), for a rule that is not flare's. */
enum index_verdict index_refuse_ours(struct index_plan *plan, const char *why);
enum index_verdict index_same(struct index_plan *plan, const char *why);
enum index_verdict index_changed(struct index_plan *plan, const char *why);

/* node is in plan->map. */
enum index_verdict index_role(struct node *node, const struct index_event *e,
                              struct index_plan *plan);
enum index_verdict index_state(struct node *node, const struct index_event *e,
                               struct index_plan *plan);
enum index_verdict index_up(struct node *node, const struct index_event *e,
                            struct index_plan *plan);
enum index_verdict index_down(struct node *node, const struct index_event *e,
                              struct index_plan *plan);
enum index_verdict index_shutdown(struct node *node,
                                  const struct index_event *e,
                                  struct index_plan *plan);
enum index_verdict index_remove(struct node *node, struct index_plan *plan);
enum index_verdict index_switchover(struct node *node,
                                    const struct index_event *e,
                                    struct index_plan *plan);

/* NULL node: it is new, and named by the event. */
enum index_verdict index_add(struct node *node, const struct index_event *e,
                             struct index_plan *plan);

/* Give up role, partition and balance; the state stays. */
void index_make_proxy(struct node *node);

/* Every living slave of the partition becomes an active proxy. */
void index_dismiss_slaves(struct cluster_map *map, int partition);

/* An active master has the partition. */
bool index_has_master(const struct cluster_map *map, int partition);

/*
 * The partition has another master, `heir`: whatever else is known of its
 * copies they may give up to be as the heir is, and so may the heir what it did
 * not have just now.
 */
void index_forget_data(struct cluster_map *map, const struct index_event *event,
                       const struct node *heir);

/* What the node was found to hold because of this event; NULL: not known. */
const struct node_data *index_fresh(const struct index_event *event,
                                    const struct node *node);

/* Enter in plan->failover who lost (NULL: nobody) and who got a partition. */
void index_note_failover(struct index_plan *plan, const struct index_event *e,
                         const struct node *from, const struct node *to,
                         int partition);

#endif
