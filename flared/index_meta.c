#include "flared/index_meta.h"

#include "base/log.h"
#include "repl/stream.h"

enum {
    SIZE_MAX_PARTITIONS = 65535, /* a row's entries have 16 bits */
    SLOTS_MAX = 1 << 24,
};

struct index_meta
index_meta_default(void)
{
    return (struct index_meta){.partition_size = 1024,
                               .hint = 1,
                               .slots = 4096,
                               .hash = KEYHASH_SIMPLE};
}

void
index_meta_line(struct index_meta *meta, struct slice line)
{
    struct slice name, value;
    bool ok = true;

    (void)slice_word(&line); /* META */
    name = slice_word(&line);
    value = slice_word(&line);
    if (slice_eq(name, SLICE("partition-size"))) {
        ok = slice_u64(value, UINT32_MAX, &meta->partition_size);
    } else if (slice_eq(name, SLICE("partition-modular-hint"))) {
        ok = slice_u64(value, UINT32_MAX, &meta->hint);
    } else if (slice_eq(name, SLICE("partition-modular-virtual"))) {
        ok = slice_u64(value, UINT32_MAX, &meta->slots);
    } else if (slice_eq(name, SLICE("monitor-interval-ms"))) {
        ok = slice_u64(value, UINT32_MAX, &meta->interval_ms);
    } else if (slice_eq(name, SLICE("monitor-threshold"))) {
        ok = slice_u64(value, UINT32_MAX, &meta->threshold);
    } else if (slice_eq(name, SLICE("key-hash-algorithm"))) {
        meta->bad_hash = !keyhash_parse(value, &meta->hash);
    } else if (slice_eq(name, SLICE("partition-type"))) {
        meta->bad_type = !slice_eq(value, SLICE("modular"));
    }
    if (!ok) {
        log_warn("the index sends a bad number for %s: %s", log_text(name).text,
                 log_text(value).text);
    }
}

bool
index_meta_put(struct buf *out, const struct cluster_meta *meta)
{
    return buf_printf(out,
                      "META partition-size %u\r\n"
                      "META key-hash-algorithm %s\r\n"
                      "META partition-type modular\r\n"
                      "META partition-modular-hint %u\r\n"
                      "META partition-modular-virtual %u\r\n",
                      meta->partition_size, keyhash_name(meta->hash),
                      meta->hint, meta->slots);
}

static const char *
broken(const struct index_meta *meta)
{
    if (meta->bad_hash) {
        return "its key-hash-algorithm is not known here";
    }
    if (meta->bad_type) {
        return "its partition-type is not known here";
    }
    if (meta->partition_size < 2 ||
        meta->partition_size > SIZE_MAX_PARTITIONS) {
        return "its partition-size is not in 2..65535";
    }
    if (meta->hint < 1) {
        return "its partition-modular-hint is 0";
    }
    if (meta->slots < 1 || meta->slots > SLOTS_MAX) {
        return "its partition-modular-virtual is not in 1..16777216";
    }
    return NULL;
}

static bool
same(const struct index_meta *meta, const struct cluster_meta *ours)
{
    return meta->partition_size == ours->partition_size &&
           meta->hint == ours->hint && meta->slots == ours->slots &&
           meta->hash == ours->hash;
}

const char *
index_meta_use(const struct index_meta *meta, struct flared *node)
{
    struct cluster_meta *ours = &node->meta;
    const char *why = broken(meta);

    if (why != NULL) {
        return why;
    }
    atomic_store(&node->index_is_ours, meta->interval_ms > 0);
    atomic_store(&node->standing.lease_ms,
                 stream_lease_ms(meta->interval_ms, meta->threshold));
    if (atomic_load(&node->has_meta)) {
        /* Views in use point into the table: it can only be one. */
        return same(meta, ours) ? NULL
                                : "its meta is not what it was; restart me";
    }
    ours->partition_size = (unsigned)meta->partition_size;
    ours->hint = (unsigned)meta->hint;
    ours->slots = (unsigned)meta->slots;
    ours->hash = meta->hash;
    ours->table =
        partition_table_new(ours->partition_size, ours->hint, ours->slots);
    if (ours->table == NULL) {
        return "no memory for its partition table";
    }
    atomic_store(&node->has_meta, true);
    return NULL;
}
