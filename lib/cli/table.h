/*
 * table: cells in columns, as text.
 */
#ifndef FLARE_CLI_TABLE_H
#define FLARE_CLI_TABLE_H

#include <stdbool.h>

#include "base/buf.h"

struct table_column {
    const char *title;
    bool right; /* numbers: aligned to the right */
    size_t width;
};

struct table {
    const struct table_column *columns;
    size_t ncolumns;
    /*
     * Columns grow to their widest cell and titles are aligned to the left;
     * otherwise widths are fixed, a longer cell pushes the rest of its line,
     * and a title is aligned as its cells are.
     */
    bool fit;
    char **cells; /* row after row */
    size_t ncells, room;
};

/* The next cell; the first of a new row after the last column. */
void table_cell(struct table *table, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Title and rows, one a line, cells joined by the separator. */
void table_put(const struct table *table, const char *separator,
               struct buf *out);

void table_fini(struct table *table);

#endif
