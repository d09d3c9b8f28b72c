#include "flare-admin/folders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "flare-admin/wire.h"
#include "tool/nodes.h"

bool
folders_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    while (n > 1 && folder[n - 1] == '/') {
        n--;
    }
    return strncmp(path, folder, n) == 0 &&
           (path[n] == '\0' || path[n] == '/' || (n == 1 && folder[0] == '/'));
}

static char *
without_blanks(struct slice text)
{
    while (text.n > 0 && *text.p == ' ') {
        text.p++;
        text.n--;
    }
    return xstrndup(text.p, text.n);
}

/* "show variables" has a line "data_dir:   PATH".  NULL: it did not say. */
static char *
ask_folder(struct wire *wire, struct err *err)
{
    char *path = NULL;
    struct slice line;
    int rc = wire_send(wire, SLICE("show variables\r\n"), err);

    while (rc == 0 && (rc = wire_line(wire, &line, err)) == 0) {
        struct slice value = line;
        struct slice name = slice_until(&value, ':');

        if (slice_eq(name, SLICE("data_dir")) && path == NULL) {
            path = without_blanks(value);
        }
        if (slice_eq(line, SLICE("END")) || slice_eq(line, SLICE("ERROR"))) {
            break;
        }
    }
    return path;
}

static void
take_node(struct folders *f, struct tool *tool, const struct node *node,
          const char *folder)
{
    struct wire wire;
    struct err err = {.msg = "it does not say where its data is"};
    char host[NODE_HOST_MAX + 1];
    char *path = NULL;

    (void)snprintf(host, sizeof(host), "%.*s", (int)node->host_len, node->key);
    if (wire_open(&wire, host, node->port,
                  (int64_t)tool->options.timeout * 1000, &err) == 0) {
        path = ask_folder(&wire, &err);
    }
    wire_close(&wire);
    if (path == NULL) {
        output_error(&tool->out, "%s: %s", node->key, err.msg);
    } else if (folders_below(path, folder)) {
        f->all = xreallocarray(f->all, f->n + 1, sizeof(*f->all));
        f->all[f->n] = (struct folder_of){
            .role = node->role, .partition = node->partition, .path = path};
        memcpy(f->all[f->n++].key, node->key, sizeof(f->all[0].key));
        return;
    }
    free(path);
}

bool
folders_take(struct folders *folders, struct tool *tool, const char *host,
             const char *folder)
{
    struct cluster_map *map = nodes_fetch(&tool->index);
    const struct node **nodes = map != NULL ? nodes_in_order(map) : NULL;

    *folders = (struct folders){NULL, 0};
    for (size_t i = 0; map != NULL && i < map->nnodes; i++) {
        if (host == NULL || slice_eq(node_host(nodes[i]), slice_str(host))) {
            take_node(folders, tool, nodes[i], folder);
        }
    }
    free(nodes);
    cluster_map_unref(map);
    return map != NULL;
}

void
folders_fini(struct folders *folders)
{
    for (size_t i = 0; i < folders->n; i++) {
        free(folders->all[i].path);
    }
    free(folders->all);
}

bool
folders_have(const struct folders *folders, const char *key)
{
    for (size_t i = 0; i < folders->n; i++) {
        if (strcmp(folders->all[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}
