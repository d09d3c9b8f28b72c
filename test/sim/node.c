/* A flared: its life, its map and what it tells the index. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "test/sim/actors.h"

static struct node_sim *
node_of(struct world *w, size_t me)
{
    return &w->node[me];
}

bool
node_is_master(const struct node_sim *node)
{
    return node->view != NULL && node->view->self != NULL &&
           node->view->self->role == NODE_MASTER &&
           node->view->self->state == NODE_ACTIVE;
}

/* --- disk ----------------------------------------------------------------- */

bool
node_is_synced(const struct world *w, const struct node_sim *node, uint64_t seq)
{
    return !w->set.log_always || node->disk.synced >= seq;
}

void
node_written(struct world *w, size_t me)
{
    struct node_sim *node = node_of(w, me);

    if (node->sync_at == 0 && node->disk.synced < node->disk.lineage.seq) {
        int64_t takes = w->set.log_always
                            ? (int64_t)rand_below(&w->r, 2000) * MS / 1000
                            : (int64_t)rand_below(&w->r, 1000) * MS;

        node->sync_at = w->now + takes;
        wire_after(w, me, HAPPEN_DISK, takes);
    }
}

void
node_disk(struct world *w, size_t me)
{
    struct node_sim *node = node_of(w, me);

    node->sync_at = 0;
    if (node->disk.full) {
        wire_after(w, me, HAPPEN_DISK, 20 * MS);
        node->sync_at = w->now + 20 * MS;
        return;
    }
    node->disk.synced = node->disk.lineage.seq;
    if (w->wire.place[me].paused) {
        return; /* the kernel works, the process hears of it later */
    }
    follow_synced(w, me);
    serve_gate(w, me);
}

/* --- the map -------------------------------------------------------------- */

static void
become_master(struct world *w, size_t me)
{
    struct node_sim *node = node_of(w, me);
    struct lineage *lineage = &node->disk.lineage;
    uint64_t epoch = node->view->map->version;

    if (w->set.plant == PLANT_SAME_EPOCH && lineage_epoch(lineage) > 0) {
        epoch = lineage_epoch(lineage);
    } else if (epoch <= lineage_epoch(lineage) || epoch < node->disk.seen) {
        TRACE(w, "n%zu cannot be master in %llu", me,
              (unsigned long long)epoch);
        return; /* not in an epoch that somebody else may have had */
    }
    node->epoch = epoch;
    node->disk.seen = epoch > node->disk.seen ? epoch : node->disk.seen;
    lineage_begin(lineage, epoch, lineage->seq + 1);
    node->fenced = false;
    node->heard = mono_of(w);
    TRACE(w, "n%zu is master in epoch %llu after %llu", me,
          (unsigned long long)epoch, (unsigned long long)lineage->seq);
    check_master(w, me, epoch);
}

static void
use_map(struct world *w, size_t me)
{
    struct node_sim *node = node_of(w, me);

    node->fenced = false;
    if (node_is_master(node) && node->epoch == 0) {
        follow_stop(w, me);
        become_master(w, me);
    } else if (!node_is_master(node) && node->epoch != 0) {
        TRACE(w, "n%zu is master no more", me);
        node->epoch = 0;
        feed_stop(w, me);
        serve_deposed(w, me);
    }
    feed_follow_map(w, me);
    follow_follow_map(w, me);
    serve_gate(w, me);
    serve_tick(w, me);
}

bool
node_take_map(struct world *w, size_t me, struct cluster_map *map)
{
    struct node_sim *node = node_of(w, me);
    struct cluster_view *view;
    const char *why = NULL;

    if (node->view != NULL && map->version <= node->view->map->version) {
        return map->version == node->view->map->version;
    }
    view = cluster_view_new(cluster_map_ref(map), place_key(me), w->table,
                            KEYHASH_SIMPLE, &why);
    if (view == NULL) {
        world_break(w, "n%zu refuses a map: %s", me, why);
        return false;
    }
    cluster_view_unref(node->view);
    node->view = view;
    cluster_map_unref(node->disk.map);
    node->disk.map = cluster_map_ref(map);
    use_map(w, me);
    return true;
}

/* --- the index ------------------------------------------------------------ */

