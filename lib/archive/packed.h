/*
 * packed: the format "flare", for the files of this module.
 *
 * The file is a head and then blocks.  Numbers are little-endian.
 *
 *   head   "FLAREDMP", version u32 (1), crc32c u32 of the bytes before it
 *   block  kind u32, plain u32, stored u32, crc u32, then `stored` bytes
 *
 * `plain` is the payload's length, `stored` that of its zlib stream; crc is
 * the crc32c of the three numbers before it and of the stored bytes.  Kinds:
 *
 *   PART   a name: what follows belongs to it
 *   DATA   records: key length u32, data length u32, flags u32, expire i64,
 *          version u64, key, data
 *   DONE   records u64: the part is complete
 *   END    records u64 of all parts: the file is complete
 */
#ifndef FLARE_ARCHIVE_PACKED_H
#define FLARE_ARCHIVE_PACKED_H

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

static const char packed_magic[8] = {'F', 'L', 'A', 'R', 'E', 'D', 'M', 'P'};

enum {
    PACKED_VERSION = 1,
    PACKED_HEAD = 16,
    PACKED_BLOCK = 16,     /* bytes before a block's payload */
    PACKED_RECORD = 28,    /* bytes before a record's key */
    PACKED_DATA = 1 << 18, /* a block is closed when it has so much */
    PACKED_PLAIN_MAX = 1 << 30,
};

enum packed_kind { PACKED_PART = 1, PACKED_RECORDS, PACKED_DONE, PACKED_END };

struct packed_block {
    enum packed_kind kind;
    struct buf plain; /* the payload */
};

void packed_put_u32(char *to, uint32_t value);
void packed_put_u64(char *to, uint64_t value);
uint32_t packed_u32(const char *from);
uint64_t packed_u64(const char *from);

/*
 * Read the head, or the next block: 1; 0: the file ends here, where a block
 * would begin.  ERR_CORRUPT for anything else.
 */
int packed_read_head(FILE *file, const char *path, struct err *err);
int packed_read_block(FILE *file, const char *path, struct packed_block *block,
                      struct err *err);

#endif
