/* Clients: each has keys of its own and remembers what it was told. */
#include "test/sim/actors.h"

enum { OPS_MAX = 8, PATIENCE_INTERVALS = 30 };

static struct client_sim *
client_of(struct world *w, size_t place)
{
    return &w->client[place - 1 - w->set.nodes];
}

void
client_begin(struct world *w, size_t place)
{
    struct client_sim *c = client_of(w, place);
    uint32_t n = (uint32_t)(place - 1 - w->set.nodes);

    wire_birth(w, place);
    *c = (struct client_sim){.from_key = n * (SIM_KEYS / SIM_CLIENTS)};
    c->key = c->from_key;
    c->to_key = c->from_key + SIM_KEYS / SIM_CLIENTS;
    wire_after(w, place, HAPPEN_THINK, (int64_t)rand_below(&w->r, 100) * MS);
}

/* The key is left alone from now on. */
static void
next_key(struct client_sim *c)
{
    if (c->key < c->to_key) {
        c->key++;
    }
}

static void
ask(struct world *w, size_t place)
{
    struct client_sim *c = client_of(w, place);
    struct wrote *wrote = &w->wrote[c->key];

    if (!wire_is_open(w, c->link)) {
        c->entrance = 1 + rand_below(&w->r, w->set.nodes);
        c->link = wire_open(w, place, c->entrance);
    }
    if (wrote->left == 0) {
        wrote->left = (uint8_t)(1 + rand_below(&w->r, OPS_MAX));
    }
    c->value = wrote->value != 0 && rand_below(&w->r, 3) == 0
                   ? 0
                   : (uint32_t)++w->last_value;
    c->waits = true;
    c->id++;
    c->deadline = w->now + PATIENCE_INTERVALS * w->set.interval;
    wire_send(w, c->link,
              &(struct msg){
                  .type = MSG_WRITE, .a = c->id, .b = c->key, .c = c->value});
}

static void
doubt(struct world *w, struct client_sim *c)
{
    struct wrote *wrote = &w->wrote[c->key];

    wrote->unknown = true;
    wrote->maybe = c->value;
    c->waits = false;
    w->figures.unknown++;
    next_key(c);
}

void
client_msg(struct world *w, size_t place, struct msg *msg)
{
    struct client_sim *c = client_of(w, place);
    struct wrote *wrote = &w->wrote[c->key];

    if (msg->type != MSG_ANSWER || !c->waits || msg->a != c->id) {
        return;
    }
    switch ((enum answer)msg->b) {
    case ANSWER_STORED:
        wrote->value = c->value;
        c->waits = false;
        w->figures.acked++;
        if (--wrote->left == 0) {
            next_key(c);
        }
        break;
    case ANSWER_REFUSED:
        c->waits = false;
        w->figures.refused++;
        break;
    case ANSWER_UNKNOWN:
        doubt(w, c);
        break;
    }
}

void
client_closed(struct world *w, size_t place, struct link_end end)
{
    struct client_sim *c = client_of(w, place);

    if (same_end(end, c->link)) {
        c->link = (struct link_end){0, 0, 0};
        if (c->waits) {
            doubt(w, c);
        }
    }
}

void
client_think(struct world *w, size_t place)
{
    struct client_sim *c = client_of(w, place);

    if (c->waits && w->now >= c->deadline) {
        wire_close(w, &c->link);
        doubt(w, c);
    }
    if (!c->waits && !w->calm && c->key < c->to_key) {
        if (rand_below(&w->r, 50) == 0) {
            wire_close(w, &c->link); /* to go to another node */
        }
        ask(w, place);
    }
    wire_after(w, place, HAPPEN_THINK,
               1 + (int64_t)(rand_u64(&w->r) % (uint64_t)(2 * w->set.think)));
}
