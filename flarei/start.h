/*
 * start: from options to a serving index, and back.
 */
#ifndef FLARE_FLAREI_START_H
#define FLARE_FLAREI_START_H

#include "flarei/flarei.h"

/* Run until SIGTERM or SIGINT.  Returns the exit status. */
int flarei_main(struct flarei *flarei);

#endif
