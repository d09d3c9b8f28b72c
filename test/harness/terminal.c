#include "test/harness/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "test/harness/wait.h"
#include "test/unit/test.h"

/* --- what a VT100 does ------------------------------------------------------
 */

static void
clear(struct terminal *t)
{
    for (int y = 0; y < TERMINAL_LINES; y++) {
        memset(t->screen[y], ' ', TERMINAL_COLUMNS);
        t->screen[y][t->columns] = '\0';
    }
}

static void
line_feed(struct terminal *t)
{
    if (t->y + 1 < t->lines) {
        t->y++;
        return;
    }
    memmove(t->screen[0], t->screen[1],
            sizeof(t->screen[0]) * (size_t)(t->lines - 1));
    memset(t->screen[t->y], ' ', (size_t)t->columns);
}

static void
put_char(struct terminal *t, char c)
{
    if (t->wrap) {
        t->x = 0;
        line_feed(t);
        t->wrap = false;
    }
    t->screen[t->y][t->x] = c;
    if (t->x + 1 < t->columns) {
        t->x++;
    } else {
        t->wrap = true;
    }
}

static int
within(int value, int end)
{
    return value < 0 ? 0 : (value < end ? value : end - 1);
}

static void
move(struct terminal *t, int y, int x)
{
    t->y = within(y, t->lines);
    t->x = within(x, t->columns);
    t->wrap = false;
}

/* ESC [ a ; b FINAL */
static void
obey(struct terminal *t, char final, int a, int b)
{
    int n = a > 0 ? a : 1;
    char *line = t->screen[t->y];

    switch (final) {
    case 'H':
        move(t, n - 1, (b > 0 ? b : 1) - 1);
        break;
    case 'A':
        move(t, t->y - n, t->x);
        break;
    case 'B':
        move(t, t->y + n, t->x);
        break;
    case 'C':
        move(t, t->y, t->x + n);
        break;
    case 'D':
        move(t, t->y, t->x - n);
        break;
    case 'K':
        if (a == 1) {
            memset(line, ' ', (size_t)t->x + 1);
        } else {
            memset(line + t->x, ' ', (size_t)(t->columns - t->x));
        }
        break;
    case 'J':
        memset(line + t->x, ' ', (size_t)(t->columns - t->x));
        for (int y = t->y + 1; y < t->lines; y++) {
            memset(t->screen[y], ' ', (size_t)t->columns);
        }
        break;
    case 'm':
        t->coloured = t->coloured || (a >= 30 && a < 50);
        break;
    default:
        break; /* modes and the like */
    }
}

static bool
is_complete(const struct terminal *t)
{
    char last = t->sequence[t->nsequence - 1];

    if (t->nsequence < 2) {
        return false;
    }
    switch (t->sequence[1]) {
    case '[':
        return t->nsequence > 2 && last >= '@';
    case '(':
    case ')':
    case '#':
        return t->nsequence == 3;
    default:
        return true;
    }
}

static void
take_escape(struct terminal *t, char c)
{
    char *second;
    long a, b;

    assert_true(t->nsequence + 1 < sizeof(t->sequence));
    t->sequence[t->nsequence++] = c;
    t->sequence[t->nsequence] = '\0';
    if (!is_complete(t)) {
        return;
    }
    t->nsequence = 0;
    if (t->sequence[1] == '[') {
        a = strtol(t->sequence + 2, &second, 10);
        b = *second == ';' ? strtol(second + 1, NULL, 10) : 0;
        obey(t, c, (int)a, (int)b);
    } else if (t->sequence[1] == 'M' && t->y > 0) {
        t->y--;
    }
}

static void
take(struct terminal *t, char c)
{
    if (t->nsequence > 0 || c == '\033') {
        take_escape(t, c);
    } else if (c == '\r') {
        move(t, t->y, 0);
    } else if (c == '\n') {
        t->wrap = false;
        line_feed(t);
    } else if (c == '\b') {
        move(t, t->y, t->x - 1);
    } else if ((unsigned char)c >= ' ') {
        put_char(t, c);
    }
}

/* --- the program ------------------------------------------------------------
 */

static struct winsize
size_of(const struct terminal *t)
{
    return (struct winsize){.ws_row = (unsigned short)t->lines,
                            .ws_col = (unsigned short)t->columns};
}

static void
start(struct terminal *t, const char *term, const char *const *argv)
{
    struct winsize size = size_of(t);

    clear(t);
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setenv("TERM", term, 1);
        (void)setenv("LC_ALL", "C", 1);
        (void)execvp(argv[0], (char *const *)(const void *)argv);
        perror(argv[0]);
        _exit(127);
    }
    (void)fcntl(t->fd, F_SETFD, FD_CLOEXEC);
}

void
terminal_start(struct terminal *t, int lines, int columns,
               const char *const *argv)
{
    *t = (struct terminal){.lines = lines, .columns = columns};
    start(t, "vt100", argv);
}

void
terminal_start_as(struct terminal *t, const char *term, const char *const *argv)
{
    *t = (struct terminal){.lines = 24, .columns = 80};
    start(t, term, argv);
}

void
terminal_resize(struct terminal *t, int lines, int columns)
{
    struct winsize size;

    t->lines = lines;
    t->columns = columns;
    clear(t);
    move(t, 0, 0);
    size = size_of(t);
    assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &size), 0);
}

void
terminal_type(struct terminal *t, const char *keys)
{
    assert_int_equal(write(t->fd, keys, strlen(keys)), strlen(keys));
}

/* Show what has come within ms; false: the program has closed its end. */
static bool
listen(struct terminal *t, int64_t ms)
{
    struct pollfd fd = {t->fd, POLLIN, 0};
    char text[4096];
    ssize_t n;

    if (poll(&fd, 1, (int)ms) <= 0) {
        return true;
    }
    n = read(t->fd, text, sizeof(text));
    for (ssize_t i = 0; i < n; i++) {
        take(t, text[i]);
    }
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

int
terminal_line_of(const struct terminal *t, const char *text)
{
    for (int y = 0; y < t->lines; y++) {
        if (strstr(t->screen[y], text) != NULL) {
            return y;
        }
    }
    return -1;
}

static void
fail_with_screen(const struct terminal *t, const char *what, const char *text)
{
    for (int y = 0; y < t->lines; y++) {
        print_error("|%s|\n", t->screen[y]);
    }
    fail_msg("the screen %s \"%s\"", what, text);
}

static void
wait_until(struct terminal *t, const char *text, bool there)
{
    struct mono end = mono_after_ms(clock_mono(), WAIT_MS);
    bool open = true;

    while ((terminal_line_of(t, text) >= 0) != there) {
        int64_t left = mono_ms_between(clock_mono(), end);

        if (left <= 0 || !open) {
            fail_with_screen(t, there ? "does not show" : "still shows", text);
        }
        open = listen(t, left);
    }
}

void
terminal_wait(struct terminal *t, const char *text)
{
    wait_until(t, text, true);
}

void
terminal_wait_gone(struct terminal *t, const char *text)
{
    wait_until(t, text, false);
}

int
terminal_finish(struct terminal *t)
{
    struct mono end = mono_after_ms(clock_mono(), WAIT_MS);
    int status;

    while (listen(t, mono_ms_between(clock_mono(), end))) {
        if (mono_reached(end, clock_mono())) {
            fail_with_screen(t, "is still held by", "the program");
        }
    }
    (void)close(t->fd);
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    t->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
