#include "cli/subcommand.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_WIDTH = 32, LINE_WIDTH = 78 };

const struct subcommand *
subcommand_find(const struct subcommand *const *list, const char *name)
{
    for (; *list != NULL; list++) {
        if (strcmp((*list)->name, name) == 0) {
            return *list;
        }
    }
    return NULL;
}

int
subcommand_misuse(const struct subcommand *sub)
{
    return (sub->flags & SUB_CLASSIC) != 0 ? 1 : 2;
}

void
subcommand_put_options(const struct subcommand *sub, struct buf *out)
{
    for (size_t i = 0; i < sub->options.nrows; i++) {
        const struct option_row *row = &sub->options.rows[i];
        char left[80];
        char letter[5] = "    ";

        if (row->letter != '\0') {
            (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
        }
        (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->name,
                       row->unit != NULL ? "=" : "",
                       row->unit != NULL ? row->unit : "");
        if (strlen(left) > OPTION_WIDTH) {
            (void)buf_printf(out, "    %s\n%*s%s\n", left, OPTION_WIDTH + 5, "",
                             row->help);
        } else {
            (void)buf_printf(out, "    %-*s %s\n", OPTION_WIDTH, left,
                             row->help);
        }
    }
}

/* Words in lines of at most LINE_WIDTH. */
static void
put_filled(struct buf *out, const char *text)
{
    struct slice rest = slice_str(text);
    size_t at = 0;

    for (;;) {
        struct slice word = slice_word(&rest);

        if (word.n == 0) {
            break;
        }
        if (at > 0 && at + 1 + word.n > LINE_WIDTH) {
            (void)buf_put_str(out, "\n");
            at = 0;
        }
        (void)(buf_put_str(out, at > 0 ? " " : "") && buf_put_slice(out, word));
        at += word.n + (at > 0);
    }
    (void)buf_put_str(out, "\n");
}

/* The lines of a text, each behind `before`. */
static void
put_lines(struct buf *out, const char *before, const char *text,
          const char *after)
{
    struct slice rest = slice_str(text);

    while (rest.n > 0) {
        struct slice line = slice_until(&rest, '\n');

        (void)buf_printf(out, "%s%.*s%s\n", before, (int)line.n, line.p, after);
    }
}

static const char *
failure_of(const struct subcommand *sub)
{
    return sub->status != NULL ? sub->status : "it failed";
}

void
subcommand_put_help(const struct subcommand *sub, const char *command,
                    struct buf *out)
{
    (void)buf_printf(out, "Flare-tools version %s\nUsage: %s [options]%s%s\n",
                     PACKAGE_VERSION, command, sub->usage[0] != '\0' ? " " : "",
                     sub->usage);
    subcommand_put_options(sub, out);
    if (sub->about != NULL) {
        (void)buf_put_str(out, "\n");
        put_filled(out, sub->about);
    }
    if (sub->example != NULL) {
        (void)buf_put_str(out, "\nExample:\n");
        put_lines(out, "    ", sub->example, "");
    }
    (void)buf_printf(out, "\nExit status: 0 done, 1 %s%s.\n", failure_of(sub),
                     subcommand_misuse(sub) == 1
                         ? " or wrong usage (this help included)"
                         : ", 2 wrong usage");
}

void
subcommand_put_list(const struct subcommand *const *list, const char *program,
                    struct buf *out)
{
    (void)buf_put_str(out, "subcommands:\n");
    for (; *list != NULL; list++) {
        (void)buf_printf(out, "[%s] %s\n  Usage: %s %s %s\n\n", (*list)->name,
                         (*list)->summary, program, (*list)->name,
                         (*list)->usage);
    }
    (void)buf_printf(out, "%s SUBCOMMAND --help tells more.\n", program);
}

/* --- the manual page ------------------------------------------------------ */

static void
put_troff(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'') {
        (void)buf_put_str(out, "\\&");
    }
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == '\\') {
            (void)buf_put_str(out, *text == '-' ? "\\-" : "\\e");
        } else {
            (void)buf_put(out, text, 1);
        }
    }
}

static void
put_option_manual(const struct option_row *row, struct buf *out)
{
    (void)buf_put_str(out, ".TP\n\\fB");
    if (row->letter != '\0') {
        (void)buf_printf(out, "\\-%c\\fR, \\fB", row->letter);
    }
    (void)buf_put_str(out, "\\-\\-");
    put_troff(out, row->name);
    (void)buf_put_str(out, "\\fR");
    if (row->unit != NULL) {
        (void)buf_put_str(out, "=\\fI");
        put_troff(out, row->unit);
        (void)buf_put_str(out, "\\fR");
    }
    (void)buf_put_str(out, "\n");
    put_troff(out, row->help);
    (void)buf_put_str(out, "\n");
}

/* NULL: described with this subcommand; otherwise with all others. */
static bool
is_common(const struct option_table *common, const struct option_row *row)
{
    const struct option_row *other = option_find(common, row->name);

    return other != NULL && strcmp(other->help, row->help) == 0;
}

static void
put_options_manual(const struct subcommand *sub,
                   const struct option_table *common, struct buf *out)
{
    bool any = false;

    for (size_t i = 0; i < sub->options.nrows; i++) {
        const struct option_row *row = &sub->options.rows[i];

        if (!is_common(common, row)) {
            (void)buf_put_str(out, any ? "" : ".RS\n");
            put_option_manual(row, out);
            any = true;
        }
    }
    (void)buf_put_str(out, any ? ".RE\n" : "");
}

static void
put_example_manual(const struct subcommand *sub, struct buf *out)
{
    struct slice rest = slice_str(sub->example);
    char line[256];

    (void)buf_put_str(out, ".IP\n.nf\n");
    while (rest.n > 0) {
        struct slice one = slice_until(&rest, '\n');

        (void)snprintf(line, sizeof(line), "%.*s", (int)one.n, one.p);
        put_troff(out, line);
        (void)buf_put_str(out, "\n");
    }
    (void)buf_put_str(out, ".fi\n");
}

void
subcommand_put_manual(const struct subcommand *const *list,
                      const struct option_table *common, struct buf *out)
{
    for (; *list != NULL; list++) {
        const struct subcommand *sub = *list;

        (void)buf_put_str(out, ".TP\n\\fB");
        put_troff(out, sub->name);
        (void)buf_put_str(out, "\\fR \\fI");
        put_troff(out, sub->usage);
        (void)buf_put_str(out, "\\fR\n");
        put_troff(out, sub->about != NULL ? sub->about : sub->summary);
        (void)buf_put_str(out, "\n");
        if (sub->status != NULL) {
            (void)buf_put_str(out, "Status 1: ");
            put_troff(out, sub->status);
            (void)buf_put_str(out, ".\n");
        }
        put_options_manual(sub, common, out);
        if (sub->example != NULL) {
            put_example_manual(sub, out);
        }
    }
}

void
subcommand_put_options_manual(const struct option_table *options,
                              struct buf *out)
{
    for (size_t i = 0; i < options->nrows; i++) {
        put_option_manual(&options->rows[i], out);
    }
}
