/* The map as the file a flare 1.3.4 index keeps it in: boost's XML archive. */
#include <string.h>

#include "cluster/map_text.h"

static const struct {
    struct slice name;
    char c;
} escapes[] = {{{"&amp;", 5}, '&'},
               {{"&lt;", 4}, '<'},
               {{"&gt;", 4}, '>'},
               {{"&quot;", 6}, '"'},
               {{"&apos;", 6}, '\''}};

enum { ESCAPES = sizeof(escapes) / sizeof(escapes[0]) };

static bool
put_char(struct buf *out, char c)
{
    for (size_t i = 0; i < ESCAPES; i++) {
        if (c == escapes[i].c) {
            return buf_put_slice(out, escapes[i].name);
        }
    }
    return buf_put(out, &c, 1);
}

static bool
put_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (!put_char(out, text.p[i])) {
            return false;
        }
    }
    return true;
}

static bool
put_field(struct buf *out, const char *name, int value)
{
    return buf_put_str(out, "\t\t\t<") && buf_put_str(out, name) &&
           buf_put_str(out, ">") && buf_put_i64(out, value) &&
           buf_put_str(out, "</") && buf_put_str(out, name) &&
           buf_put_str(out, ">\n");
}

/* Boost describes a class where it first meets it. */
static bool
put_item(struct buf *out, const struct node *node, bool first)
{
    return buf_put_str(out, first ? "\t<item class_id=\"1\" "
                                    "tracking_level=\"0\" version=\"0\">\n"
                                  : "\t<item>\n") &&
           buf_put_str(out, "\t\t<first>") &&
           put_escaped(out, node_key(node)) &&
           buf_put_str(out, "</first>\n\t\t<second") &&
           buf_put_str(out, first ? " class_id=\"2\" tracking_level=\"0\" "
                                    "version=\"0\">\n"
                                  : ">\n") &&
           buf_put_str(out, "\t\t\t<node_server_name>") &&
           put_escaped(out, node_host(node)) &&
           buf_put_str(out, "</node_server_name>\n") &&
           put_field(out, "node_server_port", node->port) &&
           put_field(out, "node_role", (int)node->role) &&
           put_field(out, "node_state", (int)node->state) &&
           put_field(out, "node_partition", node->partition) &&
           put_field(out, "node_balance", node->balance) &&
           put_field(out, "node_thread_type", node->thread_type) &&
           buf_put_str(out, "\t\t</second>\n\t</item>\n");
}

bool
map_text_put_xml(struct buf *out, const struct cluster_map *map)
{
    bool ok =
        buf_put_str(out,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\" "
                    "standalone=\"yes\" ?>\n"
                    "<!DOCTYPE boost_serialization>\n"
                    "<boost_serialization signature=\"serialization::archive\""
                    " version=\"18\">\n<version>") &&
        buf_put_u64(out, map->version) &&
        buf_put_str(out, "</version>\n<node_map class_id=\"0\" "
                         "tracking_level=\"0\" version=\"0\">\n\t<count>") &&
        buf_put_u64(out, map->nnodes) &&
        buf_put_str(out, "</count>\n\t<item_version>0</item_version>\n");

    for (size_t i = 0; ok && i < map->nnodes; i++) {
        ok = put_item(out, &map->node[i], i == 0);
    }
    return ok && buf_put_str(out, "</node_map>\n<thread_type>") &&
           buf_put_i64(out, map->next_thread_type) &&
           buf_put_str(out, "</thread_type>\n</boost_serialization>\n\n");
}

/* A reader of exactly this one document; the first complaint stays. */
struct xml {
    struct slice rest;
    const char *begin;
    const char *why;
};

static bool
bad(struct xml *xml, const char *why)
{
    if (xml->why == NULL) {
        xml->why = why;
    }
    return false;
}

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_space(struct xml *xml)
{
    while (xml->rest.n > 0 && is_space(*xml->rest.p)) {
        xml->rest.p++;
        xml->rest.n--;
    }
}

static bool
take_text(struct xml *xml, struct slice text)
{
    if (xml->rest.n < text.n || memcmp(xml->rest.p, text.p, text.n) != 0) {
        return false;
    }
    xml->rest.p += text.n;
    xml->rest.n -= text.n;
    return true;
}

