/*
 * output: where a tool's words go.
 *
 * Three channels: the log (standard output, or a file with time stamps),
 * standard output itself for tables that were asked for, and standard error
 * for progress and questions.  Every line leaves at once, so that the order on
 * a terminal is the order of the program.
 */
#ifndef FLARE_CLI_OUTPUT_H
#define FLARE_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/slice.h"

struct output {
    const char *program; /* stands in the lines of a log file */
    FILE *file;          /* NULL: the log is standard output */
    bool aside;          /* ... or standard error: the result is for programs */
};

/*
 * path NULL: log to standard output.  ERR_CONFIG, ERR_IO: it is no file that
 * can be appended to.
 */
int output_open(struct output *out, const char *program, const char *path,
                struct err *err);
void output_close(struct output *out);

/* A line of the log. */
void output_info(struct output *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void output_warn(struct output *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void output_error(struct output *out, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Text as it is, to standard output. */
void output_text(struct slice text);

/* A line to standard error. */
void output_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
