/* archive_impl: how a format plugs in; for the files of this module. */
#ifndef FLARE_ARCHIVE_ARCHIVE_IMPL_H
#define FLARE_ARCHIVE_ARCHIVE_IMPL_H

#include "archive/archive.h"

struct writer_ops {
    /* NULL: there are no parts. */
    int (*begin)(struct archive_writer *writer, const char *part, bool *have,
                 uint64_t *records, struct err *err);
    int (*put)(struct archive_writer *writer,
               const struct archive_record *record, struct err *err);
    int (*end)(struct archive_writer *writer, struct err *err); /* or NULL */
    int (*finish)(struct archive_writer *writer, struct err *err);
    void (*free)(struct archive_writer *writer);
};

struct archive_writer {
    const struct writer_ops *ops;
};

struct reader_ops {
    int (*next)(struct archive_reader *reader, struct archive_record *record,
                struct err *err);
    void (*place)(const struct archive_reader *reader, uint64_t *done,
                  uint64_t *total);
    void (*free)(struct archive_reader *reader);
};

struct archive_reader {
    const struct reader_ops *ops;
};

int text_create(struct archive_writer **out, bool csv, const char *path,
                struct err *err);
int text_open(struct archive_reader **out, bool csv, const char *path,
              struct err *err);
int tch_create(struct archive_writer **out, const char *path, struct err *err);
int tch_open(struct archive_reader **out, const char *path, struct err *err);
int packed_create(struct archive_writer **out, const char *path, bool resume,
                  struct err *err);
int packed_open(struct archive_reader **out, const char *path, struct err *err);

#endif
