/*
 * option: configuration described once, as data.
 *
 * One row is the only place an option is declared: the file parser, the
 * command line, --help, the manual page, the sample file and --show-config all
 * read it.  What an option sets is a field of a struct of the program's own.
 */
#ifndef FLARE_CONF_OPTION_H
#define FLARE_CONF_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum option_type {
    OPTION_BOOL,   /* bool */
    OPTION_UINT,   /* uint64_t */
    OPTION_BYTES,  /* uint64_t; the text may end in k, m or g */
    OPTION_STRING, /* char *, owned by the target, never NULL */
    OPTION_CHOICE, /* as OPTION_STRING, one of choices */
};

enum option_flags {
    OPTION_RELOADABLE = 1 << 0,   /* takes effect at SIGHUP */
    OPTION_COMMAND_LINE = 1 << 1, /* refused in the file */
    OPTION_REQUIRED = 1 << 2,     /* a string that may not stay empty */
    OPTION_IGNORED = 1 << 3, /* known to flare 1.3.4; no field, no effect */
};

struct option_row {
    const char *name;
    char letter; /* short form, or 0 */
    enum option_type type;
    unsigned flags;
    size_t offset;        /* of the field in the target */
    uint64_t min, max;    /* OPTION_UINT, OPTION_BYTES */
    const char *choices;  /* OPTION_CHOICE: "async|sync" */
    const char *fallback; /* default, in the syntax of the file */
    const char *unit;     /* "milliseconds", ... or NULL */
    const char *example;  /* set to this in the sample file, or NULL */
    const char *help;     /* a sentence or two */
};

struct option_table {
    const struct option_row *rows;
    size_t nrows;
};

/*
 * Set one option from text.  Strings are copied; the target owns the copy.
 * ERR_CONFIG names the option, the value and what is allowed; the field is
 * left alone then.  The value of an OPTION_IGNORED is checked and dropped.
 */
int option_set(const struct option_row *row, void *target, const char *text,
               struct err *err);

/* The present value, in the syntax of the file, appended to *out. */
void option_put(const struct option_row *row, const void *target,
                struct buf *out);

/* Set every option of a zeroed target to its default. */
int option_defaults(const struct option_table *table, void *target,
                    struct err *err);

/* Release the strings of a target, half-filled ones included. */
void option_free(const struct option_table *table, void *target);

/* By name, or NULL. */
const struct option_row *option_find(const struct option_table *table,
                                     const char *name);

/* The row whose name looks most like an unknown one, or NULL. */
const struct option_row *option_closest(const struct option_table *table,
                                        const char *name);

/* What values an option takes, as words: "1..64 threads", "async or sync". */
void option_put_allowed(const struct option_row *row, struct buf *out);

#endif
