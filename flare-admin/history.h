/*
 * history: the changes of masters that the index remembers.
 */
#ifndef FLARE_FLARE_ADMIN_HISTORY_H
#define FLARE_FLARE_ADMIN_HISTORY_H

#include "cluster/node.h"
#include "tool/tool.h"

struct failover {
    uint64_t number; /* as the index counts them */
    int64_t time, took_ms;
    int partition;
    char cause[24], evidence[24];
    char from[NODE_KEY_MAX + 1], to[NODE_KEY_MAX + 1]; /* "-": none */
    uint64_t from_epoch, from_seq, to_epoch, to_seq;
};

struct history {
    struct failover *all; /* the oldest first */
    size_t n;
};

/* An index of flare 1.3.4 has none.  False: it cannot be asked (said). */
bool history_fetch(struct history *history, struct tool *tool);
void history_fini(struct history *history);

/* NULL: nothing is remembered of the partition. */
const char *history_first_master(const struct history *history, int partition);

/* The partition a node had last; -1. */
int history_partition_of(const struct history *history, const char *key);

#endif
