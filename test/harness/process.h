/*
 * process: a child with its output in a file, that dies with the test.
 *
 * Zeroed storage is a process that is not running.  Whatever goes wrong fails
 * the test with the last lines of the child's output.
 */
#ifndef FLARE_TEST_HARNESS_PROCESS_H
#define FLARE_TEST_HARNESS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process {
    pid_t pid; /* 0: not running */
    int pidfd;
    int ready; /* reads what the child writes to its --ready-fd */
    char name[32];
    char log[256]; /* standard output and error are appended here */
    char host[256];
    uint16_t port; /* where it listens, once it is ready */
};

/* argv without "--ready-fd N"; it is added when ready is true. */
void process_start(struct process *p, const char *name, const char *log,
                   const char *const *argv, bool ready);

/* Wait for the ready notice and take host and port from it. */
void process_wait_ready(struct process *p);

/* The same for one that may fail to start: false when it has ended. */
bool process_became_ready(struct process *p);

/* SIGSTOP: come back when all its threads have stopped. */
void process_signal(const struct process *p, int sig);

/* Wait for its end.  Returns the exit status, or 128 + the signal. */
int process_wait(struct process *p, int64_t ms);

/* SIGTERM; fails unless it ends with 0 and no sanitizer complained. */
void process_stop(struct process *p);

/* SIGKILL, and wait. */
void process_kill(struct process *p);

/* Show the end of its log on standard error. */
void process_show_log(const struct process *p);

/* Does its log hold these words? */
bool process_log_has(const struct process *p, const char *words);

#endif
