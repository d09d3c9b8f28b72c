/*
 * keyhash: the hashes that decide where a key lives (spec: control-plane 5.1).
 *
 * Bit-exact for every byte: clients and data depend on them.
 */
#ifndef FLARE_HASH_KEYHASH_H
#define FLARE_HASH_KEYHASH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum keyhash_kind {
    KEYHASH_SIMPLE,
    KEYHASH_CRC32,
    KEYHASH_JENKINS,
    KEYHASH_BITSHIFT,
    KEYHASH_ADLER32,
    KEYHASH_MURMUR,
};

/* 31 bits, except that -2^31 stays 2^31.  Stops at a NUL byte. */
uint32_t keyhash(enum keyhash_kind kind, struct slice key);

/* False for an unknown name. */
bool keyhash_parse(struct slice name, enum keyhash_kind *out);
const char *keyhash_name(enum keyhash_kind kind);

/* True for those an index may be configured with. */
bool keyhash_selectable(enum keyhash_kind kind);

#endif
