#include "flare-admin/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* "stats threads" of a master has a row "proxy_write" for each copy. */
struct reading {
    struct links *links;
    struct slice id;
    char id_text[24];
    struct link_state current;
    bool feeds;
};

static void
end_row(struct reading *r)
{
    struct links *l = r->links;

    if (r->feeds && r->current.key[0] != '\0') {
        l->all = xreallocarray(l->all, l->n + 1, sizeof(*l->all));
        l->all[l->n++] = r->current;
    }
    r->current = (struct link_state){.behind = 0};
    r->feeds = false;
}

static bool
take_thread(void *arg, struct slice name, struct slice value)
{
    struct reading *r = arg;
    struct slice field = name;
    struct slice id = slice_until(&field, ':');

    if (!slice_eq(id, r->id)) {
        end_row(r);
        (void)snprintf(r->id_text, sizeof(r->id_text), "%.*s", (int)id.n, id.p);
        r->id = slice_str(r->id_text);
    }
    if (slice_eq(field, SLICE("peer"))) {
        (void)snprintf(r->current.key, sizeof(r->current.key), "%.*s",
                       (int)value.n, value.p);
    } else if (slice_eq(field, SLICE("op"))) {
        r->feeds = slice_eq(value, SLICE("proxy_write"));
    } else if (slice_eq(field, SLICE("state"))) {
        r->current.connected = slice_eq(value, SLICE("execute"));
    } else if (slice_eq(field, SLICE("queue"))) {
        (void)slice_u64(value, UINT64_MAX, &r->current.behind);
    }
    return true;
}

void
links_take(struct links *links, struct tool *tool,
           const struct cluster_map *map)
{
    *links = (struct links){NULL, 0};
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];
        struct reading reading = {.links = links};
        struct server server;
        char host[NODE_HOST_MAX + 1];

        if (node->role != NODE_MASTER || node->state != NODE_ACTIVE) {
            continue;
        }
        (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len,
                       node->key);
        if (server_open_quietly(&server, tool, host, node->port) &&
            server_stats(&server, "stats threads", take_thread, &reading)) {
            end_row(&reading);
        }
        server_close(&server);
    }
}

void
links_fini(struct links *links)
{
    free(links->all);
}

const struct link_state *
links_find(const struct links *links, const char *key)
{
    for (size_t i = 0; i < links->n; i++) {
        if (strcmp(links->all[i].key, key) == 0) {
            return &links->all[i];
        }
    }
    return NULL;
}

const char *
links_word(const struct link_state *link)
{
    if (link == NULL) {
        return "down";
    }
    if (link->connected) {
        return "up";
    }
    return link->behind == 0 ? "idle" : "down";
}
