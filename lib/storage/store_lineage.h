/*
 * store_lineage: the history of the log's epochs, in a small file beside it.
 *
 * An era is durable before the log has an entry of it.  Any thread.
 */
#ifndef FLARE_STORAGE_STORE_LINEAGE_H
#define FLARE_STORAGE_STORE_LINEAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "item/lineage.h"

struct store_epochs {
    struct lineage lineage; /* its seq is not kept up */
    uint64_t seen;          /* the highest epoch heard of */
    uint64_t top;           /* the highest any entry ever had */
};

struct store_lineage {
    pthread_mutex_t lock; /* guards now */
    char *path;
    struct store_epochs now;
};

void store_lineage_init(struct store_lineage *all);
void store_lineage_fini(struct store_lineage *all);

/* No file: no history.  ERR_CORRUPT: it is damaged. */
int store_lineage_load(struct store_lineage *all, const char *path,
                       struct err *err);

/*
 * Entries from `first` on have this epoch.  Durable when it returns true; else
 * nothing has changed.
 */
bool store_lineage_begin(struct store_lineage *all, uint64_t epoch,
                         uint64_t first);

/* An epoch was heard of.  As above. */
bool store_lineage_see(struct store_lineage *all, uint64_t epoch);

/* Entries above seq are no more; durable.  see lineage_cut(). */
int store_lineage_cut(struct store_lineage *all, uint64_t seq, struct err *err);

/* The history becomes this one.  Durable. */
int store_lineage_adopt(struct store_lineage *all,
                        const struct lineage *history, struct err *err);

/* All of it; the newest era's epoch is that of the log. */
void store_lineage_get(struct store_lineage *all, struct store_epochs *out);

#endif
