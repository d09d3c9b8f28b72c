#include "cli/args.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

struct walk {
    const struct option_table *table;
    void *target;
    int argc;
    char **argv;
    int at; /* of the next word to read */
};

/* Does `given` (n letters) begin the name?  Case and _ do not matter. */
static bool
begins(const char *name, const char *given, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = (char)tolower((unsigned char)given[i]);

        if (name[i] == '\0' || name[i] != (c == '_' ? '-' : c)) {
            return false;
        }
    }
    return true;
}

/*
 * The row a long name means: the shortest it begins, provided that one begins
 * all others that could be meant.
 */
static const struct option_row *
find_long(const struct option_table *table, const char *given, size_t n,
          bool *ambiguous)
{
    const struct option_row *best = NULL;

    *ambiguous = false;
    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];

        if (begins(row->name, given, n) &&
            (best == NULL || strlen(row->name) < strlen(best->name))) {
            best = row;
        }
    }
    for (size_t i = 0; best != NULL && i < table->nrows; i++) {
        const char *name = table->rows[i].name;

        if (begins(name, given, n) &&
            !begins(name, best->name, strlen(best->name))) {
            *ambiguous = true;
            return NULL;
        }
    }
    return best;
}

static int
give(struct walk *w, const struct option_row *row, const char *shown,
     const char *value, struct err *err)
{
    struct err why;

    if (row->type == OPTION_BOOL) {
        value = "true";
    } else if (value == NULL && w->at < w->argc) {
        value = w->argv[w->at++];
    }
    if (value == NULL) {
        return err_set(err, ERR_CONFIG, "missing argument: %s", shown);
    }
    if (option_set(row, w->target, value, &why) != 0) {
        return err_set(err, ERR_CONFIG, "invalid argument: %s", why.msg);
    }
    return 0;
}

static int
take_long(struct walk *w, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    size_t n = equals != NULL ? (size_t)(equals - text) : strlen(text);
    AUTO_FREE char *shown = xstrndup(text, n);
    bool ambiguous;
    const struct option_row *row =
        find_long(w->table, text + 2, n - 2, &ambiguous);

    if (row == NULL) {
        return err_set(err, ERR_CONFIG, "%s option: %s",
                       ambiguous ? "ambiguous" : "invalid", text);
    }
    if (row->type == OPTION_BOOL && equals != NULL) {
        return err_set(err, ERR_CONFIG, "needless argument: %s", text);
    }
    return give(w, row, shown, equals != NULL ? equals + 1 : NULL, err);
}

static const struct option_row *
find_letter(const struct option_table *table, char letter)
{
    for (size_t i = 0; i < table->nrows; i++) {
        if (table->rows[i].letter == letter) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static int
take_letters(struct walk *w, const char *text, struct err *err)
{
    int rc = 0;

    while (rc == 0 && *text != '\0') {
        const struct option_row *row = find_letter(w->table, *text);
        char shown[] = {'-', *text++, '\0'};

        if (row == NULL) {
            return err_set(err, ERR_CONFIG, "invalid option: %s", shown);
        }
        if (row->type != OPTION_BOOL) {
            return give(w, row, shown, *text != '\0' ? text : NULL, err);
        }
        rc = give(w, row, shown, NULL, err);
    }
    return rc;
}

int
args_parse(const struct option_table *table, void *target, int argc,
           char **argv, int *nwords, struct err *err)
{
    struct walk w = {table, target, argc, argv, 0};
    bool options = true;
    int rc = 0;

    *nwords = 0;
    while (rc == 0 && w.at < argc) {
        char *text = argv[w.at++];

        if (options && strcmp(text, "--") == 0) {
            options = false;
        } else if (options && text[0] == '-' && text[1] == '-') {
            rc = take_long(&w, text, err);
        } else if (options && text[0] == '-' && text[1] != '\0') {
            rc = take_letters(&w, text + 1, err);
        } else {
            argv[(*nwords)++] = text;
        }
    }
    return rc;
}
