#include "conf/option.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/slice.h"

enum { NAME_MAX_LEN = 64 };

static void *
field_of(const struct option_row *row, void *target)
{
    return (char *)target + row->offset;
}

static bool
has_field(const struct option_row *row)
{
    return (row->flags & OPTION_IGNORED) == 0;
}

static bool
is_text(const struct option_row *row)
{
    return row->type == OPTION_STRING || row->type == OPTION_CHOICE;
}

static void
put_number(const struct option_row *row, uint64_t value, struct buf *out)
{
    static const char units[] = "kmg";
    unsigned unit = 0;

    while (row->type == OPTION_BYTES && value > 0 && unit < 3 &&
           value % 1024 == 0) {
        value /= 1024;
        unit++;
    }
    (void)buf_put_u64(out, value);
    (void)(unit == 0 || buf_put(out, &units[unit - 1], 1));
}

/* "a|b|c" as "a, b or c". */
static void
put_choices(const char *choices, struct buf *out)
{
    for (const char *p = choices; *p != '\0'; p++) {
        bool last = strchr(p + 1, '|') == NULL;

        (void)(*p != '|' ? buf_put(out, p, 1)
                         : buf_put_str(out, last ? " or " : ", "));
    }
}

void
option_put_allowed(const struct option_row *row, struct buf *out)
{
    switch (row->type) {
    case OPTION_BOOL:
        (void)buf_put_str(out, "true or false");
        return;
    case OPTION_UINT:
    case OPTION_BYTES:
        put_number(row, row->min, out);
        (void)buf_put_str(out, "..");
        put_number(row, row->max, out);
        (void)(row->unit == NULL || buf_printf(out, " %s", row->unit));
        return;
    case OPTION_STRING:
        (void)buf_put_str(out, "text");
        return;
    case OPTION_CHOICE:
        put_choices(row->choices, out);
        return;
    }
}

static int
refuse(const struct option_row *row, const char *text, const char *verb,
       struct err *err)
{
    struct buf allowed = {0};
    int rc;

    option_put_allowed(row, &allowed);
    rc = err_set(err, ERR_CONFIG, "%s: \"%s\" is not %s%.*s", row->name,
                 log_text(slice_str(text)).text, verb, (int)buf_len(&allowed),
                 buf_slice(&allowed).p);
    buf_fini(&allowed);
    return rc;
}

/* An empty value is true: a bare name switches a flag on. */
static bool
read_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"true", "yes", "on", "1", ""};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcmp(text, yes[i]) == 0) {
            *out = true;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        if (strcmp(text, no[i]) == 0) {
            *out = false;
            return true;
        }
    }
    return false;
}

static bool
read_number(const struct option_row *row, const char *text, uint64_t *out)
{
    static const char units[] = "kmg";
    struct slice digits = slice_str(text);
    uint64_t value;
    unsigned shift = 0;

    if (row->type == OPTION_BYTES && digits.n > 1) {
        char last = (char)(digits.p[digits.n - 1] | 0x20);
        const char *unit = strchr(units, last);

        if (unit != NULL && last != '\0') {
            shift = 10 * (unsigned)(unit - units + 1);
            digits.n--;
        }
    }
    if (!slice_u64(digits, row->max >> shift, &value) ||
        value << shift < row->min) {
        return false;
    }
    *out = value << shift;
    return true;
}

static bool
is_choice(const struct option_row *row, const char *text)
{
    struct slice rest = slice_str(row->choices);

    while (rest.n > 0) {
        if (slice_eq(slice_until(&rest, '|'), slice_str(text))) {
            return true;
        }
    }
    return false;
}

int
option_set(const struct option_row *row, void *target, const char *text,
           struct err *err)
{
    uint64_t number = 0;
    bool flag = false;

    switch (row->type) {
    case OPTION_BOOL:
        if (!read_bool(text, &flag)) {
            return refuse(row, text, "", err);
        }
        break;
    case OPTION_UINT:
    case OPTION_BYTES:
        if (!read_number(row, text, &number)) {
            return refuse(row, text, "in ", err);
        }
        break;
    case OPTION_CHOICE:
        if (!is_choice(row, text)) {
            return refuse(row, text, "", err);
        }
        break;
    case OPTION_STRING:
        break;
    }
    if (!has_field(row)) {
        return 0;
    }
    if (is_text(row)) {
        char **to = field_of(row, target);

        free(*to);
        *to = xstrdup(text);
    } else if (row->type == OPTION_BOOL) {
        *(bool *)field_of(row, target) = flag;
    } else {
        *(uint64_t *)field_of(row, target) = number;
    }
    return 0;
}

void
option_put(const struct option_row *row, const void *target, struct buf *out)
{
    const char *field = (const char *)target + row->offset;

    if (!has_field(row)) {
        (void)buf_put_str(out, row->fallback);
        return;
    }
    switch (row->type) {
    case OPTION_BOOL:
        (void)buf_put_str(out, *(const bool *)field ? "true" : "false");
        return;
    case OPTION_UINT:
    case OPTION_BYTES:
        put_number(row, *(const uint64_t *)(const void *)field, out);
        return;
    case OPTION_STRING:
    case OPTION_CHOICE:
        (void)buf_put_str(out, *(char *const *)(const void *)field);
        return;
    }
}

int
option_defaults(const struct option_table *table, void *target, struct err *err)
{
    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];

        if (has_field(row) &&
            option_set(row, target, row->fallback, err) != 0) {
            return err_wrap(err, "built-in default");
        }
    }
    return 0;
}

void
option_free(const struct option_table *table, void *target)
{
    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];

        if (has_field(row) && is_text(row)) {
            char **field = field_of(row, target);

            free(*field);
            *field = NULL;
        }
    }
}

const struct option_row *
option_find(const struct option_table *table, const char *name)
{
    for (size_t i = 0; i < table->nrows; i++) {
        if (strcmp(table->rows[i].name, name) == 0) {
            return &table->rows[i];
        }
    }
    return NULL;
}

static size_t
least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* How many letters to insert, drop or change to get from a to b. */
static size_t
distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t row[NAME_MAX_LEN + 1];

    for (size_t j = 0; j <= nb; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t above = row[j];

            row[j] = least(above + 1, row[j - 1] + 1,
                           diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[nb];
}

const struct option_row *
option_closest(const struct option_table *table, const char *name)
{
    const struct option_row *best = NULL;
    size_t n = strlen(name);
    size_t limit = n / 3 + 2;

    for (size_t i = 0; i < table->nrows && n <= NAME_MAX_LEN; i++) {
        const char *other = table->rows[i].name;
        size_t d = distance(name, n, other, strlen(other));

        if (d < limit) {
            limit = d;
            best = &table->rows[i];
        }
    }
    return best;
}
