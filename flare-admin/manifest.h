/*
 * manifest: what a backup consists of, so that nothing of it can be missing
 * or damaged without being noticed.
 *
 * The file "manifest" in the backup's folder has lines of words; the last one
 * is the checksum of all others.
 */
#ifndef FLARE_FLARE_ADMIN_MANIFEST_H
#define FLARE_FLARE_ADMIN_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct backup_file {
    char name[64];
    int partition;
    char node[300]; /* it was copied from */
    uint64_t sequence, records, bytes;
    uint32_t crc; /* crc32c of the file */
};

struct manifest {
    int64_t time;
    bool cut;         /* frozen copies; else dumped while in use */
    uint64_t span_ms; /* all copies were frozen within this */
    struct backup_file *files;
    size_t n;
};

int manifest_write(const struct manifest *m, const char *folder,
                   struct err *err);

/* ERR_CORRUPT: it is damaged. */
int manifest_read(struct manifest *m, const char *folder, struct err *err);
void manifest_fini(struct manifest *m);

/* Fill in bytes and crc, or see whether they are right (ERR_CORRUPT). */
int manifest_measure(struct backup_file *file, const char *folder,
                     struct err *err);
int manifest_check(const struct backup_file *file, const char *folder,
                   struct err *err);

#endif
