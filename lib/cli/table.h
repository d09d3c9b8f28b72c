/*
 * table: cells in columns, as text, JSON or CSV.
 *
 * Whatever a tool reports goes through a table, so that every report can be
 * read by people and by programs.
 */
#ifndef FLARE_CLI_TABLE_H
#define FLARE_CLI_TABLE_H

#include <stdbool.h>

#include "base/buf.h"

enum table_kind {
    TABLE_TEXT,
    TABLE_NUMBER, /* a cell that is no number is null in JSON, empty in CSV */
    TABLE_STATE,  /* a word that may be painted */
    TABLE_YES_NO, /* true and false in JSON */
};

struct table_column {
    const char *title;
    bool right; /* numbers: aligned to the right */
    size_t width;
    const char *name; /* in JSON and CSV; NULL: as the title */
    enum table_kind kind;
};

/* Columns as most tables want them, for tables that fit. */
#define TABLE_COL_TEXT(n)                                                      \
    {                                                                          \
        .title = (n), .kind = TABLE_TEXT                                       \
    }
#define TABLE_COL_STATE(n)                                                     \
    {                                                                          \
        .title = (n), .kind = TABLE_STATE                                      \
    }
#define TABLE_COL_NUMBER(n)                                                    \
    {                                                                          \
        .title = (n), .right = true, .kind = TABLE_NUMBER                      \
    }
#define TABLE_COL_YES_NO(n)                                                    \
    {                                                                          \
        .title = (n), .kind = TABLE_YES_NO                                     \
    }

struct table {
    const struct table_column *columns;
    size_t ncolumns;
    /*
     * Columns grow to their widest cell and titles are aligned to the left;
     * otherwise widths are fixed, a longer cell pushes the rest of its line,
     * and a title is aligned as its cells are.
     */
    bool fit;
    bool paint;   /* states in colours */
    char **cells; /* row after row */
    size_t ncells, room;
};

/* The next cell; the first of a new row after the last column. */
void table_cell(struct table *table, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Title and rows, one a line, cells joined by the separator. */
void table_put(const struct table *table, const char *separator,
               struct buf *out);

/* An array with an object for each row. */
void table_put_json(const struct table *table, struct buf *out);

/* RFC 4180, with the names first; lines end in "\n". */
void table_put_csv(const struct table *table, struct buf *out);

void table_fini(struct table *table);

#endif
