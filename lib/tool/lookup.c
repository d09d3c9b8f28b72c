/* Which index server is meant: options, environment, default. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/nodes.h"
#include "tool/target.h"
#include "tool/tool.h"

enum { DEFAULT_PORT = 12120 };

struct place {
    char host[NODE_HOST_MAX + 1];
    uint16_t port; /* 0: not said */
};

/* "host" or "host:port". */
static bool
read_place(struct slice text, struct place *out)
{
    char word[NODE_KEY_MAX + 1];
    struct target target;

    *out = (struct place){"", 0};
    if (text.n == 0 || text.n >= sizeof(word)) {
        return false;
    }
    (void)snprintf(word, sizeof(word), "%.*s", (int)text.n, text.p);
    if (target_parse(word, &target) == TARGET_OK && target.nfields == 2) {
        memcpy(out->host, target.host, sizeof(out->host));
        out->port = target.port;
        return true;
    }
    (void)snprintf(out->host, sizeof(out->host), "%.*s",
                   (int)sizeof(out->host) - 1, word);
    return target.nfields == 1;
}

/* An entry of FLARE_INDEX_SERVERS: name:host:port;name:host:port */
static bool
next_cluster(struct slice *rest, struct slice *name, struct place *place)
{
    while (rest->n > 0) {
        struct slice entry = slice_until(rest, ';');

        *name = slice_until(&entry, ':');
        if (name->n > 0 && read_place(entry, place)) {
            return true;
        }
    }
    return false;
}

static struct slice
known_clusters(void)
{
    const char *text = getenv("FLARE_INDEX_SERVERS");

    return slice_str(text != NULL ? text : "");
}

static bool
find_by_name(struct tool *tool, struct place *out)
{
    struct slice rest = known_clusters();
    struct slice name;

    while (next_cluster(&rest, &name, out)) {
        if (slice_eq(name, slice_str(tool->options.cluster))) {
            return true;
        }
    }
    output_error(&tool->out, "failed to open :.");
    output_error(&tool->out,
                 "cluster '%s' is not in FLARE_INDEX_SERVERS "
                 "(name:host:port;name:host:port)",
                 tool->options.cluster);
    return false;
}

static bool
all_are_nodes(int nwords, char **words)
{
    for (int i = 0; i < nwords; i++) {
        struct target target;

        if (target_parse(words[i], &target) != TARGET_OK) {
            return false;
        }
    }
    return nwords > 0;
}

/* 1: it knows all these nodes; 0: it does not; -1: it cannot be asked. */
static int
knows(struct tool *tool, const struct place *place, int nwords, char **words)
{
    struct server server;
    struct cluster_map *map = NULL;
    int result = 1;

    if (server_open(&server, tool, place->host, place->port, false)) {
        server.is_index = true;
        map = nodes_fetch(&server);
        server_close(&server);
    }
    if (map == NULL) {
        return -1;
    }
    for (int i = 0; i < nwords; i++) {
        struct target target;

        (void)target_parse(words[i], &target);
        if (cluster_map_find(map, slice_str(target.key)) == NULL) {
            result = 0;
        }
    }
    cluster_map_unref(map);
    return result;
}

/* As knows(), over all clusters of the environment. */
static int
find_by_nodes(struct tool *tool, struct place *out, int nwords, char **words)
{
    struct slice rest = known_clusters();
    struct slice name;
    int found = 0;

    if (!all_are_nodes(nwords, words)) {
        return 0;
    }
    while (found == 0 && next_cluster(&rest, &name, out)) {
        found = knows(tool, out, nwords, words);
    }
    return found;
}

static bool
read_port(struct tool *tool, uint16_t *out)
{
    uint64_t port;

    if (!slice_u64(slice_str(tool->options.index_server_port), 65535, &port) ||
        port == 0) {
        output_error(&tool->out, "invalid index server port '%s'.",
                     tool->options.index_server_port);
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

static bool
find_by_options(struct tool *tool, struct place *out)
{
    const struct tool_options *options = &tool->options;
    const char *variable = getenv("FLARE_INDEX_SERVER");
    struct place given = {"", 0};
    struct place other = {"", 0};
    uint16_t port = 0;

    if (options->index_server[0] != '\0' &&
        !read_place(slice_str(options->index_server), &given)) {
        output_error(&tool->out, "invalid index server '%s'.",
                     options->index_server);
        return false;
    }
    if (options->index_server_port[0] != '\0') {
        if (given.port != 0) {
            output_error(&tool->out,
                         "--index-server-port option isn't allowed.");
            return false;
        }
        if (!read_port(tool, &port)) {
            return false;
        }
    }
    if (variable != NULL && variable[0] != '\0' &&
        !read_place(slice_str(variable), &other)) {
        output_error(&tool->out, "FLARE_INDEX_SERVER: '%s' is not host:port.",
                     variable);
        return false;
    }
    *out = given.host[0] != '\0' ? given : other;
    if (out->host[0] == '\0') {
        (void)snprintf(out->host, sizeof(out->host), "127.0.0.1");
    }
    out->port = given.port != 0 ? given.port : port;
    out->port = out->port != 0 ? out->port : other.port;
    out->port = out->port != 0 ? out->port : DEFAULT_PORT;
    return true;
}

bool
tool_index_target(struct tool *tool, struct target *out)
{
    struct place place;
    bool found = tool->options.cluster[0] != '\0'
                     ? find_by_name(tool, &place)
                     : find_by_options(tool, &place);

    *out = (struct target){.port = 0};
    if (found) {
        out->port = place.port != 0 ? place.port : DEFAULT_PORT;
        (void)snprintf(out->host, sizeof(out->host), "%s", place.host);
        (void)snprintf(out->key, sizeof(out->key), "%.*s:%u", NODE_HOST_MAX,
                       place.host, (unsigned)out->port);
    }
    return found;
}

bool
tool_open_index(struct tool *tool, int nwords, char **words)
{
    struct place place;
    int found;

    if (tool->options.cluster[0] != '\0') {
        if (!find_by_name(tool, &place)) {
            return false;
        }
    } else {
        found = find_by_nodes(tool, &place, nwords, words);
        if (found < 0 || (found == 0 && !find_by_options(tool, &place))) {
            return false;
        }
    }
    if (place.port == 0) {
        place.port = DEFAULT_PORT;
    }
    if (!server_open(&tool->index, tool, place.host, place.port, false)) {
        return false;
    }
    tool->index.is_index = true;
    return true;
}
