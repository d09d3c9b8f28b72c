/* A flarei: it watches, decides with lib/index, saves, and tells. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "index/step.h"
#include "test/sim/actors.h"

static void begin(struct world *w, const struct index_event *event);
static void forget_link(struct world *w, struct member_sim *m);

static struct index_event
event_of(enum index_event_type type, size_t place)
{
    struct slice key = place_key(place);

    return (struct index_event){.type = type,
                                .host = slice_until(&key, ':'),
                                .port = 1,
                                .balance = -1,
                                .partition = NODE_NO_PARTITION,
                                .data = {.partition = NODE_NO_PARTITION}};
}

static const struct node *
node_in_map(const struct world *w, size_t place)
{
    return cluster_map_find(w->keeper.map, place_key(place));
}

/* --- telling -------------------------------------------------------------- */

static bool
acked_by(const struct world *w, const char *key)
{
    size_t place = place_of(slice_str(key));

    return place == 0 ||
           w->keeper.member[place].acked >= w->keeper.map->version;
}

/* Those in the middle: do all know? */
static bool
middle_acked(const struct world *w)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct node *node = node_in_map(w, i);

        if (node != NULL && node->state != NODE_DOWN &&
            strcmp(node->key, w->keeper.last) != 0 && !acked_by(w, node->key)) {
            return false;
        }
    }
    return true;
}

static bool
is_turn_of(const struct world *w, const struct node *node)
{
    const struct keeper *k = &w->keeper;

    if (strcmp(node->key, k->first) == 0) {
        return true;
    }
    if (!acked_by(w, k->first) && w->now < k->first_until) {
        return false;
    }
    return strcmp(node->key, k->last) != 0 || w->now >= k->middle_until ||
           middle_acked(w);
}

static void
tell(struct world *w)
{
    struct keeper *k = &w->keeper;

    for (size_t i = 1; i <= w->set.nodes; i++) {
        struct member_sim *m = &k->member[i];
        const struct node *node = node_in_map(w, i);

        if (node == NULL || m->sent >= k->map->version ||
            !wire_is_open(w, m->link) || !is_turn_of(w, node)) {
            continue;
        }
        m->sent = k->map->version;
        wire_send(
            w, m->link,
            &(struct msg){.type = MSG_SYNC, .map = cluster_map_ref(k->map)});
    }
}

/* --- deciding ------------------------------------------------------------- */

static void
note_prepare(struct world *w, const struct cluster_map *before,
             const struct cluster_map *after)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct node *was = cluster_map_find(before, place_key(i));
        const struct node *is = cluster_map_find(after, place_key(i));

        if (is != NULL && is->state == NODE_PREPARE &&
            (was == NULL || was->state != NODE_PREPARE)) {
            w->keeper.prepare_since[i] = after->version;
        }
        if (is != NULL && is->state == NODE_ACTIVE &&
            (was == NULL || was->state != NODE_ACTIVE)) {
            w->keeper.active_since[i] = after->version;
        }
    }
}

/* A node of the partition that is not the one the rules say. */
static void
plant_heir(struct world *w, struct cluster_map *map)
{
    struct node *master = NULL, *other = NULL;

    for (size_t i = 0; i < map->nnodes; i++) {
        struct node *node = &map->node[i];

        if (node->role == NODE_MASTER && node->state == NODE_ACTIVE) {
            master = node;
        } else if (node->state != NODE_DOWN &&
                   (other == NULL || rand_below(&w->r, 2) == 0)) {
            other = node;
        }
    }
    if (master != NULL && other != NULL) {
        enum node_role role = other->role;

        other->role = NODE_MASTER;
        other->state = NODE_ACTIVE;
        other->partition = 0;
        other->balance = 1;
        master->role = role == NODE_SLAVE ? NODE_SLAVE : NODE_PROXY;
        master->partition = role == NODE_SLAVE ? 0 : NODE_NO_PARTITION;
        master->balance = role == NODE_SLAVE;
    }
}

