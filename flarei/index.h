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

/*
 * Take the saved map into use, or an empty one when nothing was ever saved.
 * ERR_CORRUPT names the file, the line and what is wrong there.
 */
int index_load(struct flarei *flarei, struct err *err);

/* Start monitoring the nodes of the map. */
void index_start(struct flarei *flarei);
void index_stop(struct flarei *flarei);

/* Failing to save is INDEX_REFUSED. */
enum index_verdict index_apply(struct flarei *flarei,
                               const struct index_event *event);

#endif
