#include "index/book.h"

static const char *const event_names[] = {
    [INDEX_ADD] = "restart",
    [INDEX_REMOVE] = "removal",
    [INDEX_ROLE] = "role",
    [INDEX_STATE] = "state",
    [INDEX_SHUTDOWN] = "shutdown",
    [INDEX_DOWN] = "monitor",
    [INDEX_UP] = "return",
    [INDEX_RENUMBER] = "renumber",
    [INDEX_SWITCHOVER] = "switchover",
};

enum { EVENTS = sizeof(event_names) / sizeof(event_names[0]) };

const char *
index_event_name(enum index_event_type type)
{
    return (unsigned)type < EVENTS ? event_names[type] : "";
}

bool
index_event_parse(struct slice word, enum index_event_type *out)
{
    for (int i = 0; i < EVENTS; i++) {
        if (slice_eq(word, slice_str(event_names[i]))) {
            *out = (enum index_event_type)i;
            return true;
        }
    }
    return false;
}

struct index_failover *
index_book_add(struct index_book *book, const struct index_failover *entry)
{
    struct index_failover *place = &book->entry[book->total++ % INDEX_HISTORY];

    *place = *entry;
    return place;
}

size_t
index_book_count(const struct index_book *book)
{
    return book->total < INDEX_HISTORY ? (size_t)book->total : INDEX_HISTORY;
}

struct index_failover *
index_book_at(struct index_book *book, size_t i)
{
    uint64_t first = book->total - index_book_count(book);

    return &book->entry[(first + i) % INDEX_HISTORY];
}