static bool
apply(struct world *w, struct index_event *event)
{
    struct keeper *k = &w->keeper;
    struct cluster_map *before = k->map;
    struct index_plan plan;
    enum index_verdict verdict;

    event->positions = k->position;
    event->npositions = k->npositions;
    verdict = index_step(before, event, &plan);
    k->npositions = 0;
    TRACE(w, "index: %s -> %s", index_event_name(event->type), plan.why);
    if (verdict != INDEX_CHANGED) {
        return verdict == INDEX_SAME;
    }
    if (k->full) {
        TRACE(w, "index: its disk is full");
        cluster_map_unref(plan.map);
        return false;
    }
    if (w->set.plant == PLANT_RANDOM_HEIR && event->type == INDEX_DOWN) {
        plant_heir(w, plan.map);
    }
    if (w->set.plant != PLANT_NO_DURABLE) {
        cluster_map_unref(k->saved);
        k->saved = cluster_map_ref(plan.map);
    }
    k->map = plan.map;
    note_prepare(w, before, plan.map);
    memcpy(k->first, plan.first, sizeof(k->first));
    memcpy(k->last, plan.last, sizeof(k->last));
    k->first_until = w->now + 200 * MS;
    k->middle_until = w->now + 400 * MS;
    check_map(w, before, plan.map);
    cluster_map_unref(before);
    tell(w);
    return true;
}

/* --- asking first --------------------------------------------------------- */

/* A node that has added itself is answered, and looked at, from now on. */
static void
welcome(struct world *w)
{
    struct keeper *k = &w->keeper;
    struct member_sim *m = &k->member[k->adder_place];

    health_join(&m->health);
    m->count_at = w->now + w->set.interval;
    forget_link(w, m);
    m->ping_at = w->now;
    wire_send(w, k->adder,
              &(struct msg){.type = MSG_MAP, .map = cluster_map_ref(k->map)});
}

static void
finish_asking(struct world *w)
{
    struct keeper *k = &w->keeper;

    k->asking = false;
    if (apply(w, &k->event) && k->event.type == INDEX_ADD) {
        welcome(w); /* otherwise it is told so, and asks again */
    }
}

/* Decide on it; if positions matter, ask for them before. */
static void
begin(struct world *w, const struct index_event *event)
{
    struct keeper *k = &w->keeper;

    if (k->asking) {
        return; /* it will be seen again */
    }
    k->event = *event;
    k->nasked = 0;
    k->npositions = 0;
    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct node *node = node_in_map(w, i);

        if (node != NULL && index_wants_position(k->map, event, node) &&
            wire_is_open(w, k->member[i].link)) {
            wire_send(w, k->member[i].link,
                      &(struct msg){.type = MSG_POSITION});
            k->nasked++;
        }
    }
    k->asking = k->nasked > 0;
    k->asked_until =
        w->now + (w->set.interval < 100 * MS ? w->set.interval : 100 * MS);
    if (!k->asking) {
        finish_asking(w);
    }
}

static void
take_position(struct world *w, size_t place, const struct msg *msg)
{
    struct keeper *k = &w->keeper;

    if (!k->asking || k->npositions >= SIM_PLACES) {
        return;
    }
    k->position[k->npositions++] =
        (struct index_position){.key = place_key(place),
                                .data = {.copy = (enum node_copy)msg->c,
                                         .partition = 0,
                                         .epoch = msg->a,
                                         .seq = msg->b,
                                         .records = msg->b},
                                .fresh = true};
    if (k->npositions >= k->nasked) {
        finish_asking(w);
    }
}

/* --- watching ------------------------------------------------------------- */

static void
weigh(struct world *w, size_t place, enum health_evidence evidence)
{
    struct keeper *k = &w->keeper;
    struct member_sim *m = &k->member[place];
    const struct node *node = node_in_map(w, place);
    struct index_event event = event_of(INDEX_DOWN, place);

    m->answers = evidence == HEALTH_ANSWERED;
    if (node == NULL) {
        return;
    }
    if (evidence == HEALTH_REFUSED && m->health.joining) {
        m->ping_at = w->now + w->set.tick;
        if (w->now < m->count_at) {
            return;
        }
        m->count_at = w->now + w->set.interval;
    }
    event.evidence = evidence;
    switch (health_step(&m->health, evidence, node->state == NODE_DOWN,
                        w->set.threshold)) {
    case HEALTH_NOTHING:
        break;
    case HEALTH_CONFIRM:
        m->ping_at = w->now + 2 * MS;
        break;
    case HEALTH_DOWN:
        TRACE(w, "index: n%zu is down", place);
        begin(w, &event);
        break;
    case HEALTH_UP:
        event.type = INDEX_UP;
        event.data.copy = NODE_COPY_UNKNOWN;
        begin(w, &event);
        break;
    }
}

