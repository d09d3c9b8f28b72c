#include "flare-admin/meta.h"

const struct meta meta_default = {
    .partition_size = 1024, .hint = 1, .slots = 4096, .hash = KEYHASH_SIMPLE};

static bool
take_meta(void *arg, struct slice name, struct slice value)
{
    struct meta *meta = arg;
    const struct {
        struct slice name;
        uint64_t *to;
    } numbers[] = {
        {SLICE("partition-size"), &meta->partition_size},
        {SLICE("partition-modular-hint"), &meta->hint},
        {SLICE("partition-modular-virtual"), &meta->slots},
    };

    if (slice_eq(name, SLICE("key-hash-algorithm"))) {
        (void)keyhash_parse(value, &meta->hash);
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (slice_eq(name, numbers[i].name)) {
            (void)slice_u64(value, 1000000, numbers[i].to);
        }
    }
    return true;
}

bool
meta_fetch(struct server *server, struct meta *out)
{
    *out = meta_default;
    return server_stats(server, "meta", take_meta, out);
}

const uint16_t *
meta_row(const struct meta *meta, unsigned n, struct partition_table **table)
{
    if (*table == NULL) {
        *table =
            partition_table_new((unsigned)meta->partition_size,
                                (unsigned)meta->hint, (unsigned)meta->slots);
    }
    return *table != NULL ? partition_table_row(*table, n) : NULL;
}
