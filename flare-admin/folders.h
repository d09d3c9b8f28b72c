/*
 * folders: where the nodes of a host keep their data.
 */
#ifndef FLARE_FLARE_ADMIN_FOLDERS_H
#define FLARE_FLARE_ADMIN_FOLDERS_H

#include "tool/tool.h"

struct folder_of {
    char key[NODE_KEY_MAX + 1];
    enum node_role role;
    int partition;
    char *path;
};

struct folders {
    struct folder_of *all;
    size_t n;
};

/*
 * The nodes of the host (NULL: of all) whose data is in or below the folder.
 * False: the index cannot be asked (said); nodes that do not answer are said.
 */
bool folders_take(struct folders *folders, struct tool *tool, const char *host,
                  const char *folder);
void folders_fini(struct folders *folders);

bool folders_have(const struct folders *folders, const char *key);

/* Pure: is the path the folder or below it? */
bool folders_below(const char *path, const char *folder);

#endif
