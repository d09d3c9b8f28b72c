#include "archive/archive.h"

#include <stdio.h>
#include <string.h>

#include "archive/archive_impl.h"
#include "archive/packed.h"

static const struct {
    const char *name;
    enum archive_kind kind;
} kinds[] = {
    {"default", ARCHIVE_DEFAULT},
    {"csv", ARCHIVE_CSV},
    {"tch", ARCHIVE_TCH},
    {"flare", ARCHIVE_FLARE},
};

bool
archive_kind_parse(struct slice name, enum archive_kind *out)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (slice_eq(name, slice_str(kinds[i].name))) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

bool
archive_kind_guess(const char *path, enum archive_kind *out)
{
    static const char cabinet[] = "ToKyO CaBiNeT";
    char head[16] = "";
    FILE *f = fopen(path, "re");
    size_t n = f != NULL ? fread(head, 1, sizeof(head), f) : 0;

    if (f != NULL) {
        (void)fclose(f);
    }
    if (n >= sizeof(packed_magic) &&
        memcmp(head, packed_magic, sizeof(packed_magic)) == 0) {
        *out = ARCHIVE_FLARE;
        return true;
    }
    *out = ARCHIVE_TCH;
    return n >= sizeof(cabinet) &&
           memcmp(head, cabinet, sizeof(cabinet) - 1) == 0;
}

int
archive_create(struct archive_writer **out, enum archive_kind kind,
               const char *path, bool resume, struct err *err)
{
    if (path == NULL && (kind == ARCHIVE_TCH || kind == ARCHIVE_FLARE)) {
        return err_set(err, ERR_CONFIG, "output file not specified.");
    }
    switch (kind) {
    case ARCHIVE_TCH:
        return tch_create(out, path, err);
    case ARCHIVE_FLARE:
        return packed_create(out, path, resume, err);
    case ARCHIVE_DEFAULT:
    case ARCHIVE_CSV:
        break;
    }
    return text_create(out, kind == ARCHIVE_CSV, path, err);
}

int
archive_begin(struct archive_writer *writer, const char *part, bool *have,
              uint64_t *records, struct err *err)
{
    *have = false;
    if (writer->ops->begin == NULL) {
        return 0;
    }
    return writer->ops->begin(writer, part, have, records, err);
}

int
archive_put(struct archive_writer *writer, const struct archive_record *record,
            struct err *err)
{
    return writer->ops->put(writer, record, err);
}

int
archive_end(struct archive_writer *writer, struct err *err)
{
    return writer->ops->end != NULL ? writer->ops->end(writer, err) : 0;
}

int
archive_finish(struct archive_writer *writer, struct err *err)
{
    int rc = writer->ops->finish(writer, err);

    writer->ops->free(writer);
    return rc;
}

void
archive_abandon(struct archive_writer *writer)
{
    if (writer != NULL) {
        writer->ops->free(writer);
    }
}

int
archive_open(struct archive_reader **out, enum archive_kind kind,
             const char *path, struct err *err)
{
    switch (kind) {
    case ARCHIVE_TCH:
        return tch_open(out, path, err);
    case ARCHIVE_FLARE:
        return packed_open(out, path, err);
    case ARCHIVE_DEFAULT:
    case ARCHIVE_CSV:
        break;
    }
    return text_open(out, kind == ARCHIVE_CSV, path, err);
}

int
archive_next(struct archive_reader *reader, struct archive_record *record,
             struct err *err)
{
    return reader->ops->next(reader, record, err);
}

void
archive_place(const struct archive_reader *reader, uint64_t *done,
              uint64_t *total)
{
    reader->ops->place(reader, done, total);
}

void
archive_close(struct archive_reader *reader)
{
    if (reader != NULL) {
        reader->ops->free(reader);
    }
}
