/*
 * actors: who acts in a world, and how they are told of things.
 */
#ifndef FLARE_TEST_SIM_ACTORS_H
#define FLARE_TEST_SIM_ACTORS_H

#include "test/sim/world.h"

/* By place: to node, keeper or client. */
void actor_msg(struct world *w, size_t place, struct link_end end,
               struct msg *msg);
void actor_closed(struct world *w, size_t place, struct link_end end,
                  bool refused);
void actor_timer(struct world *w, size_t place, enum happening type);

static inline bool
same_end(struct link_end a, struct link_end b)
{
    return a.conn != 0 && a.conn == b.conn && a.gen == b.gen &&
           a.side == b.side;
}

static inline struct mono
mono_of(const struct world *w)
{
    return (struct mono){w->now};
}

/* --- journal -------------------------------------------------------------- */

void journal_init(struct journal *j, uint64_t keep);
void journal_fini(struct journal *j);
const struct entry *journal_at(const struct journal *j, uint64_t seq);

/* Does it have exactly this entry, as far as that can be told? */
bool journal_has(const struct journal *j, uint64_t epoch, uint64_t seq);

/* False: the disk is full. */
bool journal_append(struct journal *j, uint64_t epoch, uint32_t key,
                    uint32_t value);

/* An entry as its master has it.  False: it does not fit; or full. */
bool journal_mirror(struct world *w, struct journal *j, const struct entry *e);

/* The record of a rewind, or of a dump. */
void journal_force(struct journal *j, const struct row *row);
void journal_dumped(struct journal *j, const struct row *row);

/* Entries above seq are given up; the engine is as it is. */
void journal_cut(struct journal *j, uint64_t seq);

/* Empty, to go on behind seq. */
void journal_restart(struct journal *j, uint64_t epoch, uint64_t seq,
                     uint64_t chain);

/* Power is lost: entries above seq are gone, with what they did. */
void journal_lose(struct journal *j, uint64_t seq);

enum node_copy journal_copy(const struct journal *j);

/* --- a node --------------------------------------------------------------- */

void node_birth(struct world *w, size_t place);
void node_death(struct world *w, size_t place);
void node_msg(struct world *w, size_t me, struct link_end end, struct msg *msg);
void node_closed(struct world *w, size_t me, struct link_end end, bool refused);
void node_tick(struct world *w, size_t me);
void node_disk(struct world *w, size_t me);

/* Take a map into use; a reference is taken.  False: an older one. */
bool node_take_map(struct world *w, size_t me, struct cluster_map *map);

/* Something was appended: see to it that it gets to the disk. */
void node_written(struct world *w, size_t me);
bool node_is_synced(const struct world *w, const struct node_sim *node,
                    uint64_t seq);
bool node_is_master(const struct node_sim *node);
void node_report(struct world *w, size_t me, const struct msg *msg);

/* The master's side. */
void feed_follow_map(struct world *w, size_t me);
void feed_tick(struct world *w, size_t me);
void feed_pump(struct world *w, size_t me);
bool feed_msg(struct world *w, size_t me, struct link_end end, struct msg *msg);
void feed_closed(struct world *w, size_t me, struct link_end end);
void feed_stop(struct world *w, size_t me);
struct stream_gate feed_gate(const struct world *w, size_t me);

/* A learner's question. */
bool feed_asked(struct world *w, size_t me, struct link_end end,
                const struct msg *msg);

/* The slave's side. */
void follow_follow_map(struct world *w, size_t me);
void follow_tick(struct world *w, size_t me);
bool follow_msg(struct world *w, size_t me, struct link_end end,
                struct msg *msg);
void follow_closed(struct world *w, size_t me, struct link_end end,
                   bool refused);
void follow_stop(struct world *w, size_t me);
void follow_synced(struct world *w, size_t me);

/* Requests. */
bool serve_msg(struct world *w, size_t me, struct link_end end,
               struct msg *msg);
void serve_closed(struct world *w, size_t me, struct link_end end,
                  bool refused);
void serve_tick(struct world *w, size_t me);
void serve_gate(struct world *w, size_t me);
void serve_deposed(struct world *w, size_t me);

/* --- the index ------------------------------------------------------------ */

void keeper_birth(struct world *w);
void keeper_death(struct world *w);
void keeper_msg(struct world *w, struct link_end end, struct msg *msg);
void keeper_closed(struct world *w, struct link_end end, bool refused);
void keeper_tick(struct world *w);

/* --- clients and checks --------------------------------------------------- */

void client_begin(struct world *w, size_t place);
void client_msg(struct world *w, size_t place, struct msg *msg);
void client_closed(struct world *w, size_t place, struct link_end end);
void client_think(struct world *w, size_t place);

/* A node is master from now on. */
void check_master(struct world *w, size_t place, uint64_t epoch);

/* It says to a client that this entry is safe. */
void check_ack(struct world *w, size_t place, uint64_t epoch, uint64_t seq);

/* The index has a new map. */
void check_map(struct world *w, const struct cluster_map *before,
               const struct cluster_map *after);

/* Nothing is left to be done? */
bool check_rests(const struct world *w);

/* And is everything there? */
void check_end(struct world *w);

/* --- what goes wrong ------------------------------------------------------ */

void fate_begin(struct world *w);
void fate_strike(struct world *w);
void fate_mend(struct world *w, uint64_t what, uint64_t place);
void fate_heal(struct world *w);

#endif
