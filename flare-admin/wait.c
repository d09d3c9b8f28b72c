#include "flare-admin/wait.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "flare-admin/plan.h"

enum { TICK_MS = 1000, INDEX_PATIENCE_MS = 30000 };

struct watch {
    struct tool *tool;
    const struct target *target;
    enum node_role role; /* what it is to become */
    int partition;
    const char *again;
    struct server node, master;
    uint64_t items, master_items;
    enum node_state state;
    struct mono since;      /* the wait began */
    struct mono moved;      /* something changed */
    struct mono index_seen; /* the index answered */
};

/* The number of records, or the last one known. */
static void
ask_items(struct watch *w, struct server *server, const struct node *node,
          uint64_t *items)
{
    uint64_t now = *items;

    if (node == NULL) {
        return;
    }
    server->tool = w->tool;
    server->quiet = true;
    server->port = node->port;
    (void)snprintf(server->host, sizeof(server->host), "%.*s",
                   (int)node->host_len, node->key);
    if (server_stat_number(server, "curr_items", &now) && now != *items) {
        *items = now;
        w->moved = clock_mono();
    }
}

static void
say_progress(const struct watch *w)
{
    double elapsed = (double)(clock_mono().ns - w->since.ns) / 1e9;
    char of_all[32] = "";
    char eta[32] = "n/a";

    if (w->role == NODE_SLAVE) {
        double left = (double)w->master_items - (double)w->items;

        (void)snprintf(of_all, sizeof(of_all), "/%ju",
                       (uintmax_t)w->master_items);
        if (w->items > 0 && elapsed > 0) {
            left = left > 0 ? left / ((double)w->items / elapsed) : 0;
            (void)snprintf(eta, sizeof(eta), "%.0f", (double)(int64_t)left);
        }
    }
    output_note("%ju%s (role = %s, state = %s) [ETA: %s sec "
                "(elapsed = %jd sec)]",
                (uintmax_t)w->items, of_all, node_role_name(w->role),
                node_state_name(w->state), eta, (intmax_t)elapsed);
}

static enum wait_result
give_up(struct watch *w, const char *what)
{
    output_error(&w->tool->out, "%s %s", w->target->key, what);
    output_error(&w->tool->out,
                 "It serves nothing now; the rest of the cluster goes on as "
                 "before. Once it is an active proxy, try again with: %s",
                 w->again);
    return WAIT_FAILED;
}

/* It has not failed, but we do not know when it will be done. */
static enum wait_result
leave_alone(struct watch *w, const char *why, enum wait_result result)
{
    output_error(&w->tool->out, "%s", why);
    output_error(&w->tool->out,
                 "%s goes on by itself (role = %s, state = %s, partition = "
                 "%d) and the cluster serves without it; see flare-admin "
                 "list.",
                 w->target->key, node_role_name(w->role),
                 node_state_name(w->state), w->partition);
    output_error(
        &w->tool->out,
        w->role == NODE_SLAVE
            ? "When it is active, give it its share of the reads with "
              "flare-admin balance. To start over: flare-admin down, then %s"
            : "When it is ready, make it active with flare-admin activate. To "
              "start over: flare-admin down, then %s",
        w->again);
    return result;
}

static bool
is_done(const struct watch *w)
{
    return w->state == NODE_ACTIVE ||
           (w->role == NODE_MASTER && w->state == NODE_READY);
}

/* One look.  True: the wait is over, with *result. */
static bool
look(struct watch *w, const struct cluster_map *map, enum wait_result *result)
{
    const struct node *node = cluster_map_find(map, slice_str(w->target->key));

    w->index_seen = clock_mono();
    if (node == NULL) {
        *result = give_up(w, "is no longer in the cluster.");
        return true;
    }
    if (node->role != w->role) {
        *result = give_up(w, node->role == NODE_PROXY
                                 ? "has become a proxy: the copy failed."
                                 : "was given another role meanwhile.");
        return true;
    }
    if (node->state != w->state) {
        w->state = node->state;
        w->moved = clock_mono();
    }
    if (w->role == NODE_SLAVE) {
        ask_items(w, &w->master, cluster_map_master(map, node->partition),
                  &w->master_items);
    }
    ask_items(w, &w->node, node, &w->items);
    say_progress(w);
    if (node->state == NODE_DOWN) {
        *result = give_up(w, "is down.");
        return true;
    }
    *result = WAIT_DONE;
    return is_done(w);
}

static bool
stalled(const struct watch *w)
{
    int64_t limit = (int64_t)w->tool->options.stall_timeout * 1000;

    return limit > 0 && mono_ms_between(w->moved, clock_mono()) >= limit;
}

static enum wait_result
watch(struct watch *w)
{
    enum wait_result result = WAIT_FAILED;

    w->since = w->moved = w->index_seen = clock_mono();
    w->state = NODE_PREPARE;
    for (;;) {
        struct cluster_map *map = admin_map(w->tool);
        bool over = map != NULL && look(w, map, &result);

        cluster_map_unref(map);
        if (over) {
            return result;
        }
        if (mono_ms_between(w->index_seen, clock_mono()) > INDEX_PATIENCE_MS) {
            return leave_alone(w, "the index server does not answer.",
                               WAIT_FAILED);
        }
        if (stalled(w)) {
            return leave_alone(w, "nothing moves any more.", WAIT_FAILED);
        }
        if (!prompt_pause(TICK_MS)) {
            return leave_alone(w, "INTERRUPTED", WAIT_INTERRUPTED);
        }
    }
}

enum wait_result
wait_for_slave(struct tool *tool, const struct target *target, int partition,
               const char *again)
{
    struct watch w = {.tool = tool,
                      .target = target,
                      .role = NODE_SLAVE,
                      .partition = partition,
                      .again = again};
    enum wait_result result;

    if (tool->options.dry_run) {
        return plan_copied(tool, target) ? WAIT_DONE : WAIT_FAILED;
    }
    result = watch(&w);
    if (result == WAIT_DONE) {
        output_info(&tool->out, "state is active -> stop waiting");
    }
    server_close(&w.master);
    server_close(&w.node);
    return result;
}

enum wait_result
wait_for_master(struct tool *tool, const struct target *target, int partition,
                const char *again, enum node_state *state)
{
    struct watch w = {.tool = tool,
                      .target = target,
                      .role = NODE_MASTER,
                      .partition = partition,
                      .again = again};
    enum wait_result result;

    if (tool->options.dry_run) {
        *state = partition > 0 ? NODE_READY : NODE_ACTIVE;
        return plan_copied(tool, target) ? WAIT_DONE : WAIT_FAILED;
    }
    result = watch(&w);
    *state = w.state;
    if (result == WAIT_DONE) {
        if (w.state == NODE_ACTIVE && partition > 0) {
            output_warn(&tool->out, "The master should be ready after the "
                                    "reconstruction but it became active.");
        }
        output_info(&tool->out, "state is ready -> stop waiting");
    }
    server_close(&w.node);
    return result;
}
