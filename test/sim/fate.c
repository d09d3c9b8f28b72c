/* What goes wrong, and when it is put right again. */
#include <assert.h>

#include "test/sim/actors.h"

enum deed {
    DEED_KILL,
    DEED_POWER,
    DEED_PAUSE,
    DEED_ISLAND, /* all links of a place */
    DEED_MUTE,   /* ... in one direction */
    DEED_DEAF,
    DEED_PART, /* two places */
    DEED_ONE_WAY,
    DEED_FULL,
    DEED_KILL_INDEX,
    DEED_PAUSE_INDEX,
    DEED_FULL_INDEX,
    DEEDS
};

/* How often, of all. */
static const unsigned weight[DEEDS] = {30, 10, 14, 10, 6, 6, 8, 8, 5, 4, 3, 3};

static enum deed
choose(struct world *w)
{
    unsigned sum = 0, dice;

    for (unsigned i = 0; i < DEEDS; i++) {
        sum += weight[i];
    }
    dice = rand_below(&w->fate, sum);
    for (unsigned i = 0; i < DEEDS; i++) {
        if (dice < weight[i]) {
            return (enum deed)i;
        }
        dice -= weight[i];
    }
    return DEED_KILL;
}

static void
strike_again(struct world *w)
{
    int64_t wait =
        1 + (int64_t)(rand_u64(&w->fate) % (uint64_t)(2 * w->set.calm));

    /* Now and then two at once. */
    if (rand_below(&w->fate, 6) == 0) {
        wait = (int64_t)rand_below(&w->fate, 20) * MS;
    }
    queue_push(&w->queue,
               &(struct happen){.at = w->now + wait, .type = HAPPEN_FATE});
}

void
fate_begin(struct world *w)
{
    strike_again(w);
}

static void
mend_later(struct world *w, enum deed deed, size_t a, size_t b)
{
    int64_t whole = w->set.interval * (int64_t)w->set.threshold;
    int64_t wait;

    /* Before anybody notices, or long after, or in between. */
    switch (rand_below(&w->fate, 3)) {
    case 0:
        wait = (int64_t)(rand_u64(&w->fate) % (uint64_t)w->set.interval);
        break;
    case 1:
        wait = (int64_t)(rand_u64(&w->fate) % (uint64_t)(2 * whole));
        break;
    default:
        wait = (int64_t)(rand_u64(&w->fate) % (uint64_t)(6 * whole));
        break;
    }
    queue_push(&w->queue, &(struct happen){.at = w->now + wait,
                                           .type = HAPPEN_MEND,
                                           .a = deed,
                                           .b = a << 8 | b});
}

/* --- processes and machines ----------------------------------------------- */

static void
kill_node(struct world *w, size_t place, bool power)
{
    wire_kill(w, place, power);
    node_death(w, place);
}

static bool
has_cuts(const struct world *w, size_t place)
{
    for (size_t i = 0; i < SIM_PLACES; i++) {
        if (w->wire.cut[place][i] || w->wire.cut[i][place]) {
            return true;
        }
    }
    return false;
}

static bool
is_well(const struct world *w, size_t place)
{
    return w->wire.place[place].alive && !w->wire.place[place].paused &&
           !has_cuts(w, place);
}

/* Its master may just be telling the index that it is lost. */
static bool
is_reported(const struct world *w, size_t master, size_t slave)
{
    const struct feed *feed = &w->node[master].feed[slave];

    return feed->trouble_at != 0 ||
           (feed->told_at != 0 &&
            w->now < feed->told_at + 20 * w->set.interval);
}

/*
 * Without log-sync a machine that dies takes its copy with it.  That is
 * promised to be harmless as long as another one of the set goes on until the
 * first has come back: the guard.  0: there is none.
 */
static size_t
find_guard(const struct world *w, size_t place)
{
    const struct cluster_map *map = w->keeper.map;

    for (size_t i = 1;
         i <= w->set.nodes && is_well(w, SIM_INDEX) && is_well(w, place); i++) {
        const struct node *node = cluster_map_find(map, place_key(i));

        if (i != place && node != NULL && node->role != NODE_PROXY &&
            node->partition == 0 && node->state == NODE_ACTIVE &&
            is_well(w, i) && w->node[i].registered &&
            w->node[i].view->map->version == map->version &&
            !w->node[i].disk.full && !w->keeper.full &&
            w->keeper.member[i].health.failures == 0 &&
            w->keeper.member[i].health.suspect == 0 &&
            !is_reported(w, place, i) &&
            journal_has(&w->node[i].disk, w->acked_epoch, w->acked_seq)) {
            return i;
        }
    }
    return 0;
}

static bool
is_maimed(const struct world *w)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        if (w->maimed[i]) {
            return true;
        }
    }
    return false;
}

/* Who must not be touched now. */
static bool
is_guarded(const struct world *w, size_t place)
{
    return is_maimed(w) && (place == w->guard || place == SIM_INDEX);
}

static bool
lose_power(struct world *w, size_t place)
{
    struct journal *j = &w->node[place].disk;
    uint64_t lost = j->lineage.seq - j->synced;
    size_t guard = w->set.log_always ? SIM_INDEX : find_guard(w, place);

    if (!w->set.log_always && (guard == 0 || is_maimed(w))) {
        return false;
    }
    w->guard = guard;
    kill_node(w, place, true);
    lost = lost > 0 ? rand_u64(&w->fate) % (lost + 1) : 0;
    if (lost > 0) {
        TRACE(w, "n%zu loses its last %llu entries", place,
              (unsigned long long)lost);
        journal_lose(j, j->lineage.seq - lost);
        w->maimed[place] = !w->set.log_always;
    }
    j->synced = j->lineage.seq;
    return true;
}