/* With log-sync always, only what is on the disk is told of. */
static void
put_data(const struct world *w, const struct node_sim *node, struct msg *msg)
{
    msg->b = w->set.log_always ? node->disk.synced : node->disk.lineage.seq;
    msg->a = lineage_epoch_at(&node->disk.lineage, msg->b);
    msg->c = journal_copy(&node->disk);
    msg->d = node->disk.map != NULL ? node->disk.map->version : 0;
    if (msg->d < node->disk.seen) {
        msg->d = node->disk.seen;
    }
}

static void
register_again(struct world *w, size_t me)
{
    struct node_sim *node = node_of(w, me);
    struct msg msg = {.type = MSG_ADD};

    wire_close(w, &node->index);
    node->index = wire_open(w, me, SIM_INDEX);
    put_data(w, node, &msg);
    wire_send(w, node->index, &msg);
    node->add_at = w->now + w->set.interval;
}

void
node_report(struct world *w, size_t me, const struct msg *msg)
{
    struct node_sim *node = node_of(w, me);

    if (!wire_is_open(w, node->index)) {
        node->index = wire_open(w, me, SIM_INDEX);
    }
    wire_send(w, node->index, msg);
}

/* What the index asks or says; on a connection of its own. */
static bool
from_index(struct world *w, size_t me, struct link_end end, struct msg *msg)
{
    struct node_sim *node = node_of(w, me);
    struct msg answer = {0};

    switch ((int)msg->type) {
    case MSG_PING:
        answer.type = MSG_PONG;
        break;
    case MSG_POSITION:
        answer.type = MSG_DATA;
        put_data(w, node, &answer);
        break;
    case MSG_SYNC:
        answer.type = MSG_SYNCED;
        if (node->registered) { /* the first one answers its registration */
            (void)node_take_map(w, me, msg->map);
            answer.a = node->view->map->version;
        }
        break;
    case MSG_MAP:
        if (!same_end(end, node->index)) {
            return true;
        }
        node->registered = true;
        (void)node_take_map(w, me, msg->map);
        return true;
    default:
        return msg->type == MSG_TOLD;
    }
    node->heard = mono_of(w);
    wire_send(w, end, &answer);
    return true;
}

/* --- its life ------------------------------------------------------------- */

void
node_birth(struct world *w, size_t me)
{
    struct node_sim *node = node_of(w, me);

    wire_birth(w, me);
    node->woke = mono_of(w);
    node->heard = (struct mono){0};
    TRACE(w, "n%zu starts at (%llu, %llu)%s", me,
          (unsigned long long)lineage_epoch(&node->disk.lineage),
          (unsigned long long)node->disk.lineage.seq,
          node->disk.building ? ", building" : "");
    register_again(w, me);
    wire_after(w, me, HAPPEN_TICK, w->set.tick);
    node_written(w, me);
}

void
node_death(struct world *w, size_t me)
{
    struct node_sim *node = node_of(w, me);
    struct journal disk = node->disk;

    rebuild_fini(&node->follow.rebuild);
    cluster_view_unref(node->view);
    memset(node, 0, sizeof(*node));
    node->disk = disk;
}

void
node_msg(struct world *w, size_t me, struct link_end end, struct msg *msg)
{
    if (!from_index(w, me, end, msg) && !feed_msg(w, me, end, msg) &&
        !follow_msg(w, me, end, msg) && !serve_msg(w, me, end, msg)) {
        TRACE(w, "n%zu: message %d is for nobody", me, (int)msg->type);
    }
}

void
node_closed(struct world *w, size_t me, struct link_end end, bool refused)
{
    struct node_sim *node = node_of(w, me);

    if (same_end(end, node->index)) {
        node->index = (struct link_end){0, 0, 0};
    }
    feed_closed(w, me, end);
    follow_closed(w, me, end, refused);
    serve_closed(w, me, end, refused);
}

void
node_tick(struct world *w, size_t me)
{
    struct node_sim *node = node_of(w, me);

    if (!node->registered && w->now >= node->add_at) {
        register_again(w, me);
    }
    feed_tick(w, me);
    follow_tick(w, me);
    serve_tick(w, me);
    wire_after(w, me, HAPPEN_TICK, w->set.tick);
}
