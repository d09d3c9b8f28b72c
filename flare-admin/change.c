#include "flare-admin/change.h"

#include <string.h>

#include "flare-admin/plan.h"
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

void
change_say(struct tool *tool, const char *text)
{
    if (!tool->options.dry_run) {
        output_info(&tool->out, "%s", text);
    }
}

bool
change_flush(struct tool *tool, const struct target *target)
{
    struct server node;
    bool proxy = false;
    bool done;

    if (tool->options.dry_run) {
        plan_note(tool, "%s would be emptied.", target->key);
        return true;
    }
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
    if (tool->options.dry_run) {
        return plan_step(tool,
                         (struct index_event){.type = INDEX_ROLE,
                                              .host = slice_str(target->host),
                                              .port = target->port,
                                              .role = role,
                                              .balance = balance,
                                              .partition = partition});
    }
    return server_command(&tool->index, "node role %s %u %s %d %d",
                          target->host, (unsigned)target->port,
                          node_role_name(role), balance, partition);
}

bool
change_role_stubbornly(struct tool *tool, const struct target *target,
                       enum node_role role, int balance, int partition)
{
    uint64_t tries = tool->options.retry > 0 && !tool->options.dry_run
                         ? tool->options.retry
                         : 1;

    for (uint64_t i = 1; i <= tries; i++) {
        if (change_role(tool, target, role, balance, partition)) {
            return true;
        }
        if (tool->options.dry_run) {
            return false;
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
    struct index_event event = {.type = INDEX_STATE,
                                .host = slice_str(target->host),
                                .port = target->port};

    if (tool->options.dry_run) {
        return node_state_parse(slice_str(state), &event.state) &&
               plan_step(tool, event);
    }
    return server_command(&tool->index, "node state %s %u %s", target->host,
                          (unsigned)target->port, state);
}

bool
change_remove(struct tool *tool, const struct target *target)
{
    if (tool->options.dry_run) {
        return plan_step(tool,
                         (struct index_event){.type = INDEX_REMOVE,
                                              .host = slice_str(target->host),
                                              .port = target->port});
    }
    return server_command(&tool->index, "node remove %s %u", target->host,
                          (unsigned)target->port);
}

bool
change_switchover(struct tool *tool, const struct target *slave, bool quietly)
{
    bool done;

    if (tool->options.dry_run) {
        return plan_step(tool,
                         (struct index_event){.type = INDEX_SWITCHOVER,
                                              .host = slice_str(slave->host),
                                              .port = slave->port});
    }
    tool->index.quiet = quietly;
    done = server_command(&tool->index, "node switchover %s %u", slave->host,
                          (unsigned)slave->port);
    tool->index.quiet = false;
    return done;
}

void
change_hand_over(struct tool *tool, const struct cluster_map *map,
                 const struct node *node)
{
    const struct node *heir = NULL;
    struct target target;

    if (node->role != NODE_MASTER || node->state != NODE_ACTIVE) {
        return;
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *other = &map->node[i];

        if (other->role == NODE_SLAVE && other->state == NODE_ACTIVE &&
            other->partition == node->partition &&
            (heir == NULL || other->balance > heir->balance)) {
            heir = other;
        }
    }
    if (heir != NULL && target_parse(heir->key, &target) == TARGET_OK) {
        (void)change_switchover(tool, &target, true);
    }
}
