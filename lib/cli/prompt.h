/*
 * prompt: questions, pauses, and Ctrl-C only where it is expected.
 *
 * After prompt_init() an interrupt is noticed at questions and in pauses only;
 * what talks to a server is finished first.
 */
#ifndef FLARE_CLI_PROMPT_H
#define FLARE_CLI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once, at the start. */
void prompt_init(void);

/*
 * Print the question to standard error and read a line, in lower case and
 * without its end, into answer.  False: end of input or an interrupt.
 */
bool prompt_line(const char *question, char *answer, size_t size);

enum prompt_answer {
    PROMPT_YES, /* exactly y */
    PROMPT_NO,  /* anything else */
    PROMPT_END, /* nobody answers: end of input, or an interrupt */
};

enum prompt_answer prompt_yes(const char *question);

/* Wait.  False: an interrupt ended it. */
bool prompt_pause(int64_t ms);

/* Let an interrupt in without waiting; false: there was one. */
bool prompt_go_on(void);

/* Was there an interrupt?  It is remembered until it is taken. */
bool prompt_interrupted(void);
void prompt_take_interrupt(void);

#endif
