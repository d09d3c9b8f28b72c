#include "cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

enum { CELL_MAX = 512 };

void
table_cell(struct table *table, const char *fmt, ...)
{
    char text[CELL_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (table->ncells == table->room) {
        table->room = table->room > 0 ? 2 * table->room : 64;
        table->cells =
            xreallocarray(table->cells, table->room, sizeof(*table->cells));
    }
    table->cells[table->ncells++] = xstrdup(text);
}

static size_t
width_of(const struct table *table, size_t column)
{
    const struct table_column *c = &table->columns[column];
    size_t width = table->fit ? strlen(c->title) : c->width;

    for (size_t i = column; table->fit && i < table->ncells;
         i += table->ncolumns) {
        size_t n = strlen(table->cells[i]);

        width = n > width ? n : width;
    }
    return width;
}

static void
put_padded(struct buf *out, const char *text, size_t width, bool right)
{
    (void)buf_printf(out, right ? "%*s" : "%-*s", (int)width, text);
}

static void
put_row(const struct table *table, char *const *cells, const size_t *width,
        const char *separator, struct buf *out)
{
    for (size_t i = 0; i < table->ncolumns; i++) {
        (void)buf_put_str(out, i > 0 ? separator : "");
        put_padded(out, cells[i], width[i], table->columns[i].right);
    }
    (void)buf_put_str(out, "\n");
}

void
table_put(const struct table *table, const char *separator, struct buf *out)
{
    AUTO_FREE size_t *width = xcalloc(table->ncolumns, sizeof(*width));

    assert(table->ncolumns > 0 && table->ncells % table->ncolumns == 0);
    for (size_t i = 0; i < table->ncolumns; i++) {
        const struct table_column *c = &table->columns[i];

        width[i] = width_of(table, i);
        (void)buf_put_str(out, i > 0 ? separator : "");
        put_padded(out, c->title, width[i], c->right && !table->fit);
    }
    (void)buf_put_str(out, "\n");
    for (size_t i = 0; i < table->ncells; i += table->ncolumns) {
        put_row(table, &table->cells[i], width, separator, out);
    }
}

void
table_fini(struct table *table)
{
    for (size_t i = 0; i < table->ncells; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    table->cells = NULL;
    table->ncells = table->room = 0;
}
