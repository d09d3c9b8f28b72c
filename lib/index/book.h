/*
 * index_book: how masters changed, the last INDEX_HISTORY times.
 *
 * Pure storage of a fixed size, kept in the index's side file.
 */
#ifndef FLARE_INDEX_BOOK_H
#define FLARE_INDEX_BOOK_H

#include "base/clock.h"
#include "index/event.h"

enum { INDEX_HISTORY = 256 };

struct index_failover {
    uint64_t version; /* of the map that has it; 0: nothing happened */
    struct wall at;
    int64_t took_ms; /* first sign of trouble to a new master; -1: unknown */
    enum index_event_type cause;
    enum health_evidence evidence; /* what the monitor saw, for INDEX_DOWN */
    int partition;
    char from[NODE_KEY_MAX + 1]; /* "": it had none */
    char to[NODE_KEY_MAX + 1];   /* "": nobody could take over */
    struct node_data from_data;  /* the last that was heard of it */
    struct node_data to_data;
};

/* Zeroed storage is an empty book. */
struct index_book {
    uint64_t total; /* ever entered */
    struct index_failover entry[INDEX_HISTORY];
};

/* Enter one; the oldest makes room.  Returns it. */
struct index_failover *index_book_add(struct index_book *book,
                                      const struct index_failover *entry);

size_t index_book_count(const struct index_book *book);

/* i from 0, the oldest, to index_book_count() - 1. */
struct index_failover *index_book_at(struct index_book *book, size_t i);

#endif
