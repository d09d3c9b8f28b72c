/*
 * base64: keys of meta commands that carry the flag b (RFC 4648, padded).
 */
#ifndef FLARE_PROTO_BASE64_H
#define FLARE_PROTO_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * Decode text into `to`, which has room for text.n bytes; NULL: only look.
 * Returns how many bytes that is; 0: it is empty or no base64.
 */
size_t base64_decode(struct slice text, char *to);

#endif
