/*
 * writing: what one writer of the ledger does.
 */
#ifndef FLARE_TEST_FAULTS_WRITING_H
#define FLARE_TEST_FAULTS_WRITING_H

#include "test/faults/ledger.h"

void writing_begin(struct writer *w);

/* The thread; arg is the writer. */
void *writing_run(void *arg);

#endif