static void
forget_link(struct world *w, struct member_sim *m)
{
    wire_close(w, &m->link);
    m->pinging = false;
    m->sent = m->acked = 0;
}

static void
ping(struct world *w, size_t place)
{
    struct member_sim *m = &w->keeper.member[place];

    m->ping_at = w->now + w->set.interval;
    if (!wire_is_open(w, m->link)) {
        m->link = wire_open(w, SIM_INDEX, place);
        m->up_at = w->now;
        m->sent = m->acked = 0;
    }
    if (!m->pinging) {
        m->pinging = true;
        m->silent_at = w->now + w->set.interval;
        wire_send(w, m->link, &(struct msg){.type = MSG_PING});
    }
}

/* --- what nodes say ------------------------------------------------------- */

static void
on_add(struct world *w, size_t place, struct link_end end,
       const struct msg *msg)
{
    struct keeper *k = &w->keeper;
    struct index_event event = event_of(INDEX_ADD, place);

    event.data = (struct node_data){.copy = (enum node_copy)msg->c,
                                    .partition = msg->b > 0 ? 0 : -1,
                                    .epoch = msg->a,
                                    .seq = msg->b,
                                    .records = msg->b};
    if (msg->d > k->map->version) {
        struct index_event renumber = event_of(INDEX_RENUMBER, place);

        renumber.version = msg->d;
        k->npositions = 0;
        (void)apply(w, &renumber);
    }
    if (k->asking) {
        return; /* it asks again */
    }
    w->figures.adds++;
    k->adder = end;
    k->adder_place = place;
    begin(w, &event);
}

/* May this report make it active?  It must be of this prepare, and about the
 * master there is. */
static bool
is_timely(const struct world *w, size_t place, const struct msg *msg)
{
    const struct node *master = cluster_map_master(w->keeper.map, 0);

    if (w->set.plant == PLANT_OLD_REPORT) {
        return true;
    }
    return master != NULL && master->state == NODE_ACTIVE &&
           msg->a >= master->master_since &&
           msg->b >= w->keeper.prepare_since[place];
}

static void
on_active(struct world *w, size_t place, const struct msg *msg)
{
    struct index_event event = event_of(INDEX_STATE, place);
    const struct node *node = node_in_map(w, place);

    if (node != NULL && node->state == NODE_PREPARE &&
        is_timely(w, place, msg)) {
        event.state = NODE_ACTIVE;
        w->keeper.npositions = 0;
        (void)apply(w, &event);
    }
}

/* A master cannot keep a slave up, or a learner gives up. */
static void
on_lost(struct world *w, size_t from, const struct msg *msg)
{
    const struct node *node = node_in_map(w, from);
    struct index_event event = event_of(INDEX_ROLE, (size_t)msg->a);

    if (node == NULL || (from != msg->a && node->role != NODE_MASTER) ||
        (msg->b < w->keeper.active_since[msg->a] &&
         w->set.plant != PLANT_OLD_LOST)) {
        return; /* that is not so any more */
    }
    event.role = NODE_PROXY;
    event.balance = 0;
    w->keeper.npositions = 0;
    (void)apply(w, &event);
}

void
keeper_msg(struct world *w, struct link_end end, struct msg *msg)
{
    size_t from = wire_other(w, end);
    struct member_sim *m = &w->keeper.member[from];

    switch ((int)msg->type) {
    case MSG_PONG:
        if (same_end(end, m->link)) {
            m->pinging = false;
            weigh(w, from, HEALTH_ANSWERED);
            m->sent = m->acked; /* who has not taken it is told again */
            tell(w);
        }
        break;
    case MSG_SYNCED:
        if (same_end(end, m->link)) {
            m->acked = msg->a;
            tell(w);
        }
        break;
    case MSG_DATA:
        take_position(w, from, msg);
        break;
    case MSG_ADD:
        on_add(w, from, end, msg);
        break;
    case MSG_ACTIVE:
        on_active(w, from, msg);
        break;
    case MSG_LOST:
        on_lost(w, from, msg);
        break;
    default:
        break;
    }
}

