/*
 * index: the one place where the map changes.
 *
 * step -> make durable -> take into use -> broadcast -> log why, once.  What
 * could not be made durable has not happened.
 */
#ifndef FLARE_FLAREI_INDEX_H
#define FLARE_FLAREI_INDEX_H

#include "flarei/flarei.h"
#include "index/step.h"

struct election;
struct member;

struct index_outcome {
    enum index_verdict verdict;
    const char *why;
    bool explain; /* see struct index_plan */
};

/*
 * Take the saved map into use, or an empty one when nothing was ever saved.
 * ERR_CORRUPT names the file, the line and what is wrong there.
 */
int index_load(struct flarei *flarei, struct err *err);

/* Start monitoring the nodes of the map. */
void index_start(struct flarei *flarei);
void index_stop(struct flarei *flarei);

/* At once, by what is known.  Failing to save is INDEX_REFUSED. */
enum index_verdict index_apply(struct flarei *flarei,
                               const struct index_event *event);

/* The same by what this election (or NULL) has found.  See election.h. */
void index_decide(struct flarei *flarei, const struct index_event *event,
                  const struct election *election, struct mono since,
                  struct index_outcome *out);

/* A node has acknowledged this version: it may be a new master. */
void index_acknowledged(struct flarei *flarei, struct member *member);

#endif
