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

/* The escape sequence a state is painted with, or NULL. */
static const char *
paint_of(const char *word)
{
    static const struct {
        const char *word, *paint;
    } paints[] = {
        {"active", "\033[32m"},   {"ok", "\033[32m"},
        {"up", "\033[32m"},       {"prepare", "\033[33m"},
        {"ready", "\033[33m"},    {"warning", "\033[33m"},
        {"starting", "\033[33m"}, {"down", "\033[31m"},
        {"error", "\033[31m"},    {"NG", "\033[31m"},
    };

    for (size_t i = 0; i < sizeof(paints) / sizeof(paints[0]); i++) {
        if (strcmp(word, paints[i].word) == 0) {
            return paints[i].paint;
        }
    }
    return NULL;
}

static void
put_row(const struct table *table, char *const *cells, const size_t *width,
        const char *separator, struct buf *out)
{
    for (size_t i = 0; i < table->ncolumns; i++) {
        const struct table_column *c = &table->columns[i];
        const char *paint =
            table->paint && c->kind == TABLE_STATE ? paint_of(cells[i]) : NULL;

        (void)buf_put_str(out, i > 0 ? separator : "");
        (void)buf_put_str(out, paint != NULL ? paint : "");
        put_padded(out, cells[i], width[i], c->right);
        (void)buf_put_str(out, paint != NULL ? "\033[0m" : "");
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

static const char *
name_of(const struct table_column *column)
{
    return column->name != NULL ? column->name : column->title;
}

/* As JSON wants a number: digits, perhaps a sign and a fraction. */
static bool
is_number(const char *text)
{
    size_t digits;

    text += *text == '-';
    digits = strspn(text, "0123456789");
    if (digits == 0 || (digits > 1 && text[0] == '0')) {
        return false;
    }
    text += digits;
    if (*text == '.') {
        digits = strspn(text + 1, "0123456789");
        text += digits > 0 ? digits + 1 : 0;
    }
    return *text == '\0';
}

/*
 * Bytes that are no ASCII are taken as Latin-1, so that what comes out is JSON
 * whatever went in.
 */
static void
put_json_text(struct buf *out, const char *text)
{
    (void)buf_put_str(out, "\"");
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            (void)buf_printf(out, "\\%c", c);
        } else if (c < ' ' || c > '~') {
            (void)buf_printf(out, "\\u%04x", (unsigned)c);
        } else {
            (void)buf_put(out, text, 1);
        }
    }
    (void)buf_put_str(out, "\"");
}

static void
put_json_value(struct buf *out, enum table_kind kind, const char *text)
{
    if (kind == TABLE_NUMBER) {
        (void)buf_put_str(out, is_number(text) ? text : "null");
    } else if (kind == TABLE_YES_NO) {
        (void)buf_put_str(out, strcmp(text, "yes") == 0  ? "true"
                               : strcmp(text, "no") == 0 ? "false"
                                                         : "null");
    } else {
        put_json_text(out, text);
    }
}

void
table_put_json(const struct table *table, struct buf *out)
{
    (void)buf_put_str(out, "[");
    for (size_t i = 0; i < table->ncells; i++) {
        const struct table_column *c = &table->columns[i % table->ncolumns];
        bool first = i % table->ncolumns == 0;

        if (first) {
            (void)buf_put_str(out, i > 0 ? "},\n {" : "\n {");
        }
        (void)buf_put_str(out, first ? "" : ", ");
        put_json_text(out, name_of(c));
        (void)buf_put_str(out, ": ");
        put_json_value(out, c->kind, table->cells[i]);
    }
    (void)buf_put_str(out, table->ncells > 0 ? "}\n]\n" : "]\n");
}

static void
put_csv_text(struct buf *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        (void)buf_put_str(out, text);
        return;
    }
    (void)buf_put_str(out, "\"");
    for (; *text != '\0'; text++) {
        (void)buf_put_str(out, *text == '"' ? "\"" : "");
        (void)buf_put(out, text, 1);
    }
    (void)buf_put_str(out, "\"");
}

void
table_put_csv(const struct table *table, struct buf *out)
{
    for (size_t i = 0; i < table->ncolumns; i++) {
        (void)buf_put_str(out, i > 0 ? "," : "");
        put_csv_text(out, name_of(&table->columns[i]));
    }
    (void)buf_put_str(out, "\n");
    for (size_t i = 0, column = 0; i < table->ncells; i++) {
        bool none = table->columns[column].kind == TABLE_NUMBER &&
                    !is_number(table->cells[i]);

        (void)buf_put_str(out, column > 0 ? "," : "");
        put_csv_text(out, none ? "" : table->cells[i]);
        column = column + 1 < table->ncolumns ? column + 1 : 0;
        (void)buf_put_str(out, column == 0 ? "\n" : "");
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
