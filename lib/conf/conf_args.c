#include "conf/conf_args.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/log.h"

struct cursor {
    const struct option_table *table;
    char *const *argv;
    int argc;
    int at;     /* of the next argument */
    bool *seen; /* per row */
    conf_set_fn *set;
    void *arg;
};

static int
unknown(const struct option_table *table, const char *shown, const char *name,
        struct err *err)
{
    const struct option_row *closest = option_closest(table, name);
    struct log_text text = log_text(slice_str(shown));

    if (closest == NULL) {
        return err_set(err, ERR_CONFIG, "unknown option \"%s\"", text.text);
    }
    return err_set(err, ERR_CONFIG,
                   "unknown option \"%s\"; the closest known one is \"--%s\"",
                   text.text, closest->name);
}

/* The first row from `at` on whose name this begins. */
static const struct option_row *
find_prefix(const struct option_table *table, size_t at, const char *name)
{
    for (; at < table->nrows; at++) {
        if (strncmp(table->rows[at].name, name, strlen(name)) == 0) {
            return &table->rows[at];
        }
    }
    return NULL;
}

/* The row a long name means: exact, or the only one it begins. */
static int
find_long(const struct option_table *table, const char *name,
          const struct option_row **out, struct err *err)
{
    const struct option_row *found = option_find(table, name);
    const struct option_row *other = NULL;

    if (found == NULL && name[0] != '\0') {
        found = find_prefix(table, 0, name);
        other =
            found != NULL
                ? find_prefix(table, (size_t)(found - table->rows) + 1, name)
                : NULL;
    }
    if (other != NULL) {
        return err_set(err, ERR_CONFIG, "\"--%s\" may be --%s or --%s",
                       log_text(slice_str(name)).text, found->name,
                       other->name);
    }
    *out = found;
    return found != NULL ? 0 : unknown(table, name, name, err);
}

static const struct option_row *
find_letter(const struct option_table *table, char letter)
{
    for (size_t i = 0; i < table->nrows; i++) {
        if (letter != '\0' && table->rows[i].letter == letter) {
            return &table->rows[i];
        }
    }
    return NULL;
}

/* A bool takes the next argument only when it can be nothing else. */
static bool
is_bool_word(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
           strcmp(text, "1") == 0 || strcmp(text, "0") == 0;
}

static int
give(struct cursor *c, const struct option_row *row, const char *value,
     struct err *err)
{
    size_t at = (size_t)(row - c->table->rows);

    if (c->seen[at]) {
        return err_set(err, ERR_CONFIG, "--%s is given twice", row->name);
    }
    c->seen[at] = true;
    if (value == NULL && c->at < c->argc &&
        (row->type != OPTION_BOOL || is_bool_word(c->argv[c->at]))) {
        value = c->argv[c->at++];
    }
    if (value == NULL && row->type == OPTION_BOOL) {
        value = "true";
    }
    if (value == NULL) {
        return err_set(err, ERR_CONFIG, "--%s needs a value", row->name);
    }
    return c->set(c->arg, row, value, err);
}

static int
take_long(struct cursor *c, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    AUTO_FREE char *name =
        xstrndup(text, equals != NULL ? (size_t)(equals - text) : strlen(text));
    const struct option_row *row = NULL;
    int rc = find_long(c->table, name, &row, err);

    return rc != 0 ? rc : give(c, row, equals != NULL ? equals + 1 : NULL, err);
}

static int
take_short(struct cursor *c, const char *text, struct err *err)
{
    while (*text != '\0') {
        const struct option_row *row = find_letter(c->table, *text);
        char shown[] = {'-', *text, '\0'};
        int rc;

        if (row == NULL) {
            return unknown(c->table, shown, "", err);
        }
        text++;
        if (row->type != OPTION_BOOL) {
            return give(c, row, *text != '\0' ? text : NULL, err);
        }
        rc = give(c, row, "true", err);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int
conf_args_parse(const struct option_table *table, int argc, char *const *argv,
                conf_set_fn *set, void *arg, struct err *err)
{
    AUTO_FREE bool *seen = xcalloc(table->nrows + 1, sizeof(*seen));
    struct cursor c = {table, argv, argc, 1, seen, set, arg};
    int rc = 0;

    while (rc == 0 && c.at < argc) {
        const char *text = argv[c.at++];

        if (strncmp(text, "--", 2) == 0 && text[2] != '\0') {
            rc = take_long(&c, text + 2, err);
        } else if (text[0] == '-' && text[1] != '\0' && text[1] != '-') {
            rc = take_short(&c, text + 1, err);
        } else {
            rc = err_set(err, ERR_CONFIG, "unexpected argument \"%s\"",
                         log_text(slice_str(text)).text);
        }
    }
    return rc;
}
