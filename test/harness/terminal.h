/*
 * terminal: a program on a terminal that the test plays.
 *
 * A pseudo-terminal, and on our side what a VT100 would show: enough of its
 * control sequences for what ncurses sends it with TERM=vt100.
 */
#ifndef FLARE_TEST_HARNESS_TERMINAL_H
#define FLARE_TEST_HARNESS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TERMINAL_LINES = 60, TERMINAL_COLUMNS = 200 };

struct terminal {
    pid_t pid;
    int fd;
    int lines, columns;
    int y, x;  /* the cursor */
    bool wrap; /* it stands behind the last column */
    char screen[TERMINAL_LINES][TERMINAL_COLUMNS + 1];
    char sequence[32]; /* an escape sequence that is not complete yet */
    unsigned nsequence;
    bool coloured; /* it was told to change a colour */
};

/* Start argv (NULL at its end) on a VT100 of this size. */
void terminal_start(struct terminal *t, int lines, int columns,
                    const char *const *argv);

/*
 * The same where TERM says something else; what it shows is not to be trusted
 * then, but whether it is coloured.
 */
void terminal_start_as(struct terminal *t, const char *term,
                       const char *const *argv);

/* As if the user changed the window; the screen is empty until it is drawn. */
void terminal_resize(struct terminal *t, int lines, int columns);

void terminal_type(struct terminal *t, const char *keys);

/* Wait until the screen shows the text; fails, and shows the screen, if not. */
void terminal_wait(struct terminal *t, const char *text);

/* Wait until it does not. */
void terminal_wait_gone(struct terminal *t, const char *text);

/* The number of the line that holds text; -1: none. */
int terminal_line_of(const struct terminal *t, const char *text);

/* Wait for the program's end.  Returns its exit status, or 128 + the signal. */
int terminal_finish(struct terminal *t);

#endif
