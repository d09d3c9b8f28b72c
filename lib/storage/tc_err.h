/*
 * tc_err: what Tokyo Cabinet complains about, in our terms.
 */
#ifndef FLARE_STORAGE_TC_ERR_H
#define FLARE_STORAGE_TC_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Set err from its error code after `doing` something to path failed. */
int tc_err(struct err *err, int ecode, const char *doing, const char *path);

/* Its option bits for our options; ERR_CONFIG for an unknown compression. */
int tc_options(const char *compress, bool large, uint8_t *out, struct err *err);

#endif
