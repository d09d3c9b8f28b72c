#include "test/sim/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "test/sim/actors.h"
#include "test/sim/world.h"

/* --- messages ------------------------------------------------------------- */

void
msg_fini(struct msg *msg)
{
    free(msg->rows);
    free(msg->entries);
    free(msg->lineage);
    cluster_map_unref(msg->map);
    msg->rows = NULL;
    msg->entries = NULL;
    msg->lineage = NULL;
    msg->map = NULL;
}

static void
msg_free(struct msg *msg)
{
    if (msg != NULL) {
        msg_fini(msg);
        free(msg);
    }
}

/* --- connections ---------------------------------------------------------- */

static const struct conn *
conn_seen(const struct world *w, struct link_end end)
{
    const struct conn *conn;

    if (end.conn == 0) {
        return NULL;
    }
    conn = &w->wire.conn[end.conn - 1];
    return conn->used && conn->gen == end.gen ? conn : NULL;
}

static struct conn *
conn_of(struct world *w, struct link_end end)
{
    return conn_seen(w, end) != NULL ? &w->wire.conn[end.conn - 1] : NULL;
}

static struct link_end
other_end(struct link_end end)
{
    end.side = 1 - end.side;
    return end;
}

struct link_end
wire_open(struct world *w, size_t from, size_t to)
{
    for (size_t i = 0; i < SIM_CONNS; i++) {
        struct conn *conn = &w->wire.conn[i];

        if (conn->used) {
            continue;
        }
        *conn = (struct conn){.gen = conn->gen + 1,
                              .place = {(uint8_t)from, (uint8_t)to},
                              .open = {true, true},
                              .used = true};
        conn->waits_end[0] = &conn->waits[0];
        conn->waits_end[1] = &conn->waits[1];
        return (struct link_end){(uint16_t)(i + 1), 0, conn->gen};
    }
    world_break(w, "the simulator has no connections left");
    return (struct link_end){0, 0, 0};
}

bool
wire_is_open(const struct world *w, struct link_end end)
{
    const struct conn *conn = conn_seen(w, end);

    return conn != NULL && conn->open[end.side];
}

size_t
wire_other(const struct world *w, struct link_end end)
{
    const struct conn *conn = conn_seen(w, end);

    return conn != NULL ? conn->place[1 - end.side] : 0;
}

static int64_t
latency(struct world *w)
{
    return w->set.delay +
           (int64_t)(rand_u64(&w->r) % (uint64_t)(w->set.jitter + 1));
}

static void
dispatch(struct world *w, struct conn *conn, struct link_end to,
         struct msg *msg, int64_t extra)
{
    int64_t at = w->now + latency(w) + extra;

    if (at <= conn->last[to.side]) {
        at = conn->last[to.side] + 1;
    }
    conn->last[to.side] = at;
    queue_push(&w->queue, &(struct happen){.at = at,
                                           .type = HAPPEN_MSG,
                                           .place = conn->place[to.side],
                                           .to = to,
                                           .msg = msg});
}

static void
put(struct world *w, struct link_end to, struct msg *msg)
{
    struct conn *conn = conn_of(w, to);

    if (conn == NULL) {
        msg_free(msg);
        return;
    }
    if (w->wire.cut[conn->place[1 - to.side]][conn->place[to.side]] ||
        conn->waits[to.side] != NULL) {
        *conn->waits_end[to.side] = msg;
        conn->waits_end[to.side] = &msg->next;
        return;
    }
    dispatch(w, conn, to, msg, 0);
}

static struct msg *
msg_new(const struct msg *msg)
{
    struct msg *copy = xcalloc(1, sizeof(*copy));

    *copy = *msg;
    copy->next = NULL;
    return copy;
}

void
wire_send(struct world *w, struct link_end from, const struct msg *msg)
{
    if (!wire_is_open(w, from)) {
        struct msg lost = *msg;

        msg_fini(&lost);
        return;
    }
    put(w, other_end(from), msg_new(msg));
}

static void
drop_waiting(struct conn *conn, unsigned side)
{
    while (conn->waits[side] != NULL) {
        struct msg *msg = conn->waits[side];

        conn->waits[side] = msg->next;
        msg_free(msg);
    }
    conn->waits_end[side] = &conn->waits[side];
}

static void
forget(struct conn *conn)
{
    if (!conn->open[0] && !conn->open[1]) {
        drop_waiting(conn, 0);
        drop_waiting(conn, 1);
        conn->used = false;
    }
}

void
wire_close(struct world *w, struct link_end *end)
{
    struct conn *conn = conn_of(w, *end);

    if (conn != NULL && conn->open[end->side]) {
        conn->open[end->side] = false;
        put(w, other_end(*end), msg_new(&(struct msg){.type = MSG_CLOSED}));
    }
    *end = (struct link_end){0, 0, 0};
}

void
wire_cut(struct world *w, size_t from, size_t to, bool cut)
{
    if (w->wire.cut[from][to] == cut) {
        return;
    }
    w->wire.cut[from][to] = cut;
    for (uint16_t i = 0; !cut && i < SIM_CONNS; i++) {
        struct conn *conn = &w->wire.conn[i];

        for (uint16_t side = 0; side < 2; side++) {
            int64_t resent = (int64_t)rand_below(&w->r, 300) * MS;
            struct msg *msg = conn->waits[side];

            if (!conn->used || conn->place[side] != to ||
                conn->place[1 - side] != from) {
                continue;
            }
            conn->waits[side] = NULL;
            conn->waits_end[side] = &conn->waits[side];
            while (msg != NULL) {
                struct msg *next = msg->next;

                dispatch(w, conn, (struct link_end){i + 1, side, conn->gen},
                         msg, resent);
                msg = next;
            }
        }
    }
}

