/*
 * links: how far the slaves are, as their masters see it.
 */
#ifndef FLARE_FLARE_ADMIN_LINKS_H
#define FLARE_FLARE_ADMIN_LINKS_H

#include "cluster/map.h"
#include "tool/tool.h"

struct link_state {
    char key[NODE_KEY_MAX + 1]; /* the slave */
    bool connected;
    uint64_t behind; /* changes it has not confirmed */
};

struct links {
    struct link_state *all;
    size_t n;
};

/* Ask every active master; those that do not answer are left out. */
void links_take(struct links *links, struct tool *tool,
                const struct cluster_map *map);
void links_fini(struct links *links);

/*
 * "up", "idle" (nothing to send, so not connected yet) or "down"; link may be
 * NULL.
 */
const char *links_word(const struct link_state *link);

/* NULL: its master does not feed it, or could not be asked. */
const struct link_state *links_find(const struct links *links, const char *key);

#endif
