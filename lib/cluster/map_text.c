#include "cluster/map_text.h"

#include <string.h>

static bool
put_number(struct buf *out, const char *before, int number)
{
    return buf_put_str(out, before) && buf_put_i64(out, number);
}

static bool
put_node(struct buf *out, const struct node *node)
{
    return buf_put_str(out, "NODE ") && buf_put_slice(out, node_host(node)) &&
           put_number(out, " ", node->port) &&
           put_number(out, " ", (int)node->role) &&
           put_number(out, " ", (int)node->state) &&
           put_number(out, " ", node->partition) &&
           put_number(out, " ", node->balance) &&
           put_number(out, " ", node->thread_type) && buf_put_str(out, "\r\n");
}

bool
map_text_put_nodes(struct buf *out, const struct cluster_map *map)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        if (!put_node(out, &map->node[i])) {
            return false;
        }
    }
    return true;
}

static bool
put_stat(struct buf *out, const struct node *node, const char *field)
{
    return buf_put_str(out, "STAT ") && buf_put_slice(out, node_key(node)) &&
           buf_put_str(out, field);
}

static bool
put_word(struct buf *out, const struct node *node, const char *field,
         const char *word)
{
    return put_stat(out, node, field) && buf_put_str(out, word) &&
           buf_put_str(out, "\r\n");
}

static bool
put_value(struct buf *out, const struct node *node, const char *field,
          int value)
{
    return put_stat(out, node, field) && buf_put_i64(out, value) &&
           buf_put_str(out, "\r\n");
}

bool
map_text_put_stats(struct buf *out, const struct cluster_map *map)
{
    for (size_t i = 0; i < map->nnodes; i++) {
        const struct node *node = &map->node[i];

        if (!put_word(out, node, ":role ", node_role_name(node->role)) ||
            !put_word(out, node, ":state ", node_state_name(node->state)) ||
            !put_value(out, node, ":partition ", node->partition) ||
            !put_value(out, node, ":balance ", node->balance) ||
            !put_value(out, node, ":thread_type ", node->thread_type)) {
            return false;
        }
    }
    return true;
}

static bool
take_number(struct slice *rest, int min, int max, int *out)
{
    int64_t value;

    if (!slice_i64(slice_word(rest), min, max, &value)) {
        return false;
    }
    *out = (int)value;
    return true;
}

/* Words behind the last one we know are for somebody newer. */
bool
map_text_parse_node(struct slice line, struct node *out)
{
    struct slice host;
    uint64_t port;
    int role;
    int state;

    *out = (struct node){.partition = NODE_NO_PARTITION};
    if (!slice_eq(slice_word(&line), SLICE("NODE"))) {
        return false;
    }
    host = slice_word(&line);
    if (!slice_u64(slice_word(&line), UINT16_MAX, &port) ||
        !node_set_name(out, host, port) ||
        !take_number(&line, NODE_MASTER, NODE_PROXY, &role) ||
        !take_number(&line, NODE_ACTIVE, NODE_READY, &state) ||
        !take_number(&line, NODE_NO_PARTITION, NODE_PARTITION_MAX,
                     &out->partition) ||
        !take_number(&line, 0, INT32_MAX, &out->balance) ||
        !take_number(&line, 0, INT32_MAX - 1, &out->thread_type)) {
        return false;
    }
    out->role = (enum node_role)role;
    out->state = (enum node_state)state;
    return true;
}

static size_t
count_lines(struct slice text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        n += text.p[i] == '\n';
    }
    return n;
}

/* The next line without its end.  False: it has none. */
static bool
take_line(struct slice *rest, struct slice *line)
{
    if (memchr(rest->p, '\n', rest->n) == NULL) {
        return false;
    }
    *line = slice_until(rest, '\n');
    if (line->n > 0 && line->p[line->n - 1] == '\r') {
        line->n--;
    }
    return true;
}

struct cluster_map *
map_text_parse(struct slice lines, uint64_t version, const char **why,
               unsigned *line)
{
    struct cluster_map *map = cluster_map_new(count_lines(lines));

    *line = 0;
    if (map == NULL) {
        *why = "out of memory";
        return NULL;
    }
    map->version = version;
    while (lines.n > 0) {
        struct slice text;
        struct node node;

        ++*line;
        if (!take_line(&lines, &text) || !map_text_parse_node(text, &node)) {
            *why = "this is no NODE line";
            cluster_map_unref(map);
            return NULL;
        }
        (void)cluster_map_put(map, &node);
        if (node.thread_type >= map->next_thread_type) {
            map->next_thread_type = node.thread_type + 1;
        }
    }
    return map;
}