/* --- processes ------------------------------------------------------------ */

void
wire_kill(struct world *w, size_t place, bool power)
{
    struct place_sim *p = &w->wire.place[place];

    p->alive = false;
    p->paused = false;
    p->life++;
    for (size_t i = 0; i < p->nheld; i++) {
        msg_free(p->held[i].msg);
    }
    p->nheld = 0;
    for (size_t i = 0; i < SIM_CONNS; i++) {
        struct conn *conn = &w->wire.conn[i];

        for (uint16_t side = 0; side < 2; side++) {
            struct link_end end = {(uint16_t)(i + 1), side, conn->gen};

            if (!conn->used || conn->place[side] != place ||
                !conn->open[side]) {
                continue;
            }
            if (power) {
                conn->open[side] = false;
                drop_waiting(conn, 1 - side);
                forget(conn);
            } else {
                wire_close(w, &end);
            }
        }
    }
}

void
wire_birth(struct world *w, size_t place)
{
    w->wire.place[place].alive = true;
    w->wire.place[place].life++;
}

void
wire_pause(struct world *w, size_t place)
{
    w->wire.place[place].paused = w->wire.place[place].alive;
}

void
wire_wake(struct world *w, size_t place)
{
    struct place_sim *p = &w->wire.place[place];

    if (!p->paused) {
        return;
    }
    p->paused = false;
    for (size_t i = 0; i < p->nheld; i++) {
        p->held[i].at = w->now;
        queue_push(&w->queue, &p->held[i]);
    }
    p->nheld = 0;
}

void
wire_after(struct world *w, size_t place, enum happening type, int64_t delay)
{
    queue_push(&w->queue, &(struct happen){.at = w->now + delay,
                                           .type = type,
                                           .place = place,
                                           .life = w->wire.place[place].life});
}

/* --- delivering ----------------------------------------------------------- */

static void
hold_back(struct place_sim *p, const struct happen *happen)
{
    if (p->nheld == p->held_cap) {
        p->held_cap = p->held_cap == 0 ? 64 : 2 * p->held_cap;
        p->held = xreallocarray(p->held, p->held_cap, sizeof(*p->held));
    }
    p->held[p->nheld++] = *happen;
}

/* Nobody has this end open: the sender is told. */
static void
reset(struct world *w, struct link_end to, const struct msg *msg)
{
    struct conn *conn = conn_of(w, to);

    if (msg->type != MSG_CLOSED && conn != NULL && conn->open[1 - to.side]) {
        put(w, other_end(to),
            msg_new(&(struct msg){.type = MSG_CLOSED, .a = !conn->accepted}));
    }
}

static void
deliver_msg(struct world *w, struct happen *happen)
{
    struct place_sim *p = &w->wire.place[happen->place];
    struct conn *conn = conn_of(w, happen->to);
    struct msg *msg = happen->msg;

    if (conn == NULL) {
        msg_free(msg);
        return;
    }
    if (!p->alive || !conn->open[happen->to.side]) {
        if (conn->open[happen->to.side]) {
            conn->open[happen->to.side] = false; /* never accepted */
        }
        reset(w, happen->to, msg);
        forget(conn);
        msg_free(msg);
        return;
    }
    conn->accepted = true;
    if (msg->type == MSG_CLOSED) {
        conn->open[happen->to.side] = false;
        actor_closed(w, happen->place, happen->to, msg->a != 0);
        forget(conn);
    } else {
        actor_msg(w, happen->place, happen->to, msg);
    }
    msg_free(msg);
}

void
wire_deliver(struct world *w, struct happen *happen)
{
    struct place_sim *p = &w->wire.place[happen->place];

    if (p->paused && happen->type != HAPPEN_FATE &&
        happen->type != HAPPEN_MEND && happen->type != HAPPEN_DISK) {
        hold_back(p, happen);
        return;
    }
    switch (happen->type) {
    case HAPPEN_MSG:
        deliver_msg(w, happen);
        return;
    case HAPPEN_TICK:
    case HAPPEN_DISK:
    case HAPPEN_THINK:
        if (p->alive && p->life == happen->life) {
            actor_timer(w, happen->place, happen->type);
        }
        return;
    case HAPPEN_FATE:
        fate_strike(w);
        return;
    case HAPPEN_MEND:
        fate_mend(w, happen->a, happen->b);
        return;
    }
}

void
wire_fini(struct world *w)
{
    struct happen happen;

    while (queue_pop(&w->queue, &happen)) {
        msg_free(happen.msg);
    }
    queue_fini(&w->queue);
    for (size_t i = 0; i < SIM_CONNS; i++) {
        for (unsigned side = 0; side < 2 && w->wire.conn[i].used; side++) {
            drop_waiting(&w->wire.conn[i], side);
        }
    }
    for (size_t i = 0; i < SIM_PLACES; i++) {
        struct place_sim *p = &w->wire.place[i];

        for (size_t j = 0; j < p->nheld; j++) {
            msg_free(p->held[j].msg);
        }
        free(p->held);
    }
}
