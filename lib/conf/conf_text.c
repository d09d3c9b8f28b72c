#include "conf/conf_text.h"

#include <string.h>

enum { LINE_WIDTH = 78 };

void
conf_text_wrap(struct buf *out, const char *indent, const char *text,
               size_t width)
{
    struct slice rest = slice_str(text);
    struct slice word = slice_word(&rest);
    size_t used = 0;

    while (word.n > 0) {
        if (used > 0 && used + 1 + word.n > width) {
            (void)buf_put_str(out, "\n");
            used = 0;
        }
        if (used == 0) {
            (void)buf_put_str(out, indent);
            used = strlen(indent);
        } else {
            (void)buf_put_str(out, " ");
            used++;
        }
        (void)buf_put_slice(out, word);
        used += word.n;
        word = slice_word(&rest);
    }
    (void)buf_put_str(out, "\n");
}

/* Begin another fact: they are parted by semicolons. */
static void
next_fact(struct buf *out, bool *first, const char *text)
{
    (void)buf_put_str(out, *first ? " " : "; ");
    (void)buf_put_str(out, text);
    *first = false;
}

/* "Allowed: ...; default: ...; read again at SIGHUP." */
static void
put_facts(const struct option_row *row, struct buf *out)
{
    bool first = true;

    if (row->type != OPTION_STRING) {
        next_fact(out, &first, "Allowed: ");
        option_put_allowed(row, out);
    }
    if (row->type == OPTION_BYTES) {
        (void)buf_put_str(out, ", also with k, m or g");
    }
    if (row->fallback[0] != '\0') {
        next_fact(out, &first, first ? "Default: " : "default: ");
        (void)buf_put_str(out, row->fallback);
    }
    if ((row->flags & OPTION_REQUIRED) != 0) {
        next_fact(out, &first, first ? "Required" : "required");
    }
    if ((row->flags & OPTION_RELOADABLE) != 0) {
        next_fact(out, &first,
                  first ? "Read again at SIGHUP" : "read again at SIGHUP");
    }
    (void)buf_put_str(out, first ? "" : ".");
    (void)buf_put(out, "", 1);
}

static void
put_description(const struct option_row *row, const char *indent,
                struct buf *out)
{
    struct buf text = {0};

    (void)buf_put_str(&text, row->help);
    put_facts(row, &text);
    conf_text_wrap(out, indent, buf_slice(&text).p, LINE_WIDTH);
    buf_fini(&text);
}

void
conf_text_help(const struct conf_spec *spec, struct buf *out)
{
    (void)buf_printf(out, "Usage: %s [OPTION]...\n\n", spec->program);
    conf_text_wrap(out, "", spec->summary, LINE_WIDTH);
    (void)buf_put_str(out, "\nOptions; all but those marked * may also stand "
                           "in the file, as name = value:\n");
    for (size_t i = 0; i < spec->table.nrows; i++) {
        const struct option_row *row = &spec->table.rows[i];
        bool only_here = (row->flags & OPTION_COMMAND_LINE) != 0;

        (void)buf_printf(out, "\n%c ", only_here ? '*' : ' ');
        if (row->letter != '\0') {
            (void)buf_printf(out, "-%c, ", row->letter);
        }
        (void)buf_printf(out, "--%s%s\n", row->name,
                         row->type == OPTION_BOOL ? "" : "=VALUE");
        if (only_here && row->type == OPTION_BOOL) {
            conf_text_wrap(out, "        ", row->help, LINE_WIDTH);
        } else {
            put_description(row, "        ", out);
        }
    }
}

static void
put_sample(const struct option_row *row, struct buf *out)
{
    if (row->example != NULL) {
        (void)buf_printf(out, "%s = %s\n", row->name, row->example);
    } else {
        (void)buf_printf(out, "#%s =%s%s\n", row->name,
                         row->fallback[0] != '\0' ? " " : "", row->fallback);
    }
}

