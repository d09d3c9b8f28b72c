#include "cli/prompt.h"

#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { INPUT_MAX = 1024 };

static volatile sig_atomic_t interrupted;
static sigset_t waiting; /* the signals that are let in while waiting */

static struct {
    char text[INPUT_MAX];
    size_t n;
} input;

static void
on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void
prompt_init(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigset_t blocked;

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGINT);
    (void)sigaddset(&blocked, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &blocked, &waiting);
    (void)sigdelset(&waiting, SIGINT);
    (void)sigdelset(&waiting, SIGTERM);
}

/* False: an interrupt, an error or the end.  The line's end is dropped. */
static bool
read_line(char *line, size_t size)
{
    struct pollfd p = {STDIN_FILENO, POLLIN, 0};

    for (;;) {
        char *end = memchr(input.text, '\n', input.n);
        size_t n = end != NULL ? (size_t)(end - input.text) : 0;
        ssize_t got;

        if (end != NULL) {
            (void)snprintf(line, size, "%.*s", (int)n, input.text);
            input.n -= n + 1;
            memmove(input.text, end + 1, input.n);
            return true;
        }
        if (input.n == sizeof(input.text)) {
            input.n = 0; /* nobody types such an answer */
        }
        if (interrupted != 0 || ppoll(&p, 1, NULL, &waiting) < 0) {
            return false;
        }
        got = read(STDIN_FILENO, input.text + input.n,
                   sizeof(input.text) - input.n);
        if (got <= 0) {
            return false;
        }
        input.n += (size_t)got;
    }
}

bool
prompt_line(const char *question, char *answer, size_t size)
{
    (void)fputs(question, stderr);
    (void)fflush(stderr);
    if (!read_line(answer, size)) {
        (void)fputc('\n', stderr);
        return false;
    }
    answer[strcspn(answer, "\r")] = '\0';
    for (char *p = answer; *p != '\0'; p++) {
        *p = (char)tolower((unsigned char)*p);
    }
    return true;
}

enum prompt_answer
prompt_yes(const char *question)
{
    char answer[16];

    if (!prompt_line(question, answer, sizeof(answer))) {
        return PROMPT_END;
    }
    return strcmp(answer, "y") == 0 ? PROMPT_YES : PROMPT_NO;
}

bool
prompt_pause(int64_t ms)
{
    struct mono until = mono_after_ms(clock_mono(), ms);

    for (;;) {
        int64_t left = until.ns - clock_mono().ns;
        struct timespec span = {left / 1000000000, left % 1000000000};

        if (interrupted != 0) {
            return false;
        }
        if (left <= 0) {
            return true;
        }
        (void)ppoll(NULL, 0, &span, &waiting);
    }
}

bool
prompt_go_on(void)
{
    struct timespec none = {0, 0};

    (void)ppoll(NULL, 0, &none, &waiting);
    return interrupted == 0;
}

bool
prompt_interrupted(void)
{
    return interrupted != 0;
}

void
prompt_take_interrupt(void)
{
    interrupted = 0;
}
