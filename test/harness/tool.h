/*
 * tool: run a program to its end with its output caught.
 */
#ifndef FLARE_TEST_HARNESS_TOOL_H
#define FLARE_TEST_HARNESS_TOOL_H

#include <stdint.h>

#include "base/buf.h"

struct tool {
    int status; /* exit status, or 128 + the signal */
    char *out;  /* standard output, with a NUL */
    char *err;  /* standard error, likewise */
};

/*
 * Run argv (NULL at its end) with `input` on standard input.  Fails the test
 * after ms.  Free the result with tool_fini().
 */
void tool_run(struct tool *t, const char *input, int64_t ms,
              const char *const *argv);

/* The same with the program and its arguments one after the other. */
#define TOOL_RUN(t, input, ...)                                                \
    tool_run(t, input, WAIT_MS, (const char *const[]){__VA_ARGS__, NULL})

void tool_fini(struct tool *t);

/* The path of one of our programs in the build folder.  Never freed. */
const char *tool_path(const char *program);

#endif