void
conf_text_template(const struct conf_spec *spec, struct buf *out)
{
    bool has_ignored = false;

    (void)buf_printf(out,
                     "# Options of %s, one \"name = value\" a line.\n"
                     "# A # starts a comment.  The lines that are commented "
                     "out show the defaults.\n",
                     spec->program);
    for (size_t i = 0; i < spec->table.nrows; i++) {
        const struct option_row *row = &spec->table.rows[i];

        if ((row->flags & OPTION_IGNORED) != 0) {
            has_ignored = true;
        } else if ((row->flags & OPTION_COMMAND_LINE) == 0) {
            (void)buf_put_str(out, "\n");
            put_description(row, "# ", out);
            put_sample(row, out);
        }
    }
    (void)buf_put_str(out, has_ignored ? "\n# Options of flare 1.3.4 that are "
                                         "accepted and have no effect:\n"
                                       : "");
    for (size_t i = 0; i < spec->table.nrows; i++) {
        if ((spec->table.rows[i].flags & OPTION_IGNORED) != 0) {
            put_sample(&spec->table.rows[i], out);
        }
    }
}

/* A minus sign that can be copied, and no line that begins a request. */
static void
put_man_text(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        (void)(*text == '-' || *text == '\\'
                   ? buf_printf(out, "\\%s", *text == '-' ? "-" : "e")
                   : buf_put(out, text, 1));
    }
}

static void
put_man_entry(const struct option_row *row, struct buf *out)
{
    struct buf facts = {0};

    (void)buf_put_str(out, ".TP\n");
    if (row->letter != '\0') {
        (void)buf_printf(out, "\\fB\\-%c\\fR, ", row->letter);
    }
    (void)buf_put_str(out, "\\fB\\-\\-");
    put_man_text(row->name, out);
    (void)buf_put_str(out, row->type == OPTION_BOOL ? "\\fR\n"
                                                    : "\\fR=\\fIvalue\\fR\n");
    put_man_text(row->help, out);
    put_facts(row, &facts);
    (void)buf_put_str(out, "\n");
    if (facts.base != NULL && buf_len(&facts) > 1 &&
        (row->flags & OPTION_IGNORED) == 0 &&
        ((row->flags & OPTION_COMMAND_LINE) == 0 || row->type != OPTION_BOOL)) {
        put_man_text(buf_slice(&facts).p + 1, out);
        (void)buf_put_str(out, "\n");
    }
    buf_fini(&facts);
}

void
conf_text_man(const struct conf_spec *spec, struct buf *out)
{
    bool first = true;

    for (size_t i = 0; i < spec->table.nrows; i++) {
        if ((spec->table.rows[i].flags & OPTION_IGNORED) == 0) {
            put_man_entry(&spec->table.rows[i], out);
        }
    }
    (void)buf_put_str(out, ".PP\nOptions of flare 1.3.4 that are accepted, "
                           "with a line in the log, and have no effect:\n");
    for (size_t i = 0; i < spec->table.nrows; i++) {
        if ((spec->table.rows[i].flags & OPTION_IGNORED) != 0) {
            (void)buf_put_str(out, first ? "" : ",\n");
            put_man_text(spec->table.rows[i].name, out);
            first = false;
        }
    }
    (void)buf_put_str(out, ".\n");
}

void
conf_text_show(const struct conf *conf, struct buf *out)
{
    static const char *const origin[] = {"", "  # from the file",
                                         "  # from the command line"};
    const struct option_table *table = &conf->spec->table;

    for (size_t i = 0; i < table->nrows; i++) {
        const struct option_row *row = &table->rows[i];

        if ((row->flags & (OPTION_COMMAND_LINE | OPTION_IGNORED)) != 0) {
            continue;
        }
        (void)buf_printf(out, "%s = ", row->name);
        option_put(row, conf->target, out);
        (void)buf_printf(out, "%s\n", origin[conf->source[i]]);
    }
}