/* "<name" already matched up to here: its attributes and ">". */
static bool
take_rest_of_tag(struct xml *xml, const char *why)
{
    struct slice attributes;

    if (xml->rest.n == 0 || (*xml->rest.p != '>' && !is_space(*xml->rest.p)) ||
        memchr(xml->rest.p, '>', xml->rest.n) == NULL) {
        return bad(xml, why);
    }
    attributes = slice_until(&xml->rest, '>');
    if (attributes.n > 0 && memchr(attributes.p, '<', attributes.n) != NULL) {
        return bad(xml, why);
    }
    return true;
}

static bool
take_open(struct xml *xml, const char *name, const char *why)
{
    struct xml before;

    skip_space(xml);
    before = *xml;
    if (!take_text(xml, SLICE("<")) || !take_text(xml, slice_str(name))) {
        *xml = before;
        return bad(xml, why);
    }
    return take_rest_of_tag(xml, why);
}

static bool
take_close(struct xml *xml, const char *name, const char *why)
{
    skip_space(xml);
    if (!take_text(xml, SLICE("</")) || !take_text(xml, slice_str(name)) ||
        !take_text(xml, SLICE(">"))) {
        return bad(xml, why);
    }
    return true;
}

/* <name>text</name>, the text up to the next "<". */
static bool
take_element(struct xml *xml, const char *name, struct slice *text,
             const char *why)
{
    const char *end;

    if (!take_open(xml, name, why)) {
        return false;
    }
    end = xml->rest.n > 0 ? memchr(xml->rest.p, '<', xml->rest.n) : NULL;
    if (end == NULL) {
        return bad(xml, why);
    }
    *text = (struct slice){xml->rest.p, (size_t)(end - xml->rest.p)};
    xml->rest.p += text->n;
    xml->rest.n -= text->n;
    return take_text(xml, SLICE("</")) && take_text(xml, slice_str(name)) &&
                   take_text(xml, SLICE(">"))
               ? true
               : bad(xml, why);
}

static bool
take_int(struct xml *xml, const char *name, int min, int max, int *out,
         const char *why)
{
    struct slice text = {NULL, 0};
    int64_t value;

    if (!take_element(xml, name, &text, why)) {
        return false;
    }
    if (!slice_i64(text, min, max, &value)) {
        return bad(xml, why);
    }
    *out = (int)value;
    return true;
}

static bool
take_u64(struct xml *xml, const char *name, uint64_t max, uint64_t *out,
         const char *why)
{
    struct slice text = {NULL, 0};

    return take_element(xml, name, &text, why) &&
           (slice_u64(text, max, out) || bad(xml, why));
}

/* Undo put_escaped().  False: too long, or an escape we do not know. */
static bool
unescape(struct slice text, char *to, size_t size, size_t *n)
{
    struct xml in = {.rest = text};

    for (*n = 0; in.rest.n > 0; ++*n) {
        size_t e = 0;

        if (*n == size) {
            return false;
        }
        to[*n] = *in.rest.p;
        if (to[*n] != '&') {
            in.rest.p++;
            in.rest.n--;
            continue;
        }
        while (e < ESCAPES && !take_text(&in, escapes[e].name)) {
            e++;
        }
        if (e == ESCAPES) {
            return false;
        }
        to[*n] = escapes[e].c;
    }
    return true;
}

static bool
take_name(struct xml *xml, struct node *node)
{
    char host[NODE_HOST_MAX];
    struct slice text = {NULL, 0};
    uint64_t port = 0;
    size_t n;

    if (!take_element(xml, "node_server_name", &text,
                      "node_server_name is expected") ||
        !take_u64(xml, "node_server_port", UINT16_MAX, &port,
                  "node_server_port is expected, a number from 1 to 65535")) {
        return false;
    }
    if (!unescape(text, host, sizeof(host), &n) ||
        !node_set_name(node, (struct slice){host, n}, port)) {
        return bad(xml, "the name or port of the node is not usable");
    }
    return true;
}

static bool
take_fields(struct xml *xml, struct node *node)
{
    int role = NODE_PROXY;
    int state = NODE_DOWN;

    if (!take_name(xml, node) ||
        !take_int(xml, "node_role", NODE_MASTER, NODE_PROXY, &role,
                  "node_role is expected, a number from 0 to 2") ||
        !take_int(xml, "node_state", NODE_ACTIVE, NODE_READY, &state,
                  "node_state is expected, a number from 0 to 3") ||
        !take_int(xml, "node_partition", NODE_NO_PARTITION, NODE_PARTITION_MAX,
                  &node->partition,
                  "node_partition is expected, a number from -1 up") ||
        !take_int(xml, "node_balance", 0, INT32_MAX, &node->balance,
                  "node_balance is expected, a number from 0 up") ||
        !take_int(xml, "node_thread_type", NODE_THREAD_TYPE_MIN, INT32_MAX - 1,
                  &node->thread_type,
                  "node_thread_type is expected, a number from 16 up")) {
        return false;
    }
    node->role = (enum node_role)role;
    node->state = (enum node_state)state;
    return true;
}

