/*
 * findings: what is wrong with a cluster, and what would mend it.
 */
#ifndef FLARE_FLARE_ADMIN_FINDINGS_H
#define FLARE_FLARE_ADMIN_FINDINGS_H

#include "flare-admin/admin.h"

enum finding_level { FINDING_WARNING, FINDING_ERROR };

enum finding_remedy {
    REMEDY_NONE,     /* for the operator; the text says what */
    REMEDY_ACTIVATE, /* make the node active */
    REMEDY_BALANCE,  /* give the node the balance 1 */
    REMEDY_SLAVE,    /* make the node a slave of the partition */
};

struct finding {
    enum finding_level level;
    enum finding_remedy remedy;
    char node[NODE_KEY_MAX + 1]; /* it concerns, or what the remedy uses; "" */
    int partition;               /* -1: none */
    char text[240], advice[240];
};

struct findings {
    struct finding *all;
    size_t n;
    size_t errors;
};

/*
 * Look at the index's map, at every node, and at what nodes think of the map.
 * False: the index cannot be asked (said).
 */
bool findings_take(struct findings *findings, struct tool *tool);
void findings_fini(struct findings *findings);

#endif
