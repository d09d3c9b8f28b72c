#include "index/side.h"

#include <string.h>

#include "base/crc32c.h"

static const char damaged[] = "the checksum does not match: it was damaged";

static bool
put_number(struct buf *out, uint64_t number)
{
    return buf_put_str(out, " ") && buf_put_u64(out, number);
}

static bool
put_word(struct buf *out, const char *word)
{
    return buf_put_str(out, " ") && buf_put_str(out, word);
}

static bool
put_data(struct buf *out, const struct node_data *data)
{
    return put_word(out, node_copy_name(data->copy)) && buf_put_str(out, " ") &&
           buf_put_i64(out, data->partition) && put_number(out, data->epoch) &&
           put_number(out, data->seq) && put_number(out, data->records);
}

static bool
put_node(struct buf *out, const struct node *node)
{
    if (!node->held && node->wait == NODE_WAIT_NOT &&
        node->data.copy == NODE_COPY_UNKNOWN && node->master_since == 0) {
        return true;
    }
    return buf_put_str(out, "node ") && buf_put_slice(out, node_key(node)) &&
           put_number(out, node->held) &&
           put_word(out, node_wait_name(node->wait)) &&
           put_data(out, &node->data) && put_number(out, node->master_since) &&
           buf_put_str(out, "\n");
}

static bool
put_generation(struct buf *out, const struct cluster_map *map)
{
    bool ok = buf_put_str(out, "generation") && put_number(out, map->version) &&
              buf_put_str(out, "\n");

    for (size_t i = 0; ok && i < map->nnodes; i++) {
        ok = put_node(out, &map->node[i]);
    }
    return ok;
}

static bool
put_party(struct buf *out, const char *key, const struct node_data *data)
{
    return put_word(out, key[0] != '\0' ? key : "-") && put_data(out, data);
}

static bool
put_failover(struct buf *out, const struct index_failover *f)
{
    return buf_put_str(out, "failover") && put_number(out, f->version) &&
           buf_put_str(out, " ") && buf_put_i64(out, f->at.s) &&
           buf_put_str(out, " ") && buf_put_i64(out, f->took_ms) &&
           put_word(out, index_event_name(f->cause)) &&
           put_word(out, health_evidence_name(f->evidence)) &&
           buf_put_str(out, " ") && buf_put_i64(out, f->partition) &&
           put_party(out, f->from, &f->from_data) &&
           put_party(out, f->to, &f->to_data) && buf_put_str(out, "\n");
}

static bool
put_crc(struct buf *out, size_t from)
{
    struct slice text = buf_slice(out);
    uint32_t crc = crc32c(0, text.p + from, text.n - from);

    return buf_printf(out, "crc %08x\n", (unsigned)crc);
}

bool
index_side_put(struct buf *out, const struct cluster_map *before,
               const struct cluster_map *map, struct index_book *book)
{
    size_t from = buf_len(out);
    bool ok =
        buf_put_str(out, "flarei.state 1\n") &&
        (before == NULL || before == map || put_generation(out, before)) &&
        put_generation(out, map);

    for (size_t i = 0; ok && i < index_book_count(book); i++) {
        ok = put_failover(out, index_book_at(book, i));
    }
    return ok && put_crc(out, from);
}

struct reader {
    struct cluster_map *map;
    struct index_book *book;
    uint64_t generation; /* whose nodes are being read */
    bool any, applies;
    size_t failovers;
};

static bool
take_data(struct slice *rest, struct node_data *data)
{
    int64_t partition;

    if (!node_copy_parse(slice_word(rest), &data->copy) ||
        !slice_i64(slice_word(rest), NODE_NO_PARTITION, NODE_PARTITION_MAX,
                   &partition) ||
        !slice_u64(slice_word(rest), UINT64_MAX, &data->epoch) ||
        !slice_u64(slice_word(rest), UINT64_MAX, &data->seq) ||
        !slice_u64(slice_word(rest), UINT64_MAX, &data->records)) {
        return false;
    }
    data->partition = (int)partition;
    return true;
}

static bool
at_end(struct slice rest)
{
    return slice_word(&rest).n == 0;
}

/* What the nodes were said to be before does not count any more. */
static bool
take_generation(struct reader *reader, struct slice rest)
{
    uint64_t since;

    if (!slice_u64(slice_word(&rest), UINT64_MAX, &since) || !at_end(rest) ||
        (reader->any && since <= reader->generation)) {
        return false;
    }
    reader->generation = since;
    reader->any = true;
    reader->applies = since <= reader->map->version;
    for (size_t i = 0; reader->applies && i < reader->map->nnodes; i++) {
        struct node *node = &reader->map->node[i];

        node->held = false;
        node->wait = NODE_WAIT_NOT;
        node->data = (struct node_data){.copy = NODE_COPY_UNKNOWN};
        node->master_since = 0;
    }
    return true;
}