void
keeper_closed(struct world *w, struct link_end end, bool refused)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        struct member_sim *m = &w->keeper.member[i];

        if (same_end(end, m->link)) {
            forget_link(w, m);
            weigh(w, i, refused ? HEALTH_REFUSED : HEALTH_CLOSED);
            tell(w);
        }
    }
}

/* --- time ----------------------------------------------------------------- */

/* Whose whole copy goes furthest; what an operator would find out. */
static size_t
furthest(const struct world *w, size_t best)
{
    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct lineage *a = &w->node[i].disk.lineage;
        const struct lineage *b = &w->node[best].disk.lineage;

        if (!w->node[i].disk.building &&
            (w->node[best].disk.building ||
             position_compare(lineage_epoch(a), a->seq, lineage_epoch(b),
                              b->seq) > 0)) {
            best = i;
        }
    }
    return best;
}

/* A master is not let in, and nobody else may take over: a man decides. */
static void
force(struct world *w, size_t place)
{
    size_t best = furthest(w, place);
    struct index_event event =
        event_of(best == place ? INDEX_STATE : INDEX_ROLE, best);

    event.state = NODE_ACTIVE;
    event.role = NODE_MASTER;
    event.balance = 1;
    event.partition = 0;
    event.answers = true;
    event.force = true;
    w->keeper.npositions = 0;
    w->figures.forced++;
    (void)apply(w, &event);
}

/* The operator: as many copies as there should be, of those who are there. */
static void
tend(struct world *w)
{
    struct keeper *k = &w->keeper;
    unsigned copies = 0;
    size_t proxy = 0;

    k->tend_at =
        w->now + w->set.interval * 2 + (int64_t)rand_below(&w->r, 500) * MS;
    for (size_t i = 1; i <= w->set.nodes; i++) {
        const struct node *node = node_in_map(w, i);

        if (node != NULL && node->wait != NODE_WAIT_NOT && w->calm) {
            force(w, i);
            return;
        }
        if (node == NULL || node->state == NODE_DOWN) {
            continue;
        }
        if (node->role != NODE_PROXY) {
            copies++;
        } else if (proxy == 0 || rand_below(&w->r, 2) == 0) {
            proxy = i;
        }
    }
    if (copies < w->set.copies && proxy != 0) {
        struct index_event event = event_of(INDEX_ROLE, proxy);

        event.partition = 0;
        event.role =
            cluster_map_master(k->map, 0) == NULL ? NODE_MASTER : NODE_SLAVE;
        event.balance = event.role == NODE_MASTER;
        event.answers = true;
        k->npositions = 0;
        (void)apply(w, &event);
    }
}

void
keeper_tick(struct world *w)
{
    struct keeper *k = &w->keeper;

    for (size_t i = 1; i <= w->set.nodes; i++) {
        struct member_sim *m = &k->member[i];

        if (node_in_map(w, i) == NULL) {
            continue;
        }
        if (m->pinging && w->now >= m->silent_at) {
            forget_link(w, m);
            weigh(w, i, HEALTH_SILENT);
        }
        if (w->now >= m->ping_at) {
            ping(w, i);
        }
    }
    if (k->asking && w->now >= k->asked_until) {
        finish_asking(w);
    }
    if (w->now >= k->tend_at && !k->asking) {
        tend(w);
    }
    tell(w);
    wire_after(w, SIM_INDEX, HAPPEN_TICK, w->set.tick);
}

/* --- life ----------------------------------------------------------------- */

void
keeper_birth(struct world *w)
{
    struct keeper *k = &w->keeper;

    wire_birth(w, SIM_INDEX);
    if (k->saved == NULL) {
        k->saved = cluster_map_new(0);
    }
    k->map = cluster_map_ref(k->saved);
    for (size_t i = 0; i < SIM_PLACES; i++) {
        k->prepare_since[i] = k->active_since[i] = k->map->version;
    }
    TRACE(w, "index: starts with map %llu",
          (unsigned long long)k->map->version);
    wire_after(w, SIM_INDEX, HAPPEN_TICK, w->set.tick);
}

void
keeper_death(struct world *w)
{
    struct keeper *k = &w->keeper;
    struct cluster_map *saved = k->saved;
    bool full = k->full;

    cluster_map_unref(k->map);
    memset(k, 0, sizeof(*k));
    k->saved = saved;
    k->full = full;
}
