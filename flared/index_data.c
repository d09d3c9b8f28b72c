#include "flared/index_data.h"

#include <inttypes.h>

#include "base/alloc.h"
#include "flared/last_map.h"
#include "flared/membership.h"

static const char *
data_name(struct store *store)
{
    switch (store_data(store)) {
    case STORE_EMPTY:
        return "empty";
    case STORE_BUILDING:
        return "building";
    case STORE_COMPLETE:
        break;
    }
    return "complete";
}

char *
index_data(struct flared *node)
{
    const struct cluster_view *view = membership_view(node->membership);
    struct index_meta ignored;
    struct cluster_map *last = view != NULL ? cluster_map_ref(view->map)
                                            : last_map_load(node, &ignored);
    const struct node *self =
        last != NULL ? cluster_map_find(last, slice_str(node->self)) : NULL;
    const int partition = self != NULL ? self->partition : NODE_NO_PARTITION;
    const uint64_t version = last != NULL ? last->version : 0;
    struct lineage lineage;

    cluster_map_unref(last);
    store_lineage(node->store, &lineage);
    return xasprintf(" data %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %s %" PRIu64,
                     partition, lineage_epoch(&lineage), lineage.seq,
                     store_count(node->store), data_name(node->store), version);
}
