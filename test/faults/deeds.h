/*
 * deeds: what is done to the cluster.
 */
#ifndef FLARE_TEST_FAULTS_DEEDS_H
#define FLARE_TEST_FAULTS_DEEDS_H

#include "base/rand.h"
#include "test/faults/site.h"

enum deed_kind {
    DEED_LOUD,   /* a process ends: connections are closed */
    DEED_SILENT, /* somebody is not heard any more: the threshold counts */
    DEED_SLOW,   /* the network is bad; nobody should be given up */
    DEED_DISK,   /* a disk is full */
};

struct deed {
    const char *name;
    enum deed_kind kind;
    char who;       /* m(aster), s(lave), p(roxy), i(ndex), a(ll) */
    bool needs_net; /* and is left out without a fault network */
    bool isolates;  /* the target cannot take part in an acknowledgement */
    void (*act)(struct site *site, size_t target, size_t master);
};

extern const struct deed deeds[];
extern const size_t ndeeds;

/* The place a deed is done to. */
size_t deed_target(const struct deed *deed, struct rand *r, size_t master);

/* Undo whatever was done; processes that ended are started again. */
void deeds_undo(struct site *site);

#endif
