/*
 * index_meta: what the index answers to "meta" (spec: control-plane 1.1).
 */
#ifndef FLARE_FLARED_INDEX_META_H
#define FLARE_FLARED_INDEX_META_H

#include "flared/flared.h"

struct index_meta {
    uint64_t partition_size, hint, slots;
    uint64_t interval_ms,
        threshold; /* of its monitor; 0: flare's does not say */
    enum keyhash_kind hash;
    bool bad_hash; /* one we do not know was named */
    bool bad_type; /* likewise of partition-type */
};

/* What holds as long as no line says otherwise. */
struct index_meta index_meta_default(void);

/* The lines as the index sends them, without the END. */
bool index_meta_put(struct buf *out, const struct cluster_meta *meta);

/* "META name value"; unknown names and bad numbers are passed over. */
void index_meta_line(struct index_meta *meta, struct slice line);

/*
 * Check it and put it into node->meta, with its table, unless that is there
 * already.  Control thread.  NULL, or why it cannot be used (constant).
 */
const char *index_meta_use(const struct index_meta *meta, struct flared *node);

#endif
