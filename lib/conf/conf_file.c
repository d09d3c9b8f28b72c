#include "conf/conf_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice
trim(struct slice s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

static int
unknown_name(const struct option_table *table, const char *name,
             struct err *err)
{
    const struct option_row *closest = option_closest(table, name);
    struct log_text shown = log_text(slice_str(name));

    if (closest == NULL) {
        return err_set(err, ERR_CONFIG, "unknown option \"%s\"", shown.text);
    }
    return err_set(err, ERR_CONFIG,
                   "unknown option \"%s\"; the closest known one is \"%s\"",
                   shown.text, closest->name);
}

struct reading {
    const struct option_table *table;
    unsigned number; /* of the line */
    unsigned *seen;  /* per row the line it was set in, 0 for none */
    conf_set_fn *set;
    void *arg;
};

static int
take_line(struct reading *r, struct slice line, struct err *err)
{
    struct slice value = line;
    struct slice left = trim(slice_until(&value, '='));
    bool has_value = memchr(line.p, '=', line.n) != NULL;
    AUTO_FREE char *name = xstrndup(left.p, left.n);
    AUTO_FREE char *text = NULL;
    const struct option_row *row;
    size_t at;

    if (memchr(line.p, '\0', line.n) != NULL || !has_value || left.n == 0) {
        return err_set(err, ERR_CONFIG,
                       "\"%s\" is not of the form name = value",
                       log_text(line).text);
    }
    row = option_find(r->table, name);
    if (row == NULL) {
        return unknown_name(r->table, name, err);
    }
    if ((row->flags & OPTION_COMMAND_LINE) != 0) {
        return err_set(err, ERR_CONFIG,
                       "%s may be given on the command line only", name);
    }
    at = (size_t)(row - r->table->rows);
    if (r->seen[at] != 0) {
        return err_set(err, ERR_CONFIG, "%s was already given in line %u", name,
                       r->seen[at]);
    }
    r->seen[at] = r->number;
    value = trim(value);
    text = xstrndup(value.p, value.n);
    return r->set(r->arg, row, text, err);
}

int
conf_file_parse(const struct option_table *table, struct slice text,
                const char *path, conf_set_fn *set, void *arg, struct err *err)
{
    AUTO_FREE unsigned *seen = xcalloc(table->nrows + 1, sizeof(*seen));
    struct reading r = {table, 1, seen, set, arg};

    for (; text.n > 0; r.number++) {
        struct slice line = slice_until(&text, '\n');

        line = trim(slice_until(&line, '#'));
        if (line.n > 0 && take_line(&r, line, err) != 0) {
            return err_wrap(err, "%s:%u", path, r.number);
        }
    }
    return 0;
}
