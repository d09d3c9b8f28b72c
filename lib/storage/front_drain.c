/*
 * What is taken off the front table, for the engine behind it.
 */
#include "storage/front_impl.h"

enum { BEGIN_MAX = 1 << 20 }; /* bytes to be begun at a time, about */

void
front_table_mark(struct front_table *table)
{
    for (unsigned i = 0; i < FRONT_SHARDS; i++) {
        struct front_shard *shard = &table->shard[i];

        (void)pthread_mutex_lock(&shard->lock);
        shard->mark = shard->head;
        (void)pthread_mutex_unlock(&shard->lock);
    }
}

bool
front_shard_is_marked(struct front_shard *shard)
{
    bool marked;

    (void)pthread_mutex_lock(&shard->lock);
    marked = shard->clean < shard->mark;
    (void)pthread_mutex_unlock(&shard->lock);
    return marked;
}

unsigned
front_shard_begin(struct front_shard *shard, struct front_entry **batch,
                  unsigned max, int64_t older_than)
{
    unsigned n = 0;

    (void)pthread_mutex_lock(&shard->lock);
    shard->done = shard->clean;
    while (n < max && shard->done < shard->head &&
           shard->done - shard->clean < BEGIN_MAX) {
        uint64_t at = shard->done;
        struct front_entry *e = entry_at(shard, &at);
        bool crowded = shard->head - shard->done > shard->size / 2;

        if (at == shard->head) {
            shard->done = at;
            break;
        }
        if (e->linked && !crowded && e->came_ms > older_than) {
            break;
        }
        batch[n++] = e->linked ? e : NULL;
        shard->done = at + e->size;
    }
    shard->begun = n;
    (void)pthread_mutex_unlock(&shard->lock);
    return n;
}

void
front_shard_end(struct front_shard *shard)
{
    (void)pthread_mutex_lock(&shard->lock);
    shard->clean = shard->done;
    shard->begun = 0;
    (void)pthread_cond_broadcast(&shard->room);
    (void)pthread_mutex_unlock(&shard->lock);
}

void
front_shard_abort(struct front_shard *shard, struct front_entry *const *batch,
                  unsigned n,
                  void (*gone)(void *arg, struct slice key, size_t n),
                  void *arg)
{
    (void)pthread_mutex_lock(&shard->lock);
    for (unsigned i = 0; i < n; i++) {
        const struct front_entry *e = batch[i];

        if (e != NULL && !e->linked && !e->removes) {
            gone(arg, front_entry_key(e), e->n);
        }
    }
    shard->done = shard->clean;
    shard->begun = 0;
    (void)pthread_mutex_unlock(&shard->lock);
}
