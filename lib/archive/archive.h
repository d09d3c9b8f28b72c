/*
 * archive: records in a file, in one of several formats.
 *
 *   default  a line a record: KEY FLAG LEN VERSION EXPIRE 'DATA'
 *   csv      the same fields, quoted as RFC 4180 says
 *   tch      a Tokyo Cabinet hash database, as flare-tools wrote it
 *   flare    compressed blocks with checksums, in parts; a file that was not
 *            finished is known as such and can be continued (packed.h)
 *
 * One thread at a time for each reader and writer.
 */
#ifndef FLARE_ARCHIVE_ARCHIVE_H
#define FLARE_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum archive_kind { ARCHIVE_DEFAULT, ARCHIVE_CSV, ARCHIVE_TCH, ARCHIVE_FLARE };

struct archive_record {
    struct slice key, data;
    uint32_t flags;
    int64_t expire; /* seconds since the epoch, 0: never */
    uint64_t version;
};

/* "default", "csv", "tch", "flare". */
bool archive_kind_parse(struct slice name, enum archive_kind *out);

/* By what the file begins with: tch and flare only. */
bool archive_kind_guess(const char *path, enum archive_kind *out);

/* --- writing ---------------------------------------------------------------
 */

struct archive_writer;

/*
 * path NULL: standard output, for default and csv only.  A tch file that is
 * there is added to, a text file replaced; a flare file is refused unless
 * resume is true, and continued then.
 */
int archive_create(struct archive_writer **out, enum archive_kind kind,
                   const char *path, bool resume, struct err *err);

/*
 * What follows belongs to this part.  *have is set when the file already holds
 * all of it, and how many records: leave it out then.
 */
int archive_begin(struct archive_writer *writer, const char *part, bool *have,
                  uint64_t *records, struct err *err);
int archive_put(struct archive_writer *writer,
                const struct archive_record *record, struct err *err);
int archive_end(struct archive_writer *writer, struct err *err);

/* Make it complete and durable, and close it, also after a failure. */
int archive_finish(struct archive_writer *writer, struct err *err);

/* Close it as it is; NULL is fine. */
void archive_abandon(struct archive_writer *writer);

/* --- reading ---------------------------------------------------------------
 */

struct archive_reader;

int archive_open(struct archive_reader **out, enum archive_kind kind,
                 const char *path, struct err *err);

/*
 * 1: a record, whose slices live until the next call; 0: the end.  ERR_CORRUPT
 * says where the damage is and how many records before it are good.
 */
int archive_next(struct archive_reader *reader, struct archive_record *record,
                 struct err *err);

/* Bytes read and in all; for tch records. */
void archive_place(const struct archive_reader *reader, uint64_t *done,
                   uint64_t *total);

void archive_close(struct archive_reader *reader); /* NULL is fine */

#endif
