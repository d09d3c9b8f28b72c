/*
 * digest: are the copies of a partition equal, and where are they not?
 *
 * The master puts a mark into its log; every copy takes the digest of its
 * records where the mark reaches it, so that writes may go on.
 */
#ifndef FLARE_FLARE_ADMIN_DIGEST_H
#define FLARE_FLARE_ADMIN_DIGEST_H

#include "cluster/map.h"
#include "tool/tool.h"

enum digest_verdict {
    DIGEST_EQUAL,
    DIGEST_DIFFERENT,
    DIGEST_UNKNOWN, /* it could not be compared; why says it */
};

struct digest_copy {
    const struct node *node; /* of the map that was given */
    enum digest_verdict verdict;
    uint64_t records;
    char sum[33];
    char why[240];
};

struct digest_result {
    int partition;
    uint64_t epoch, seq;
    struct digest_copy *copies; /* the master first */
    size_t n;
    bool equal;
};

/* Compare all active copies.  False: there is no master that answers (said). */
bool digest_compare(struct digest_result *result, struct tool *tool,
                    const struct cluster_map *map, int partition);
void digest_fini(struct digest_result *result);

/*
 * Have the master send every record anew in which the copy differs.  Counts
 * them; false: it failed (said).
 */
bool digest_repair(struct tool *tool, const struct digest_result *result,
                   const struct digest_copy *copy, uint64_t *repaired);

#endif
