/*
 * standing: may this node answer writes as a master, and as which one?
 *
 * A master has an epoch (item/lineage.h), a lease that whoever answers it
 * renews (repl/stream.h), and reasons to hold writes back: it was told of a
 * newer master, it hands over, or it does not know yet which epoch is its own.
 * All of that ends in one number that a worker compares with its clock.
 */
#ifndef FLARE_FLARED_STANDING_H
#define FLARE_FLARED_STANDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "net/mailbox.h"

struct flared;
struct cluster_view;

struct standing {
    _Atomic int64_t write_until; /* ns, mono; before then writes are answered */
    _Atomic int64_t lease_until; /* the same, but for a handover */
    _Atomic uint64_t epoch;      /* of this node as master; 0: none */
    _Atomic unsigned copies;     /* that count, this one included */
    _Atomic int64_t lease_ms;

    pthread_mutex_t lock; /* guards what follows */
    struct mono heard;
    uint64_t fenced;  /* the highest epoch it was refused for */
    uint64_t version; /* of the map in use */
    bool has_slaves;  /* the map has active ones that could replace it */
    bool has_flare;
    bool handing_over;
    struct mono hand_until;
    bool awaits_version; /* it is master, but of which map? */
};

void standing_init(struct standing *standing);

/* --- any thread ------------------------------------------------------------
 */

/* A worker's question, for each write. */
static inline bool
standing_may_write(const struct standing *standing, struct mono now)
{
    return atomic_load_explicit(&standing->write_until, memory_order_acquire) >
           now.ns;
}

/*
 * Were the answers to be given now still true?  What was changed before a
 * handover began is handed over, too.
 */
static inline bool
standing_may_answer(const struct standing *standing, struct mono now)
{
    return atomic_load_explicit(&standing->lease_until, memory_order_acquire) >
           now.ns;
}

/* Somebody who would know of a newer master has said something after `when`. */
void standing_heard(struct standing *standing, struct mono when);

/* Copies of flare 1.3.4 say nothing of their own: with them, no lease. */
void standing_has_flare(struct standing *standing, bool has_flare);

/* A copy refuses us: it knows of this epoch. */
void standing_fenced(struct standing *standing, uint64_t epoch);

/* Stop answering writes, and go on. */
void standing_hand_over(struct standing *standing, bool going_on);

/* Now and then: a handover does not last for ever. */
void standing_tick(struct standing *standing, struct mono now);

/* Why writes are held, for people; NULL: they are not. */
const char *standing_trouble(struct standing *standing, struct mono now);

/* --- control thread ---------------------------------------------------------
 */

/*
 * A map is about to be used (before anybody else hears of it), and is used by
 * everybody.  The first takes an epoch if it makes this node a master, the
 * second gives it up if it does not.
 */
void standing_before_view(struct flared *node, const struct cluster_view *view);
void standing_after_view(struct flared *node, const struct cluster_view *view);

#endif
