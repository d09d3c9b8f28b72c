#include "item/item.h"
#include "storage/store_impl.h"

/* Does the file have a newer record than this entry's? */
static bool
is_stale(struct store *store, const struct ulog_entry *entry,
         struct buf *scratch)
{
    struct item item;
    uint64_t size;

    buf_clear(scratch);
    return store->ops->get(store->engine, entry->key, ITEM_HEADER, scratch) ==
               ENGINE_OK &&
           item_decode_header(buf_slice(scratch), &item, &size) &&
           item.version > entry->version;
}

static enum store_effect
effect_of_set(const struct ulog_entry *entry, struct buf *record)
{
    struct item item = {entry->flags, entry->expire, entry->version,
                        entry->value};

    buf_clear(record);
    if (!buf_reserve(record, ITEM_HEADER + entry->value.n)) {
        return EFFECT_FAILED;
    }
    item_encode_header(buf_tail(record), &item, entry->value.n);
    buf_advance(record, ITEM_HEADER);
    return buf_put_slice(record, entry->value) ? EFFECT_PUT : EFFECT_FAILED;
}

static enum store_effect
effect_of_touch(struct store *store, const struct ulog_entry *entry,
                struct buf *record)
{
    struct item item;

    buf_clear(record);
    switch (store->ops->get(store->engine, entry->key, SIZE_MAX, record)) {
    case ENGINE_MISS:
        return EFFECT_NONE;
    case ENGINE_ERROR:
        return EFFECT_FAILED;
    case ENGINE_OK:
        break;
    }
    if (!item_decode(buf_slice(record), &item) ||
        item.version != entry->version) {
        return EFFECT_NONE;
    }
    item.expire = entry->expire;
    item_encode_header(record->base + record->start, &item, item.value.n);
    return EFFECT_PUT;
}

enum store_effect
store_effect_of(struct store *store, const struct ulog_entry *entry, bool merge,
                struct buf *record)
{
    switch (entry->op) {
    case ULOG_SET:
        return merge && is_stale(store, entry, record)
                   ? EFFECT_NONE
                   : effect_of_set(entry, record);
    case ULOG_TOUCH:
        return effect_of_touch(store, entry, record);
    case ULOG_DELETE:
        return merge && is_stale(store, entry, record) ? EFFECT_NONE
                                                       : EFFECT_REMOVE;
    case ULOG_FLUSH:
        return merge ? EFFECT_NONE : EFFECT_CLEAR;
    case ULOG_MARK:
    case ULOG_DIGEST:
        return EFFECT_NONE;
    }
    return EFFECT_FAILED;
}

void
store_effect_done(struct store *store, const struct ulog_entry *entry)
{
    switch (entry->op) {
    case ULOG_SET:
    case ULOG_TOUCH:
        marks_tidy(&store->marks, entry->key, entry->version);
        break;
    case ULOG_DELETE:
        if (entry->version != 0) {
            tombstones_put(&store->tombstones, entry->key, entry->version);
        }
        marks_tidy(&store->marks, entry->key, entry->version);
        break;
    case ULOG_FLUSH:
        tombstones_clear(&store->tombstones);
        marks_clear(&store->marks);
        break;
    case ULOG_MARK:
        marks_put(&store->marks, entry->key, entry->version, entry->flags);
        break;
    case ULOG_DIGEST:
        break;
    }
    if (entry->version > 0) {
        (void)store_see_version(store, entry->version);
    }
}
