#include "test/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "test/sim/actors.h"

enum { REST_S = 120 };

/* --- names ---------------------------------------------------------------- */

struct slice
place_key(size_t place)
{
    static const char *const names[] = {"?:1",  "n1:1", "n2:1", "n3:1",
                                        "n4:1", "n5:1", "?:1",  "?:1"};

    return slice_str(names[place < 6 ? place : 6]);
}

size_t
place_of(struct slice key)
{
    return key.n == 4 && key.p[0] == 'n' ? (size_t)(key.p[1] - '0') : 0;
}

void
world_trace(struct world *w, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)printf("%9.3f ", (double)w->now / 1e6);
    (void)vprintf(fmt, ap);
    (void)printf("\n");
    va_end(ap);
}

void
world_break(struct world *w, const char *fmt, ...)
{
    va_list ap;

    if (w->broken) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(w->what, sizeof(w->what), fmt, ap);
    va_end(ap);
    w->broken = true;
    TRACE(w, "BROKEN: %s", w->what);
}

/* --- actors --------------------------------------------------------------- */

void
actor_msg(struct world *w, size_t place, struct link_end end, struct msg *msg)
{
    if (place == SIM_INDEX) {
        keeper_msg(w, end, msg);
    } else if (place <= w->set.nodes) {
        node_msg(w, place, end, msg);
    } else {
        client_msg(w, place, msg);
    }
}

void
actor_closed(struct world *w, size_t place, struct link_end end, bool refused)
{
    if (place == SIM_INDEX) {
        keeper_closed(w, end, refused);
    } else if (place <= w->set.nodes) {
        node_closed(w, place, end, refused);
    } else {
        client_closed(w, place, end);
    }
}

void
actor_timer(struct world *w, size_t place, enum happening type)
{
    if (type == HAPPEN_THINK) {
        client_think(w, place);
    } else if (type == HAPPEN_DISK) {
        node_disk(w, place);
    } else if (place == SIM_INDEX) {
        keeper_tick(w);
    } else {
        node_tick(w, place);
    }
}

/* --- a run ---------------------------------------------------------------- */

struct setting
setting_of(uint64_t seed)
{
    struct rand r;
    struct setting set = {.sync = true};

    rand_init(&r, seed * 7919 + 1);
    set.nodes = 2 + rand_below(&r, SIM_NODES - 1);
    set.copies = 2 + rand_below(&r, set.nodes - 1);
    set.sync = rand_below(&r, 8) != 0;
    set.log_always = rand_below(&r, 3) == 0;
    set.min_in_sync = 1 + (rand_below(&r, 4) == 0);
    set.interval = (int64_t)(rand_below(&r, 4) == 0 ? 400 : 100) * MS;
    set.tick = set.interval / 10;
    set.threshold = 2 + rand_below(&r, 2);
    set.delay = 1 + (int64_t)rand_below(&r, 1000) * MS / 1000;
    set.jitter =
        (int64_t)rand_below(&r, rand_below(&r, 3) == 0 ? 20000 : 1000) * MS /
        1000;
    set.keep = 8 + rand_below(&r, rand_below(&r, 2) == 0 ? 24 : 400);
    set.calm = set.interval * (2 + rand_below(&r, 12));
    set.span = set.interval * 300;
    set.think = (int64_t)(1 + rand_below(&r, 40)) * MS;
    if (rand_below(&r, 3) == 0) { /* all at once, on long ways */
        set.calm = set.interval;
        set.jitter = set.interval / 20 * (1 + (int64_t)rand_below(&r, 4));
        set.think = 2 * MS;
        set.keep = 40 + rand_below(&r, 200);
    }
    return set;
}

void
setting_hurry(struct setting *set)
{
    set->interval = 100 * MS;
    set->span = set->interval * 300;
    set->tick = set->interval / 5;
    set->jitter = set->jitter % (set->interval / 20);
    set->calm = set->interval * (int64_t)(2 + set->keep % 4);
    set->think = (int64_t)(30 + set->keep % 40) * MS;
}

static void
begin(struct world *w)
{
    keeper_birth(w);
    for (size_t i = 1; i <= w->set.nodes; i++) {
        journal_init(&w->node[i].disk, w->set.keep);
        node_birth(w, i);
    }
    for (size_t i = 1 + w->set.nodes; i < 1 + w->set.nodes + SIM_CLIENTS; i++) {
        client_begin(w, i);
    }
    fate_begin(w);
}

static bool
step(struct world *w)
{
    struct happen happen;

    if (!queue_pop(&w->queue, &happen)) {
        world_break(w, "nothing is going to happen any more");
        return false;
    }
    w->now = happen.at;
    w->figures.events++;
    wire_deliver(w, &happen);
    return !w->broken;
}

static void
run(struct world *w)
{
    int64_t look;

    while (w->now < w->set.span && step(w)) {
    }
    w->calm = true;
    fate_heal(w);
    TRACE(w, "from here on all is well");
    look = w->now;
    while (!w->broken) {
        if (w->now >= look) {
            if (check_rests(w)) {
                check_end(w);
                return;
            }
            look = w->now + w->set.interval;
        }
        if (w->now > w->set.span + REST_S * 1000 * MS) {
            world_break(w, "it does not come to rest");
        }
        (void)step(w);
    }
}

static void
end(struct world *w)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        node_death(w, i);
        journal_fini(&w->node[i].disk);
    }
    keeper_death(w);
    cluster_map_unref(w->keeper.saved);
    wire_fini(w);
}

bool
world_run_without(struct world *w, uint64_t seed, const struct setting *set,
                  bool traces, const bool *skip)
{
    struct partition_table *table = w->table;

    memset(w, 0, sizeof(*w));
    w->table = table != NULL ? table : partition_table_new(2, 1, 16);
    w->seed = seed;
    w->set = *set;
    w->traces = traces;
    w->skip = skip;
    rand_init(&w->r, 2 * seed + 1);
    rand_init(&w->fate, 2 * seed + 2);
    begin(w);
    run(w);
    end(w);
    return !w->broken;
}

bool
world_run(struct world *w, uint64_t seed, const struct setting *set,
          bool traces)
{
    return world_run_without(w, seed, set, traces, NULL);
}

/* Larger pieces first. */
unsigned
world_shrink(struct world *w, uint64_t seed, const struct setting *set,
             bool skip[SIM_FATES])
{
    bool try[SIM_FATES];
    unsigned n, left = 0;

    memset(skip, 0, SIM_FATES * sizeof(*skip));
    (void)world_run(w, seed, set, false);
    n = w->nfates < SIM_FATES ? w->nfates : SIM_FATES;
    for (unsigned piece = n / 2 + 1; piece > 0; piece /= 2) {
        for (unsigned at = 0; at < n; at += piece) {
            unsigned size = at + piece <= n ? piece : n - at;

            memcpy(try, skip, sizeof(try));
            memset(try + at, true, size * sizeof(*try));
            if (!world_run_without(w, seed, set, false, try)) {
                memcpy(skip, try, sizeof(try));
            }
        }
    }
    for (unsigned i = 0; i < n; i++) {
        left += !skip[i];
    }
    return left;
}
