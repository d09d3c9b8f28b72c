/*
 * crc32c: the Castagnoli checksum (RFC 3720, B.4), hardware-assisted where the
 * processor offers it.
 */
#ifndef FLARE_BASE_CRC32C_H
#define FLARE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of n more bytes after those that gave `crc` (0 to begin). */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);

/* The same without the processor's help: what other machines run. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);

#endif
