/* One node's disk: its log, and the engine that the log has made. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "test/sim/actors.h"

void
journal_init(struct journal *j, uint64_t keep)
{
    memset(j, 0, sizeof(*j));
    j->first = 1;
    j->keep = keep;
}

void
journal_fini(struct journal *j)
{
    free(j->entry);
    cluster_map_unref(j->map);
    j->entry = NULL;
    j->map = NULL;
}

const struct entry *
journal_at(const struct journal *j, uint64_t seq)
{
    return seq >= j->first && seq < j->first + j->n ? &j->entry[seq - j->first]
                                                    : NULL;
}

bool
journal_has(const struct journal *j, uint64_t epoch, uint64_t seq)
{
    uint64_t there;

    if (seq > j->lineage.seq) {
        return false;
    }
    there = lineage_epoch_at(&j->lineage, seq);
    return there == epoch || there == 0; /* 0: too long ago to be known */
}

/* Of everything up to the last entry. */
static uint64_t
chain_of(const struct journal *j)
{
    return j->n > 0 ? j->entry[j->n - 1].chain : j->base_chain;
}

static uint64_t
chain_on(uint64_t chain, const struct entry *e)
{
    chain ^= e->epoch * UINT64_C(0x9e3779b97f4a7c15) + e->seq;
    chain = (chain << 21 | chain >> 43) * UINT64_C(0xbf58476d1ce4e5b9);
    return chain ^ (UINT64_C(1) * e->key << 32 | e->value);
}

/* Old entries go, as segments do. */
static void
trim(struct journal *j)
{
    size_t drop;

    if (j->n < 2 * j->keep + 16) {
        return;
    }
    drop = j->n - j->keep;
    j->base_chain = j->entry[drop - 1].chain;
    memmove(j->entry, j->entry + drop, j->keep * sizeof(*j->entry));
    j->n = j->keep;
    j->first += drop;
}

static void
add(struct journal *j, struct entry *e)
{
    trim(j);
    if (j->n == j->cap) {
        j->cap = j->cap == 0 ? 64 : 2 * j->cap;
        j->entry = xreallocarray(j->entry, j->cap, sizeof(*j->entry));
    }
    e->was = j->value[e->key];
    e->was_at = j->at[e->key];
    j->entry[j->n++] = *e;
    j->lineage.seq = e->seq;
    j->value[e->key] = e->value;
    j->at[e->key] = e->seq;
}

bool
journal_append(struct journal *j, uint64_t epoch, uint32_t key, uint32_t value)
{
    struct entry e = {
        .epoch = epoch, .seq = j->lineage.seq + 1, .key = key, .value = value};

    if (j->full) {
        return false;
    }
    e.chain = chain_on(chain_of(j), &e);
    add(j, &e);
    return true;
}

bool
journal_mirror(struct world *w, struct journal *j, const struct entry *e)
{
    struct entry copy = *e;

    if (j->full || e->seq != j->lineage.seq + 1 ||
        e->epoch < lineage_epoch(&j->lineage)) {
        return false;
    }
    if (chain_on(chain_of(j), e) != e->chain) {
        world_break(w,
                    "two logs have the same entry (%llu, %llu) and are not "
                    "the same before it",
                    (unsigned long long)e->epoch, (unsigned long long)e->seq);
    }
    lineage_begin(&j->lineage, e->epoch, e->seq);
    add(j, &copy);
    return true;
}

void
journal_force(struct journal *j, const struct row *row)
{
    j->value[row->key] = row->value;
    j->at[row->key] = row->at;
}

void
journal_dumped(struct journal *j, const struct row *row)
{
    if (row->at > j->at[row->key]) {
        journal_force(j, row);
    }
}

void
journal_cut(struct journal *j, uint64_t seq)
{
    assert(seq + 1 >= j->first && seq <= j->lineage.seq);
    j->n = (size_t)(seq + 1 - j->first);
    lineage_cut(&j->lineage, seq);
    if (j->synced > seq) {
        j->synced = seq;
    }
}

void
journal_restart(struct journal *j, uint64_t epoch, uint64_t seq, uint64_t chain)
{
    memset(j->value, 0, sizeof(j->value));
    memset(j->at, 0, sizeof(j->at));
    j->n = 0;
    j->first = seq + 1;
    j->base_chain = chain;
    j->lineage = (struct lineage){.seq = 0};
    if (epoch > 0) {
        lineage_begin(&j->lineage, epoch, seq > 0 ? seq : 1);
    }
    j->lineage.seq = seq;
    j->synced = seq;
    j->building = true;
    j->whole_at = 0;
}

void
journal_lose(struct journal *j, uint64_t seq)
{
    while (j->n > 0 && j->entry[j->n - 1].seq > seq) {
        const struct entry *e = &j->entry[--j->n];

        j->value[e->key] = e->was;
        j->at[e->key] = e->was_at;
        j->lineage.seq = e->seq - 1;
    }
    lineage_cut(&j->lineage, j->lineage.seq);
    if (j->synced > j->lineage.seq) {
        j->synced = j->lineage.seq;
    }
}

enum node_copy
journal_copy(const struct journal *j)
{
    if (j->building) {
        return NODE_COPY_BUILDING;
    }
    return j->lineage.seq == 0 ? NODE_COPY_EMPTY : NODE_COPY_COMPLETE;
}