static void
apply(const struct reader *reader, struct slice key, const struct node *told)
{
    struct node *node = cluster_map_find(reader->map, key);

    if (!reader->applies || node == NULL) {
        return;
    }
    if (told->data.copy != NODE_COPY_UNKNOWN) {
        node->data = told->data;
    }
    node->master_since = node->role == NODE_MASTER ? told->master_since : 0;
    if (node->state == NODE_DOWN) {
        node->held = told->held;
        node->wait = node->role == NODE_MASTER ? told->wait : NODE_WAIT_NOT;
    }
}

static bool
take_node(struct reader *reader, struct slice rest)
{
    struct slice key = slice_word(&rest);
    struct node told = {.partition = NODE_NO_PARTITION};
    uint64_t held;

    if (!reader->any || key.n == 0 || key.n > NODE_KEY_MAX ||
        !slice_u64(slice_word(&rest), 1, &held) ||
        !node_wait_parse(slice_word(&rest), &told.wait) ||
        !take_data(&rest, &told.data) ||
        !slice_u64(slice_word(&rest), UINT64_MAX, &told.master_since) ||
        !at_end(rest)) {
        return false;
    }
    told.held = held != 0;
    apply(reader, key, &told);
    return true;
}

/* "host:port", exactly as a node would be called. */
static bool
take_key(struct slice word, char key[NODE_KEY_MAX + 1])
{
    struct slice host = word;
    struct node name = {.partition = NODE_NO_PARTITION};
    uint64_t port;

    while (host.n > 0 && host.p[host.n - 1] != ':') {
        host.n--;
    }
    if (host.n == 0 ||
        !slice_u64((struct slice){word.p + host.n, word.n - host.n}, UINT16_MAX,
                   &port) ||
        !node_set_name(&name, (struct slice){host.p, host.n - 1}, port) ||
        !slice_eq(word, node_key(&name))) {
        return false;
    }
    memcpy(key, name.key, sizeof(name.key));
    return true;
}

static bool
take_party(struct slice *rest, char key[NODE_KEY_MAX + 1],
           struct node_data *data)
{
    struct slice word = slice_word(rest);

    return (slice_eq(word, SLICE("-")) || take_key(word, key)) &&
           take_data(rest, data);
}

static bool
take_failover(struct reader *reader, struct slice rest)
{
    struct index_failover f = {0};
    int64_t partition;

    if (++reader->failovers > INDEX_HISTORY ||
        !slice_u64(slice_word(&rest), UINT64_MAX, &f.version) ||
        !slice_i64(slice_word(&rest), INT64_MIN, INT64_MAX, &f.at.s) ||
        !slice_i64(slice_word(&rest), -1, INT64_MAX, &f.took_ms) ||
        !index_event_parse(slice_word(&rest), &f.cause) ||
        !health_evidence_parse(slice_word(&rest), &f.evidence) ||
        !slice_i64(slice_word(&rest), 0, NODE_PARTITION_MAX, &partition) ||
        !take_party(&rest, f.from, &f.from_data) ||
        !take_party(&rest, f.to, &f.to_data) || !at_end(rest)) {
        return false;
    }
    f.partition = (int)partition;
    if (f.version <= reader->map->version) {
        (void)index_book_add(reader->book, &f);
    }
    return true;
}

static bool
take_line(struct reader *reader, struct slice line)
{
    struct slice word = slice_word(&line);

    if (slice_eq(word, SLICE("generation"))) {
        return take_generation(reader, line);
    }
    if (slice_eq(word, SLICE("node"))) {
        return take_node(reader, line);
    }
    return slice_eq(word, SLICE("failover")) && take_failover(reader, line);
}

/* The text without its last line, which is the checksum of the rest. */
static bool
take_crc(struct slice *text)
{
    static const char digits[] = "0123456789abcdef";
    enum { LAST = 13 }; /* "crc 01234567\n" */
    struct slice last;
    uint32_t crc = 0;

    if (text->n < LAST) {
        return false;
    }
    last = (struct slice){text->p + text->n - LAST, LAST};
    text->n -= LAST;
    if (memcmp(last.p, "crc ", 4) != 0 || last.p[LAST - 1] != '\n') {
        return false;
    }
    for (size_t i = 4; i < LAST - 1; i++) {
        uint32_t digit = 0;

        while (digit < 16 && digits[digit] != last.p[i]) {
            digit++;
        }
        if (digit == 16) {
            return false;
        }
        crc = crc * 16 + digit;
    }
    return crc == crc32c(0, text->p, text->n);
}

struct index_side_read
index_side_take(struct slice text, struct cluster_map *map,
                struct index_book *book)
{
    struct index_side_read result = {.line = 1};
    struct reader reader = {.map = map, .book = book};
    bool applied = false;

    if (text.n == 0) {
        result.why = "the file is empty";
        return result;
    }
    if (!take_crc(&text)) {
        result.why = damaged;
        return result;
    }
    if (!slice_eq(slice_until(&text, '\n'), SLICE("flarei.state 1"))) {
        result.why = "this is no state that this version can read";
        return result;
    }
    while (text.n > 0) {
        result.line++;
        if (!take_line(&reader, slice_until(&text, '\n'))) {
            result.why = "this line is not understood";
            return result;
        }
        applied = applied || reader.applies;
    }
    result.older = reader.any && !applied;
    return result;
}
