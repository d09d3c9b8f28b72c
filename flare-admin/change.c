#include "flare-admin/change.h"

#include <string.h>

#include "tool/nodes.h"

enum { BELIEF_TRIES = 10, BELIEF_PAUSE_MS = 500 };

/*
 * What the node itself believes to be.  A node that has not heard of the
 * change yet would pass a flush_all on to its slaves.
 */
static bool
believes_to_be_proxy(struct server *server, const struct target *target)
{
    struct cluster_map *map;
    const struct node *self;
    bool proxy;

    server->quiet = true;
    map = nodes_fetch(server);
    server->quiet = false;
    if (map == NULL) {
        return server->ask != NULL; /* it answers, but not this question */
    }
    self = cluster_map_find(map, slice_str(target->key));
    proxy = self == NULL || self->role == NODE_PROXY;
    cluster_map_unref(map);
    return proxy;
}

bool
change_flush(struct tool *tool, const struct target *target)
{
    struct server node;
    bool proxy = false;
    bool done;

    if (!server_open(&node, tool, target->host, target->port, false)) {
        return false;
    }
    for (int i = 0; i < BELIEF_TRIES; i++) {
        proxy = believes_to_be_proxy(&node, target);
        if (proxy || !prompt_pause(BELIEF_PAUSE_MS)) {
            break;
        }
    }
    if (!proxy) {
        output_error(&tool->out,
                     "%s has not heard yet that it is a proxy; its data was "
                     "left alone. Try again later.",
                     target->key);
    }
    done = proxy && server_command(&node, "flush_all");
    server_close(&node);
    return done;
}

bool
change_role(struct tool *tool, const struct target *target, enum node_role role,
            int balance, int partition)
{
    return server_command(&tool->index, "node role %s %u %s %d %d",
                          target->host, (unsigned)target->port,
                          node_role_name(role), balance, partition);
}

bool
change_role_stubbornly(struct tool *tool, const struct target *target,
                       enum node_role role, int balance, int partition)
{
    uint64_t tries = tool->options.retry > 0 ? tool->options.retry : 1;

    for (uint64_t i = 1; i <= tries; i++) {
        if (change_role(tool, target, role, balance, partition)) {
            return true;
        }
        output_info(&tool->out, "waiting %ju sec...", (uintmax_t)i);
        if (!prompt_pause((int64_t)i * 1000)) {
            output_error(&tool->out, "INTERRUPTED");
            output_error(&tool->out,
                         "%s is a proxy; the index has not changed its role.",
                         target->key);
            return false;
        }
        output_info(&tool->out, "retrying...");
    }
    output_error(&tool->out, "failed to change the state.");
    return false;
}

bool
change_state(struct tool *tool, const struct target *target, const char *state)
{
    return server_command(&tool->index, "node state %s %u %s", target->host,
                          (unsigned)target->port, state);
}
