/*
 * sample: what all nodes of a cluster say of themselves at one time.
 */
#ifndef FLARE_TOOL_SAMPLE_H
#define FLARE_TOOL_SAMPLE_H

#include "base/clock.h"
#include "cluster/map.h"
#include "stats/hist.h"
#include "tool/server.h"

struct sample {
    bool alive; /* it answered; otherwise only behind is known */
    struct mono when;
    uint64_t items, connections, bytes, uptime;
    uint64_t cmd_get, cmd_set, get_hits;
    uint64_t rss;
    char version[32];
    char behind[24]; /* of the index's thread for this node; "-": none */
    /* Only if they were asked for: */
    struct hist_total *times; /* of gets and sets; NULL: it cannot tell */
    int64_t lag; /* changes its master has and it has not; -1: no slave */
};

struct round {
    struct cluster_map *map;
    const struct node **nodes; /* by partition, proxies first */
    struct sample *samples;    /* as nodes */
    size_t n;
    bool closely; /* set before: times and lag, too */
};

/*
 * Ask the index and then every node, or the named ones.  False: the index
 * failed or does not know one of the names (said).
 */
bool round_take(struct round *round, struct tool *tool, int nwords,
                char **words);
void round_fini(struct round *round);

/* NULL when it is not there. */
const struct sample *round_find(const struct round *round, const char *key);

#endif
