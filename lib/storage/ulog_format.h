/*
 * ulog_format: the bytes of a log segment.
 *
 * A segment is a 128-byte header, then entries, each padded to 8 bytes, then
 * zeros.  All numbers are little-endian.
 *
 *   header    0 magic "FLAREULG"   8 format u32   12 CRC32C of 16..63 u32
 *            16 first sequence u64 24 boot id, 16 bytes
 *            64 CRC32C of 72..95 u32               (zero until sealed)
 *            72 end u64   80 last sequence u64   88 largest version u64
 *   entry     0 CRC32C of 4..end of value u32
 *             4 operation u8   5 zero u8   6 key length u16
 *             8 value length u32   12 flags u32
 *            16 sequence u64   24 epoch u64   32 expire i64   40 version u64
 *            48 key, value, zeros
 */
#ifndef FLARE_STORAGE_ULOG_FORMAT_H
#define FLARE_STORAGE_ULOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "storage/ulog.h"

enum {
    ULOG_HEADER = 128,
    ULOG_ENTRY_HEADER = 48,
    ULOG_BOOT_ID = 16,
    ULOG_KEY_MAX = UINT16_MAX,
};

struct ulog_header {
    uint64_t first; /* sequence of the first entry, there or to come */
    unsigned char boot[ULOG_BOOT_ID]; /* which run of the machine wrote it */
    bool sealed;                      /* finished: the rest is filled in */
    uint64_t end, last, version;
};

/* Write the part that is known when a segment is begun: ULOG_HEADER bytes. */
void ulog_encode_header(char *to, const struct ulog_header *header);

/* Add the part that is known when it is finished. */
void ulog_encode_seal(char *to, const struct ulog_header *header);

/* False: no such header. */
bool ulog_decode_header(struct slice bytes, struct ulog_header *out);

/* Bytes the entry takes, padding included; 0 if it cannot be expressed. */
size_t ulog_entry_size(const struct ulog_entry *entry);

/* Write the entry at `to`, which has room and is zero. */
void ulog_encode_entry(char *to, const struct ulog_entry *entry);

enum ulog_decoded { ULOG_DECODED, ULOG_NOTHING, ULOG_DAMAGED };

/*
 * The entry at the front of bytes; its slices point there.  NOTHING: zeros,
 * the log ends here.
 */
enum ulog_decoded ulog_decode_entry(struct slice bytes, struct ulog_entry *out,
                                    size_t *size);

/* The epoch of the entry at the front of bytes that were decoded before. */
uint64_t ulog_bytes_epoch(struct slice bytes);
uint64_t ulog_bytes_seq(struct slice bytes); /* likewise */

#endif