/* --- links ---------------------------------------------------------------- */

static void
cut_all(struct world *w, size_t place, bool out, bool in, bool cut)
{
    for (size_t i = 0; i < SIM_PLACES; i++) {
        if (i != place && out) {
            wire_cut(w, place, i, cut);
        }
        if (i != place && in) {
            wire_cut(w, i, place, cut);
        }
    }
}

static void
cut_links(struct world *w, enum deed deed, size_t a, size_t b, bool cut)
{
    switch ((int)deed) {
    case DEED_ISLAND:
        cut_all(w, a, true, true, cut);
        break;
    case DEED_MUTE:
        cut_all(w, a, true, false, cut);
        break;
    case DEED_DEAF:
        cut_all(w, a, false, true, cut);
        break;
    case DEED_PART:
        wire_cut(w, a, b, cut);
        wire_cut(w, b, a, cut);
        break;
    default:
        wire_cut(w, a, b, cut);
        break;
    }
}

/* -------------------------------------------------------------------------- */

static bool
strike_process(struct world *w, enum deed deed, size_t a)
{
    if (!w->wire.place[a].alive) {
        return false;
    }
    switch ((int)deed) {
    case DEED_KILL:
        kill_node(w, a, false);
        return true;
    case DEED_POWER:
        return lose_power(w, a);
    case DEED_KILL_INDEX:
        wire_kill(w, SIM_INDEX, false);
        keeper_death(w);
        return true;
    case DEED_FULL:
        w->node[a].disk.full = true;
        return true;
    case DEED_FULL_INDEX:
        w->keeper.full = true;
        return true;
    default:
        if (w->wire.place[a].paused) {
            return false;
        }
        wire_pause(w, a);
        return true;
    }
}

/* A test for the smallest trouble that breaks something leaves this one out. */
static bool
is_skipped(const struct world *w, unsigned n)
{
    return w->skip != NULL && n < SIM_FATES && w->skip[n];
}

void
fate_strike(struct world *w)
{
    enum deed deed = choose(w);
    size_t a = 1 + rand_below(&w->fate, w->set.nodes);
    size_t b = rand_below(&w->fate, w->set.nodes + 1);
    bool done = true;

    if (w->calm) {
        return;
    }
    strike_again(w);
    if (rand_below(&w->fate, 2) == 0 && w->top_place != 0) {
        a = w->top_place; /* it is the master that matters */
    }
    if (deed == DEED_ISLAND && rand_below(&w->fate, 8) == 0) {
        a = SIM_INDEX;
    }
    b = b == a ? (a + 1) % (w->set.nodes + 1) : b;
    if (deed >= DEED_KILL_INDEX) {
        a = SIM_INDEX;
    }
    if (is_skipped(w, w->nfates++) || is_guarded(w, a) ||
        (deed >= DEED_ISLAND && is_maimed(w))) {
        return;
    }
    if (deed >= DEED_ISLAND && deed <= DEED_ONE_WAY) {
        cut_links(w, deed, a, b, true);
    } else {
        done = strike_process(w, deed, a);
    }
    if (done) {
        static const char *const names[DEEDS] = {
            "kill",      "power",      "pause",       "island",
            "mute",      "deaf",       "part",        "one way",
            "full disk", "kill index", "pause index", "full index"};

        w->figures.faults++;
        TRACE(w, "FAULT %s %zu %zu", names[deed], a, b);
        mend_later(w, deed, a, b);
    }
}

void
fate_mend(struct world *w, uint64_t what, uint64_t places)
{
    enum deed deed = (enum deed)what;
    size_t a = places >> 8, b = places & 255;

    TRACE(w, "MEND %d %zu %zu", (int)deed, a, b);
    switch ((int)deed) {
    case DEED_KILL:
    case DEED_POWER:
        if (!w->wire.place[a].alive) {
            node_birth(w, a);
        }
        break;
    case DEED_PAUSE:
        if (w->wire.place[a].paused) {
            w->node[a].woke = mono_of(w);
            wire_wake(w, a);
            wire_after(w, a, HAPPEN_DISK, 0);
        }
        break;
    case DEED_PAUSE_INDEX:
        wire_wake(w, SIM_INDEX);
        break;
    case DEED_KILL_INDEX:
        if (!w->wire.place[SIM_INDEX].alive) {
            keeper_birth(w);
        }
        break;
    case DEED_FULL:
        w->node[a].disk.full = false;
        break;
    case DEED_FULL_INDEX:
        w->keeper.full = false;
        break;
    default:
        cut_links(w, deed, a, b, false);
        break;
    }
}

void
fate_heal(struct world *w)
{
    for (size_t i = 0; i < SIM_PLACES; i++) {
        for (size_t j = 0; j < SIM_PLACES; j++) {
            wire_cut(w, i, j, false);
        }
    }
    for (size_t i = 1; i <= w->set.nodes; i++) {
        w->node[i].disk.full = false;
        fate_mend(w, DEED_PAUSE, i << 8);
        fate_mend(w, DEED_KILL, i << 8);
    }
    w->keeper.full = false;
    fate_mend(w, DEED_PAUSE_INDEX, 0);
    fate_mend(w, DEED_KILL_INDEX, 0);
}
