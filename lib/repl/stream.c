#include "repl/stream.h"

/* --- the slave's side --------------------------------------------------- */

static struct stream_verdict
verdict(enum stream_hearing hearing, uint64_t epoch)
{
    return (struct stream_verdict){hearing, epoch};
}

/* The sender as this map has it, if it is a living master there. */
static const struct node *
master_named(const struct cluster_view *view, struct slice sender)
{
    const struct node *node = cluster_map_find(view->map, sender);

    return node != NULL && node->role == NODE_MASTER && node->state != NODE_DOWN
               ? node
               : NULL;
}

struct stream_verdict
stream_hear(const struct cluster_view *view, struct slice sender,
            uint64_t epoch, uint64_t seen)
{
    const struct node *self = view != NULL ? view->self : NULL;
    const struct node *master;

    if (epoch == 0 || epoch < seen) {
        return verdict(STREAM_FENCED, seen);
    }
    if (view == NULL || view->map->version < epoch) {
        return verdict(STREAM_LATER, 0);
    }
    master = master_named(view, sender);
    if (master == NULL) {
        return verdict(STREAM_FENCED, view->map->version);
    }
    if (self == NULL || self->role != NODE_SLAVE || self->state == NODE_DOWN) {
        /* It knows a newer map, in which I am its slave; or an older one, and
         * will hear of this one as I have. */
        return verdict(STREAM_LATER, 0);
    }
    return self->partition == master->partition ? verdict(STREAM_LISTEN, 0)
                                                : verdict(STREAM_LATER, 0);
}

bool
stream_can_rewind(const struct lineage *mine, uint64_t log_first, uint64_t seq)
{
    return seq <= mine->seq && log_first <= seq + 1;
}

/* --- the master's side -------------------------------------------------- */

/* The last sequence of an era. */
static uint64_t
era_end(const struct lineage *lineage, unsigned i)
{
    return i == 0 ? lineage->seq : lineage->era[i - 1].first - 1;
}

static const struct era *
find_era(const struct lineage *lineage, uint64_t epoch, unsigned *at)
{
    for (unsigned i = 0; i < lineage->n; i++) {
        if (lineage->era[i].epoch == epoch) {
            *at = i;
            return &lineage->era[i];
        }
    }
    return NULL;
}

/*
 * The last sequence up to which both logs are known to be the same: the end of
 * the newest epoch that both know, in whichever it ends first.  An era without
 * entries counts: it is known only to a node that was as its master was then.
 */
static bool
find_common(const struct lineage *a, const struct lineage *b, uint64_t *common)
{
    for (unsigned i = 0; i < b->n; i++) {
        const struct era *mine = &b->era[i];
        const struct era *other;
        uint64_t end_a, end_b;
        unsigned at = 0;

        if (mine->epoch == 0) {
            return false;
        }
        other = find_era(a, mine->epoch, &at);
        if (other == NULL) {
            continue;
        }
        end_a = era_end(a, at);
        end_b = era_end(b, i);
        *common = end_a < end_b ? end_a : end_b;
        return *common + 1 >= mine->first && *common + 1 >= other->first;
    }
    return false;
}

/* Changes above seq that no log tells in full. */
static bool
has_gap_above(const struct lineage *lineage, uint64_t seq)
{
    for (unsigned i = 0; i < lineage->n; i++) {
        const uint64_t end = era_end(lineage, i);

        if (lineage->era[i].epoch == 0 && end > seq &&
            end >= lineage->era[i].first) {
            return true;
        }
    }
    return false;
}

static struct stream_plan
full(const struct lineage *master, const char *why)
{
    return (struct stream_plan){STREAM_FULL, master->seq, why};
}

struct stream_plan
stream_compare(const struct lineage *master, uint64_t log_first,
               const struct lineage *slave)
{
    uint64_t common = 0;

    if (!find_common(master, slave, &common)) {
        return full(master, "its log and ours have no common history");
    }
    if (has_gap_above(master, common)) {
        return full(master, "our data was changed outside of the log since");
    }
    if (log_first > common + 1) {
        return full(master, "our log does not reach back so far");
    }
    return (struct stream_plan){
        common == slave->seq ? STREAM_RESUME : STREAM_REWIND, common, NULL};
}

/* --- the gate ----------------------------------------------------------- */

struct stream_gate
stream_gate(const struct stream_copy *copy, unsigned n)
{
    struct stream_gate gate = {UINT64_MAX, 1};

    for (unsigned i = 0; i < n; i++) {
        if (!copy[i].in_set && !copy[i].joined) {
            continue;
        }
        gate.copies++;
        if (copy[i].acked < gate.passed) {
            gate.passed = copy[i].acked;
        }
    }
    return gate;
}

/* --- the lease ---------------------------------------------------------- */

int64_t
stream_lease_ms(uint64_t interval_ms, uint64_t threshold)
{
    const uint64_t most = 86400000;
    uint64_t whole;

    if (interval_ms == 0 || threshold == 0) {
        return STREAM_LEASE_DEFAULT;
    }
    interval_ms = interval_ms < most ? interval_ms : most;
    threshold = threshold < most ? threshold : most;
    whole = interval_ms * threshold;
    return (int64_t)(threshold > 1 ? whole - interval_ms : whole / 2);
}

bool
stream_has_lease(const struct stream_contact *contact, int64_t lease_ms,
                 struct mono now)
{
    if (!contact->has_slaves) {
        return true;
    }
    return contact->heard.ns > contact->woke.ns &&
           !mono_reached(mono_after_ms(contact->heard, lease_ms), now);
}

/* --- requests that wait for a master ------------------------------------ */

enum stream_hold
stream_hold(const struct stream_request *request, int64_t wait_ms,
            struct mono now)
{
    if (request->writes && request->maybe_done) {
        return STREAM_REFUSE;
    }
    if (request->has_target) {
        return STREAM_GO;
    }
    return mono_reached(mono_after_ms(request->since, wait_ms), now)
               ? STREAM_REFUSE
               : STREAM_WAIT;
}