static bool
take_item(struct xml *xml, struct cluster_map *map)
{
    struct node node = {.partition = NODE_NO_PARTITION};
    size_t before = map->nnodes;
    struct slice key;

    if (!take_open(xml, "item", "an item is expected: count is too large") ||
        !take_element(xml, "first", &key, "first is expected") ||
        !take_open(xml, "second", "second is expected") ||
        !take_fields(xml, &node) ||
        !take_close(xml, "second", "the end of second is expected") ||
        !take_close(xml, "item", "the end of the item is expected")) {
        return false;
    }
    (void)cluster_map_put(map, &node);
    return map->nnodes > before || bad(xml, "this node is listed twice");
}

static bool
take_head(struct xml *xml)
{
    if (!take_text(xml, SLICE("<?xml"))) {
        return bad(xml, "the XML declaration is missing");
    }
    if (!take_rest_of_tag(xml, "the XML declaration is not complete")) {
        return false;
    }
    skip_space(xml);
    if (!take_text(xml, SLICE("<!DOCTYPE boost_serialization>"))) {
        return bad(xml, "DOCTYPE boost_serialization is expected");
    }
    return take_open(xml, "boost_serialization",
                     "boost_serialization is expected");
}

/* Files of older versions have no version of the map in them. */
static bool
take_version(struct xml *xml, uint64_t *version)
{
    struct xml before = *xml;

    *version = 0;
    if (!take_open(xml, "version", "")) {
        *xml = before;
        return true;
    }
    *xml = before;
    return take_u64(xml, "version", UINT64_MAX, version,
                    "the version of the map is not a number");
}

static bool
take_tail(struct xml *xml, struct cluster_map *map)
{
    int next = 0;

    if (!take_close(xml, "node_map",
                    "the end of node_map is expected: count is too small") ||
        !take_int(xml, "thread_type", 0, INT32_MAX, &next,
                  "thread_type is expected, a number") ||
        !take_close(xml, "boost_serialization",
                    "the end of boost_serialization is expected")) {
        return false;
    }
    skip_space(xml);
    if (xml->rest.n > 0) {
        return bad(xml, "there is something behind the end");
    }
    for (size_t i = 0; i < map->nnodes; i++) {
        if (map->node[i].thread_type >= next) {
            return bad(xml, "a node's thread type is not below thread_type");
        }
    }
    map->next_thread_type =
        next > NODE_THREAD_TYPE_MIN ? next : NODE_THREAD_TYPE_MIN;
    return true;
}

static struct cluster_map *
take_map(struct xml *xml)
{
    struct cluster_map *map;
    uint64_t version;
    uint64_t count = 0;
    uint64_t item_version;

    if (!take_head(xml) || !take_version(xml, &version) ||
        !take_open(xml, "node_map", "node_map is expected") ||
        !take_u64(xml, "count", xml->rest.n / sizeof("<item></item>"), &count,
                  "count is expected, a number that fits the file") ||
        !take_u64(xml, "item_version", UINT64_MAX, &item_version,
                  "item_version is expected, a number")) {
        return NULL;
    }
    map = cluster_map_new((size_t)count);
    if (map == NULL) {
        (void)bad(xml, "out of memory");
        return NULL;
    }
    map->version = version;
    while (count > 0 && take_item(xml, map)) {
        count--;
    }
    if (count > 0 || !take_tail(xml, map)) {
        cluster_map_unref(map);
        return NULL;
    }
    return map;
}

struct cluster_map *
map_text_parse_xml(struct slice text, const char **why, unsigned *line)
{
    struct xml xml = {.rest = text, .begin = text.p};
    struct cluster_map *map = take_map(&xml);

    *line = 1;
    *why = text.n == 0 ? "the file is empty" : xml.why;
    for (const char *p = xml.begin; p < xml.rest.p; p++) {
        *line += *p == '\n';
    }
    return map;
}
