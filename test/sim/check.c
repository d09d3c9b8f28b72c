/* What must be true, all the time and in the end. */
#include "test/sim/actors.h"

/* Does a node with this history have the entry? */
static bool
holds(const struct lineage *lineage, uint64_t epoch, uint64_t seq)
{
    uint64_t there = lineage_epoch_at(lineage, seq);

    return seq <= lineage->seq && (there == epoch || there == 0);
}

void
check_master(struct world *w, size_t place, uint64_t epoch)
{
    const struct journal *j = &w->node[place].disk;

    if (epoch < w->top_epoch) {
        return; /* it has heard too late; nobody listens to it any more */
    }
    if (epoch == w->top_epoch) {
        world_break(w, "n%zu is master in epoch %llu, and n%zu was", place,
                    (unsigned long long)epoch, w->top_place);
    }
    if (j->building) {
        world_break(w, "n%zu is master with an unfinished copy", place);
    }
    w->top_epoch = epoch;
    w->top_place = place;
    w->top = j->lineage;
    if (w->set.sync && w->acked_seq > 0 &&
        !holds(&j->lineage, w->acked_epoch, w->acked_seq)) {
        world_break(
            w,
            "n%zu is master without (%llu, %llu), which was "
            "acknowledged; it ends at (%llu, %llu)",
            place, (unsigned long long)w->acked_epoch,
            (unsigned long long)w->acked_seq,
            (unsigned long long)lineage_epoch_at(&j->lineage, j->lineage.seq),
            (unsigned long long)j->lineage.seq);
    }
}

/* Whoever the index could promote has it, or had it before its disk died. */
static void
check_electable(struct world *w, size_t place, uint64_t epoch, uint64_t seq)
{
    const struct cluster_map *map = w->keeper.saved;

    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct node *node = cluster_map_find(map, place_key(i));

        if (node != NULL && node->partition == 0 && node->role != NODE_PROXY &&
            node->state == NODE_ACTIVE && !w->maimed[i] &&
            !journal_has(&w->node[i].disk, epoch, seq)) {
            world_break(w,
                        "n%zu acknowledges (%llu, %llu), which n%zu, who "
                        "could be promoted, does not have",
                        place, (unsigned long long)epoch,
                        (unsigned long long)seq, i);
        }
    }
}

void
check_ack(struct world *w, size_t place, uint64_t epoch, uint64_t seq)
{
    if (!w->set.sync) {
        return;
    }
    if (epoch > w->top_epoch ||
        (epoch == w->top_epoch && place != w->top_place)) {
        world_break(w, "n%zu acknowledges in epoch %llu, which is not its own",
                    place, (unsigned long long)epoch);
    }
    if (epoch < w->top_epoch && !holds(&w->top, epoch, seq)) {
        world_break(w,
                    "n%zu, deposed, acknowledges (%llu, %llu), which its "
                    "successor n%zu does not have",
                    place, (unsigned long long)epoch, (unsigned long long)seq,
                    w->top_place);
    }
    check_electable(w, place, epoch, seq);
    if (position_compare(epoch, seq, w->acked_epoch, w->acked_seq) > 0) {
        w->acked_epoch = epoch;
        w->acked_seq = seq;
    }
}

void
check_map(struct world *w, const struct cluster_map *before,
          const struct cluster_map *after)
{
    const struct node *was = cluster_map_master(before, 0);
    const struct node *is = cluster_map_master(after, 0);
    const struct node *heir;

    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct node *node = cluster_map_find(after, place_key(i));

        /* Out of the set it does not count; back in it, it has all again. */
        if (node == NULL || node->role == NODE_PROXY) {
            w->maimed[i] = false;
        }
    }
    if (after->version <= before->version) {
        world_break(w, "the version of the map goes from %llu to %llu",
                    (unsigned long long)before->version,
                    (unsigned long long)after->version);
    }
    if (was != NULL && is == NULL) {
        world_break(w, "partition 0 has lost its master");
    }
    if (was == NULL || is == NULL || slice_eq(node_key(was), node_key(is))) {
        return;
    }
    w->figures.failovers++;
    TRACE(w, "FAILOVER %s -> %s at version %llu", was->key, is->key,
          (unsigned long long)after->version);
    heir = cluster_map_find(before, node_key(is));
    if (was->state == NODE_ACTIVE && !w->calm &&
        (heir == NULL || heir->role != NODE_SLAVE ||
         heir->state != NODE_ACTIVE)) {
        world_break(w, "%s is promoted and was no active slave", is->key);
    }
}

/* --- at rest -------------------------------------------------------------- */

bool
check_rests(const struct world *w)
{
    const struct cluster_map *map = w->keeper.map;
    const struct node *master = map != NULL ? cluster_map_master(map, 0) : NULL;
    const struct journal *j;
    unsigned copies = 0;

    if (master == NULL || master->state != NODE_ACTIVE ||
        w->node[place_of(node_key(master))].epoch == 0) {
        return false;
    }
    j = &w->node[place_of(node_key(master))].disk;
    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct node *node = cluster_map_find(map, place_key(i));
        const struct node_sim *sim = &w->node[i];

        if (node == NULL || node->state == NODE_DOWN || sim->view == NULL ||
            sim->view->map->version != map->version) {
            return false;
        }
        if (node->role == NODE_PROXY) {
            continue;
        }
        copies++;
        if (node->state != NODE_ACTIVE || sim->disk.building ||
            sim->disk.lineage.seq != j->lineage.seq ||
            (node != master && !sim->follow.streams)) {
            return false;
        }
    }
    for (size_t i = 0; i < SIM_CLIENTS; i++) {
        if (w->client[i].waits) {
            return false;
        }
    }
    return copies == w->set.copies;
}

static void
check_copy(struct world *w, size_t a, size_t b)
{
    const struct journal *x = &w->node[a].disk, *y = &w->node[b].disk;

    for (uint32_t key = 0; key < SIM_KEYS; key++) {
        if (x->value[key] != y->value[key]) {
            world_break(w,
                        "at rest, both at (%llu, %llu): n%zu has %u under "
                        "key %u and n%zu %u",
                        (unsigned long long)lineage_epoch(&x->lineage),
                        (unsigned long long)x->lineage.seq, a, x->value[key],
                        key, b, y->value[key]);
            return;
        }
    }
    if (lineage_epoch(&x->lineage) != lineage_epoch(&y->lineage)) {
        world_break(w, "at rest n%zu and n%zu end in other epochs", a, b);
    }
}

static void
check_key(struct world *w, uint32_t key, uint32_t found)
{
    const struct wrote *wrote = &w->wrote[key];

    if (found == wrote->value || (wrote->unknown && found == wrote->maybe)) {
        return;
    }
    world_break(w, "key %u: %u was acknowledged, %u is there%s", key,
                wrote->value, found,
                wrote->value == 0 ? ": a delete was undone" : "");
}

void
check_end(struct world *w)
{
    const struct node *master = cluster_map_master(w->keeper.map, 0);
    size_t place = place_of(node_key(master));

    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct node *node = cluster_map_find(w->keeper.map, place_key(i));

        if (node->role == NODE_SLAVE && i != place) {
            check_copy(w, place, i);
        }
    }
    for (uint32_t key = 0; key < SIM_KEYS && w->set.sync; key++) {
        check_key(w, key, w->node[place].disk.value[key]);
    }
}
