#include <stdlib.h>

#include "base/alloc.h"
#include "storage/ulog_impl.h"

struct ulog_reader {
    struct ulog *log;
    struct ulog_segment *segment; /* NULL: not placed yet */
    size_t at;                    /* offset of the next entry in it */
    uint64_t next;                /* its sequence */
    uint64_t life;                /* of the log, when it was opened */
};

/* Under the log's lock; returns what is to be freed without it, or NULL. */
static struct ulog_segment *
let_go(struct ulog_reader *reader)
{
    struct ulog_segment *s = reader->segment;

    reader->segment = NULL;
    return s != NULL && ulog_segment_unref(s) ? s : NULL;
}

/* The segment that holds seq or will be the one to; NULL: none, or gone. */
static struct ulog_segment *
find_segment(struct ulog *log, uint64_t seq)
{
    struct ulog_segment *found = NULL;

    for (struct list *at = log->segments.next; at != &log->segments;
         at = at->next) {
        struct ulog_segment *s = LIST_ENTRY(at, struct ulog_segment, link);

        if (s->header.first > seq) {
            break;
        }
        found = s;
    }
    return found;
}

/*
 * Under the log's lock: be in the segment that holds reader->next.  Returns
 * what is to be freed without it, or NULL.
 */
static struct ulog_segment *
place(struct ulog_reader *reader)
{
    struct ulog_segment *s = find_segment(reader->log, reader->next);
    struct ulog_segment *garbage = let_go(reader);

    if (s != NULL) {
        ulog_segment_ref(s);
        reader->segment = s;
        reader->at = ULOG_HEADER;
    }
    return garbage;
}

struct ulog_reader *
ulog_reader_open(struct ulog *log, uint64_t after)
{
    struct ulog_reader *reader = xcalloc(1, sizeof(*reader));

    reader->log = log;
    (void)pthread_mutex_lock(&log->lock);
    reader->life = log->life;
    reader->next = after + 1 > log->first ? after + 1 : log->first;
    (void)place(reader);
    (void)pthread_mutex_unlock(&log->lock);
    return reader;
}

void
ulog_reader_close(struct ulog_reader *reader)
{
    struct ulog_segment *garbage;

    if (reader == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&reader->log->lock);
    garbage = let_go(reader);
    (void)pthread_mutex_unlock(&reader->log->lock);
    ulog_segment_free(garbage);
    free(reader);
}

/* The entry at the reader's place, when there is one. */
static enum ulog_read
read_here(struct ulog_reader *reader, struct ulog_entry *out)
{
    struct ulog_segment *s = reader->segment;
    size_t end = atomic_load_explicit(&s->end, memory_order_acquire);

    while (reader->at < end) {
        struct slice rest = {s->map + reader->at, end - reader->at};
        size_t n = 0;

        if (ulog_decode_entry(rest, out, &n) != ULOG_DECODED ||
            out->seq > reader->next) {
            return ULOG_READ_GONE;
        }
        reader->at += n;
        if (out->seq == reader->next) {
            reader->next++;
            return ULOG_READ_OK;
        }
    }
    return ULOG_READ_END;
}

/*
 * The entry looked for exists but was not here.  Go to where it is; false:
 * it was deleted.
 */
static bool
move_on(struct ulog_reader *reader)
{
    struct ulog *log = reader->log;
    struct ulog_segment *here = reader->segment;
    struct ulog_segment *garbage = NULL;
    bool there;

    (void)pthread_mutex_lock(&log->lock);
    there = reader->next >= log->first;
    if (there &&
        (here == NULL || (here->sealed && reader->next > here->last))) {
        garbage = place(reader);
    }
    (void)pthread_mutex_unlock(&log->lock);
    ulog_segment_free(garbage);
    return there && reader->segment != NULL;
}

/*
 * The bytes of entries at the reader's place: from reader->next on, as many as
 * one call may return.
 */
static enum ulog_read
bytes_here(struct ulog_reader *reader, size_t max, struct slice *out)
{
    struct ulog_segment *s = reader->segment;
    size_t end = atomic_load_explicit(&s->end, memory_order_acquire);
    struct ulog_entry entry;
    uint64_t epoch = 0;

    *out = (struct slice){s->map + reader->at, 0};
    while (reader->at < end) {
        struct slice rest = {s->map + reader->at, end - reader->at};
        size_t n = 0;

        if (ulog_decode_entry(rest, &entry, &n) != ULOG_DECODED ||
            entry.seq > reader->next) {
            return ULOG_READ_GONE;
        }
        if (entry.seq < reader->next) {
            reader->at += n;
            *out = (struct slice){s->map + reader->at, 0};
            continue;
        }
        if (out->n > 0 && (entry.epoch != epoch || out->n + n > max)) {
            break;
        }
        epoch = entry.epoch;
        out->n += n;
        reader->at += n;
        reader->next++;
    }
    return out->n > 0 ? ULOG_READ_OK : ULOG_READ_END;
}

/* What a call wants: one entry, or bytes. */
struct wish {
    struct ulog_entry *entry;
    size_t max;
    struct slice *bytes;
};

static enum ulog_read
grant_here(struct ulog_reader *reader, const struct wish *wish)
{
    if (reader->life != atomic_load(&reader->log->life)) {
        return ULOG_READ_GONE;
    }
    if (reader->segment == NULL) {
        return ULOG_READ_END;
    }
    if (reader->segment->discarded) {
        return ULOG_READ_GONE;
    }
    return wish->entry != NULL ? read_here(reader, wish->entry)
                               : bytes_here(reader, wish->max, wish->bytes);
}

static enum ulog_read
grant(struct ulog_reader *reader, const struct wish *wish)
{
    for (;;) {
        enum ulog_read found = grant_here(reader, wish);

        if (found != ULOG_READ_END) {
            return found;
        }
        if (reader->next > atomic_load(&reader->log->last)) {
            return ULOG_READ_END;
        }
        if (!move_on(reader)) {
            return ULOG_READ_GONE;
        }
    }
}

enum ulog_read
ulog_reader_next(struct ulog_reader *reader, struct ulog_entry *out)
{
    return grant(reader, &(struct wish){.entry = out});
}

enum ulog_read
ulog_reader_bytes(struct ulog_reader *reader, size_t max, struct slice *bytes,
                  uint64_t *first, uint64_t *last)
{
    enum ulog_read result =
        grant(reader, &(struct wish){.max = max, .bytes = bytes});

    if (result == ULOG_READ_OK) {
        *last = reader->next - 1;
        *first = ulog_bytes_seq(*bytes);
    }
    return result;
}
