#include "index/position.h"

static bool
take_partition(struct slice *rest, int *out)
{
    int64_t partition;

    if (!slice_i64(slice_word(rest), NODE_NO_PARTITION, NODE_PARTITION_MAX,
                   &partition)) {
        return false;
    }
    *out = (int)partition;
    return true;
}

static bool
take_number(struct slice *rest, uint64_t *out)
{
    return slice_u64(slice_word(rest), UINT64_MAX, out);
}

/* A node always knows how its copy is. */
static bool
take_copy(struct slice *rest, enum node_copy *out)
{
    return node_copy_parse(slice_word(rest), out) && *out != NODE_COPY_UNKNOWN;
}

static bool
at_end(struct slice rest)
{
    return slice_word(&rest).n == 0;
}

bool
index_position_parse(struct slice line, struct node_data *out)
{
    struct node_data data = {.copy = NODE_COPY_UNKNOWN};

    if (!slice_eq(slice_word(&line), SLICE("POSITION")) ||
        !take_partition(&line, &data.partition) ||
        !take_number(&line, &data.epoch) || !take_number(&line, &data.seq) ||
        !take_copy(&line, &data.copy) || !at_end(line)) {
        return false;
    }
    *out = data;
    return true;
}

bool
index_data_parse(struct slice rest, struct node_data *out, uint64_t *version)
{
    struct node_data data = {.copy = NODE_COPY_UNKNOWN};
    uint64_t seen;

    if (!slice_eq(slice_word(&rest), SLICE("data")) ||
        !take_partition(&rest, &data.partition) ||
        !take_number(&rest, &data.epoch) || !take_number(&rest, &data.seq) ||
        !take_number(&rest, &data.records) || !take_copy(&rest, &data.copy)) {
        return false;
    }
    seen = data.epoch;
    if (!at_end(rest) && (!take_number(&rest, &seen) || !at_end(rest))) {
        return false;
    }
    *version = seen;
    *out = data;
    return true;
}
